/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed domains, and md.json.
 */
#include "plan/domain.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "plan/due.h"

/* Older versions had one for certificates that are there, but expired. */
enum { STATE_EXPIRED = 3 };

/** Lowercase, each once. Configurations have few names, but md.json is an outside document and may hold many.
 */
static md_names *distinct(const md_names *names, apr_pool_t *p)
{
    md_names *out = apr_array_make(p, names->nelts, sizeof(const char *));
    apr_pool_t *scratch;
    apr_hash_t *seen;

    apr_pool_create(&scratch, p);
    seen = apr_hash_make(scratch);
    for (int i = 0; i < names->nelts; ++i) {
        const char *name = md_name_text(MD_NAME(names, i), p);

        if (apr_hash_get(seen, name, APR_HASH_KEY_STRING))
            continue;
        apr_hash_set(seen, name, APR_HASH_KEY_STRING, name);
        md_names_add(out, name);
    }
    apr_pool_destroy(scratch);
    return out;
}

md_domain *md_domain_declare(const md_names *names, apr_pool_t *p)
{
    md_domain *domain = apr_pcalloc(p, sizeof(*domain));

    domain->names = distinct(names, p);
    domain->name = MD_NAME(domain->names, 0);
    domain->contacts = apr_array_make(p, 0, sizeof(const char *));
    domain->acme_tls_names = apr_array_make(p, 0, sizeof(const char *));
    return domain;
}

md_domain *md_domain_make(const md_names *names, apr_pool_t *p)
{
    md_domain *domain = md_domain_declare(names, p);

    md_policy_defaults(&domain->policy, p);
    return domain;
}

const char *md_domain_name_reason(const char *name)
{
    if (!*name)
        return "it is empty";
    if (md_is_address(name))
        return NULL;
    if (strlen(name) > 253)
        return "it is longer than 253 characters";
    if (name[0] == '.')
        return "it begins with a dot";
    if (strpbrk(name, ",;"))
        return "names are separated by blanks";
    if (strstr(name, ".."))
        return "it has an empty part between two dots";
    for (const char *at = name; *at; ++at) {
        if (*at & 0x80)
            return "write it in letters of ASCII, as in xn--mnchen-3ya.example";
        if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr("/\\:\"'<>|?", *at))
            return "it has characters that are not possible in a host name";
    }
    if (strchr(md_is_wildcard(name) ? name + 1 : name, '*'))
        return "a wildcard is possible only as the first part, as in *.example.org";
    return NULL;
}

const char *md_domain_place(const md_domain *domain, apr_pool_t *p)
{
    return domain->file ? apr_psprintf(p, "%s, line %u", domain->file, domain->line) : "the store";
}

int md_domain_covers(const md_domain *domain, const char *name)
{
    for (int i = 0; i < domain->names->nelts; ++i)
        if (md_name_matches(MD_NAME(domain->names, i), name))
            return 1;
    return 0;
}

static int covered_by_other(const md_names *wildcards, const char *name)
{
    for (int i = 0; i < wildcards->nelts; ++i)
        if (strcmp(MD_NAME(wildcards, i), name) && md_name_matches(MD_NAME(wildcards, i), name))
            return 1;
    return 0;
}

md_names *md_domain_order_names(const md_domain *domain, apr_pool_t *p)
{
    md_names *wildcards = md_names_make(p), *names = md_names_make(p);

    for (int i = 0; i < domain->names->nelts; ++i)
        if (md_is_wildcard(MD_NAME(domain->names, i)))
            md_names_add(wildcards, MD_NAME(domain->names, i));
    for (int i = 0; i < domain->names->nelts; ++i)
        if (!covered_by_other(wildcards, MD_NAME(domain->names, i)))
            md_names_add(names, MD_NAME(domain->names, i));
    return names;
}

const char *md_contact_uri(const char *contact, apr_pool_t *p)
{
    size_t scheme = strspn(contact, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    return scheme && contact[scheme] == ':' ? contact : apr_pstrcat(p, "mailto:", contact, NULL);
}

int md_domain_is_static(const md_domain *domain)
{
    return domain->policy.cert_files.list && domain->policy.cert_files.list->nelts > 0;
}

int md_domain_renews(const md_domain *domain)
{
    switch (domain->policy.renew_mode) {
    case MD_RENEW_MANUAL: return 0;
    case MD_RENEW_ALWAYS: return 1;
    default: return domain->used && !md_domain_is_static(domain);
    }
}

const char *md_domain_ca_url(const md_domain *domain)
{
    const md_names *urls = domain->policy.ca_urls.list;

    return urls && urls->nelts ? MD_NAME(urls, 0) : md_field_rows[MD_FIELD_ca_urls].otherwise;
}

/** A copy of `doc` with its members in the order that readers of the store know; others follow. */
static json_t *in_order(json_t *doc, apr_pool_t *p)
{
    static const char *const paths[] = {
        "name",           "domains",      "contacts",     "transitive",        "ca.account",   "ca.proto",
        "ca.url",         "ca.urls",      "ca.agreement", "ca.challenges",     "privkey",      "state",
        "renew-mode",     "renew-window", "warn-window",  "require-https",     "must-staple",  "proto",
        "cert-files",     "pkey-files",   "stapling",     "cmd-dns-01",        "proxy-url",    "ca-certs",
        "proxy-ca-certs", "eab",          "profile",      "profile-mandatory", "ari-renewals",
    };
    json_t *out = md_json_object(p);

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i) {
        const json_t *value = md_json_at(doc, paths[i]);

        if (value)
            md_json_set(out, paths[i], json_incref((json_t *)value));
    }
    json_object_update_missing(out, doc);
    return out;
}

/** Settings that are looked up where they are used unless the domain has its own. */
static void drop_inherited(const md_domain *domain, json_t *doc)
{
    static const md_field_id ids[] = { MD_FIELD_dns01_cmd, MD_FIELD_proxy_url, MD_FIELD_ca_file,
                                       MD_FIELD_proxy_ca_file };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); ++i)
        if (!(domain->own & MD_SET_BIT(ids[i])))
            md_json_set(doc, md_field_rows[ids[i]].json_key, NULL);
}

json_t *md_domain_to_json(const md_domain *domain, int state, apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_policy_to_json(&domain->policy, doc, p);
    drop_inherited(domain, doc);
    md_json_set_text(doc, "name", domain->name);
    md_json_set_names(doc, "domains", domain->names);
    md_json_set_names(doc, "contacts", domain->contacts);
    md_json_set_text(doc, "ca.account", domain->ca_account);
    md_json_set_text(doc, "ca.url", domain->ca_url);
    md_json_set_int(doc, "state", state);
    md_json_set_names(doc, "proto.acme-tls/1", domain->acme_tls_names);
    return in_order(doc, p);
}

static md_names *names_or_empty(const json_t *doc, const char *path, apr_pool_t *p)
{
    md_names *names = md_json_names(doc, path, p);

    return names ? names : apr_array_make(p, 0, sizeof(const char *));
}

int md_domain_state_in(const json_t *doc)
{
    const json_int_t state = md_json_int(doc, "state", MD_STATE_UNKNOWN);

    if (state == STATE_EXPIRED)
        return MD_STATE_COMPLETE;
    return state < 0 || state > MD_STATE_MISSING_INFORMATION ? MD_STATE_UNKNOWN : (int)state;
}

md_domain *md_domain_from_json(const json_t *doc, apr_pool_t *p)
{
    const char *name = md_json_text(doc, "name");
    md_names *names = names_or_empty(doc, "domains", p);
    md_domain *domain;

    if (!name || !*name)
        return NULL;
    if (!names->nelts)
        md_names_add(names, name);
    domain = md_domain_declare(names, p);
    domain->name = apr_pstrdup(p, name);
    domain->contacts = names_or_empty(doc, "contacts", p);
    domain->acme_tls_names = names_or_empty(doc, "proto.acme-tls/1", p);
    domain->ca_url = apr_pstrdup(p, md_json_text(doc, "ca.url"));
    domain->ca_account = apr_pstrdup(p, md_json_text(doc, "ca.account"));
    domain->stored_state = md_domain_state_in(doc);
    md_policy_from_json(&domain->policy, doc, p);
    if (!md_is_set(&domain->policy, MD_FIELD_ca_urls) && domain->ca_url)
        md_field_read_text(&md_field_rows[MD_FIELD_ca_urls], domain->ca_url, &domain->policy, p);
    domain->own = domain->policy.set;
    md_policy_defaults(&domain->policy, p);
    return domain;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed domains, and md.json.
 */
#include "plan/domain.h"

#include <apr_strings.h>
#include <string.h>

const char *const md_default_ca_url = "https://acme-v02.api.letsencrypt.org/directory";

md_domain *md_domain_make(const md_names *names, apr_pool_t *p)
{
    md_domain *domain = apr_pcalloc(p, sizeof(*domain));

    domain->names = apr_array_make(p, names->nelts, sizeof(const char *));
    for (int i = 0; i < names->nelts; ++i)
        md_names_add_new(domain->names, md_lower(MD_NAME(names, i), p));
    domain->name = MD_NAME(domain->names, 0);
    domain->contacts = md_names_make(p);
    domain->acme_tls_names = md_names_make(p);
    md_policy_defaults(&domain->policy, p);
    return domain;
}

int md_domain_covers(const md_domain *domain, const char *name)
{
    for (int i = 0; i < domain->names->nelts; ++i)
        if (md_name_matches(MD_NAME(domain->names, i), name))
            return 1;
    return 0;
}

static int covered_by_wildcard(const md_names *names, const char *name)
{
    for (int i = 0; i < names->nelts; ++i)
        if (md_is_wildcard(MD_NAME(names, i)) && strcmp(MD_NAME(names, i), name) != 0 &&
            md_name_matches(MD_NAME(names, i), name))
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
        if (!covered_by_wildcard(wildcards, MD_NAME(domain->names, i)))
            md_names_add(names, MD_NAME(domain->names, i));
    return names;
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

    return urls && urls->nelts ? MD_NAME(urls, 0) : md_default_ca_url;
}

static void ca_to_json(const md_domain *domain, json_t *doc, apr_pool_t *p)
{
    md_json_set_text(doc, "ca.account", domain->ca_account);
    md_policy_row_to_json(&domain->policy, MD_FIELD_ca_proto, doc, p);
    md_json_set_text(doc, "ca.url", domain->ca_url ? domain->ca_url : md_domain_ca_url(domain));
    md_policy_row_to_json(&domain->policy, MD_FIELD_ca_urls, doc, p);
    if (!md_json_at(doc, "ca.urls"))
        md_json_set(doc, "ca.urls", json_pack("[s]", md_domain_ca_url(domain)));
    md_policy_row_to_json(&domain->policy, MD_FIELD_agreement, doc, p);
    md_policy_row_to_json(&domain->policy, MD_FIELD_challenges, doc, p);
}

json_t *md_domain_to_json(const md_domain *domain, int state, apr_pool_t *p)
{
    /* the order in which administrators know the keys; the rest follows in the order of the table */
    static const md_field_id rows[] = { MD_FIELD_keys,        MD_FIELD_renew_mode,    MD_FIELD_renew_window,
                                        MD_FIELD_warn_window, MD_FIELD_require_https, MD_FIELD_must_staple };
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "name", domain->name);
    md_json_set_names(doc, "domains", domain->names);
    md_json_set_names(doc, "contacts", domain->contacts);
    md_policy_row_to_json(&domain->policy, MD_FIELD_members, doc, p);
    ca_to_json(domain, doc, p);
    md_policy_row_to_json(&domain->policy, rows[0], doc, p);
    md_json_set_int(doc, "state", state);
    for (size_t i = 1; i < sizeof(rows) / sizeof(rows[0]); ++i)
        md_policy_row_to_json(&domain->policy, rows[i], doc, p);
    md_json_set_names(doc, "proto.acme-tls/1", domain->acme_tls_names);
    for (int i = 0; i < MD_FIELD_COUNT; ++i)
        if (md_field_rows[i].json_key && !md_json_at(doc, md_field_rows[i].json_key))
            md_policy_row_to_json(&domain->policy, (md_field_id)i, doc, p);
    md_json_set_text(doc, "eab.kid", domain->policy.eab.first);
    md_json_set_text(doc, "eab.hmac", domain->policy.eab.second);
    return doc;
}

static const char *copy_text(const json_t *doc, const char *path, apr_pool_t *p)
{
    return apr_pstrdup(p, md_json_text(doc, path));
}

md_domain *md_domain_from_json(const json_t *doc, apr_pool_t *p)
{
    md_names *names = md_json_names(doc, "domains", p);
    const char *name = md_json_text(doc, "name");
    md_domain *domain;

    if (!name || !*name)
        return NULL;
    if (!names || !names->nelts) {
        names = md_names_make(p);
        md_names_add(names, name);
    }
    domain = md_domain_make(names, p);
    domain->name = apr_pstrdup(p, name);
    domain->contacts = md_json_names(doc, "contacts", p);
    if (!domain->contacts)
        domain->contacts = md_names_make(p);
    domain->acme_tls_names = md_json_names(doc, "proto.acme-tls/1", p);
    if (!domain->acme_tls_names)
        domain->acme_tls_names = md_names_make(p);
    domain->policy.set = 0;
    md_policy_from_json(&domain->policy, doc, p);
    domain->ca_url = copy_text(doc, "ca.url", p);
    domain->ca_account = copy_text(doc, "ca.account", p);
    if (!domain->policy.ca_urls.list && domain->ca_url) {
        domain->policy.ca_urls.list = md_names_make(p);
        md_names_add(domain->policy.ca_urls.list, domain->ca_url);
        domain->policy.set |= APR_UINT64_C(1) << MD_FIELD_ca_urls;
    }
    domain->policy.eab.first = copy_text(doc, "eab.kid", p);
    domain->policy.eab.second = copy_text(doc, "eab.hmac", p);
    return domain;
}

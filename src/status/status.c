/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the status document. Reads plan (memory), facts (memory or a small file) and the staged job (a small
 * file); writes nothing.
 */
#include "status/status.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "plan/due.h"
#include "store/creds.h"

static void set_period(json_t *doc, const char *key, md_period period)
{
    json_t *valid;

    if (!period.until)
        return;
    valid = json_object();
    md_json_set_date(valid, "from", period.from);
    md_json_set_date(valid, "until", period.until);
    json_object_set_new(doc, key, valid);
}

json_t *md_status_cert(const md_cert_facts *facts, int public_only, apr_pool_t *p)
{
    json_t *cert = md_json_object(p);

    set_period(cert, "valid", facts->valid);
    md_json_set_text(cert, "serial", facts->serial);
    md_json_set_text(cert, "sha256-fingerprint", facts->sha256);
    if (public_only)
        return cert;
    md_json_set_text(cert, "issuer-name", facts->issuer);
    md_json_set_text(cert, "issuer-uri", facts->issuer_uri);
    md_json_set_text(cert, "ari-cert-id", facts->ari_id);
    return cert;
}

/** Key of the i-th certificate: the key spec's name, or the number of the file; NULL beyond the specs. */
static const char *cert_key(const md_domain *domain, const md_cert_fact *fact, int i, apr_pool_t *p)
{
    if (fact->is_file)
        return apr_itoa(p, i);
    return i < domain->policy.keys->nelts ? md_key_spec_name(MD_SPEC(domain->policy.keys, i)) : NULL;
}

/** Puts one object per certificate into `into`, and the period in which all are valid. */
static void add_certs(json_t *into, const md_domain *domain, const apr_array_header_t *facts, int public_only,
                      apr_pool_t *p)
{
    md_period common = { 0, 0 };
    int seen = 0;

    for (int i = 0; i < facts->nelts; ++i) {
        const md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);
        const md_cert_facts *cert = fact->cert;
        const char *key = cert_key(domain, fact, i, p);

        if (!cert || !key) {
            if (public_only && key)
                json_object_set_new(into, key, json_object());
            continue;
        }
        json_object_set(into, key, md_status_cert(cert, public_only, p));
        common = seen++ ? md_period_common(common, cert->valid) : cert->valid;
    }
    set_period(into, "valid", common);
}

/** Facts of the certificates that wait in STAGING; absent or unreadable ones are left out, a page must not
 * fail for them. */
static apr_array_header_t *staged_facts(const md_core *core, const md_domain *domain, apr_pool_t *p)
{
    apr_array_header_t *facts = apr_array_make(p, 2, sizeof(md_cert_fact));

    for (int i = 0; i < domain->policy.keys->nelts; ++i) {
        md_cert_facts *cert = NULL;
        md_cert_fact *fact = apr_array_push(facts);
        md_err *err = md_creds_load_facts(core->store, MD_GROUP_STAGING, domain->name,
                                          MD_SPEC(domain->policy.keys, i), p, &cert);

        *fact = (md_cert_fact){ .cert = err ? NULL : cert };
    }
    return facts;
}

/** The staged job as "renewal"; absent when no job was ever begun. */
static md_err *add_renewal(const md_core *core, const md_domain *domain, int with_log, json_t *entry,
                           apr_pool_t *p)
{
    md_bytes stored;
    md_job *job;
    json_t *renewal, *certs;

    MD_TRY(md_store_load(core->store, MD_PLACE(MD_GROUP_STAGING, domain->name, "job.json"), p, &stored));
    if (!stored.data)
        return NULL;
    MD_TRY(md_job_load(core->store, MD_GROUP_STAGING, domain->name, p, &job));
    renewal = md_job_shown(job, with_log, p);
    certs = md_json_object(p);
    add_certs(certs, domain, staged_facts(core, domain, p), 0, p);
    json_object_set(renewal, "cert", certs);
    json_object_set(entry, "renewal", renewal);
    return NULL;
}

md_err *md_status_one(const md_core *core, const md_domain *domain, int with_log, apr_pool_t *p, json_t **out)
{
    apr_time_t now = md_now(core->clock);
    apr_array_header_t *facts;
    json_t *entry, *certs = md_json_object(p);
    md_due due;

    MD_TRY(md_core_due(core, domain, now, p, &due, &facts));
    entry = md_domain_to_json(domain, (int)due.state, p);
    md_policy_hide_secrets(entry, p);
    if (due.state != MD_STATE_COMPLETE)
        md_json_set_text(entry, "state-descr", due.why);
    add_certs(certs, domain, facts, 0, p);
    json_object_set(entry, "cert", certs);
    md_json_set_date(entry, "renew-at", due.renew_at);
    md_json_set_flag(entry, "stapling", domain->policy.stapling);
    md_json_set_flag(entry, "watched", domain->used || domain->policy.renew_mode != MD_RENEW_AUTO);
    MD_TRY(add_renewal(core, domain, with_log, entry, p));
    if (json_object_get(entry, "renewal") || (due.renew_at && due.renew_at <= now))
        md_json_set_flag(entry, "renew", 1);
    if (core->add_status)
        core->add_status(core->self, domain, entry, p);
    *out = entry;
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const md_domain *const *)a)->name, (*(const md_domain *const *)b)->name);
}

md_err *md_status_all(const md_core *core, apr_pool_t *p, json_t **out)
{
    apr_array_header_t *sorted = apr_array_copy(p, core->plan->domains);
    json_t *doc = md_json_object(p), *list;
    apr_pool_t *each;

    *out = doc;
    md_json_set_text(doc, "version", MD_VERSION);
    if (!sorted->nelts)
        return NULL;
    qsort(sorted->elts, (size_t)sorted->nelts, (size_t)sorted->elt_size, by_name);
    list = json_array();
    json_object_set_new(doc, "managed-domains", list);
    apr_pool_create(&each, p);
    for (int i = 0; i < sorted->nelts; ++i) {
        const md_domain *domain = APR_ARRAY_IDX(sorted, i, const md_domain *);
        json_t *entry;
        md_err *err;

        apr_pool_clear(each);
        err = md_status_one(core, domain, 0, each, &entry);
        if (err) { /* one domain's trouble is shown in its own entry */
            entry = md_json_object(each);
            md_json_set_text(entry, "name", domain->name);
            md_json_set_int(entry, "error", err->status);
            md_json_set_text(entry, "state-descr", md_err_text(err, each));
        }
        json_array_append(list, entry);
    }
    apr_pool_destroy(each);
    return NULL;
}

md_err *md_status_public(const md_core *core, const md_domain *domain, apr_pool_t *p, json_t **out)
{
    json_t *doc = md_json_object(p), *renewal, *certs;
    apr_array_header_t *facts;
    md_bytes stored;

    MD_TRY(core->facts(core->self, domain, p, &facts));
    add_certs(doc, domain, facts, 1, p);
    MD_TRY(md_store_load(core->store, MD_PLACE(MD_GROUP_STAGING, domain->name, "job.json"), p, &stored));
    if (stored.data) {
        renewal = json_object();
        certs = md_json_object(p);
        add_certs(certs, domain, staged_facts(core, domain, p), 1, p);
        json_object_set(renewal, "cert", json_object_size(certs) ? certs : md_json_object(p));
        json_object_set_new(doc, "renewal", renewal);
    }
    *out = doc;
    return NULL;
}

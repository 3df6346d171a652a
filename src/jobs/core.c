/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts as whoever may read DOMAINS sees them.
 */
#include "jobs/core.h"

#include "acme/renewal_info.h"
#include "jobs/activate.h"
#include "ocsp/staple.h"
#include "store/creds.h"

static md_cert_fact live_fact(const md_core *core, const md_domain *domain, const md_key_spec *spec,
                              apr_pool_t *p)
{
    md_cert_fact fact = { .cert = NULL };
    md_creds *creds;
    md_err *err = md_creds_load(core->store, MD_GROUP_DOMAINS, domain->name, spec, p, &creds);

    if (err)
        fact.bad = err;
    else if (creds)
        fact.cert = &creds->facts;
    return fact;
}

/** A complete set in STAGING that is newer counts as if it were live: it will be. */
static void prefer_staged(const md_core *core, const md_domain *domain, apr_pool_t *p,
                          apr_array_header_t *facts)
{
    apr_array_header_t *staged;
    md_err *err = md_staged_load(core->store, MD_GROUP_STAGING, domain, md_now(core->clock), p, &staged);

    for (int i = 0; !err && staged && i < facts->nelts; ++i) {
        md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);
        const md_cert_facts *waits = &APR_ARRAY_IDX(staged, i, const md_creds *)->facts;

        if (!fact->cert || waits->valid.from > fact->cert->valid.from)
            *fact = (md_cert_fact){ .cert = waits };
    }
}

/** A certificate file of the operator's own: its key is the operator's business. */
static md_cert_fact file_fact(const char *path, apr_pool_t *p)
{
    md_cert_fact fact = { .is_file = 1 };
    md_cert_facts *facts;

    fact.bad = md_creds_file_facts(path, p, &facts);
    if (!fact.bad)
        fact.cert = facts;
    return fact;
}

static const apr_array_header_t *file_facts(const md_domain *domain, apr_pool_t *p)
{
    const md_names *files = domain->policy.cert_files.list;
    apr_array_header_t *facts = apr_array_make(p, files->nelts, sizeof(md_cert_fact));

    for (int i = 0; i < files->nelts; ++i)
        APR_ARRAY_PUSH(facts, md_cert_fact) = file_fact(MD_NAME(files, i), p);
    return facts;
}

md_err *md_core_facts(const md_core *core, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    const md_key_specs *specs = domain->policy.keys;
    apr_array_header_t *managed = apr_array_make(p, specs->nelts, sizeof(md_cert_fact));
    const apr_array_header_t *files = md_domain_is_static(domain) ? file_facts(domain, p) : NULL;

    for (int i = 0; i < specs->nelts; ++i)
        APR_ARRAY_PUSH(managed, md_cert_fact) = live_fact(core, domain, MD_SPEC(specs, i), p);
    prefer_staged(core, domain, p, managed);
    *facts = apr_array_copy_hdr(p, md_facts_choose(&domain->policy, files, managed, md_now(core->clock), p));
    return NULL;
}

/** What cannot be read is looked for again with the next response. */
static void apply_revocations(md_store *store, const md_domain *domain, apr_array_header_t *facts,
                              apr_pool_t *p)
{
    for (int i = 0; i < facts->nelts; ++i) {
        md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);
        md_staple *staple = NULL;

        if (fact->cert && fact->cert->ocsp_uri &&
            !md_staple_load(store, domain->name, fact->cert->sha1, p, &staple) && staple)
            fact->revoked = staple->status == MD_OCSP_REVOKED;
    }
}

md_err *md_core_due(const md_core *core, const md_domain *domain, apr_time_t now, apr_pool_t *p, md_due *due,
                    apr_array_header_t **facts)
{
    apr_array_header_t *known;
    md_renewal_info *info;

    MD_TRY(core->facts(core->self, domain, p, &known));
    if (domain->policy.stapling) {
        known = apr_array_copy(p, known);
        apply_revocations(core->store, domain, known, p);
    }
    if (domain->policy.ari) {
        known = apr_array_copy(p, known);
        MD_TRY(md_renewal_info_load(core->store, domain->name, p, &info));
        md_renewal_info_apply(info, known);
    }
    *due = md_due_of(domain, (const md_cert_fact *)known->elts, known->nelts, now, p);
    if (facts)
        *facts = known;
    return NULL;
}

int md_glance_equal(const md_glance *a, const md_glance *b)
{
    return a->changes == b->changes && a->staged == b->staged && a->promoted == b->promoted &&
           a->proof == b->proof && a->stage == b->stage && a->since == b->since &&
           a->staged_at == b->staged_at && a->proved_at == b->proved_at;
}

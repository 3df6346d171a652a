/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is served is found out anew each time: domains go live while the server runs.
 */
#include "jobs/staples.h"

#include <apr_strings.h>
#include <string.h>

/** Is it one of the certificates that the domain has now? */
static md_err *is_of_domain(const md_core *core, const md_stapled *which, apr_pool_t *p, int *is)
{
    apr_array_header_t *facts;

    *is = 0;
    MD_TRY(core->facts(core->self, which->domain, p, &facts));
    for (int i = 0; i < facts->nelts && !*is; ++i) {
        const md_cert_facts *cert = APR_ARRAY_IDX(facts, i, md_cert_fact).cert;

        *is = cert && !strcmp(cert->sha1, which->sha1);
    }
    return NULL;
}

static md_err *find_live(const md_core *core, const md_stapled *which, apr_pool_t *p, md_stapled_now *out)
{
    md_cert_facts facts;

    MD_TRY(core->stapling->live(core->stapling->self, which, p, &out->chain));
    if (!out->chain)
        return NULL;
    MD_TRY(md_chain_facts(out->chain, p, &facts));
    out->sha1 = facts.sha1;
    out->responder = facts.ocsp_uri;
    out->shown = which->domain->name;
    out->expires = facts.valid.until;
    return NULL;
}

md_err *md_stapled_find(const md_core *core, const md_stapled *which, apr_time_t now, apr_pool_t *p,
                        md_stapled_now *out)
{
    int served = 1;

    *out = (md_stapled_now){ .sha1 = NULL };
    if (which->spec) {
        MD_TRY(find_live(core, which, p, out));
    } else {
        if (which->managed)
            MD_TRY(is_of_domain(core, which, p, &served));
        if (served)
            *out = (md_stapled_now){ .sha1 = which->sha1,
                                     .responder = which->responder,
                                     .shown = which->shown,
                                     .expires = which->expires };
    }
    if (!out->responder || out->expires <= now)
        out->sha1 = NULL;
    return NULL;
}

md_err *md_stapled_chain(const md_stapled *which, md_stapled_now *now, apr_pool_t *p)
{
    if (now->chain)
        return NULL;
    return md_chain_from_pem(md_bytes_of(apr_pstrcat(p, which->leaf, which->issuer, NULL)), p, &now->chain);
}

static md_err *load_record(const md_core *core, const char *domain, const char *sha1, apr_pool_t *p,
                           const md_job **out)
{
    const md_place place = MD_PLACE(MD_GROUP_OCSP, domain, md_staple_record(sha1, p));
    md_job *job;

    *out = NULL;
    if (!md_store_changed(core->store, place, p))
        return NULL;
    MD_TRY(md_job_load_at(core->store, place, p, &job));
    *out = job;
    return NULL;
}

static md_err *read_state(const md_core *core, const char *domain, const md_policy *policy, const char *sha1,
                          apr_pool_t *p, md_staple_state *out)
{
    const apr_time_t now = md_now(core->clock);
    md_staple *staple;

    out->domain = domain;
    out->sha1 = sha1;
    MD_TRY(md_staple_load(core->store, domain, sha1, p, &staple));
    MD_TRY(load_record(core, domain, sha1, p, &out->job));
    if (staple && staple->valid.until > now) {
        out->status = staple->status;
        out->valid = staple->valid;
        out->refresh_at = md_staple_renew_at(staple->valid, policy->staple_window, sha1);
    }
    if (out->job && out->job->next_run > out->refresh_at)
        out->refresh_at = out->job->next_run;
    return NULL;
}

md_err *md_staple_state_of(const md_core *core, const md_domain *domain, const md_cert_facts *cert,
                           apr_pool_t *p, md_staple_state *out)
{
    *out = (md_staple_state){ .domain = domain ? domain->name : MD_STAPLES_OF_OTHERS,
                              .sha1 = cert->sha1,
                              .responder = cert->ocsp_uri };
    return read_state(core, out->domain, domain ? &domain->policy : &core->plan->policy, cert->sha1, p, out);
}

md_err *md_staple_state_at(const md_core *core, int index, apr_pool_t *p, md_staple_state *out)
{
    const md_stapled *which = &core->stapling->each[index];
    md_stapled_now is;

    *out = (md_staple_state){ .sha1 = NULL };
    MD_TRY(md_stapled_find(core, which, md_now(core->clock), p, &is));
    if (!is.sha1)
        return NULL;
    out->responder = is.responder;
    return read_state(core, which->domain->name, &which->domain->policy, is.sha1, p, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the certificate comes from the status's memory: no file is read for a request.
 */
#include "httpd/export_vars.h"

#include "httpd/directives.h"
#include "httpd/run.h"

/** A plain http host may be for several domains: the request says which. */
static const md_domain *domain_of(const request_rec *r, const md_run *run)
{
    const md_domain *named = r->hostname ? md_plan_find(run->plan, md_lower(r->hostname, r->pool)) : NULL;

    if (!md_conf_of(r->server)->domains)
        return NULL;
    return named ? named : md_conf_domain(r->server);
}

/** Its own section decides, else the host, else the server. */
static int is_wanted(const request_rec *r, const md_domain *domain)
{
    if (domain->own & MD_SET_BIT(MD_FIELD_export_vars))
        return domain->policy.export_vars;
    return md_conf_of(r->server)->policy->export_vars;
}

int md_export_vars(request_rec *r)
{
    const md_run *run = md_run_now();
    const md_domain *domain = run ? domain_of(r, run) : NULL;
    apr_time_t expires;

    if (!domain || !is_wanted(r, domain))
        return DECLINED;
    expires = md_cache_expires(run->cache, domain);
    apr_table_setn(r->subprocess_env, "MD_NAME", domain->name);
    if (expires)
        apr_table_setn(r->subprocess_env, "MD_CERT_EXPIRES", md_date_text(expires, r->pool));
    return DECLINED;
}

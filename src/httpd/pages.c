/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints; src/status decides what there is to say. Access to md-status is the operator's to restrict, as for
 * any handler.
 */
#include "httpd/pages.h"

#include <http_protocol.h>
#include <string.h>

#include "base/log.h"
#include "status/status.h"

#define PUBLIC_PATH "/.httpd/certificate-status"

static int send_json(request_rec *r, const json_t *doc)
{
    const char *text = md_json_text_of(doc, r->pool);

    ap_set_content_type(r, "application/json");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    ap_rputs(text, r);
    ap_rputs("\n", r);
    return OK;
}

/** The domain that the last segment of PATH_INFO selects: by its name or by any of its DNS names. */
static const md_domain *selected(const request_rec *r, const md_plan *plan)
{
    const char *last = r->path_info ? strrchr(r->path_info, '/') : NULL;
    const md_domain *domain;

    if (!last || !last[1])
        return NULL;
    domain = md_plan_named(plan, last + 1);
    return domain ? domain : md_plan_find(plan, md_lower(last + 1, r->pool));
}

int md_page_status(request_rec *r)
{
    const md_run *run = md_run_now();
    const md_domain *domain;
    md_entry entry;
    md_err *err;

    if (!r->handler || strcmp(r->handler, "md-status"))
        return DECLINED;
    if (r->method_number != M_GET)
        return HTTP_NOT_IMPLEMENTED;
    if (!run)
        return send_json(r, md_json_object(r->pool));
    domain = selected(r, run->plan);
    if (!domain)
        return send_json(r, md_status_all(&run->core, r->pool));
    err = md_status_one(&run->core, domain, 1, r->pool, &entry);
    if (err) {
        md_log_err(MD_LOG_ERROR, 0, domain->name, "showing the status", err, "The status cannot be shown:");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return send_json(r, entry.doc);
}

int md_page_public(request_rec *r, const md_run *run)
{
    const md_domain *domain;
    json_t *doc = NULL;
    md_err *err;

    if (strcmp(r->uri, PUBLIC_PATH) || !run->plan->policy.certificate_status || !r->hostname)
        return DECLINED;
    domain = md_plan_find(run->plan, md_lower(r->hostname, r->pool));
    if (!domain)
        return DECLINED;
    if (r->method_number != M_GET)
        return HTTP_NOT_IMPLEMENTED;
    err = md_status_public(&run->core, domain, r->pool, &doc);
    if (err) {
        md_log_err(MD_LOG_ERROR, 10204, domain->name, "showing the certificate status", err,
                   "The certificate status cannot be shown:");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return send_json(r, doc);
}

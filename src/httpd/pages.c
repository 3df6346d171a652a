/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers requests; src/status decides what there is to say. Access to handlers is the operator's to
 * restrict, as for any handler.
 */
#include "httpd/pages.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>
#include <http_protocol.h>
#include <mod_status.h>
#include <string.h>
#include <util_script.h>

#include "base/log.h"
#include "httpd/browse.h"
#include "httpd/directives.h"
#include "status/print.h"

#define PUBLIC_PATH "/.httpd/certificate-status"

/** One bucket around the text, whatever its size: nothing is copied again. */
static int send_text(request_rec *r, const char *type, md_bytes text)
{
    apr_bucket_brigade *brigade;

    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)text.size);
    if (r->header_only)
        return OK;
    brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    APR_BRIGADE_INSERT_TAIL(brigade,
                            apr_bucket_pool_create(text.data, text.size, r->pool, brigade->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(brigade->bucket_alloc));
    return ap_pass_brigade(r->output_filters, brigade) == APR_SUCCESS ? OK : AP_FILTER_ERROR;
}

static int send_json(request_rec *r, const json_t *doc)
{
    const char *text = apr_pstrcat(r->pool, md_json_text_of(doc, r->pool), "\n", NULL);

    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    return send_text(r, "application/json", md_bytes_of(text));
}

/** RFC 9457. */
static int refuse(request_rec *r, const char *why)
{
    json_t *doc = md_json_object(r->pool);

    md_json_set_text(doc, "title", "Bad Request");
    md_json_set_int(doc, "status", HTTP_BAD_REQUEST);
    md_json_set_text(doc, "detail", why);
    r->status = HTTP_BAD_REQUEST;
    return send_text(r, "application/problem+json",
                     md_bytes_of(apr_pstrcat(r->pool, md_json_text_of(doc, r->pool), "\n", NULL)));
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

typedef struct reading {
    md_query *query;
    const char *why;
    apr_pool_t *p;
} reading;

static int read_parameter(void *data, const char *name, const char *value)
{
    reading *at = data;

    at->why = md_query_set(at->query, name, value, at->p);
    return at->why == NULL;
}

static const char *read_query(request_rec *r, const md_domain *domain, md_query *query)
{
    reading at = { query, NULL, r->pool };
    apr_table_t *table;

    *query = MD_QUERY_ALL;
    ap_args_to_table(r, &table);
    if (domain && !apr_is_empty_table(table))
        return "the status of a single domain has no parameters";
    apr_table_do(read_parameter, &at, table, NULL);
    return at.why;
}

/** To be asked again each time; cheap when nothing has changed. */
static int send_tagged(request_rec *r, md_bytes text, const char *tag)
{
    int status;

    apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
    apr_table_setn(r->headers_out, "ETag", tag);
    status = ap_meets_conditions(r);
    return status == OK ? send_text(r, "application/json", text) : status;
}

static int send_document(request_rec *r, const md_run *run, const md_query *query)
{
    const char *tag;
    const md_bytes text = md_cache_document(run->cache, query, r->pool, &tag);

    return send_tagged(r, text, tag);
}

static int send_one(request_rec *r, const md_run *run, const md_domain *domain)
{
    md_entry entry;
    md_bytes text;
    md_err *err = md_status_one(&run->core, domain, 1, r->pool, &entry);

    if (err) {
        md_log_err(MD_LOG_ERROR, 0, domain->name, "showing the status", err, "The status cannot be shown:");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    text = md_bytes_of(apr_pstrcat(r->pool, md_json_text_of(entry.doc, r->pool), "\n", NULL));
    return send_tagged(r, text, md_cache_tag(text, r->pool));
}

static int browse(request_rec *r, const md_run *run, const md_domain *domain)
{
    const md_query all = MD_QUERY_ALL;
    md_bytes text;
    const char *tag;
    md_entry entry;
    md_err *err;

    if (!domain) {
        text = md_cache_document(run->cache, &all, r->pool, &tag);
        return md_browse_all(r, text, tag);
    }
    err = md_status_one(&run->core, domain, 1, r->pool, &entry);
    if (!err)
        return md_browse_one(r, entry.doc);
    md_log_err(MD_LOG_ERROR, 0, domain->name, "showing the status", err, "The status cannot be shown:");
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int send_version(request_rec *r)
{
    json_t *doc = md_json_object(r->pool);

    md_json_set_text(doc, "version", MD_VERSION);
    return send_json(r, doc);
}

int md_page_status(request_rec *r)
{
    const md_run *run = md_run_now();
    const md_domain *domain;
    const char *why;
    md_query query;

    if (!r->handler || strcmp(r->handler, "md-status"))
        return DECLINED;
    if (r->method_number != M_GET)
        return HTTP_NOT_IMPLEMENTED;
    domain = run ? selected(r, run->plan) : NULL;
    if (md_browse_is_wanted(r) && run)
        return browse(r, run, domain);
    why = read_query(r, domain, &query);
    if (why)
        return refuse(r, why);
    if (!run)
        return send_version(r);
    return domain ? send_one(r, run, domain) : send_document(r, run, &query);
}

/** Prometheus says what it understands; everybody else gets what everybody reads. */
static md_metrics_form metrics_form(const request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return accept && strstr(accept, "application/openmetrics-text") ? MD_OPENMETRICS : MD_PROMETHEUS;
}

int md_page_metrics(request_rec *r)
{
    static const char *const types[] = { "application/openmetrics-text; version=1.0.0; charset=utf-8",
                                         "text/plain; version=0.0.4; charset=utf-8" };
    const md_run *run = md_run_now();
    const md_metrics_form form = metrics_form(r);
    md_found found;

    if (!r->handler || strcmp(r->handler, "md-metrics"))
        return DECLINED;
    if (r->method_number != M_GET)
        return HTTP_NOT_IMPLEMENTED;
    if (!run)
        return HTTP_NOT_FOUND; /* there is nothing to count */
    md_cache_find(run->cache, &MD_QUERY_ALL, r->pool, &found);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    return send_text(r, types[form], md_print_metrics(&run->core, &found, form, r->pool));
}

int md_page_server_status(request_rec *r, int flags)
{
    const md_run *run = md_run_now();
    const apr_time_t now = apr_time_now();
    md_found found = { .each = apr_array_make(r->pool, 1, sizeof(md_bytes)) };
    md_bytes text;

    if (!md_conf_of(ap_server_conf)->policy->server_status)
        return DECLINED;
    if (run)
        md_cache_find(run->cache, &MD_QUERY_ALL, r->pool, &found);
    if (flags & AP_STATUS_SHORT)
        text = md_print_text(&found, now, r->pool);
    else if (found.each->nelts || json_array_size(found.others))
        text = md_print_html(&found, now, r->pool);
    else
        return DECLINED;
    ap_rwrite(text.data, (int)text.size, r);
    return OK;
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

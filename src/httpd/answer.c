/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of every request on the server leads through here, so what is not for us leaves after a comparison
 * or two. The store is read for challenges only.
 */
#include "httpd/answer.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>
#include <mod_core.h>
#include <string.h>
#include <util_filter.h>

#include "base/log.h"
#include "httpd/directives.h"
#include "httpd/pages.h"
#include "httpd/run.h"
#include "httpd/ssl.h"

#define CHALLENGES          "/.well-known/acme-challenge/"
#define OURS                "/.httpd/"
#define HSTS                "Strict-Transport-Security"
#define HSTS_VALUE          "max-age=15768000"
#define HSTS_FILTER         "MD_HSTS"
#define RETRY_AFTER_SECONDS "30"

enum { TOKEN_MAX = 512 };
#define TOKEN_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static const char no_certificate_page[] =
    "<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head><body>\n"
    "<h1>Service Unavailable</h1>\n"
    "<p>This site is waiting for its certificate. Please try again in a moment.</p>\n</body></html>\n";

static int begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/** Hosts that the operator left out (MDExclude) answer nothing for us but a CA that waits for it. */
static int is_excluded(const server_rec *server)
{
    return md_conf_of(server)->policy->exclude;
}

/** Is the file the `<token>.<thumbprint>` of another token? What somebody put there in another form answers
 * for any. */
static int is_for_other_token(const char *text, const char *token)
{
    const size_t length = strspn(text, TOKEN_CHARS), rest = length + 1;

    if (!length || text[length] != '.' || !text[rest] || text[rest + strspn(text + rest, TOKEN_CHARS)])
        return 0;
    return strlen(token) != length || strncmp(text, token, length) != 0;
}

/** No answer is waiting here: ours to refuse, or somebody else's to answer? */
static int without_challenge(const md_domain *domain)
{
    if (!domain || domain->policy.renew_mode == MD_RENEW_MANUAL)
        return DECLINED;
    if (domain->policy.renew_mode == MD_RENEW_AUTO && md_domain_is_static(domain))
        return DECLINED;
    return HTTP_NOT_FOUND;
}

static int send_text(request_rec *r, const char *text)
{
    if (r->method_number != M_GET) /* HEAD is a GET without a body to httpd */
        return HTTP_NOT_IMPLEMENTED;
    ap_set_content_length(r, (apr_off_t)strlen(text));
    if (!r->header_only)
        ap_rputs(text, r);
    return OK;
}

/** What the account would answer for a token that another server asked for; NULL: not for this name. A
 * wildcard does not make its names ours. */
static const char *stateless_answer(const md_plan *plan, const char *name, const char *token, apr_pool_t *p)
{
    const md_domain *domain = md_plan_find_exact(plan, name);

    if (!domain || !domain->thumbprint || strlen(token) > TOKEN_MAX || token[strspn(token, TOKEN_CHARS)])
        return NULL;
    return apr_pstrcat(p, token, ".", domain->thumbprint, NULL);
}

/** RFC 8555 8.3, on any host and port, before access control. */
static int answer_challenge(request_rec *r, const md_run *run)
{
    const char *token = r->uri + sizeof(CHALLENGES) - 1, *name, *text = NULL;
    const md_domain *domain;
    md_err *err;

    if (!*token || strchr(token, '/') || !r->hostname || md_name_reason(r->hostname))
        return DECLINED;
    name = md_name_text(r->hostname, r->pool);
    domain = is_excluded(r->server) ? NULL : md_plan_find(run->plan, name);
    if (domain && domain->policy.challenges && domain->policy.challenges->nelts &&
        !md_names_has(domain->policy.challenges, "http-01"))
        return DECLINED;
    err = md_store_load_text(run->store, MD_PLACE(MD_GROUP_CHALLENGES, name, "acme-http-01.txt"), r->pool,
                             &text);
    if (err) {
        md_log_err(MD_LOG_ERROR, 10081, domain ? domain->name : NULL, "answering a challenge", err,
                   "The answer for %s cannot be read. %s:", name, md_err_advice(err));
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (text && !is_for_other_token(text, token))
        return send_text(r, text);
    text = stateless_answer(run->plan, name, token, r->pool);
    return text ? send_text(r, text) : without_challenge(domain);
}

static int refuse_without_certificate(request_rec *r)
{
    int index = ap_index_of_response(HTTP_SERVICE_UNAVAILABLE);

    apr_table_setn(r->err_headers_out, "Retry-After", RETRY_AFTER_SECONDS);
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (!ap_response_code_string(r, index)) /* the operator's own page is better */
        ap_custom_response(r, HTTP_SERVICE_UNAVAILABLE, no_certificate_page);
    return HTTP_SERVICE_UNAVAILABLE;
}

/** A redirect that keeps the method unless it was one without a body; RFC 9110 15.4. */
static int redirect_status(const request_rec *r, int mode)
{
    if (r->method_number == M_GET)
        return mode == MD_HTTPS_PERMANENT ? HTTP_MOVED_PERMANENTLY : HTTP_MOVED_TEMPORARILY;
    return mode == MD_HTTPS_PERMANENT ? HTTP_PERMANENT_REDIRECT : HTTP_TEMPORARY_REDIRECT;
}

/** Does the domain's MDRequireHttps count for this request? */
static int is_under_https(request_rec *r, const md_domain *domain)
{
    return domain->policy.require_https && *r->uri == '/' && !begins(r->uri, "/.well-known/") &&
           md_domain_covers(domain, ap_get_server_name_for_url(r));
}

/** Path and query go back as they came: the path is not decoded yet. */
static int send_to_https(request_rec *r, int mode)
{
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, "https://", ap_get_server_name_for_url(r), r->uri, r->args ? "?" : "",
                               r->args ? r->args : "", NULL));
    return redirect_status(r, mode);
}

/** RFC 6797, unless somebody has said something else. A filter, because a proxied answer brings headers of
 * its own. */
static apr_status_t add_hsts(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    const request_rec *r = filter->r;

    if (!apr_table_get(r->headers_out, HSTS) && !apr_table_get(r->err_headers_out, HSTS))
        apr_table_setn(r->headers_out, HSTS, HSTS_VALUE);
    ap_remove_output_filter(filter);
    return ap_pass_brigade(filter->next, brigade);
}

void md_answer_filters(void)
{
    /* behind mod_headers, whose settings win */
    ap_register_output_filter(HSTS_FILTER, add_hsts, NULL, AP_FTYPE_CONTENT_SET + 1);
}

static int require_https(request_rec *r, const md_domain *domain)
{
    const int mode = domain->policy.require_https;

    if (!is_under_https(r, domain))
        return DECLINED;
    if (!ap_ssl_conn_is_ssl(r->connection))
        return send_to_https(r, mode);
    if (mode == MD_HTTPS_PERMANENT)
        ap_add_output_filter(HSTS_FILTER, NULL, r, r->connection);
    return DECLINED;
}

/** Paths of ours, on whatever host: a CA's question, or what everybody may know. */
static int answer_path(request_rec *r, const md_run *run)
{
    if (begins(r->uri, CHALLENGES))
        return answer_challenge(r, run);
    return begins(r->uri, OURS) && !is_excluded(r->server) ? md_page_public(r, run) : DECLINED;
}

/** What a host of a domain says to everything else. */
static int answer_host(request_rec *r, const md_run *run, const md_domain *domain)
{
    if (md_run_waits(run, r->server) && ap_ssl_conn_is_ssl(r->connection) && !begins(r->uri, CHALLENGES) &&
        !begins(r->uri, OURS))
        return refuse_without_certificate(r);
    return require_https(r, domain);
}

int md_answer_quick(request_rec *r, int lookup)
{
    const md_run *run = md_run_now();
    const md_domain *domain;
    int status;

    if (!run || lookup || !r->uri || !ap_is_initial_req(r))
        return DECLINED;
    if (md_ssl_is_challenge(r->connection))
        return HTTP_SERVICE_UNAVAILABLE;
    status = answer_path(r, run);
    if (status != DECLINED)
        return status;
    domain = md_conf_domain(r->server);
    return domain ? answer_host(r, run, domain) : DECLINED;
}

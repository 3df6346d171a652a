/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST with a nonce first; by GET there is none, since such answers come from caches.
 */
#include "ocsp/ask.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define PATIENCE  apr_time_from_sec(20)
#define HINT_MAX  apr_time_from_sec(30 * 24 * 3600)
#define TYPE_ASK  "application/ocsp-request"
#define TYPE_SAYS "application/ocsp-response"

/** Base64 in a URL (not base64url): its three special characters are escaped. */
static const char *base64_in_url(md_bytes der, apr_pool_t *p)
{
    const char *text = md_b64url(der, p);
    const apr_size_t size = strlen(text), padding = (4 - size % 4) % 4;
    char *out = apr_palloc(p, (size + padding) * 3 + 1), *at = out;

    for (apr_size_t i = 0; i < size + padding; ++i) {
        const char *escaped = i >= size ? "%3D" : text[i] == '-' ? "%2B" : text[i] == '_' ? "%2F" : NULL;

        if (escaped)
            at = apr_cpystrn(at, escaped, sizeof("%3D"));
        else
            *at++ = text[i];
    }
    *at = '\0';
    return out;
}

static md_http_request request_by(const md_ocsp_way *way, md_bytes der, apr_pool_t *p)
{
    md_http_request request = { .accept = TYPE_SAYS, .limit = MD_OCSP_SIZE_MAX, .timeout = PATIENCE };
    const apr_size_t length = strlen(way->url);

    if (way->get) {
        request.method = "GET";
        request.url = apr_pstrcat(p, way->url, length && way->url[length - 1] == '/' ? "" : "/",
                                  base64_in_url(der, p), NULL);
    } else {
        request.method = "POST";
        request.url = way->url;
        request.content_type = TYPE_ASK;
        request.body = der;
    }
    return request;
}

/** The value of max-age in Cache-Control (RFC 9111 5.2.2.1), 0 if there is none. */
static apr_interval_time_t max_age(const md_http_response *response)
{
    const char *value = md_http_header(response, "Cache-Control");

    for (; value && *value; value += strcspn(value, ","), value += *value == ',') {
        value += strspn(value, " \t");
        if (!strncasecmp(value, "max-age=", 8) && apr_isdigit(value[8])) {
            const apr_int64_t seconds = apr_strtoi64(value + 8, NULL, 10);

            return seconds < apr_time_sec(HINT_MAX) ? apr_time_from_sec(seconds) : HINT_MAX;
        }
    }
    return 0;
}

static apr_time_t no_sooner(const md_http_response *response, apr_time_t now)
{
    const apr_time_t retry = md_retry_after(md_http_header(response, "Retry-After"), now, HINT_MAX);
    const apr_interval_time_t age = max_age(response);

    return age && now + age > retry ? now + age : retry;
}

/** An HTTP answer that is none to our question. */
static md_err *refused(const md_http_response *response, apr_time_t now, apr_pool_t *p)
{
    md_err *err =
        md_fail(p, MD_FAULT_REMOTE, "md:ocsp-refused", "it answers with HTTP status %d", response->status);

    if (response->status == 429 || response->status >= 500)
        err->type = "md:ocsp-busy";
    if (response->status == 429 || response->status == 503)
        err->not_before = md_retry_after(md_http_header(response, "Retry-After"), now, HINT_MAX);
    return err;
}

static md_err *read_answer(const md_http_response *response, const md_chain *chain, md_bytes asked,
                           apr_time_t now, md_ocsp_reply *out, apr_pool_t *p)
{
    md_ocsp_answer answer;
    md_err *err;

    if (response->status != 200)
        return refused(response, now, p);
    err = md_ocsp_check(chain, response->body, asked, now, p, &answer);
    if (err) {
        out->knows_not = !strcmp(err->type, "md:ocsp-refused");
        return err;
    }
    out->staple = (md_staple){ response->body, answer.status, answer.valid };
    out->no_sooner = no_sooner(response, now);
    return NULL;
}

/** Failures of the way there, whose usual advice is about CAs. */
static md_err *not_reached(md_err *err)
{
    if (!strcmp(err->type, "md:too-large"))
        err->type = "md:ocsp-malformed";
    else if (err->fault == MD_FAULT_REMOTE && strcmp(err->type, "md:cancelled") != 0)
        err->type = "md:ocsp-unreachable";
    return err;
}

md_err *md_ocsp_ask(const md_ocsp_way *way, const md_chain *chain, apr_time_t now, apr_pool_t *p,
                    md_ocsp_reply *out)
{
    md_http_response response;
    md_http_request request;
    md_bytes der;
    md_err *err;

    memset(out, 0, sizeof(*out));
    MD_TRY(md_ocsp_request(chain, (md_ocsp_form){ .sha256 = way->sha256, .nonce = !way->get }, p, &der));
    request = request_by(way, der, p);
    err = md_http_send(way->http, &request, way->route, p, &response);
    out->reached = !err;
    if (err) {
        err = not_reached(err);
    } else {
        err = read_answer(&response, chain, der, now, out, p);
        out->refuses_post = err && !way->get && response.status >= 400 && response.status != 429 &&
                            (response.status < 500 || response.status == 501);
        out->knows_not &= !way->sha256;
    }
    return err ? md_wrap(p, err, "the OCSP responder %s", md_url_shown(way->url, p)) : NULL;
}

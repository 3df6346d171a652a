/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed requests. Nonces come back with every answer and go to the pool of the gate, so most requests need
 * none of their own.
 */
#include "acme/call.h"

#include <apr_strings.h>
#include <string.h>

enum { NONCE_REPEATS = 9 };
#define LONGEST_WAIT apr_time_from_sec(24 * 3600)

/** Sends within the gate's cap and takes what every answer brings: the nonce, and a wish to be left alone. */
static md_err *send_request(const md_call *call, const md_http_request *request, apr_pool_t *p,
                            md_http_response *response)
{
    md_err *err = md_http_send(call->http, request, call->route, p, response);

    if (!err)
        md_ca_give_nonce(call->ca, md_http_header(response, "Replay-Nonce"), md_now(call->clock));
    return err;
}

static md_err *fresh_nonce(const md_call *call, apr_pool_t *p, const char **nonce)
{
    const md_directory *directory = md_ca_directory(call->ca, md_now(call->clock));
    md_http_request request = { .method = "HEAD" };
    md_http_response response;

    if (!directory)
        return md_fail(p, MD_FAULT_REMOTE, "md:no-directory", "the CA's directory has not been read yet");
    request.url = directory->new_nonce;
    MD_TRY(send_request(call, &request, p, &response));
    *nonce = md_ca_take_nonce(call->ca, md_now(call->clock), p);
    if (*nonce)
        return NULL;
    if (response.status / 100 != 2)
        return md_problem_of(&response, "asking for a nonce", request.url, md_now(call->clock), p);
    return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "%s sent no nonce", md_url_shown(request.url, p));
}

/** One signed attempt. */
static md_err *post_once(const md_call *call, const md_post *post, md_bytes payload, apr_pool_t *p,
                         md_http_response *response)
{
    md_jws_header header = { .url = post->url, .kid = post->kid };
    md_http_request request = { .method = "POST", .url = post->url, .content_type = "application/jose+json" };
    const char *body;

    header.nonce = md_ca_take_nonce(call->ca, md_now(call->clock), p);
    if (!header.nonce)
        MD_TRY(fresh_nonce(call, p, &header.nonce));
    MD_TRY(md_jws_sign(post->key, &header, payload, p, &body));
    request.body = md_bytes_of(body);
    return send_request(call, &request, p, response);
}

/** An absolute URL of a header; relative ones are taken as of the request's host. */
static const char *absolute(const char *location, const char *base, apr_pool_t *p)
{
    const char *path;

    if (!location || *location != '/')
        return location && !md_url_reason(location) ? location : NULL;
    path = strstr(base, "://");
    path = path ? strchr(path + 3, '/') : NULL;
    return apr_pstrcat(p, path ? apr_pstrndup(p, base, (apr_size_t)(path - base)) : base, location, NULL);
}

static void fill(const md_call *call, const char *url, const md_http_response *response, apr_pool_t *p,
                 md_answer *answer)
{
    *answer = (md_answer){ .status = response->status, .http = *response };
    answer->location = absolute(md_http_header(response, "Location"), url, p);
    answer->retry_after =
        md_retry_after(md_http_header(response, "Retry-After"), md_now(call->clock), LONGEST_WAIT);
    if (md_http_is_json(response) && md_json_read(response->body, p, &answer->doc))
        answer->doc = NULL;
}

md_err *md_call_post(const md_call *call, const md_post *post, apr_pool_t *p, md_answer *answer)
{
    md_bytes text = post->payload ? md_bytes_of(md_json_line(post->payload, p)) : (md_bytes){ "", 0 };
    md_post as = *post;
    md_http_response response;
    md_err *err;

    if (!as.key && call->account) {
        as.key = call->account->key;
        as.kid = call->account->url;
    }
    if (!as.key)
        return md_fail(p, MD_FAULT_REMOTE, "md:no-account", "there is no account yet for %s", post->doing);
    for (int i = 0;; ++i) {
        err = post_once(call, &as, text, p, &response);
        if (err)
            return md_wrap(p, err, "%s failed while %s", md_ca_shown(md_ca_url(call->ca), p), post->doing);
        if (response.status / 100 == 2)
            break;
        err = md_problem_of(&response, post->doing, post->url, md_now(call->clock), p);
        if (!md_problem_is(err, "badNonce") || i == NONCE_REPEATS)
            return err;
    }
    fill(call, post->url, &response, p, answer);
    return NULL;
}

static md_err *want_object(const md_answer *answer, const char *url, const char *doing, apr_time_t now,
                           apr_pool_t *p)
{
    return json_is_object(answer->doc) ? NULL : md_problem_of(&answer->http, doing, url, now, p);
}

md_err *md_call_post_json(const md_call *call, const md_post *post, apr_pool_t *p, md_answer *answer)
{
    MD_TRY(md_call_post(call, post, p, answer));
    return want_object(answer, post->url, post->doing, md_now(call->clock), p);
}

md_err *md_call_json(const md_call *call, const char *url, const char *doing, apr_pool_t *p,
                     md_answer *answer)
{
    md_http_request request = { .method = "GET", .url = url, .accept = "application/json" };
    md_http_response response;
    md_err *err = send_request(call, &request, p, &response);

    if (err)
        return md_wrap(p, err, "%s failed while %s", md_ca_shown(md_ca_url(call->ca), p), doing);
    if (response.status / 100 != 2)
        return md_problem_of(&response, doing, url, md_now(call->clock), p);
    fill(call, url, &response, p, answer);
    return want_object(answer, url, doing, md_now(call->clock), p);
}

int md_call_was_answered(const md_err *err)
{
    static const char *const silent[] = { "md:unreachable", "md:tls", "md:timeout" };

    for (size_t i = 0; err && i < sizeof(silent) / sizeof(silent[0]); ++i)
        if (err->type && !strcmp(err->type, silent[i]))
            return 0;
    return 1;
}

int md_call_was_cut_off(const md_err *err)
{
    return err->type && !strcmp(err->type, "md:cancelled");
}

md_err *md_call_directory(const md_call *call, apr_pool_t *p)
{
    const char *url = md_ca_url(call->ca);
    md_answer answer = { .status = 0 };

    if (md_ca_directory(call->ca, md_now(call->clock)))
        return NULL;
    MD_TRY(md_call_json(call, url, "reading the CA's directory", p, &answer));
    return md_ca_learn(call->ca, answer.doc, md_now(call->clock), p);
}

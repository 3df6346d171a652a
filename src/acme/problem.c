/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals of a CA. One table says who must act for each problem type.
 */
#include "acme/problem.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum {
    TEXT_EXCERPT = 400,
    BODY_EXCERPT = 80,
    SUBPROBLEMS_SHOWN = 8,
    SUBPROBLEM_EXCERPT = 160,
    URL_MAX = 2048
};
#define LONGEST_WAIT apr_time_from_sec(24 * 3600)

/** `inside`: what it means inside an authorization or order, where the CA tells about names. */
static const struct {
    const char *name;
    md_fault outside, inside;
} faults[] = {
    { "rateLimited", MD_FAULT_LIMIT, MD_FAULT_LIMIT },
    { "userActionRequired", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "agreementRequired", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "externalAccountRequired", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "invalidContact", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "unsupportedContact", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "malformed", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "badCSR", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "badPublicKey", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "badSignatureAlgorithm", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "badRevocationReason", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "rejectedIdentifier", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "unsupportedIdentifier", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "invalidProfile", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "caa", MD_FAULT_VALIDATION, MD_FAULT_VALIDATION },
    { "dns", MD_FAULT_VALIDATION, MD_FAULT_VALIDATION },
    { "connection", MD_FAULT_VALIDATION, MD_FAULT_VALIDATION },
    { "tls", MD_FAULT_VALIDATION, MD_FAULT_VALIDATION },
    { "incorrectResponse", MD_FAULT_VALIDATION, MD_FAULT_VALIDATION },
    { "unauthorized", MD_FAULT_REMOTE, MD_FAULT_VALIDATION },
};

static md_fault fault_of(const char *type, int inside)
{
    size_t prefix = strlen(MD_ACME_ERROR);

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); ++i)
        if (!strncmp(type, MD_ACME_ERROR, prefix) && !strcmp(type + prefix, faults[i].name))
            return inside ? faults[i].inside : faults[i].outside;
    return MD_FAULT_REMOTE;
}

/** "... retry after 2026-11-23 12:00:00 UTC: see ..." in the text of a rate limit. */
static apr_time_t time_in_text(const char *text, apr_time_t now, apr_pool_t *p)
{
    const char *at = text ? strstr(text, "retry after ") : NULL;
    int year, month, day, hour, minute, second;
    apr_time_t t;

    if (!at || sscanf(at, "retry after %4d-%2d-%2d %2d:%2d:%2d UTC", &year, &month, &day, &hour, &minute,
                      &second) != 6)
        return 0;
    t = md_date_read(
        apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, hour, minute, second));
    if (t <= now)
        return 0;
    return t > now + 8 * LONGEST_WAIT ? now + 8 * LONGEST_WAIT : t;
}

/* What CAs say of limits on accounts and addresses, not on names. */
static const char *const account_limits[] = { "too many new orders", "too many new registrations",
                                              "too many new accounts", "too many registrations",
                                              "too many accounts" };

int md_problem_is_of_account(const md_err *err)
{
    for (; err; err = err->cause)
        for (size_t i = 0; i < sizeof(account_limits) / sizeof(account_limits[0]); ++i)
            if (md_problem_is(err, "rateLimited") && err->detail && strstr(err->detail, account_limits[i]))
                return 1;
    return 0;
}

/** The page of the CA on which somebody ends a pause, in the text of a rate limit; NULL: there is none. */
static const char *unpause_url(const char *text, apr_pool_t *p)
{
    static const char in_urls[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&()*+,;=%";
    const char *at = text ? strstr(text, "https://") : NULL;

    for (; at; at = strstr(at + 1, "https://")) {
        size_t length = strspn(at, in_urls);
        const char *url;

        while (length && strchr(".,;:)", at[length - 1]))
            --length;
        url = apr_pstrmemdup(p, at, length);
        if (length <= URL_MAX && strstr(url, "unpause"))
            return url;
    }
    return NULL;
}

static md_err *paused(md_err *err, const char *url, apr_pool_t *p)
{
    md_err *out = md_wrap(p, err,
                          "the CA has paused names of this domain after many failed attempts; mend what "
                          "is wrong, then open %s and let it go on",
                          url);

    out->type = "md:paused";
    out->fault = MD_FAULT_CONFIG;
    out->not_before = 0;
    return out;
}

/** What is said about single names (RFC 8555 6.7.1): " (a.example.org: ..., b.example.org: ...)". */
static const char *names_concerned(const json_t *subproblems, apr_pool_t *p)
{
    const size_t count = json_array_size(subproblems);
    md_names *each = md_names_make(p);

    for (size_t i = 0; i < count && i < SUBPROBLEMS_SHOWN; ++i) {
        const json_t *problem = json_array_get(subproblems, i);
        const char *name = md_json_text(problem, "identifier.value"),
                   *detail = md_json_text(problem, "detail");

        if (name)
            md_names_add(each, apr_pstrcat(p, md_excerpt(md_bytes_of(name), 80, p), ": ",
                                           detail ? md_excerpt(md_bytes_of(detail), SUBPROBLEM_EXCERPT, p)
                                                  : "(no reason given)",
                                           NULL));
    }
    if (count > SUBPROBLEMS_SHOWN)
        md_names_add(each, apr_psprintf(p, "and %" APR_SIZE_T_FMT " more", count - SUBPROBLEMS_SHOWN));
    return each->nelts ? apr_pstrcat(p, " (", md_names_join(each, "; ", p), ")", NULL) : "";
}

/** Failure of a problem object; NULL when it is none. */
static md_err *from_document(const json_t *problem, const char *doing, int inside, apr_time_t now,
                             apr_pool_t *p)
{
    const char *type = md_json_text(problem, "type"), *detail = md_json_text(problem, "detail");
    const json_t *subproblems = md_json_at(problem, "subproblems");
    const char *url;
    md_err *err;

    if (!type)
        return NULL;
    type = md_excerpt(md_bytes_of(type), 128, p);
    err = md_fail(p, fault_of(type, inside), type, "the CA says while %s: %s", doing,
                  detail ? md_excerpt(md_bytes_of(detail), TEXT_EXCERPT, p) : "(no reason given)");
    url = md_problem_is(err, "rateLimited") ? unpause_url(detail, p) : NULL;
    err->not_before = time_in_text(detail, now, p);
    if (json_array_size(subproblems))
        err->detail = apr_pstrcat(p, err->detail, names_concerned(subproblems, p), NULL);
    if (json_array_size(subproblems))
        err->subproblems = md_own_json(p, json_deep_copy(subproblems));
    return url ? paused(err, url, p) : err;
}

md_err *md_problem_read(const json_t *problem, const char *doing, apr_time_t now, apr_pool_t *p)
{
    md_err *err = from_document(problem, doing, 1, now, p);

    return err ? err
               : md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "the CA refused while %s, without a reason",
                         doing);
}

/** What came back, for a person: "404 text/html '<html>...'". */
static const char *shown(const md_http_response *response, apr_pool_t *p)
{
    const char *type = md_http_header(response, "Content-Type");
    json_t *doc;
    const int broken =
        response->body.size && md_http_is_json(response) && md_json_read(response->body, p, &doc) != NULL;

    return apr_psprintf(p, "HTTP status %d%s%s%s%s%s%s", response->status, type ? ", " : "",
                        type ? md_excerpt(md_bytes_of(type), 60, p) : "",
                        broken ? ", which is no valid JSON" : "",
                        response->body.size ? ", beginning with '" : ", an empty body",
                        response->body.size ? md_excerpt(response->body, BODY_EXCERPT, p) : "",
                        response->body.size ? "'" : "");
}

md_err *md_problem_of(const md_http_response *response, const char *doing, const char *url, apr_time_t now,
                      apr_pool_t *p)
{
    apr_time_t retry = md_retry_after(md_http_header(response, "Retry-After"), now, LONGEST_WAIT);
    json_t *doc = NULL;
    md_err *err = NULL;

    if (md_http_is_json(response) && !md_json_read(response->body, p, &doc))
        err = from_document(doc, doing, 0, now, p);
    if (!err)
        err = md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "unexpected answer of %s while %s: %s",
                      md_url_shown(url, p), doing, shown(response, p));
    if (response->status == 429 && strcmp(err->type, "md:paused") != 0)
        err->fault = MD_FAULT_LIMIT;
    if (response->status == 404 || response->status == 410)
        err->status = APR_ENOENT;
    else if (response->status == 401 || response->status == 403)
        err->status = APR_EACCES;
    if (retry > err->not_before && err->fault != MD_FAULT_CONFIG &&
        (response->status == 429 || response->status == 503))
        err->not_before = retry;
    return err;
}

int md_problem_is(const md_err *err, const char *short_name)
{
    size_t prefix = strlen(MD_ACME_ERROR);

    for (; err; err = err->cause)
        if (err->type && !strncmp(err->type, MD_ACME_ERROR, prefix) &&
            !strcmp(err->type + prefix, short_name))
            return 1;
    return 0;
}

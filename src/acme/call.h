/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to a CA: signed as RFC 8555 6.2 wants it, with a nonce of the pool; a refused nonce is replaced
 * and the request repeated (bounded); every other refusal becomes a failure.
 */
#ifndef MD_ACME_CALL_H
#define MD_ACME_CALL_H

#include "acme/ca.h"

/** What the requests of one step share. */
typedef struct md_call {
    md_ca *ca;
    md_http *http;
    const md_http_route *route;
    const md_clock *clock;
    const md_account_use *account; /* NULL before there is one */
} md_call;

typedef struct md_answer {
    int status;
    const char *location;   /* absolute, or NULL */
    apr_time_t retry_after; /* 0: not said */
    json_t *doc;            /* JSON body, or NULL */
    md_http_response http;
} md_answer;

/** A POST. */
typedef struct md_post {
    const char *url;
    const json_t *payload; /* NULL: POST-as-GET (RFC 8555 6.3) */
    const char *doing;     /* names the purpose in failures: "placing the order" */
    const md_key *key;     /* signs; NULL: the account of the call does */
    const char *kid;       /* with `key`: the account URL, or NULL to send the JWK */
} md_post;

/**
 * Sends it. 2xx is success; anything else fails by md_problem_of. A refused nonce is replaced and the request
 * repeated, up to 4 times.
 */
MD_MUST md_err *md_call_post(const md_call *call, const md_post *post, apr_pool_t *p, md_answer *answer);
/** Same, and the answer must be a JSON object. */
MD_MUST md_err *md_call_post_json(const md_call *call, const md_post *post, apr_pool_t *p, md_answer *answer);
/** Unsigned GET of JSON (directory, ARI). */
MD_MUST md_err *md_call_json(const md_call *call, const char *url, const char *doing, apr_pool_t *p,
                             md_answer *answer);
/** Did the CA answer, be it with a refusal? NULL: it did. */
int md_call_was_answered(const md_err *err);
/** Was the request cut off by the end of the engine? */
int md_call_was_cut_off(const md_err *err);
/** Reads the directory into the call's gate unless it is known; at most one request. */
MD_MUST md_err *md_call_directory(const md_call *call, apr_pool_t *p);

#endif

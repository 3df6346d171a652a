/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to a responder: a request, and its answer checked. Failures name responder and reason.
 */
#ifndef MD_OCSP_ASK_H
#define MD_OCSP_ASK_H

#include "net/http.h"
#include "ocsp/staple.h"

/** How to reach the responder: `url` is its URL, of the certificate. */
typedef struct md_ocsp_way {
    md_http *http;
    const md_http_route *route;
    const char *url;
    int get;    /* by GET (RFC 6960 A.1), for responders that refuse POST */
    int sha256; /* see md_ocsp_form */
} md_ocsp_way;

/** What came of a question. */
typedef struct md_ocsp_reply {
    md_staple staple;
    int reached;          /* an HTTP answer came */
    int refuses_post;     /* with a failure: worth trying by GET */
    int knows_not;        /* with a failure: worth trying by SHA-256 */
    apr_time_t no_sooner; /* the responder says that nothing new is to be had before; 0: it says nothing */
} md_ocsp_reply;

/** Sends one request about the first certificate of the chain. `out` is filled with failures, too. What asks
 * everybody to wait is a failure with `not_before`. */
MD_MUST md_err *md_ocsp_ask(const md_ocsp_way *way, const md_chain *chain, apr_time_t now, apr_pool_t *p,
                            md_ocsp_reply *out);

#endif

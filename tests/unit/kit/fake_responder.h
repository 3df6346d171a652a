/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP responses as tests want them, and a responder that gives them out by HTTP.
 */
#ifndef MD_TESTS_FAKE_RESPONDER_H
#define MD_TESTS_FAKE_RESPONDER_H

#include "kit/sample.h"
#include "net/http.h"
#include "tls/ocsp.h"

/** What is said and by whom; zeros: good, from now on for four days, signed by the issuer. */
typedef struct fake_says {
    md_ocsp_status status; /* MD_OCSP_UNKNOWN is 0 and means good here; see `unknown` */
    int unknown;
    apr_time_t now, from, until; /* `now` 0: the system's */
    int endless;                 /* no nextUpdate */
    X509 *signer;                /* a delegate instead of the issuer */
    md_key *signer_key;
    int without_certs; /* the signer's certificate is left out */
    int sha256;        /* names the certificate by SHA-256 */
    const char *nonce; /* of this text; NULL: that of the request */
} fake_says;

/** The DER of a response about the first certificate of a chain whose issuer is `ca`. */
md_bytes fake_ocsp(const sample_ca *ca, const md_chain *chain, const fake_says *says, md_bytes request,
                   apr_pool_t *p);
/** A certificate of the issuer's for a purpose ("OCSPSigning"), valid in `valid` ({0,0}: now). */
X509 *fake_delegate(const sample_ca *ca, const md_key *key, const char *purpose, md_period valid,
                    apr_pool_t *p);

/** A responder behind md_http_options.send. */
typedef struct fake_responder {
    const sample_ca *ca;
    md_chain *chain; /* what it is asked about */
    fake_says says;
    int status; /* HTTP; 0: 200 */
    int refuses_post, unreachable;
    int only_sha256;            /* knows no certificate by SHA-1 */
    const char *body;           /* instead of a response */
    const char *header, *value; /* one more */
    int asked;
    const char *method, *url; /* of the last request */
    md_bytes request;
    apr_pool_t *p;
} fake_responder;

/** For certificates of a CA of its own: a chain that names it, for these names (words). */
fake_responder *fake_responder_make(const char *names, const sample_wish *more, apr_pool_t *p);
/** An md_http_send_fn; `self` is a fake_responder. */
md_err *fake_responder_send(void *self, md_http *http, const md_http_request *request,
                            const md_http_route *route, apr_pool_t *p, md_http_response *response);

#endif

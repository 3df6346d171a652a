/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP (RFC 6960, RFC 5019): the question about one certificate, and whether an answer can be believed. No
 * policy: when to ask and what to do with an answer is decided elsewhere.
 */
#ifndef MD_TLS_OCSP_H
#define MD_TLS_OCSP_H

#include "tls/cert.h"

/** Longest answer that is looked at. Real ones have 300 to 3,000 bytes. */
#define MD_OCSP_SIZE_MAX (16 * 1024)

typedef enum md_ocsp_status { MD_OCSP_UNKNOWN, MD_OCSP_GOOD, MD_OCSP_REVOKED } md_ocsp_status;

/** What a responder says about a certificate. */
typedef struct md_ocsp_answer {
    md_ocsp_status status;
    md_period valid; /* thisUpdate to nextUpdate; 12 hours where the responder names no end */
} md_ocsp_answer;

/** How a question is put. */
typedef struct md_ocsp_form {
    int sha256; /* name the certificate by SHA-256 instead of SHA-1, which not all responders know */
    int nonce;  /* ask for an answer of its own; not for answers that caches may give */
} md_ocsp_form;

/** "good", "revoked" or "unknown". */
const char *md_ocsp_status_name(md_ocsp_status status);
/** Anything else is unknown. */
md_ocsp_status md_ocsp_status_named(const char *name);

/** DER of the question about the first certificate of a chain; the second one must be its issuer. */
MD_MUST md_err *md_ocsp_request(const md_chain *chain, md_ocsp_form form, apr_pool_t *p, md_bytes *der);

/**
 * Checks an answer: that it is about the first certificate of the chain (named by SHA-1 or SHA-256), signed
 * by its issuer or by a certificate that the issuer made for this purpose and that is valid, current at `now`
 * within the tolerance for clocks, and fresh if it repeats the nonce of `request` (data NULL: nothing was
 * asked just now). Good and revoked are answers. Failures are MD_FAULT_REMOTE: "md:ocsp-refused",
 * "md:ocsp-busy", "md:ocsp-malformed", "md:ocsp-other", "md:ocsp-unknown", "md:ocsp-untrusted",
 * "md:ocsp-outdated", "md:ocsp-replayed".
 */
MD_MUST md_err *md_ocsp_check(const md_chain *chain, md_bytes response, md_bytes request, apr_time_t now,
                              apr_pool_t *p, md_ocsp_answer *out);

#endif

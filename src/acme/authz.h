/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorizations and challenges (RFC 8555 7.1.4, 7.5): read one, choose which challenge to answer, tell the
 * CA.
 */
#ifndef MD_ACME_AUTHZ_H
#define MD_ACME_AUTHZ_H

#include "acme/order.h"

typedef enum md_authz_status {
    MD_AUTHZ_UNKNOWN,
    MD_AUTHZ_PENDING,
    MD_AUTHZ_VALID,
    MD_AUTHZ_INVALID,
    MD_AUTHZ_GONE /* deactivated, expired, revoked */
} md_authz_status;

typedef struct md_challenge {
    const char *type, *url, *token, *status;
    const json_t *error;
    md_names *issuers; /* dns-persist-01: domain names of the CA */
} md_challenge;

typedef struct md_authz {
    const char *url;
    const char *name; /* identifier value, lowercase, without "*." */
    int wildcard;
    md_authz_status status;
    apr_array_header_t *challenges; /* of md_challenge */
    apr_time_t retry_after;
} md_authz;

/** From the CA's document; at most 64 challenges are read. */
MD_MUST md_err *md_authz_from_json(const json_t *doc, const char *url, apr_pool_t *p, md_authz **out);
MD_MUST md_err *md_authz_read(const md_call *call, const char *url, apr_pool_t *p, md_authz **out);
/** Tells the CA that the challenge can be checked (POST {}). */
MD_MUST md_err *md_authz_answer(const md_call *call, const md_challenge *challenge, apr_pool_t *p);
/** Has the CA looked and found nothing, and waits to be told again? Some leave authorization and challenge
 * pending then, with the challenge's error. One that is "processing" looks again by itself (RFC 8555 8.2). */
int md_authz_is_stuck(const md_authz *authz);
/** Why it is invalid, or pending still: the failed challenge's error, as MD_FAULT_VALIDATION naming the DNS
 * name. */
md_err *md_authz_problem(const md_authz *authz, apr_time_t now, apr_pool_t *p);

#endif

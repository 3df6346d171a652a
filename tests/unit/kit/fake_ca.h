/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate authority in memory behind md_http_options.send: an RFC 8555 server that verifies signatures,
 * nonces and challenges and issues real certificates, and misbehaves on demand. Thread safe.
 */
#ifndef MD_TESTS_FAKE_CA_H
#define MD_TESTS_FAKE_CA_H

#include "net/http.h"
#include "store/store.h"

#define FAKE_CA_DIRECTORY "https://ca.test/dir"
#define FAKE_CA_TERMS     "https://ca.test/terms"

/** What is wrong with the certificates. */
typedef enum fake_cert {
    FAKE_CERT_GOOD,
    FAKE_CERT_OTHER_KEY,
    FAKE_CERT_OTHER_NAMES,
    FAKE_CERT_SURPLUS_NAME,
    FAKE_CERT_EXPIRED,
    FAKE_CERT_BROKEN_CHAIN,
    FAKE_CERT_GARBAGE
} fake_cert;

/** What happens to the chosen request. */
typedef enum fake_fault {
    FAKE_FAULT_NONE,
    FAKE_FAULT_LOST,       /* the CA never sees it: "md:unreachable" */
    FAKE_FAULT_UNANSWERED, /* the CA does what it says, the answer is lost: "md:timeout" */
    FAKE_FAULT_STATUS,     /* `fault_status` with `fault_type` and `fault_body` */
} fake_fault;

typedef struct fake_ca {
    /* knobs; change them between requests only */
    int bad_nonce_every; /* n: every n-th signed request is refused with badNonce; 0: none */
    int authz_polls;     /* an authorization is pending for so many reads after its challenge was answered */
    int order_polls;     /* an order is processing for so many reads after it was finalized */
    int retry_after;     /* seconds, sent with what is pending; 0: not sent */
    int reuse_authz;     /* names that were proved once need no proof again */
    int trusting;        /* challenges are not looked at */
    int terms_required, eab_required;
    fake_cert cert;
    const char *refuse_name;      /* newOrder with it: rejectedIdentifier */
    const char *fail_name;        /* its validation fails with "connection" */
    int rate_limited;             /* newOrder: 429 with Retry-After 120 */
    int suggests;                 /* the directory has renewalInfo */
    const char *suggestion;       /* its answer, JSON; NULL: 404 */
    const char *suggest_again;    /* its Retry-After */
    const char *refuse_replacing; /* newOrder with "replaces": this problem */
    int alternates;               /* links to so many alternate chains, which are all the same */
    int fault_at; /* the request with this number, counted from fake_ca_count_from_here, is treated by `fault`
                   */
    int fault_every; /* all requests from `fault_at` on are */
    fake_fault fault;
    int fault_status;
    const char *fault_type, *fault_body;

    /* what happened */
    int requests; /* since fake_ca_count_from_here */
    int accounts, orders, finalized, downloads, revoked;
    int revoked_for;      /* reason of the last revocation */
    const char *replaced; /* what the last order was said to replace */

    struct fake_ca_state *state;
} fake_ca;

/** Reads challenge answers from `store` (may be NULL with `trusting`); lives as long as `p`. */
fake_ca *fake_ca_open(md_store *store, const md_clock *clock, apr_pool_t *p);
/** Makes requests of this kind go to the CA. */
void fake_ca_serve(fake_ca *ca, md_http_options *options);
void fake_ca_count_from_here(fake_ca *ca);
/** "POST /order" and so on, one a line, of all requests since the start. */
const char *fake_ca_log(const fake_ca *ca, apr_pool_t *p);
/** Forgets all accounts, as if they had been removed at the CA. */
void fake_ca_forget_accounts(fake_ca *ca);
/** Makes every order that is not finished invalid / unknown. */
void fake_ca_spoil_orders(fake_ca *ca, int forget);

#endif

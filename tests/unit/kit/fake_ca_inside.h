/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the CA in memory share.
 */
#ifndef MD_TESTS_FAKE_CA_INSIDE_H
#define MD_TESTS_FAKE_CA_INSIDE_H

#include <apr_hash.h>
#include <pthread.h>

#include "base/json.h"
#include "kit/fake_ca.h"
#include "kit/fake_pki.h"

#define HOST "https://ca.test"

typedef struct account {
    const char *thumbprint;
    json_t *jwk;
    json_t *contact;
} account;

typedef struct authz {
    const char *name, *token;
    int order, account, answered, reads, wildcard;
    const char *status; /* "pending", "valid", "invalid" */
} authz;

typedef struct order {
    int account, reads, forgotten;
    md_names *names;
    int first_authz;
    const char *status;
    const char *pem;
    int revoked; /* 1 + the reason */
} order;

struct fake_ca_state {
    pthread_mutex_t lock;
    apr_pool_t *p;
    md_store *store;
    const md_clock *clock;
    fake_pki *pki;
    apr_array_header_t *accounts, *authzs, *orders, *log;
    apr_hash_t *nonces, *proved;
    int nonce, signed_requests;
};

/** One request while it is answered. */
typedef struct visit {
    fake_ca *ca;
    struct fake_ca_state *state;
    const md_http_request *request;
    const char *path;
    json_t *header, *payload; /* of a signed request; payload NULL: POST-as-GET */
    int account;              /* index, -1: none */
    apr_pool_t *p;
    md_http_response *response;
} visit;

void fake_ca_reply(const visit *v, int status, const char *type, const char *body);
void fake_ca_problem(const visit *v, int status, const char *type, const char *detail);
/** A base64url JSON member of a JWS, or NULL; `*is_empty`: it has no octets. */
json_t *fake_ca_decoded(const visit *v, const json_t *doc, const char *member, int *is_empty);
/** Index of the account with this key, or -1. */
int fake_ca_find_account(const visit *v, const char *thumbprint);

/* renewalInfo, and orders with "replaces": fake_ca_suggest.c. True: refused. */
void fake_ca_suggest(visit *v);
int fake_ca_refuses_replacing(visit *v);

/* keyChange and revokeCert: fake_ca_keys.c */
void fake_ca_change_key(visit *v);
void fake_ca_revoke(visit *v);

#endif

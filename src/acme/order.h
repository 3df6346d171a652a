/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders (RFC 8555 7.1.3, 7.4): placed, read, finalized, downloaded. The record in
 * staging/<domain>/order.json is what a crash leaves to go on with.
 */
#ifndef MD_ACME_ORDER_H
#define MD_ACME_ORDER_H

#include "acme/call.h"
#include "store/store.h"
#include "tls/cert.h"

typedef enum md_order_status {
    MD_ORDER_UNKNOWN,
    MD_ORDER_PENDING,
    MD_ORDER_READY,
    MD_ORDER_PROCESSING,
    MD_ORDER_VALID,
    MD_ORDER_INVALID
} md_order_status;

typedef struct md_order {
    const char *url;
    md_order_status status;
    md_names *authorizations; /* URLs */
    md_names *setups;         /* "challenge-setups": tokens "http-01:<name>", kept until torn down */
    const char *finalize, *certificate;
    const char *spec;       /* ours: name of the key spec it is for */
    const char *account;    /* ours: account URL it belongs to */
    const char *ca_url;     /* ours: directory URL it was placed at */
    md_names *done;         /* ours: authorization URLs known to be valid */
    const json_t *error;    /* RFC 8555 7.1.3, or NULL */
    apr_time_t retry_after; /* of the answer just read */
} md_order;

json_t *md_order_to_json(const md_order *order, apr_pool_t *p);
/** The store's record; NULL without a url. */
md_order *md_order_from_json(const json_t *doc, apr_pool_t *p);
MD_MUST md_err *md_order_load(md_store *store, const char *domain, apr_pool_t *p, md_order **out);
MD_MUST md_err *md_order_save(md_store *store, const char *domain, const md_order *order, apr_pool_t *p);

/** What to ask for. */
typedef struct md_order_wish {
    const md_names *names;
    const char *profile;  /* in the CA's spelling, or NULL */
    const char *replaces; /* ARI id of the certificate that is replaced, or NULL */
} md_order_wish;

/** newOrder; fills `order` (url, status, authorizations, finalize). */
MD_MUST md_err *md_order_place(const md_call *call, const md_order_wish *wish, apr_pool_t *p, md_order **out);
/** POST-as-GET of the order; updates the CA's members of `order`. */
MD_MUST md_err *md_order_read(const md_call *call, md_order *order, apr_pool_t *p);
/** Sends the CSR (DER); updates `order`. */
MD_MUST md_err *md_order_finalize(const md_call *call, md_order *order, md_bytes csr, apr_pool_t *p);
/** Fetches the chain; one request, or one more per "up" link when the CA sends a lone certificate (at most
 * 4). With `preferred`, the common name of an issuer, alternate chains (RFC 8555 7.4.2, at most 8) are
 * fetched until one leads to it; if none does, it is the CA's usual one: see md_chain_top_issuer. */
MD_MUST md_err *md_order_download(const md_call *call, const md_order *order, const char *preferred,
                                  apr_pool_t *p, md_chain **out);
/** The failure of an invalid order, with subproblems per name. */
md_err *md_order_problem(const md_order *order, apr_time_t now, apr_pool_t *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate authorities at run time: known names, the directory document, and one gate per CA that all
 * orders share: nonce pool, cap on requests in flight, times of rest, the account in use. Gates live on the
 * heap for the life of an engine; they hold nothing that a crash would lose.
 */
#ifndef MD_ACME_CA_H
#define MD_ACME_CA_H

#include "acme/problem.h"
#include "plan/budget.h"
#include "tls/jws.h"

/** URL for "LetsEncrypt", "LetsEncrypt-Test", "Buypass", "Buypass-Test" (any case), or NULL. */
const char *md_ca_known_url(const char *name);
/** Known name of a URL, else its host. For people. */
const char *md_ca_shown(const char *url, apr_pool_t *p);
/** Is it known to make accounts only for customers, who have a key id and an HMAC (RFC 8555 7.3.4)? Only the
 * directory says for sure. */
int md_ca_is_bound(const char *url, apr_pool_t *p);
/** All known names, comma separated, for messages. */
const char *md_ca_known_names(apr_pool_t *p);

/** RFC 8555 7.1.1. NULL members were not announced. Strings live as long as the gate. */
typedef struct md_directory {
    const char *new_nonce, *new_account, *new_order, *revoke_cert, *key_change, *renewal_info;
    const char *terms;
    int eab_required;
    const char **profiles; /* names, NULL-terminated, or NULL when the CA has none */
    const char **caa;      /* likewise: names that CAA records know the CA by */
} md_directory;

/** An account that the gate's orders use. Immutable; held by reference. */
typedef struct md_account_use {
    const char *url; /* account URL, the "kid" */
    const char *id;  /* folder below accounts/, or NULL while it waits in staging */
    md_key *key;
} md_account_use;

typedef struct md_ca md_ca;   /* a gate */
typedef struct md_cas md_cas; /* all gates of an engine, by directory URL and kind of account */

md_cas *md_cas_open(void);
void md_cas_close(md_cas *cas);
/** The gate for a directory URL and a kind of account (EAB key id, key of one's own; NULL: any); made on
 * first use.
 */
md_ca *md_cas_gate(md_cas *cas, const char *directory_url, const char *kind);
const char *md_ca_url(const md_ca *ca);
const char *md_ca_kind(const md_ca *ca);

/* Requests in flight: at most 8, but 6 where there are several CAs, so that one that falls silent leaves
 * threads to others; and 1 as long as the CA has not answered yet or was last found silent. */
#define MD_CA_IN_FLIGHT  8
#define MD_CA_LEAVE_ROOM 2
/* A wait for others' requests; one that is longer is for the CA. */
#define MD_CA_PAUSE apr_time_from_msec(50)
/** True and counted, or false: come back at *again. */
int md_ca_enter(md_ca *ca, apr_time_t now, apr_time_t *again);
/** What was found out about a CA on one way to it (proxy, roots) says nothing about others. */
typedef struct md_silence {
    const md_err *why; /* no HTTP answer came back; NULL: one did */
    const char *way;   /* any text that is the same for the same way */
} md_silence;
/** Ends a request; `rest_until`: the CA asked everybody to wait (503, 429 on newNonce..), or 0. */
void md_ca_leave(md_ca *ca, apr_time_t now, const md_silence *found, apr_time_t rest_until, apr_pool_t *p);
/** For who has waited since this time: the CA was found silent just now on this way, and why; NULL: it was
 * not. Nobody needs to find the same out again. */
md_err *md_ca_silence(md_ca *ca, const char *way, apr_time_t since, apr_time_t now, apr_pool_t *p);

/** No new order or account before this time: the CA has said so about the account. What was ordered goes on.
 */
void md_ca_rest_orders(md_ca *ca, apr_time_t until);
apr_time_t md_ca_orders_rest(md_ca *ca, apr_time_t now);
/** One more new order out of the budget. *spent is what the store knows to be spent, and afterwards what is
 * to be kept there. False: it is used up (and `anyway` is not said), and *spent is when there is more. */
int md_ca_pay_order(md_ca *ca, const md_rate *rate, int anyway, apr_time_t now, apr_time_t *spent);
/** Is it time to tell that orders wait for the budget? Once an hour. */
int md_ca_tell_budget(md_ca *ca, apr_time_t now);

/** Nonces: newest first, bounded, not older than 10 minutes. Take gives a copy in `p`, or NULL when there is
 * none. */
const char *md_ca_take_nonce(md_ca *ca, apr_time_t now, apr_pool_t *p);
void md_ca_give_nonce(md_ca *ca, const char *text, apr_time_t now);

/** The directory in use, or NULL when it was not read yet or is older than an hour. Valid until md_cas_close.
 */
const md_directory *md_ca_directory(md_ca *ca, apr_time_t now);
/** Reads a directory document into the gate; it must have newNonce, newAccount and newOrder. ACMEv1's is
 * refused with a clear text. */
MD_MUST md_err *md_ca_learn(md_ca *ca, const json_t *doc, apr_time_t now, apr_pool_t *p);

/** The account in use: registers a hold on the pool and returns it, or NULL. */
const md_account_use *md_ca_account(md_ca *ca, apr_pool_t *p);
/** Sets (copying, key by reference) or forgets (url NULL) the account in use. */
void md_ca_use_account(md_ca *ca, const char *url, const char *id, md_key *key);
/** One at a time may find or register the account: true for whom it is; others come back later. Ended by
 * md_ca_account_done. */
int md_ca_account_begin(md_ca *ca);
void md_ca_account_done(md_ca *ca);

#endif

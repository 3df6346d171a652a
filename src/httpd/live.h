/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going live: newer credentials than those mod_ssl loaded at start, served by the running children. Each
 * domain has a slot. A handshake compares the slot with the domain's row of the board; when the row has moved
 * on, this child loads the newest complete set once, checks it, and serves it from then on. Nothing runs in
 * between: no thread, no timer, and a child holds only what its clients asked for.
 */
#ifndef MD_HTTPD_LIVE_H
#define MD_HTTPD_LIVE_H

#include <openssl/ssl.h>
#include "httpd/board.h"
#include "jobs/core.h"

typedef struct md_live_slot md_live_slot;

/** An array of slots, one per domain of the plan, by md_domain.index. Made by the parent before it forks;
 * store, plan and board must live as long as `p`. */
md_live_slot *md_live_make(md_store *store, const md_plan *plan, const md_board *board, const md_clock *clock,
                           apr_pool_t *p);
md_live_slot *md_live_slot_at(md_live_slot *slots, int index);

/** The certificate callback of a virtual host's SSL_CTX; `slot` is its domain's. Puts the newest set in place
 * when there is one. */
int md_live_choose(SSL *ssl, md_live_slot *slot);

/** Does this child have, or can it load, something newer than what mod_ssl loaded at start? */
int md_live_serves(md_live_slot *slot);

/** Facts of the newest set that was brought since the start, one md_cert_fact per key spec; *facts NULL if
 * there was none. Reads certificates only, no keys. */
MD_MUST md_err *md_live_facts(md_live_slot *slot, apr_pool_t *p, apr_array_header_t **facts);

/** The chain of a key spec in the newest set that was brought since the start; *chain NULL if there was none.
 */
MD_MUST md_err *md_live_chain(md_live_slot *slot, const md_key_spec *spec, apr_pool_t *p, md_chain **chain);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promoting: what children brought to STAGING becomes the domain's own. At a start for everything that waits,
 * in a running server by the parent, for the rows of the board that moved on. Runs as the user who owns
 * DOMAINS, never waits for a command or the network.
 */
#ifndef MD_HTTPD_PROMOTE_H
#define MD_HTTPD_PROMOTE_H

#include "httpd/board.h"
#include "jobs/core.h"

/** At a start, before mod_ssl asks for files: activates every complete set, and empties LIVE, which DOMAINS
 * makes superfluous. What cannot be used is logged and concerns its own domain only. */
MD_MUST md_err *md_promote_all(md_store *store, const md_plan *plan, apr_time_t now, apr_pool_t *p);

/** What the parent of a running server remembers between its rounds. */
typedef struct md_promoter md_promoter;
md_promoter *md_promoter_make(md_store *store, const md_plan *plan, const md_board *board, apr_pool_t *p);

/** Who wants to know that a domain's certificate was moved. */
typedef void md_promoted_fn(void *self, const md_domain *domain);
void md_promoter_on_moved(md_promoter *promoter, md_promoted_fn *moved, void *self);
/** At a start: brings the copies of MDExport up to date. Those that cannot be written are tried again in each
 * round. */
void md_promoter_export(md_promoter *promoter, apr_pool_t *p);

/** One round: deals with the rows that moved on, oldest memory first, for at most two seconds; the rest waits
 * for the next round. */
void md_promote_round(md_promoter *promoter, const md_clock *clock, apr_pool_t *p);

#endif

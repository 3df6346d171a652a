/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole renewal in memory: one domain (or several), a CA, a store, a clock, and processes that can die at
 * any change of the store and at any request.
 */
#ifndef MD_TESTS_RENEWING_H
#define MD_TESTS_RENEWING_H

#include "jobs/engine.h"
#include "kit/fake_ca.h"
#include "kit/fake_clock.h"
#include "kit/store_mem.h"

typedef struct renewing {
    apr_pool_t *p;
    fake_clock *clock;
    md_store *store;
    fake_ca *ca;
    md_plan *plan;
    md_domain *domain; /* the first one */
    md_core core;
    md_http_options http;
    int staged, account_staged, proofs; /* how often core was called for them */
    const char *unproved;               /* makes proofs fail with this reason */
    const char *refuse;                 /* name of the event that a subscriber refuses */

    /* death, see renewing_die_* */
    int requests, die_at_request, ca_saw_it;
    int die_after_changes, changes_before;
    md_err *err; /* what ended the last process, or NULL */
} renewing;

/** A world with a domain of these names (words) and keys ("P-256", "P-256 P-384"). Everything lives in `p`.
 */
renewing *renewing_make(const char *names, const char *keys, apr_pool_t *p);
/** One more domain. */
md_domain *renewing_add(renewing *r, const char *names, const char *keys);

/** One process: an engine of its own that runs (the clock is moved) until the domain is done for now, it
 * dies, or `at_most` has passed. */
void renewing_run(renewing *r, apr_interval_time_t at_most);
/** One process that looks once: how long it rests then. */
apr_interval_time_t renewing_rest(renewing *r);
/** The next process dies after so many changes of the store. */
void renewing_die_after_changes(renewing *r, int changes);
/** The next process dies with this request (1: the first): before the CA sees it, or before the answer
 * arrives. */
void renewing_die_at_request(renewing *r, int request, int ca_saw_it);
/** Did it die? */
int renewing_is_dead(renewing *r);
/** Ready for the next process. */
void renewing_restart(renewing *r);

/** Is there a complete, verified set in staging? */
int renewing_is_staged(renewing *r);
md_job *renewing_job(renewing *r);
/** What is in a file of the domain in staging, or NULL. */
const char *renewing_file(renewing *r, const char *file);
/** Lines that were logged since the world was made, one a line: "3 AH10056 Renewing ...". */
const char *renewing_log(renewing *r);

#endif

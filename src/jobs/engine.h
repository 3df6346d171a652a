/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: what is due, when, and a few threads that run one step at a time. Waiting occupies no thread.
 * Orders in progress are bounded by MDRenewConcurrency; those that want to begin queue in order of their due
 * time.
 */
#ifndef MD_JOBS_ENGINE_H
#define MD_JOBS_ENGINE_H

#include "jobs/step.h"

/** Most worker threads. */
#define MD_ENGINE_THREADS 8

typedef struct md_engine md_engine;

/** Enters every domain of the plan for every kind (a list that ends with NULL), due after MDInitialDelay.
 * Starts no thread yet. `core` and what it points to must outlive the engine, which lives as long as `p`. */
md_engine *md_engine_make(const md_core *core, const md_kind *const *kinds, apr_pool_t *p);
/** Starts serving: up to `max_threads` workers (1..8), on demand; all but one end when there is nothing to do
 * for some seconds. */
MD_MUST md_err *md_engine_start(md_engine *engine, int max_threads);
/** Stops within a second: requests in flight are cut off, threads joined. Nothing is lost: a step cut off is
 * repeated. It cannot be started again. */
void md_engine_stop(md_engine *engine);
/** Looks at a domain again now (its configuration or facts changed). Thread safe. */
void md_engine_poke(md_engine *engine, const md_domain *domain);
/** Without threads: runs in this one what is due, waits included, until nothing is due before `until`.
 * Returns the number of steps. With a clock that is set by hand `until` must not be later than its now. */
int md_engine_run(md_engine *engine, apr_time_t until);
/** When the next job is due; 0: none is. Thread safe. */
apr_time_t md_engine_next(md_engine *engine);
/** How many orders are in progress, and how many wait for their turn. Thread safe. */
void md_engine_load(md_engine *engine, int *in_progress, int *queued);

/** Works on one job in this thread until there is nothing to do for now: to the end, or to the first failure,
 * which is returned. Waits are slept. For the command line. */
MD_MUST md_err *md_engine_drive(const md_core *core, const md_kind *kind, const md_domain *domain,
                                apr_pool_t *p);

#endif

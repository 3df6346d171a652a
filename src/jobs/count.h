/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subscriber that counts what happened, for metrics. Counts outlive processes and restarts: what was
 * counted in memory is added to a file of the store every now and then. Servers that share a store share the
 * counts.
 */
#ifndef MD_JOBS_COUNT_H
#define MD_JOBS_COUNT_H

#include "jobs/events.h"

typedef struct md_counts md_counts;

/** Nothing counted yet. For all threads of a process; lives as long as `p`. */
md_counts *md_counts_make(apr_pool_t *p);
/** Counts "renewed", "errored" and "activated"; agrees to everything. It comes behind subscribers that may
 * refuse. `self` is a md_counts. */
md_err *md_counts_on_event(void *self, const md_event *event, apr_pool_t *p);
/** Adds what was counted since to the store's file; may be lost with the power. When somebody else does the
 * same just now, or it fails, the next call does. */
MD_MUST md_err *md_counts_save(md_counts *counts, md_store *store, apr_pool_t *p);

/**
 * What the store's file says: {"renewals": {CA: n}, "errors": {CA: {problem: n}}, "activations": n,
 * "order-seconds": {"sum": s, "count": n, "1": n, ...}}, the last by bounds of md_count_bounds; orders
 * are in one bucket each. An object in any case: damaged is as good as empty. Owned by `p`.
 */
json_t *md_counts_load(md_store *store, apr_pool_t *p);

#define MD_COUNT_BOUNDS 9
/** Upper bounds of the buckets in seconds, ascending. */
extern const int md_count_bounds[MD_COUNT_BOUNDS];

#endif

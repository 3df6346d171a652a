/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store follows the configuration: what root does at every start before anything is activated.
 */
#ifndef MD_JOBS_SYNC_H
#define MD_JOBS_SYNC_H

#include "plan/due.h"
#include "plan/plan.h"
#include "store/store.h"

typedef enum md_sync_extent {
    MD_SYNC_STAGED, /* folders, and domains that have something staged: enough to activate that */
    MD_SYNC_ALL
} md_sync_extent;

/**
 * Brings the store in line with the plan at start, as root: renamed and merged domains keep their folders,
 * md.json is written when it changed, and renewals that failed before are tried again at once (unless the CA
 * asked to wait). One listing of each group, no work per domain beyond its md.json. Sets ca_url, ca_account
 * and contacts of the plan's domains from the store where the configuration has none, and stored_state; `p`
 * is the plan's.
 */
MD_MUST md_err *md_sync(md_store *store, md_plan *plan, md_sync_extent extent, apr_pool_t *p);

/**
 * The second half, when the certificates are known: `states` has one for each domain of the plan, by index.
 * Where stored_state is another one, it is written to md.json; nothing else is read or written. After a
 * complete md_sync.
 */
MD_MUST md_err *md_sync_states(md_store *store, md_plan *plan, const md_state *states, apr_pool_t *p);

#endif

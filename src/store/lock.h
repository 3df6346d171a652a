/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks over the whole store. One for servers that share it: who starts changes folders alone; advisory, as
 * APR locks files. And one that a server holds as long as it runs, so that others see it.
 */
#ifndef MD_STORE_LOCK_H
#define MD_STORE_LOCK_H

#include <apr_file_io.h>
#include "store/store.h"

/** Waits for the lock at most this long; the failure says who may have it. It ends with `md_store_unlock` or
 * `p`. A store without files has no lock: *out NULL, no failure. */
MD_MUST md_err *md_store_lock(md_store *store, apr_interval_time_t wait, apr_pool_t *p, apr_file_t **out);
void md_store_unlock(apr_file_t *lock); /* NULL is fine */

/** This process is the server that uses the store, until `p` ends: children do not count. *other: 0, or the
 * process that was first, which stays the one. */
MD_MUST md_err *md_store_occupy(md_store *store, apr_pool_t *p, long *other);
/** The process that occupies the store, 0 if there is none. Not for a process that occupies it itself, which
 * would lose it. */
long md_store_occupant(md_store *store, apr_pool_t *p);

#endif

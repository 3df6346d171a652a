/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock over the whole store, for servers on several machines that share it: who starts changes folders
 * alone. Advisory, as APR locks files.
 */
#ifndef MD_STORE_LOCK_H
#define MD_STORE_LOCK_H

#include <apr_file_io.h>
#include "store/store.h"

/** Waits for the lock at most this long; the failure says who may have it. It ends with `md_store_unlock` or
 * `p`. A store without files has no lock: *out NULL, no failure. */
MD_MUST md_err *md_store_lock(md_store *store, apr_interval_time_t wait, apr_pool_t *p, apr_file_t **out);
void md_store_unlock(apr_file_t *lock); /* NULL is fine */

#endif

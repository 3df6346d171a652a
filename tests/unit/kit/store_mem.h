/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in memory, with faults on demand. Values are copied in and out; any thread may use it.
 */
#ifndef MD_TESTS_STORE_MEM_H
#define MD_TESTS_STORE_MEM_H

#include "store/store.h"

/** An empty store that lives as long as `p`. */
md_store *store_mem_open(apr_pool_t *p);

/** The n-th call from now (1: the next) fails once with type "test:fault" and changes nothing; 0: none does.
 */
void store_mem_fail_at(md_store *store, int n);
/** After the n-th change from now (0: at once) everything stops: all calls fail with type "test:stopped", as
 * if the process had died there; -1: never. */
void store_mem_stop_after(md_store *store, int n);
/** The next process: no faults, no stop, no claims. What was saved is there. */
void store_mem_restart(md_store *store);

/** Calls and changes so far; calls include changes. */
int store_mem_calls(md_store *store);
int store_mem_changes(md_store *store);
/** Sets what md_store_changed says of files that are saved from now on; 0: the system's time. */
void store_mem_set_time(md_store *store, apr_time_t now);
/** All files, sorted, "staging/example.org/job.json", one a line; secret ones end with " (secret)". */
const char *store_mem_tree(md_store *store, apr_pool_t *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default provider: files below one folder. Layout, modes and owners are those that administrators know;
 * writes are atomic and durable; folders that the unprivileged user can write are treated as hostile.
 */
#ifndef MD_STORE_STORE_FS_H
#define MD_STORE_STORE_FS_H

#include "store/store.h"

typedef struct md_store_fs_options {
    const char *base; /* absolute path; made if missing */
    long uid;         /* unprivileged user who gets the children_write folders when we are root; -1: nobody */
    int read_only;    /* open nothing for writing, make nothing: for dry runs and listings */
} md_store_fs_options;

/**
 * Opens (and makes) the store: folders, md_store.json with a new secret on first use, migration from
 * versions 1.0 and 2.0, mending of interrupted moves. Failures are for the operator: unreadable or newer
 * md_store.json, not writable. The store lives as long as `p`.
 */
MD_MUST md_err *md_store_fs_open(const md_store_fs_options *options, apr_pool_t *p, md_store **out);

/** A fault injector for tests: called before every system call that writes; non-zero makes it fail with that
 * errno. */
extern int (*md_store_fs_fault)(const char *operation);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can the server work with this store, and is it safe? Owners, modes, read-only and full file systems,
 * SELinux labels: found at a start, not by a renewal at night. Looks only; nothing is changed.
 */
#ifndef MD_STORE_AUDIT_H
#define MD_STORE_AUDIT_H

#include "base/text.h"

typedef struct md_audit_options {
    const char *base;    /* absolute path of the store */
    long uid;            /* of the server's children; -1: who asks */
    const char *enforce; /* where SELinux says whether it enforces; NULL: the system's place */
} md_audit_options;

/** One thing to mend. */
typedef struct md_finding {
    const char *what; /* a sentence with the path, no period */
    const char *mend; /* a command, or what to do */
} md_finding;

/** An array of md_finding, empty when all is well; at most a few dozen. */
apr_array_header_t *md_store_audit(const md_audit_options *options, apr_pool_t *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims as locked files: exclusive among threads and processes, ended by the system when a process dies.
 */
#ifndef MD_STORE_CLAIMS_H
#define MD_STORE_CLAIMS_H

#include "store/group.h"

/** *out NULL: taken by somebody else. Never waits. */
MD_MUST md_err *md_claim_take(const md_tree *tree, const char *what, apr_pool_t *p, md_claim **out);
/** Safe to call again. */
void md_claim_end(md_claim *claim);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate authorities and our accounts there, as the status shows them. No keys, no bindings.
 */
#ifndef MD_STATUS_AUTHORITIES_H
#define MD_STATUS_AUTHORITIES_H

#include "jobs/core.h"

/** [{"name", "url"}]: the one that a domain used last, else all that are configured for it. Owned by `p`. */
json_t *md_authorities_of(const md_domain *domain, apr_pool_t *p);
/** [{"name", "url", "domains", "accounts": [...]}]: those of all domains, and of accounts in the store.
 * Linear; at most 64 accounts are read. Owned by `p`. */
json_t *md_authorities_all(const md_core *core, apr_pool_t *p);

#endif

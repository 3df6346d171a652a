/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revoking certificates (RFC 8555 7.6).
 */
#ifndef MD_ACME_REVOKE_H
#define MD_ACME_REVOKE_H

#include "acme/call.h"
#include "store/creds.h"

/** Number of a reason that subscribers may give (RFC 5280 5.3.1), by its name or number; -1: it is none. */
int md_revoke_reason(const char *text);
/** Names of all reasons, comma separated. */
const char *md_revoke_reasons(apr_pool_t *p);

/**
 * Revokes the leaf: signed by the account of the call, or if there is none or the CA does not let it, by the
 * certificate's own key. `*already`: the CA says that it was revoked before.
 */
MD_MUST md_err *md_revoke(const md_call *call, const md_creds *creds, int reason, apr_pool_t *p,
                          int *already);

#endif

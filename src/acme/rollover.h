/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new key for an account (RFC 8555 7.3.5). The new key is on disk before the CA hears of it and takes the
 * place of the old one after the CA has it, so whoever is killed in between finds one that is accepted.
 */
#ifndef MD_ACME_ROLLOVER_H
#define MD_ACME_ROLLOVER_H

#include "acme/account.h"

/**
 * Changes the key of an account in accounts/ to a new one of the same type, and saves it. What an earlier
 * change left is finished first, which then is all: the key is new. The running server finds it by itself.
 */
MD_MUST md_err *md_account_roll_over(const md_call *call, md_store *store, md_account *account,
                                     apr_pool_t *p);

#endif

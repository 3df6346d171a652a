/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation with the CA in memory, one call after the other: a store, a call, and what an order needs.
 */
#ifndef MD_TESTS_TALK_H
#define MD_TESTS_TALK_H

#include "acme/account.h"
#include "acme/authz.h"
#include "kit/fake_ca.h"
#include "kit/store_mem.h"
#include "store/creds.h"

#define TALK_NAME "www.example.org"

extern fake_ca *talk_ca;
extern md_store *talk_store;
extern md_call talk_call;

/** Fixture of a test case. */
void talk_begin(void);
void talk_end(void);

/** An account for TALK_NAME, terms accepted. */
md_account_wish talk_wish(void);
/** The call has a directory and an account, which waits in staging. */
md_account *talk_log_in(void);
/** The account is in accounts/ too. */
md_account *talk_log_in_for_good(void);
/** Just TALK_NAME. */
md_names *talk_names(void);
/** A new order for it. */
md_order *talk_order(void);
/** Tells the CA that http-01 can be checked. */
void talk_answer(const md_authz *authz);
/** A certificate, ordered and downloaded without any challenge being looked at. */
md_creds *talk_creds(void);

#endif

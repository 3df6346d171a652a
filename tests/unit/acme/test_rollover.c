/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new key for an account, also when the change is interrupted.
 */
#include "acme/rollover.h"

#include <string.h>

#include "kit/kit.h"
#include "kit/talk.h"
#include "tls/cert.h"

static md_place next_place(const md_account *account)
{
    return MD_PLACE(MD_GROUP_ACCOUNTS, account->name, MD_ACCOUNT_NEXT_KEY);
}

/** Is the account's stored key the one that the CA has, and no other left? */
static void check_settled(const md_account *account, const char *other_than)
{
    md_account_wish want = talk_wish();
    md_account *stored;
    int usable;

    CHECK_OK(md_account_load(talk_store, account->name, kit_pool, &stored));
    ck_assert_str_ne(md_key_sha256(stored->key, kit_pool), other_than);
    ck_assert_int_eq(md_store_changed(talk_store, next_place(account), kit_pool), 0);
    CHECK_OK(md_account_check(&talk_call, talk_store, stored, &want, kit_pool, &usable));
    ck_assert(usable);
}

START_TEST(the_key_is_new_and_saved)
{
    md_account *account = talk_log_in_for_good();
    const char *old = md_key_sha256(account->key, kit_pool);

    CHECK_OK(md_account_roll_over(&talk_call, talk_store, account, kit_pool));
    check_settled(account, old);
    ck_assert_int_eq(talk_ca->accounts, 1);
}
END_TEST

START_TEST(a_lost_answer_is_cleared_up_by_the_next_change)
{
    md_account *account = talk_log_in_for_good();
    const char *old = md_key_sha256(account->key, kit_pool);

    fake_ca_count_from_here(talk_ca);
    talk_ca->fault_at = 1;
    talk_ca->fault = FAKE_FAULT_UNANSWERED;
    CHECK_FAILS(md_account_roll_over(&talk_call, talk_store, account, kit_pool), MD_FAULT_REMOTE,
                "changing the key");
    ck_assert_int_ne(md_store_changed(talk_store, next_place(account), kit_pool), 0);
    talk_ca->fault_at = 0;
    CHECK_OK(md_account_load(talk_store, account->name, kit_pool, &account));
    CHECK_OK(md_account_roll_over(&talk_call, talk_store, account, kit_pool));
    check_settled(account, old);
}
END_TEST

START_TEST(a_lost_request_is_repeated_with_the_same_key)
{
    md_account *account = talk_log_in_for_good();
    const char *old = md_key_sha256(account->key, kit_pool);
    md_key *next;

    fake_ca_count_from_here(talk_ca);
    talk_ca->fault_at = 1;
    talk_ca->fault = FAKE_FAULT_LOST;
    CHECK_FAILS(md_account_roll_over(&talk_call, talk_store, account, kit_pool), MD_FAULT_REMOTE,
                "changing the key");
    CHECK_OK(md_account_load_key(talk_store, next_place(account), kit_pool, &next));
    talk_ca->fault_at = 0;
    CHECK_OK(md_account_roll_over(&talk_call, talk_store, account, kit_pool));
    ck_assert_str_eq(md_key_sha256(account->key, kit_pool), md_key_sha256(next, kit_pool));
    check_settled(account, old);
}
END_TEST

START_TEST(a_refusal_leaves_the_old_key)
{
    md_account *account = talk_log_in_for_good();
    const char *old = md_key_sha256(account->key, kit_pool);

    fake_ca_count_from_here(talk_ca);
    talk_ca->fault_at = 1;
    talk_ca->fault = FAKE_FAULT_STATUS;
    talk_ca->fault_status = 409;
    talk_ca->fault_type = "application/problem+json";
    talk_ca->fault_body = "{\"type\":\"urn:ietf:params:acme:error:malformed\",\"detail\":\"not today\"}";
    CHECK_FAILS(md_account_roll_over(&talk_call, talk_store, account, kit_pool), MD_FAULT_CONFIG,
                "not today");
    ck_assert_int_eq(md_store_changed(talk_store, next_place(account), kit_pool), 0);
    CHECK_OK(md_account_load(talk_store, account->name, kit_pool, &account));
    ck_assert_str_eq(md_key_sha256(account->key, kit_pool), old);
}
END_TEST

Suite *suite_acme_rollover(void)
{
    Suite *suite = suite_create("acme/rollover");
    TCase *tests = kit_case(suite, "key change");

    tcase_add_checked_fixture(tests, talk_begin, talk_end);
    tcase_add_test(tests, the_key_is_new_and_saved);
    tcase_add_test(tests, a_lost_answer_is_cleared_up_by_the_next_change);
    tcase_add_test(tests, a_lost_request_is_repeated_with_the_same_key);
    tcase_add_test(tests, a_refusal_leaves_the_old_key);
    return suite;
}

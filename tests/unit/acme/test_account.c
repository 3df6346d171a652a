/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: registered, found, checked, changed, promoted.
 */
#include "acme/account.h"

#include <string.h>

#include "acme/rollover.h"
#include "kit/kit.h"
#include "kit/talk.h"

START_TEST(a_known_key_finds_its_account_again)
{
    md_account_wish want = talk_wish();
    md_account *first, *second;

    CHECK_OK(md_call_directory(&talk_call, kit_pool));
    CHECK_OK(md_account_register(&talk_call, talk_store, &want, kit_pool, &first));
    CHECK_OK(md_store_drop(talk_store, MD_PLACE(MD_GROUP_STAGING, TALK_NAME, "account.json"), kit_pool));
    CHECK_OK(md_account_register(&talk_call, talk_store, &want, kit_pool, &second));
    ck_assert_str_eq(first->url, second->url);
    ck_assert_int_eq(talk_ca->accounts, 1);
}
END_TEST

START_TEST(a_staged_account_is_found_by_other_domains_and_promoted)
{
    md_account_wish want = talk_wish();
    md_account *found;
    const char *id;

    (void)talk_log_in();
    want.domain = "another.example.org";
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &found));
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->url, talk_call.account->url);
    CHECK_OK(md_account_promote(talk_store, TALK_NAME, kit_pool, &id));
    ck_assert_str_eq(id, "ACMEv2-ca.test-0000");
    ck_assert_ptr_null(md_account_public_id(id));
    ck_assert_ptr_nonnull(md_account_public_id("ACME-ca.test-0000"));
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &found));
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->group, MD_GROUP_ACCOUNTS);
}
END_TEST

START_TEST(terms_that_are_not_agreed_to_are_the_operators_turn)
{
    md_account_wish want = talk_wish();
    md_account *account;

    talk_ca->terms_required = 1;
    want.agreement = NULL;
    CHECK_OK(md_call_directory(&talk_call, kit_pool));
    CHECK_FAILS(md_account_register(&talk_call, talk_store, &want, kit_pool, &account), MD_FAULT_CONFIG,
                "MDCertificateAgreement");
    ck_assert_int_eq(talk_ca->accounts, 0);
}
END_TEST

START_TEST(an_unknown_account_is_not_usable)
{
    md_account_wish want = talk_wish();
    md_account *account;
    int usable = 1;

    (void)talk_log_in();
    fake_ca_forget_accounts(talk_ca);
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &account));
    CHECK_OK(md_account_check(&talk_call, talk_store, account, &want, kit_pool, &usable));
    ck_assert(!usable);
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &account));
    ck_assert_ptr_null(account);
}
END_TEST

START_TEST(new_contacts_are_sent_to_the_ca)
{
    md_account_wish want = talk_wish();
    md_account *account;
    int usable = 0;

    (void)talk_log_in();
    want.contacts = md_names_make(kit_pool);
    md_names_add((md_names *)(apr_uintptr_t)want.contacts, "mailto:new@example.org");
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &account));
    CHECK_OK(md_account_check(&talk_call, talk_store, account, &want, kit_pool, &usable));
    ck_assert(usable);
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &account));
    ck_assert(md_names_has(account->contacts, "mailto:new@example.org"));
}
END_TEST

START_TEST(a_record_is_read_as_it_was_saved)
{
    md_account *account = talk_log_in_for_good(), *again;

    account->eab_kid = "kid-1";
    account->eab_hmac = "c2VjcmV0";
    again = md_account_from_json(md_account_to_json(account, kit_pool), kit_pool);
    ck_assert_str_eq(again->url, account->url);
    ck_assert_str_eq(again->ca_url, FAKE_CA_DIRECTORY);
    ck_assert_str_eq(again->status, "valid");
    ck_assert_str_eq(again->eab_kid, "kid-1");
    ck_assert_str_eq(again->eab_hmac, "c2VjcmV0");
    ck_assert(md_names_equal(again->contacts, account->contacts));
}
END_TEST

START_TEST(an_account_of_another_ca_or_binding_does_not_fit)
{
    md_account_wish want = talk_wish();
    md_account *found;

    (void)talk_log_in();
    want.eab_kid = "kid-1";
    want.eab_hmac = "c2VjcmV0";
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &found));
    ck_assert_ptr_null(found);
    want = talk_wish();
    want.ca_url = "https://other.test/dir";
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &found));
    ck_assert_ptr_null(found);
}
END_TEST

START_TEST(an_account_with_a_key_of_ones_own_is_for_domains_that_name_it)
{
    static const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_account_wish want = talk_wish(), other = talk_wish();
    md_account *own, *found;
    const char *id;

    CHECK_OK(md_call_directory(&talk_call, kit_pool));
    CHECK_OK(md_key_make(&spec, kit_pool, &want.key));
    CHECK_OK(md_account_register(&talk_call, talk_store, &want, kit_pool, &own));
    CHECK_OK(md_account_promote(talk_store, TALK_NAME, kit_pool, &id));
    other.preferred = id;
    CHECK_OK(md_account_find(talk_store, &other, kit_pool, &found));
    ck_assert_ptr_null(found);
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &found));
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->url, own->url);
}
END_TEST

START_TEST(a_damaged_account_is_set_aside_and_another_is_found)
{
    md_account *account = talk_log_in_for_good(), *found;
    md_account_wish want = talk_wish();

    CHECK_OK(md_store_save_text(talk_store, MD_PLACE(MD_GROUP_ACCOUNTS, account->name, "account.json"), "{",
                                kit_pool));
    CHECK_OK(md_account_find(talk_store, &want, kit_pool, &found));
    ck_assert_ptr_null(found);
    CHECK_OK(md_account_load(talk_store, account->name, kit_pool, &found));
    ck_assert_ptr_null(found);
}
END_TEST

START_TEST(members_are_changed_at_the_ca)
{
    md_account *account = talk_log_in_for_good();
    json_t *members = md_json_object(kit_pool);
    md_names *contacts = md_names_make(kit_pool);

    md_names_add(contacts, "mailto:b@example.org");
    md_json_set_names(members, "contact", contacts);
    CHECK_OK(md_account_change(&talk_call, account, members, "changing it", kit_pool));
    ck_assert(md_names_equal(account->contacts, contacts));
}
END_TEST

START_TEST(the_next_key_is_tried_when_the_first_is_refused)
{
    md_account *account = talk_log_in_for_good();
    md_account_wish want = talk_wish();
    md_bytes old;
    int usable;

    CHECK_OK(md_store_load(talk_store, MD_PLACE(MD_GROUP_ACCOUNTS, account->name, MD_ACCOUNT_KEY), kit_pool,
                           &old));
    CHECK_OK(md_account_roll_over(&talk_call, talk_store, account, kit_pool));
    /* as it is when the second phase was never reached */
    CHECK_OK(md_store_save_text(talk_store, MD_PLACE(MD_GROUP_ACCOUNTS, account->name, MD_ACCOUNT_NEXT_KEY),
                                "no key", kit_pool));
    CHECK_OK(md_account_load(talk_store, account->name, kit_pool, &account));
    CHECK_OK(md_account_check(&talk_call, talk_store, account, &want, kit_pool, &usable));
    ck_assert(usable);
    CHECK_OK(
        md_store_save(talk_store, MD_PLACE(MD_GROUP_ACCOUNTS, account->name, MD_ACCOUNT_KEY), old, kit_pool));
    CHECK_OK(md_account_load(talk_store, account->name, kit_pool, &account));
    CHECK_OK(md_account_check(&talk_call, talk_store, account, &want, kit_pool, &usable));
    ck_assert(!usable);
}
END_TEST

Suite *suite_acme_account(void)
{
    Suite *suite = suite_create("acme/account");
    TCase *tests = kit_case(suite, "accounts");

    tcase_add_checked_fixture(tests, talk_begin, talk_end);
    tcase_add_test(tests, a_known_key_finds_its_account_again);
    tcase_add_test(tests, a_staged_account_is_found_by_other_domains_and_promoted);
    tcase_add_test(tests, terms_that_are_not_agreed_to_are_the_operators_turn);
    tcase_add_test(tests, an_unknown_account_is_not_usable);
    tcase_add_test(tests, new_contacts_are_sent_to_the_ca);
    tcase_add_test(tests, a_record_is_read_as_it_was_saved);
    tcase_add_test(tests, an_account_of_another_ca_or_binding_does_not_fit);
    tcase_add_test(tests, an_account_with_a_key_of_ones_own_is_for_domains_that_name_it);
    tcase_add_test(tests, a_damaged_account_is_set_aside_and_another_is_found);
    tcase_add_test(tests, members_are_changed_at_the_ca);
    tcase_add_test(tests, the_next_key_is_tried_when_the_first_is_refused);
    return suite;
}

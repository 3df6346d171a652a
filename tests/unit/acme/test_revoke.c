/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation: who may ask for it, and what comes back.
 */
#include "acme/revoke.h"

#include <string.h>

#include "kit/kit.h"
#include "kit/talk.h"

START_TEST(the_account_revokes_what_it_ordered)
{
    md_creds *creds;
    int already = 1;

    (void)talk_log_in();
    creds = talk_creds();
    CHECK_OK(md_revoke(&talk_call, creds, 4, kit_pool, &already));
    ck_assert_int_eq(already, 0);
    ck_assert_int_eq(talk_ca->revoked, 1);
    ck_assert_int_eq(talk_ca->revoked_for, 4);
    CHECK_OK(md_revoke(&talk_call, creds, 0, kit_pool, &already));
    ck_assert_int_eq(already, 1);
    ck_assert_int_eq(talk_ca->revoked, 1);
}
END_TEST

START_TEST(without_an_account_the_certificates_key_does)
{
    md_creds *creds;
    int already;

    (void)talk_log_in();
    creds = talk_creds();
    talk_call.account = NULL;
    CHECK_OK(md_revoke(&talk_call, creds, 0, kit_pool, &already));
    ck_assert_int_eq(talk_ca->revoked, 1);
}
END_TEST

START_TEST(with_another_account_the_certificates_key_does)
{
    md_creds *creds;
    int already;

    (void)talk_log_in();
    creds = talk_creds();
    CHECK_OK(md_store_drop(talk_store, MD_PLACE(MD_GROUP_STAGING, TALK_NAME, NULL), kit_pool));
    (void)talk_log_in();
    ck_assert_int_eq(talk_ca->accounts, 2);
    CHECK_OK(md_revoke(&talk_call, creds, 0, kit_pool, &already));
    ck_assert_int_eq(talk_ca->revoked, 1);
}
END_TEST

START_TEST(a_refusal_is_told)
{
    md_creds *creds;
    int already;

    (void)talk_log_in();
    creds = talk_creds();
    fake_ca_count_from_here(talk_ca);
    talk_ca->fault_at = 1;
    talk_ca->fault = FAKE_FAULT_STATUS;
    talk_ca->fault_status = 400;
    talk_ca->fault_type = "application/problem+json";
    talk_ca->fault_body = "{\"type\":\"urn:ietf:params:acme:error:badRevocationReason\",\"detail\":\"no\"}";
    CHECK_FAILS(md_revoke(&talk_call, creds, 5, kit_pool, &already), MD_FAULT_CONFIG,
                "revoking the certificate");
}
END_TEST

START_TEST(reasons_have_names_and_numbers)
{
    ck_assert_int_eq(md_revoke_reason("keyCompromise"), 1);
    ck_assert_int_eq(md_revoke_reason("KEYCOMPROMISE"), 1);
    ck_assert_int_eq(md_revoke_reason("4"), 4);
    ck_assert_int_eq(md_revoke_reason("0"), 0);
    ck_assert_int_eq(md_revoke_reason("2"), -1); /* for CAs only */
    ck_assert_int_eq(md_revoke_reason("4x"), -1);
    ck_assert_int_eq(md_revoke_reason(""), -1);
    ck_assert_str_eq(md_revoke_reasons(kit_pool),
                     "unspecified, keyCompromise, affiliationChanged, superseded, "
                     "cessationOfOperation");
}
END_TEST

Suite *suite_acme_revoke(void)
{
    Suite *suite = suite_create("acme/revoke");
    TCase *tests = kit_case(suite, "revocation");

    tcase_add_checked_fixture(tests, talk_begin, talk_end);
    tcase_add_test(tests, the_account_revokes_what_it_ordered);
    tcase_add_test(tests, without_an_account_the_certificates_key_does);
    tcase_add_test(tests, with_another_account_the_certificates_key_does);
    tcase_add_test(tests, a_refusal_is_told);
    tcase_add_test(tests, reasons_have_names_and_numbers);
    return suite;
}

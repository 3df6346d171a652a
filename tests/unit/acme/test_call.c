/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed requests: nonces, refusals, lost answers.
 */
#include "acme/call.h"

#include <string.h>

#include "kit/kit.h"
#include "kit/talk.h"

START_TEST(a_refused_nonce_is_replaced)
{
    talk_ca->bad_nonce_every = 2;
    (void)talk_log_in();
    for (int i = 0; i < 8; ++i)
        talk_order();
    ck_assert_int_eq(talk_ca->orders, 8);
}
END_TEST

START_TEST(refusing_every_nonce_ends_in_a_failure)
{
    md_order_wish want = { .names = talk_names() };
    md_order *order;

    (void)talk_log_in();
    talk_ca->bad_nonce_every = 1;
    fake_ca_count_from_here(talk_ca);
    CHECK_FAILS(md_order_place(&talk_call, &want, kit_pool, &order), MD_FAULT_REMOTE, "nonce");
    ck_assert_int_le(talk_ca->requests, 10);
}
END_TEST

START_TEST(a_rate_limit_tells_when_to_come_back)
{
    md_order_wish want = { .names = talk_names() };
    apr_time_t now = apr_time_now();
    md_order *order;
    md_err *err;

    (void)talk_log_in();
    talk_ca->rate_limited = 1;
    err = md_order_place(&talk_call, &want, kit_pool, &order);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->fault, MD_FAULT_LIMIT);
    ck_assert_int_ge(err->not_before, now + apr_time_from_sec(119));
    ck_assert_int_le(err->not_before, now + apr_time_from_sec(130));
}
END_TEST

START_TEST(a_web_page_instead_of_a_directory_is_explained)
{
    talk_ca->fault_at = 1;
    talk_ca->fault = FAKE_FAULT_STATUS;
    talk_ca->fault_status = 200;
    talk_ca->fault_type = "text/html";
    talk_ca->fault_body = "<html><body>Welcome</body></html>";
    CHECK_FAILS(md_call_directory(&talk_call, kit_pool), MD_FAULT_REMOTE, "text/html");
}
END_TEST

START_TEST(a_lost_answer_is_a_failure_that_names_the_purpose)
{
    md_order_wish want = { .names = talk_names() };
    md_order *order;

    (void)talk_log_in();
    fake_ca_count_from_here(talk_ca);
    talk_ca->fault_at = 1;
    talk_ca->fault = FAKE_FAULT_UNANSWERED;
    CHECK_FAILS(md_order_place(&talk_call, &want, kit_pool, &order), MD_FAULT_REMOTE,
                "ca.test failed while placing the order");
}
END_TEST

START_TEST(without_an_account_nothing_is_sent)
{
    const md_post post = { .url = "https://ca.test/order", .doing = "placing the order" };
    md_answer answer;

    CHECK_OK(md_call_directory(&talk_call, kit_pool));
    fake_ca_count_from_here(talk_ca);
    CHECK_FAILS(md_call_post(&talk_call, &post, kit_pool, &answer), MD_FAULT_REMOTE, "no account yet");
    ck_assert_int_eq(talk_ca->requests, 0);
}
END_TEST

START_TEST(the_directory_is_read_once)
{
    CHECK_OK(md_call_directory(&talk_call, kit_pool));
    CHECK_OK(md_call_directory(&talk_call, kit_pool));
    ck_assert_int_eq(talk_ca->requests, 1);
}
END_TEST

Suite *suite_acme_call(void)
{
    Suite *suite = suite_create("acme/call");
    TCase *tests = kit_case(suite, "calls");

    tcase_add_checked_fixture(tests, talk_begin, talk_end);
    tcase_add_test(tests, a_refused_nonce_is_replaced);
    tcase_add_test(tests, refusing_every_nonce_ends_in_a_failure);
    tcase_add_test(tests, a_rate_limit_tells_when_to_come_back);
    tcase_add_test(tests, a_web_page_instead_of_a_directory_is_explained);
    tcase_add_test(tests, a_lost_answer_is_a_failure_that_names_the_purpose);
    tcase_add_test(tests, without_an_account_nothing_is_sent);
    tcase_add_test(tests, the_directory_is_read_once);
    return suite;
}

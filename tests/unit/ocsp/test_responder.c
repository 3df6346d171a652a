/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask whom at the same time.
 */
#include "ocsp/responder.h"

#include "kit/fake_clock.h"
#include "kit/kit.h"

#define URL "http://ocsp.test/ca1"

static md_responders *all;
static md_responder *gate;
static apr_time_t again;

static void set_up(void)
{
    all = md_responders_open();
    gate = md_responders_gate(all, URL, kit_pool);
}

static void tear_down(void)
{
    md_responders_close(all);
}

static int enter_many(md_responder *to, int tries)
{
    int entered = 0;

    for (int i = 0; i < tries; ++i)
        entered += md_responder_enter(to, FAKE_NOW, &again);
    return entered;
}

START_TEST(urls_of_one_server_have_one_gate)
{
    ck_assert_ptr_eq(md_responders_gate(all, "HTTP://OCSP.test/ca2?x", kit_pool), gate);
    ck_assert_ptr_ne(md_responders_gate(all, "http://ocsp.test:8080/ca1", kit_pool), gate);
    ck_assert_ptr_ne(md_responders_gate(all, "https://ocsp.test/ca1", kit_pool), gate);
    ck_assert_ptr_eq(md_responders_gate(all, "http://ocsp.test", kit_pool), gate);
}
END_TEST

START_TEST(one_responder_leaves_room_for_others)
{
    ck_assert_int_eq(enter_many(gate, 20), MD_RESPONDER_IN_FLIGHT);
    ck_assert_int_eq(enter_many(md_responders_gate(all, "http://other.test/", kit_pool), 20),
                     MD_RESPONDERS_IN_FLIGHT - MD_RESPONDER_IN_FLIGHT);
    md_responder_leave(gate, 1, FAKE_NOW, 0);
    ck_assert_int_eq(enter_many(gate, 20), 1);
}
END_TEST

START_TEST(those_who_wait_come_back_one_after_the_other)
{
    apr_time_t before = FAKE_NOW;

    enter_many(gate, MD_RESPONDER_IN_FLIGHT);
    for (int i = 0; i < 50; ++i) {
        ck_assert(!md_responder_enter(gate, FAKE_NOW, &again));
        ck_assert_int_gt(again, before);
        before = again;
    }
    for (int i = 0; i < 1000; ++i)
        ck_assert(!md_responder_enter(gate, FAKE_NOW, &again) && again - FAKE_NOW < apr_time_from_sec(3));
}
END_TEST

START_TEST(an_unreachable_responder_is_tried_by_one)
{
    ck_assert_int_eq(enter_many(gate, 1), 1);
    md_responder_leave(gate, 0, FAKE_NOW, 0);
    ck_assert_int_eq(enter_many(gate, 20), 1);
    md_responder_leave(gate, 1, FAKE_NOW, 0);
    ck_assert_int_eq(enter_many(gate, 20), MD_RESPONDER_IN_FLIGHT);
}
END_TEST

START_TEST(a_responder_gets_the_rest_it_asks_for_within_reason)
{
    const apr_time_t rest = FAKE_NOW + apr_time_from_sec(90);

    ck_assert_int_eq(enter_many(gate, 1), 1);
    md_responder_leave(gate, 1, FAKE_NOW, rest);
    ck_assert(!md_responder_enter(gate, FAKE_NOW, &again));
    ck_assert_int_eq(again, rest);
    ck_assert(md_responder_enter(gate, rest, &again));
    md_responder_leave(gate, 1, rest, rest + apr_time_from_sec(90 * 86400));
    ck_assert(md_responder_enter(gate, rest + apr_time_from_sec(3600), &again));
}
END_TEST

START_TEST(a_failure_is_news_once_in_a_while)
{
    ck_assert(md_responder_is_news(gate, FAKE_NOW));
    ck_assert(!md_responder_is_news(gate, FAKE_NOW + apr_time_from_sec(599)));
    ck_assert(md_responder_is_news(gate, FAKE_NOW + apr_time_from_sec(601)));
}
END_TEST

START_TEST(a_gate_knows_that_only_get_is_spoken)
{
    ck_assert(!md_responder_wants_get(gate));
    md_responder_set_get(gate);
    ck_assert(md_responder_wants_get(gate));
}
END_TEST

Suite *suite_ocsp_responder(void)
{
    Suite *suite = suite_create("ocsp/responder");
    TCase *tcase = kit_case(suite, "gates");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, urls_of_one_server_have_one_gate);
    tcase_add_test(tcase, one_responder_leaves_room_for_others);
    tcase_add_test(tcase, those_who_wait_come_back_one_after_the_other);
    tcase_add_test(tcase, an_unreachable_responder_is_tried_by_one);
    tcase_add_test(tcase, a_responder_gets_the_rest_it_asks_for_within_reason);
    tcase_add_test(tcase, a_failure_is_news_once_in_a_while);
    tcase_add_test(tcase, a_gate_knows_that_only_get_is_spoken);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates: nonces, the cap, rest, the account in use.
 */
#include "acme/ca.h"

#include <apr_strings.h>

#include "kit/kit.h"

#define NOW apr_time_from_sec(1800000000)
#define URL "https://ca.test/dir"

static md_cas *cas;
static md_ca *ca;

static void open_gate(void)
{
    cas = md_cas_open();
    ca = md_cas_gate(cas, URL, NULL);
}

static void close_gate(void)
{
    md_cas_close(cas);
}

START_TEST(there_is_one_gate_for_a_ca_and_binding)
{
    ck_assert_ptr_eq(md_cas_gate(cas, URL, NULL), ca);
    ck_assert_ptr_ne(md_cas_gate(cas, URL, "kid"), ca);
    ck_assert_ptr_ne(md_cas_gate(cas, "https://other.test/dir", NULL), ca);
}
END_TEST

START_TEST(a_nonce_is_given_out_once_and_not_when_old)
{
    md_ca_give_nonce(ca, "one", NOW);
    ck_assert_str_eq(md_ca_take_nonce(ca, NOW, kit_pool), "one");
    ck_assert_ptr_null(md_ca_take_nonce(ca, NOW, kit_pool));
    md_ca_give_nonce(ca, "two", NOW);
    ck_assert_ptr_null(md_ca_take_nonce(ca, NOW + apr_time_from_sec(3600), kit_pool));
}
END_TEST

START_TEST(the_pool_of_nonces_is_bounded)
{
    int count = 0;

    for (int i = 0; i < 1000; ++i)
        md_ca_give_nonce(ca, apr_psprintf(kit_pool, "n%d", i), NOW);
    while (md_ca_take_nonce(ca, NOW, kit_pool))
        ++count;
    ck_assert_int_le(count, 64);
    ck_assert_int_gt(count, 0);
}
END_TEST

/** It has answered once. */
static void answered(void)
{
    apr_time_t again;

    ck_assert(md_ca_enter(ca, NOW, &again));
    md_ca_leave(ca, NOW, &(md_silence){ NULL, "" }, 0, kit_pool);
}

static int room(void)
{
    apr_time_t again;
    int count = 0;

    while (md_ca_enter(ca, NOW, &again))
        ++count;
    return count;
}

START_TEST(requests_in_flight_are_capped)
{
    apr_time_t again;

    answered();
    ck_assert_int_eq(room(), MD_CA_IN_FLIGHT);
    ck_assert(!md_ca_enter(ca, NOW, &again));
    ck_assert_int_eq(again, NOW + MD_CA_PAUSE);
    md_ca_leave(ca, NOW, &(md_silence){ NULL, "" }, 0, kit_pool);
    ck_assert(md_ca_enter(ca, NOW, &again));
}
END_TEST

START_TEST(a_ca_leaves_room_for_others)
{
    md_cas_gate(cas, "https://other.test/dir", NULL);
    answered();
    ck_assert_int_eq(room(), MD_CA_IN_FLIGHT - MD_CA_LEAVE_ROOM);
}
END_TEST

static md_err *silence(void)
{
    return md_wrap(kit_pool, md_fail(kit_pool, MD_FAULT_REMOTE, "md:timeout", "nobody speaks"), "it failed");
}

START_TEST(a_ca_that_has_not_answered_gets_one_request_at_a_time)
{
    ck_assert_int_eq(room(), 1);
    md_ca_leave(ca, NOW, &(md_silence){ NULL, "" }, 0, kit_pool);
    ck_assert_int_eq(room(), MD_CA_IN_FLIGHT);
    for (int i = 1; i < MD_CA_IN_FLIGHT; ++i)
        md_ca_leave(ca, NOW, &(md_silence){ NULL, "" }, 0, kit_pool);
    md_ca_leave(ca, NOW, &(md_silence){ silence(), "direct" }, 0, kit_pool);
    ck_assert_int_eq(room(), 1);
}
END_TEST

START_TEST(who_waits_for_a_slow_answer_is_not_in_a_hurry)
{
    apr_time_t again;

    ck_assert(md_ca_enter(ca, NOW, &again));
    ck_assert(!md_ca_enter(ca, NOW, &again));
    ck_assert_int_eq(again, NOW + MD_CA_PAUSE);
    ck_assert(!md_ca_enter(ca, NOW + apr_time_from_sec(2), &again));
    ck_assert_int_gt(again, NOW + apr_time_from_sec(2) + MD_CA_PAUSE);
}
END_TEST

START_TEST(what_one_found_out_is_known_to_those_who_waited)
{
    apr_time_t again;
    md_err *err;

    ck_assert(md_ca_enter(ca, NOW, &again));
    ck_assert_ptr_null(md_ca_silence(ca, "direct", NOW - 1, NOW, kit_pool));
    md_ca_leave(ca, NOW, &(md_silence){ silence(), "direct" }, 0, kit_pool);
    err = md_ca_silence(ca, "direct", NOW - 1, NOW + 1, kit_pool);
    ck_assert_ptr_nonnull(err);
    ck_assert_str_eq(err->type, "md:timeout");
    ck_assert_str_eq(err->detail, "it failed: nobody speaks");
    ck_assert_ptr_null(
        md_ca_silence(ca, "direct", NOW + 1, NOW + 2, kit_pool)); /* came later: it asks itself */
    ck_assert_ptr_null(md_ca_silence(ca, "direct", NOW - 1, NOW + apr_time_from_sec(60), kit_pool));
    ck_assert_ptr_null(md_ca_silence(ca, "by proxy", NOW - 1, NOW + 1, kit_pool)); /* may be better off */
    answered();
    ck_assert_ptr_null(md_ca_silence(ca, "direct", NOW - 1, NOW + 1, kit_pool));
}
END_TEST

START_TEST(orders_of_an_account_are_paid_for)
{
    static const md_rate two_an_hour = { .count = 2, .period = 3600 * APR_USEC_PER_SEC };
    apr_time_t spent = 0;

    ck_assert(md_ca_pay_order(ca, &two_an_hour, 0, NOW, &spent));
    spent = 0; /* a store that lost it */
    ck_assert(md_ca_pay_order(ca, &two_an_hour, 0, NOW, &spent));
    ck_assert_int_eq(spent, NOW + two_an_hour.period);
    ck_assert(!md_ca_pay_order(ca, &two_an_hour, 0, NOW, &spent));
    ck_assert_int_eq(spent, NOW + two_an_hour.period / 2);
    ck_assert(md_ca_pay_order(ca, &two_an_hour, 1, NOW, &spent));
    close_gate();
    open_gate(); /* after a restart the store knows */
    ck_assert(!md_ca_pay_order(ca, &two_an_hour, 0, NOW, &spent));
    ck_assert(md_ca_tell_budget(ca, NOW));
    ck_assert(!md_ca_tell_budget(ca, NOW + apr_time_from_sec(60)));
}
END_TEST

START_TEST(a_ca_that_wants_rest_gets_it)
{
    apr_time_t again, until = NOW + apr_time_from_sec(30);

    ck_assert(md_ca_enter(ca, NOW, &again));
    md_ca_leave(ca, NOW, &(md_silence){ NULL, "" }, until, kit_pool);
    ck_assert(!md_ca_enter(ca, NOW, &again));
    ck_assert_int_eq(again, until);
    ck_assert(md_ca_enter(ca, until, &again));
}
END_TEST

static json_t *directory(const char *text)
{
    json_t *doc;

    CHECK_OK(md_json_read(md_bytes_of(text), kit_pool, &doc));
    return doc;
}

START_TEST(a_directory_is_learned_and_forgotten_after_an_hour)
{
    const md_directory *known;

    ck_assert_ptr_null(md_ca_directory(ca, NOW));
    CHECK_OK(md_ca_learn(
        ca,
        directory("{\"newNonce\":\"https://ca.test/n\",\"newAccount\":\"https://ca.test/a\",\"newOrder\":"
                  "\"https://ca.test/o\",\"meta\":{\"termsOfService\":\"data:text/plain,hi\",\"profiles\":{"
                  "\"classic\":\"x\"}}}"),
        NOW, kit_pool));
    known = md_ca_directory(ca, NOW);
    ck_assert_str_eq(known->new_order, "https://ca.test/o");
    ck_assert_str_eq(known->terms, "data:text/plain,hi");
    ck_assert_str_eq(known->profiles[0], "classic");
    ck_assert_ptr_null(md_ca_directory(ca, NOW + apr_time_from_sec(3601)));
}
END_TEST

START_TEST(what_is_no_directory_is_refused)
{
    CHECK_FAILS(md_ca_learn(ca, directory("{\"hello\":1}"), NOW, kit_pool), MD_FAULT_REMOTE,
                "no ACME directory");
    CHECK_FAILS(md_ca_learn(ca, directory("{\"new-reg\":\"https://ca.test/r\"}"), NOW, kit_pool),
                MD_FAULT_CONFIG, "ACMEv1");
    CHECK_FAILS(md_ca_learn(ca,
                            directory("{\"newNonce\":\"ftp://x\",\"newAccount\":\"y\",\"newOrder\":\"z\"}"),
                            NOW, kit_pool),
                MD_FAULT_REMOTE, "no ACME directory");
}
END_TEST

START_TEST(an_account_stays_for_those_who_hold_it)
{
    const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    const md_account_use *held;
    apr_pool_t *holder;
    md_key *key;

    CHECK_OK(md_key_make(&spec, kit_pool, &key));
    ck_assert_ptr_null(md_ca_account(ca, kit_pool));
    md_ca_use_account(ca, "https://ca.test/acct/1", "ACME-ca.test-0000", key);
    apr_pool_create(&holder, kit_pool);
    held = md_ca_account(ca, holder);
    md_ca_use_account(ca, NULL, NULL, NULL);
    ck_assert_ptr_null(md_ca_account(ca, kit_pool));
    ck_assert_str_eq(held->url, "https://ca.test/acct/1");
    apr_pool_destroy(holder);
}
END_TEST

START_TEST(one_at_a_time_looks_for_the_account)
{
    ck_assert(md_ca_account_begin(ca));
    ck_assert(!md_ca_account_begin(ca));
    md_ca_account_done(ca);
    ck_assert(md_ca_account_begin(ca));
}
END_TEST

START_TEST(known_names_are_found_in_any_case)
{
    ck_assert_str_eq(md_ca_known_url("letsencrypt"), "https://acme-v02.api.letsencrypt.org/directory");
    ck_assert_ptr_null(md_ca_known_url("nobody"));
    ck_assert_str_eq(md_ca_shown("https://api.buypass.com/acme/directory", kit_pool), "Buypass");
    ck_assert_str_eq(md_ca_shown(URL, kit_pool), "ca.test");
}
END_TEST

Suite *suite_acme_ca(void);
Suite *suite_acme_ca(void)
{
    Suite *suite = suite_create("acme/ca");
    TCase *tests = kit_case(suite, "gate");

    tcase_add_checked_fixture(tests, open_gate, close_gate);
    tcase_add_test(tests, there_is_one_gate_for_a_ca_and_binding);
    tcase_add_test(tests, a_nonce_is_given_out_once_and_not_when_old);
    tcase_add_test(tests, the_pool_of_nonces_is_bounded);
    tcase_add_test(tests, requests_in_flight_are_capped);
    tcase_add_test(tests, a_ca_leaves_room_for_others);
    tcase_add_test(tests, a_ca_that_has_not_answered_gets_one_request_at_a_time);
    tcase_add_test(tests, who_waits_for_a_slow_answer_is_not_in_a_hurry);
    tcase_add_test(tests, what_one_found_out_is_known_to_those_who_waited);
    tcase_add_test(tests, orders_of_an_account_are_paid_for);
    tcase_add_test(tests, a_ca_that_wants_rest_gets_it);
    tcase_add_test(tests, a_directory_is_learned_and_forgotten_after_an_hour);
    tcase_add_test(tests, what_is_no_directory_is_refused);
    tcase_add_test(tests, an_account_stays_for_those_who_hold_it);
    tcase_add_test(tests, one_at_a_time_looks_for_the_account);
    tcase_add_test(tests, known_names_are_found_in_any_case);
    return suite;
}

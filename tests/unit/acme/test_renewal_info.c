/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA suggests, and the record of it.
 */
#include "acme/renewal_info.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/talk.h"

#define ID "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
#define WINDOW \
    "\"suggestedWindow\":{\"start\":\"2027-01-02T04:00:00Z\",\"end\":\"2027-01-03T04:00:00+02:00\"}"

static apr_time_t now(void)
{
    return md_now(talk_call.clock);
}

/** Is it so many seconds from now, or from a moment ago? */
static void check_in(apr_time_t at, int seconds)
{
    apr_interval_time_t since = now() + apr_time_from_sec(seconds) - at;

    ck_assert_int_ge(since, 0);
    ck_assert_int_lt(since, apr_time_from_sec(20));
}

static md_err *ask(md_suggestion *said)
{
    talk_ca->suggests = 1;
    if (!talk_call.account)
        (void)talk_log_in();
    return md_renewal_info_ask(&talk_call, ID, kit_pool, said);
}

START_TEST(a_window_is_read_with_its_page)
{
    md_suggestion said;

    talk_ca->suggestion = "{" WINDOW ",\"explanationURL\":\"https://ca.test/why?id=1\"}";
    talk_ca->suggest_again = "21600";
    CHECK_OK(ask(&said));
    ck_assert_int_eq(said.window.from, md_date_read("2027-01-02T04:00:00Z"));
    ck_assert_int_eq(said.window.until, md_date_read("2027-01-03T02:00:00Z"));
    ck_assert_str_eq(said.why, "https://ca.test/why?id=1");
    check_in(said.next, 21600);
    ck_assert_ptr_nonnull(strstr(fake_ca_log(talk_ca, kit_pool), "GET /suggest/" ID));
}
END_TEST

static const struct {
    const char *retry_after;
    int seconds;
} waits[] = { { NULL, 6 * 3600 },         { "0", 60 },         { "1", 60 }, { "90", 90 },
              { "999999999", 24 * 3600 }, { "soon", 6 * 3600 } };

START_TEST(the_next_question_is_neither_too_soon_nor_too_late)
{
    md_suggestion said;

    talk_ca->suggestion = "{" WINDOW "}";
    talk_ca->suggest_again = waits[_i].retry_after;
    CHECK_OK(ask(&said));
    check_in(said.next, waits[_i].seconds);
}
END_TEST

static const char *const useless[] = {
    "{}",
    "[]",
    "no JSON",
    "{\"suggestedWindow\":{\"start\":\"2027-01-02T04:00:00Z\"}}",
    "{\"suggestedWindow\":{\"start\":\"2027-01-02\",\"end\":\"2027-01-03T04:00:00Z\"}}",
    "{\"suggestedWindow\":{\"start\":\"2027-01-04T04:00:00Z\",\"end\":\"2027-01-03T04:00:00Z\"}}",
    "{\"suggestedWindow\":\"soon\"}",
    NULL, /* 404 */
};

START_TEST(what_is_no_suggestion_is_a_failure)
{
    md_suggestion said;

    talk_ca->suggestion = useless[_i];
    ck_assert_ptr_nonnull(ask(&said));
}
END_TEST

static const char *const pages[] = { "javascript:alert(1)", "https://ca.test/<script>", "https://ca.test/a b",
                                     "https://ca.test/\\n" };

START_TEST(a_page_that_cannot_be_shown_is_left_out)
{
    md_suggestion said;

    talk_ca->suggestion = apr_psprintf(kit_pool, "{" WINDOW ",\"explanationURL\":\"%s\"}", pages[_i]);
    CHECK_OK(ask(&said));
    ck_assert_ptr_null(said.why);
}
END_TEST

START_TEST(a_ca_without_it_is_not_asked)
{
    md_suggestion said;

    (void)talk_log_in();
    fake_ca_count_from_here(talk_ca);
    CHECK_OK(md_renewal_info_ask(&talk_call, ID, kit_pool, &said));
    ck_assert_int_eq(talk_ca->requests, 0);
    ck_assert_int_eq(said.window.until, 0);
    ck_assert_int_gt(said.next, now());
}
END_TEST

START_TEST(the_record_outlives_a_restart)
{
    const md_suggestion said = { { apr_time_from_sec(1000), apr_time_from_sec(2000) },
                                 "https://ca.test/why",
                                 apr_time_from_sec(3000),
                                 2 };
    const md_suggestion *known;
    md_renewal_info *info;

    CHECK_OK(md_renewal_info_load(talk_store, TALK_NAME, kit_pool, &info));
    ck_assert_ptr_null(md_renewal_info_ca(info));
    md_renewal_info_begin(info, FAKE_CA_DIRECTORY);
    md_renewal_info_set(info, ID, &said);
    CHECK_OK(md_renewal_info_save(talk_store, TALK_NAME, info, kit_pool));
    CHECK_OK(md_renewal_info_load(talk_store, TALK_NAME, kit_pool, &info));
    ck_assert_str_eq(md_renewal_info_ca(info), FAKE_CA_DIRECTORY);
    known = md_renewal_info_of(info, ID);
    ck_assert_int_eq(known->window.from, said.window.from);
    ck_assert_int_eq(known->window.until, said.window.until);
    ck_assert_str_eq(known->why, said.why);
    ck_assert_int_eq(known->next, said.next);
    ck_assert_int_eq(known->errors, 2);
    ck_assert_ptr_null(md_renewal_info_of(info, "another"));
    md_renewal_info_begin(info, FAKE_CA_DIRECTORY);
    ck_assert_ptr_null(md_renewal_info_of(info, ID));
}
END_TEST

START_TEST(a_damaged_record_is_begun_anew)
{
    const md_place place = MD_PLACE(MD_GROUP_CLAIMS, "renewal-info", TALK_NAME);
    md_renewal_info *info;

    CHECK_OK(md_store_save_text(talk_store, place, "{\"certs\": [", kit_pool));
    CHECK_OK(md_renewal_info_load(talk_store, TALK_NAME, kit_pool, &info));
    ck_assert_ptr_null(md_renewal_info_of(info, ID));
    CHECK_OK(md_store_save_text(talk_store, place, "{\"certs\": {\"" ID "\": 7}}", kit_pool));
    CHECK_OK(md_renewal_info_load(talk_store, TALK_NAME, kit_pool, &info));
    ck_assert_int_eq(md_renewal_info_of(info, ID)->next, 0);
}
END_TEST

START_TEST(facts_get_their_windows)
{
    const md_suggestion said = {
        { apr_time_from_sec(1), apr_time_from_sec(2) }, "https://ca.test/why", 3, 0
    };
    const md_cert_facts mine = { .ari_id = ID }, other = { .ari_id = "other" }, old = { .ari_id = NULL };
    const md_cert_fact facts[] = {
        { .cert = &other }, { .cert = &mine }, { .cert = &old }, { .cert = NULL }
    };
    apr_array_header_t *list = apr_array_make(kit_pool, 4, sizeof(md_cert_fact));
    md_renewal_info *info;

    for (int i = 0; i < 4; ++i)
        APR_ARRAY_PUSH(list, md_cert_fact) = facts[i];
    CHECK_OK(md_renewal_info_load(talk_store, TALK_NAME, kit_pool, &info));
    md_renewal_info_set(info, ID, &said);
    md_renewal_info_apply(info, list);
    ck_assert_int_eq(APR_ARRAY_IDX(list, 0, md_cert_fact).ari.until, 0);
    ck_assert_int_eq(APR_ARRAY_IDX(list, 1, md_cert_fact).ari.until, said.window.until);
    ck_assert_str_eq(APR_ARRAY_IDX(list, 1, md_cert_fact).ari_why, "https://ca.test/why");
}
END_TEST

Suite *suite_acme_renewal_info(void)
{
    Suite *suite = suite_create("acme/renewal_info");
    TCase *tests = kit_case(suite, "suggestions");

    tcase_add_checked_fixture(tests, talk_begin, talk_end);
    tcase_add_test(tests, a_window_is_read_with_its_page);
    KIT_ADD_ROWS(tests, the_next_question_is_neither_too_soon_nor_too_late, waits);
    KIT_ADD_ROWS(tests, what_is_no_suggestion_is_a_failure, useless);
    KIT_ADD_ROWS(tests, a_page_that_cannot_be_shown_is_left_out, pages);
    tcase_add_test(tests, a_ca_without_it_is_not_asked);
    tcase_add_test(tests, the_record_outlives_a_restart);
    tcase_add_test(tests, a_damaged_record_is_begun_anew);
    tcase_add_test(tests, facts_get_their_windows);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept, and when to ask again.
 */
#include "ocsp/staple.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/store_mem.h"

#define SHA1_ZERO "0000000000000000000000000000000000000000"
#define SHA1_HALF "8000000000000000000000000000000000000000"
#define HOUR      apr_time_from_sec(3600)
#define DAY       (24 * HOUR)

static const md_staple sample = { .response = { "\x30\x03\x0a\x01\x00", 5 },
                                  .status = MD_OCSP_GOOD,
                                  .valid = { FAKE_NOW, FAKE_NOW + 7 * DAY } };

START_TEST(a_staple_is_kept_in_the_form_that_is_known)
{
    md_store *store = store_mem_open(kit_pool);
    const char *text;

    CHECK_OK(md_staple_save(store, "a.test", SHA1_ZERO, &sample, kit_pool));
    CHECK_OK(md_store_load_text(store, MD_PLACE(MD_GROUP_OCSP, "a.test", "ocsp-" SHA1_ZERO ".json"), kit_pool,
                                &text));
    ck_assert_str_eq(text, "{\n"
                           "  \"response\": \"MAMKAQA\",\n"
                           "  \"status\": \"good\",\n"
                           "  \"valid\": {\n"
                           "    \"from\": \"Thu, 29 Aug 2030 16:06:35 GMT\",\n"
                           "    \"until\": \"Thu, 05 Sep 2030 16:06:35 GMT\"\n"
                           "  }\n"
                           "}");
}
END_TEST

START_TEST(what_was_kept_is_found)
{
    md_store *store = store_mem_open(kit_pool);
    md_staple *found;

    CHECK_OK(md_staple_load(store, "a.test", SHA1_ZERO, kit_pool, &found));
    ck_assert_ptr_null(found);
    CHECK_OK(md_staple_save(store, "a.test", SHA1_ZERO, &sample, kit_pool));
    CHECK_OK(md_staple_load(store, "a.test", SHA1_ZERO, kit_pool, &found));
    ck_assert(md_bytes_equal(found->response, sample.response));
    ck_assert_int_eq(found->status, MD_OCSP_GOOD);
    ck_assert_int_eq(found->valid.until, sample.valid.until);
}
END_TEST

static const char *const damaged[] = {
    "",
    "{\"response\":",
    "[]",
    "{}",
    "{\"response\":\"MAMKAQA\",\"status\":\"good\"}",
    "{\"response\":\"MAMKAQA\",\"status\":\"fine\",\"valid\":{\"from\":\"Thu, 29 Aug 2030 16:06:35 "
    "GMT\",\"until\":\"Thu, 05 Sep "
    "2030 16:06:35 GMT\"}}",
    "{\"response\":\"MAMKAQA\",\"status\":\"good\",\"valid\":{\"from\":\"Thu, 05 Sep 2030 16:06:35 "
    "GMT\",\"until\":\"Thu, 29 Aug "
    "2030 16:06:35 GMT\"}}",
    "{\"response\":\"%%\",\"status\":\"good\",\"valid\":{\"from\":\"Thu, 29 Aug 2030 16:06:35 "
    "GMT\",\"until\":\"Thu, 05 Sep 2030 "
    "16:06:35 GMT\"}}",
};

START_TEST(a_damaged_file_is_set_aside)
{
    md_store *store = store_mem_open(kit_pool);
    md_staple *found;

    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_OCSP, "a.test", "ocsp-" SHA1_ZERO ".json"),
                                damaged[_i], kit_pool));
    CHECK_OK(md_staple_load(store, "a.test", SHA1_ZERO, kit_pool, &found));
    ck_assert_ptr_null(found);
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "ocsp/a.test/ocsp-" SHA1_ZERO ".json.bad\n");
}
END_TEST

START_TEST(only_what_is_old_and_unused_is_removed)
{
    md_store *store = store_mem_open(kit_pool);
    apr_hash_t *used = apr_hash_make(kit_pool);

    store_mem_set_time(store, FAKE_NOW);
    CHECK_OK(md_staple_save(store, "a.test", SHA1_ZERO, &sample, kit_pool));
    CHECK_OK(md_staple_save(store, "other", SHA1_HALF, &sample, kit_pool));
    CHECK_OK(md_store_save_text(
        store, MD_PLACE(MD_GROUP_OCSP, "other", md_staple_record(SHA1_HALF, kit_pool)), "{}", kit_pool));
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_OCSP, "other", "job.json"), "{}", kit_pool));
    apr_hash_set(used, SHA1_ZERO, APR_HASH_KEY_STRING, "");
    CHECK_OK(md_staples_purge(store, FAKE_NOW, used, kit_pool));
    ck_assert_str_eq(store_mem_tree(store, kit_pool),
                     "ocsp/a.test/ocsp-" SHA1_ZERO ".json\nocsp/other/job-" SHA1_HALF
                     ".json\nocsp/other/job.json\nocsp/other/ocsp-" SHA1_HALF ".json\n");
    CHECK_OK(md_staples_purge(store, FAKE_NOW + 1, used, kit_pool));
    ck_assert_str_eq(store_mem_tree(store, kit_pool),
                     "ocsp/a.test/ocsp-" SHA1_ZERO ".json\nocsp/other/job.json\n");
}
END_TEST

/* Life in hours, window, digest; hours until the renewal. */
static const struct {
    int life;
    md_slice window;
    const char *sha1;
    double hours;
} renewals[] = {
    { 100, { .percent = 30 }, SHA1_ZERO, 70 },
    { 100, { .percent = 30 }, SHA1_HALF, 71.5 }, /* half of a tenth of the window */
    { 100, { .length = 20 * HOUR }, SHA1_ZERO, 80 },
    { 100, { .length = 200 * HOUR }, SHA1_ZERO, 10 },
    { 100, { .percent = 99 }, SHA1_ZERO, 10 },
    { 100, { .percent = 0 }, SHA1_ZERO, 100 },
};

START_TEST(a_staple_is_renewed_when_the_window_begins)
{
    const md_period valid = { FAKE_NOW, FAKE_NOW + renewals[_i].life * HOUR };

    ck_assert_int_eq(md_staple_renew_at(valid, renewals[_i].window, renewals[_i].sha1) - FAKE_NOW,
                     (apr_interval_time_t)(renewals[_i].hours * (double)HOUR));
}
END_TEST

/* All in minutes from now: end, due, what the responder said (0: nothing), the next question. */
static const struct {
    int until, due, no_sooner, next;
} answers[] = {
    { 6000, 4000, 0, 4000 },      { 6000, 4000, 3000, 4000 },
    { 6000, 4000, 5000, 5000 },                         /* it says that nothing new is to be had */
    { 6000, 4000, 6000, 5400 },                         /* but there must be time left */
    { 6000, 4000, 900000, 5400 }, { 6000, -10, 0, 60 }, /* it gave what it had before: in a while */
    { 100, -10, 0, 25 },          { 100, -10, 50, 50 },
};

START_TEST(the_next_question_is_late_enough_and_in_time)
{
    const md_period valid = { FAKE_NOW - DAY, FAKE_NOW + apr_time_from_sec(60 * answers[_i].until) };
    const apr_time_t said =
        answers[_i].no_sooner ? FAKE_NOW + apr_time_from_sec(60 * answers[_i].no_sooner) : 0;
    const apr_time_t next =
        md_staple_next(valid, FAKE_NOW + apr_time_from_sec(60 * answers[_i].due), said, FAKE_NOW);

    ck_assert_int_eq(apr_time_sec(next - FAKE_NOW), 60 * answers[_i].next);
    ck_assert_int_lt(next, valid.until);
}
END_TEST

/* In minutes: what is left (0: nothing), what was wanted, when it is tried again. */
static const struct {
    int left, wanted, next;
} retries[] = { { 1000, 5, 5 }, { 1000, 900, 500 }, { 1, 900, 1 }, { 0, 5, 5 }, { 0, 900, 60 } };

START_TEST(it_is_tried_more_often_as_time_runs_out)
{
    const md_period valid = { FAKE_NOW - DAY, FAKE_NOW + apr_time_from_sec(60 * retries[_i].left) };
    const md_period none = { 0, 0 };

    ck_assert_int_eq(md_staple_retry(retries[_i].left ? valid : none,
                                     FAKE_NOW + apr_time_from_sec(60 * retries[_i].wanted), FAKE_NOW) -
                         FAKE_NOW,
                     apr_time_from_sec(60 * retries[_i].next));
}
END_TEST

Suite *suite_ocsp_staple(void)
{
    Suite *suite = suite_create("ocsp/staple");
    TCase *tcase = kit_case(suite, "kept"), *times = kit_case(suite, "times");

    tcase_add_test(tcase, a_staple_is_kept_in_the_form_that_is_known);
    tcase_add_test(tcase, what_was_kept_is_found);
    KIT_ADD_ROWS(tcase, a_damaged_file_is_set_aside, damaged);
    tcase_add_test(tcase, only_what_is_old_and_unused_is_removed);
    KIT_ADD_ROWS(times, a_staple_is_renewed_when_the_window_begins, renewals);
    KIT_ADD_ROWS(times, the_next_question_is_late_enough_and_in_time, answers);
    KIT_ADD_ROWS(times, it_is_tried_more_often_as_time_runs_out, retries);
    return suite;
}

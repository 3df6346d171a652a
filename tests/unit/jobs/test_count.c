/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is counted, kept and bounded.
 */
#include "jobs/count.h"

#include <apr_strings.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/store_mem.h"

#define CA "https://acme-v02.api.letsencrypt.org/directory"

static void count_error(md_counts *counts, const char *ca, const char *type)
{
    const md_err err = { .fault = MD_FAULT_REMOTE, .type = type, .detail = "no" };
    const md_event event = { .name = "errored", .err = &err, .ca = ca, .when = FAKE_NOW };

    CHECK_OK(md_counts_on_event(counts, &event, kit_pool));
}

static void count_renewal(md_counts *counts, int seconds)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool);
    const md_event event = { .name = "renewed", .job = job, .ca = CA, .when = FAKE_NOW };

    md_job_note(job, FAKE_NOW - apr_time_from_sec(seconds), "starting", NULL, NULL);
    job->last_run = FAKE_NOW;
    CHECK_OK(md_counts_on_event(counts, &event, kit_pool));
}

static json_int_t at(json_t *counts, const char *group, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(counts, group), name));
}

START_TEST(counts_of_several_processes_add_up)
{
    md_store *store = store_mem_open(kit_pool);
    json_t *counts;

    for (int process = 0; process < 3; ++process) {
        md_counts *mine = md_counts_make(kit_pool);

        count_error(mine, CA, "md:unreachable");
        count_renewal(mine, 7);
        CHECK_OK(md_counts_save(mine, store, kit_pool));
        CHECK_OK(md_counts_save(mine, store, kit_pool)); /* nothing was counted since */
    }
    counts = md_counts_load(store, kit_pool);
    ck_assert_int_eq(at(counts, "renewals", "LetsEncrypt"), 3);
    ck_assert_int_eq(at(json_object_get(counts, "errors"), "LetsEncrypt", "md:unreachable"), 3);
    ck_assert_int_eq(at(counts, "order-seconds", "10"), 3);
    ck_assert_int_eq(at(counts, "order-seconds", "sum"), 21);
    ck_assert_int_eq(at(counts, "order-seconds", "count"), 3);
}
END_TEST

START_TEST(what_could_not_be_saved_is_not_lost)
{
    md_store *store = store_mem_open(kit_pool);
    md_counts *counts = md_counts_make(kit_pool);
    md_claim *claim;

    count_renewal(counts, 1);
    CHECK_OK(md_store_claim(store, "metrics", kit_pool, &claim));
    CHECK_OK(md_counts_save(counts, store, kit_pool)); /* somebody else is at it */
    ck_assert_int_eq(at(md_counts_load(store, kit_pool), "renewals", "LetsEncrypt"), 0);
    md_store_release(store, claim);
    store_mem_fail_at(store, 3);
    CHECK_FAILS(md_counts_save(counts, store, kit_pool), MD_FAULT_LOCAL, "");
    CHECK_OK(md_counts_save(counts, store, kit_pool));
    ck_assert_int_eq(at(md_counts_load(store, kit_pool), "renewals", "LetsEncrypt"), 1);
}
END_TEST

START_TEST(orders_that_take_very_long_are_counted_above_all_bounds)
{
    md_store *store = store_mem_open(kit_pool);
    md_counts *counts = md_counts_make(kit_pool);

    count_renewal(counts, 100000);
    CHECK_OK(md_counts_save(counts, store, kit_pool));
    ck_assert_int_eq(at(md_counts_load(store, kit_pool), "order-seconds", "count"), 1);
    ck_assert_int_eq(at(md_counts_load(store, kit_pool), "order-seconds", "7200"), 0);
}
END_TEST

START_TEST(problems_of_a_hostile_ca_are_not_counted_one_by_one)
{
    md_store *store = store_mem_open(kit_pool);
    md_counts *counts = md_counts_make(kit_pool);
    json_t *errors;

    for (int i = 0; i < 1000; ++i)
        count_error(counts, CA, apr_psprintf(kit_pool, "urn:made-up-%d", i));
    CHECK_OK(md_counts_save(counts, store, kit_pool));
    errors = json_object_get(md_counts_load(store, kit_pool), "errors");
    ck_assert_uint_eq(json_object_size(json_object_get(errors, "LetsEncrypt")), 65);
    ck_assert_int_eq(at(errors, "LetsEncrypt", "other"), 936);
}
END_TEST

START_TEST(a_damaged_file_is_as_good_as_none)
{
    md_store *store = store_mem_open(kit_pool);
    md_counts *counts = md_counts_make(kit_pool);

    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_CLAIMS, "metrics", "counts.json"),
                                "{\"renewals\": 7", kit_pool));
    count_renewal(counts, 1);
    CHECK_OK(md_counts_save(counts, store, kit_pool));
    ck_assert_int_eq(at(md_counts_load(store, kit_pool), "renewals", "LetsEncrypt"), 1);
}
END_TEST

Suite *suite_jobs_count(void)
{
    Suite *suite = suite_create("jobs/count");
    TCase *tests = kit_case(suite, "counts");

    tcase_add_test(tests, counts_of_several_processes_add_up);
    tcase_add_test(tests, what_could_not_be_saved_is_not_lost);
    tcase_add_test(tests, orders_that_take_very_long_are_counted_above_all_bounds);
    tcase_add_test(tests, problems_of_a_hostile_ca_are_not_counted_one_by_one);
    tcase_add_test(tests, a_damaged_file_is_as_good_as_none);
    return suite;
}

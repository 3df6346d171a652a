/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.json: golden text, bounds, and what is made of damage.
 */
#include "jobs/job.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/store_mem.h"

#define PLACE MD_PLACE(MD_GROUP_STAGING, "example.org", "job.json")

static md_job *load(md_store *store)
{
    md_job *job;

    CHECK_OK(md_job_load(store, MD_GROUP_STAGING, "example.org", kit_pool, &job));
    return job;
}

static md_job *load_text(const char *text)
{
    md_store *store = store_mem_open(kit_pool);

    CHECK_OK(md_store_save_text(store, PLACE, text, kit_pool));
    return load(store);
}

START_TEST(a_record_looks_like_this)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool);
    md_err *err = md_fail(kit_pool, MD_FAULT_REMOTE, "md:unreachable", "cannot connect to ca.test");

    job->errors = 2;
    job->stage = "directory";
    job->next_run = FAKE_NOW + apr_time_from_sec(60);
    job->last_run = FAKE_NOW;
    md_job_note(job, FAKE_NOW - apr_time_from_sec(1), "starting", NULL, NULL);
    md_job_failed(job, "reading the CA's directory", err, kit_pool);
    md_job_note(job, FAKE_NOW, "renewal-error", err->type, err->detail);
    ck_assert_str_eq(
        md_json_text_of(md_job_to_json(job, kit_pool), kit_pool),
        "{\n"
        "  \"name\": \"example.org\",\n"
        "  \"finished\": false,\n"
        "  \"notified\": false,\n"
        "  \"notified-renewed\": false,\n"
        "  \"next-run\": \"Thu, 29 Aug 2030 16:07:35 GMT\",\n"
        "  \"last-run\": \"Thu, 29 Aug 2030 16:06:35 GMT\",\n"
        "  \"errors\": 2,\n"
        "  \"stage\": \"directory\",\n"
        "  \"last\": {\n"
        "    \"activity\": \"reading the CA's directory\",\n"
        "    \"status\": 20014,\n"
        "    \"status-description\": \"Internal error (specific information not available)\",\n"
        "    \"problem\": \"md:unreachable\",\n"
        "    \"detail\": \"cannot connect to ca.test\",\n"
        "    \"fault\": \"remote\",\n"
        "    \"advice\": \"Check that this machine can connect to the CA (firewall, MDHttpProxy); it is "
        "tried again by itself\"\n"
        "  },\n"
        "  \"log\": {\n"
        "    \"entries\": [\n"
        "      {\n"
        "        \"when\": \"Thu, 29 Aug 2030 16:06:35 GMT\",\n"
        "        \"type\": \"renewal-error\",\n"
        "        \"status\": \"md:unreachable\",\n"
        "        \"detail\": \"cannot connect to ca.test\"\n"
        "      },\n"
        "      {\n"
        "        \"when\": \"Thu, 29 Aug 2030 16:06:34 GMT\",\n"
        "        \"type\": \"starting\"\n"
        "      }\n"
        "    ]\n"
        "  }\n"
        "}");
}
END_TEST

START_TEST(a_record_goes_there_and_back)
{
    md_store *store = store_mem_open(kit_pool);
    md_job *job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool), *again;

    job->finished = job->notified = job->notified_renewed = 1;
    job->valid_from = FAKE_NOW;
    job->errors = 3;
    md_job_doing(job, "finished", "1 new certificate(s) staged");
    md_job_note(job, FAKE_NOW, "finished", NULL, NULL);
    CHECK_OK(md_job_save(store, job, kit_pool));
    ck_assert_int_eq(job->change, MD_JOB_AS_STORED);
    again = load(store);
    ck_assert(json_equal(md_job_to_json(job, kit_pool), md_job_to_json(again, kit_pool)));
    ck_assert_int_eq(md_job_noted(again, "finished"), FAKE_NOW);
    ck_assert_int_eq(md_job_noted(again, "starting"), 0);
}
END_TEST

START_TEST(no_record_is_a_fresh_one)
{
    md_job *job = load(store_mem_open(kit_pool));

    ck_assert_str_eq(job->domain, "example.org");
    ck_assert_int_eq(job->errors, 0);
    ck_assert_int_eq(job->change, MD_JOB_AS_STORED);
    ck_assert(json_is_object(job->last) && json_is_array(job->log));
}
END_TEST

static const char *const damaged[] = {
    "", "{", "[]", "null", "\"text\"", "{\"name\": \"x\"} more", "\xff\xfe"
};

START_TEST(a_damaged_record_is_set_aside)
{
    md_store *store = store_mem_open(kit_pool);

    CHECK_OK(md_store_save_text(store, PLACE, damaged[_i], kit_pool));
    ck_assert_int_eq(load(store)->errors, 0);
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "staging/example.org/job.json.bad\n");
}
END_TEST

START_TEST(members_of_a_wrong_type_count_as_absent)
{
    md_job *job = load_text(
        "{\"finished\":\"yes\",\"errors\":\"many\",\"next-run\":7,\"last\":[],\"log\":3,\"stage\":{},"
        "\"notified\":null}");

    ck_assert(!job->finished && !job->notified && !job->stage);
    ck_assert_int_eq(job->errors, 0);
    ck_assert_int_eq(job->next_run, 0);
    ck_assert(json_is_object(job->last) && json_array_size(job->log) == 0);
}
END_TEST

START_TEST(numbers_are_bounded)
{
    ck_assert_int_eq(load_text("{\"errors\":-5}")->errors, 0);
    ck_assert_int_eq(load_text("{\"errors\":9223372036854775807}")->errors, 1000000);
}
END_TEST

START_TEST(the_log_keeps_the_newest_entries)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool);
    const char *newest;

    for (int i = 0; i < 300; ++i)
        md_job_note(job, FAKE_NOW + i, "progress", NULL, apr_itoa(kit_pool, i));
    ck_assert_uint_eq(json_array_size(job->log), MD_JOB_LOG_MAX);
    newest = md_json_text(json_array_get(job->log, 0), "detail");
    ck_assert_str_eq(newest, "299");
}
END_TEST

START_TEST(a_log_of_others_is_cut_and_sifted)
{
    json_t *doc = md_json_object(kit_pool), *entries = json_array();
    md_job *job;

    json_array_append_new(entries, json_integer(7));
    json_array_append_new(entries, json_object());
    for (int i = 0; i < 300; ++i)
        json_array_append_new(entries, json_pack("{s:s}", "type", "progress"));
    md_json_set(doc, "log.entries", entries);
    job = md_job_from_json(doc, MD_GROUP_STAGING, "example.org", kit_pool);
    ck_assert_uint_eq(json_array_size(job->log), MD_JOB_LOG_MAX);
    ck_assert_str_eq(md_json_text(json_array_get(job->log, 0), "type"), "progress");
}
END_TEST

START_TEST(progress_replaces_what_was_said_last)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool);

    md_job_failed(job, "placing the order", md_fail(kit_pool, MD_FAULT_LIMIT, "x", "y"), kit_pool);
    ck_assert_int_eq(job->change, MD_JOB_MATTERS);
    md_job_doing(job, "placing the order", NULL);
    ck_assert_int_eq(md_json_int(job->last, "status", -1), 0);
    ck_assert_ptr_null(md_json_text(job->last, "problem"));
    ck_assert_int_eq(job->change, MD_JOB_MATTERS);
}
END_TEST

static const struct {
    const char *text;
    int begun;
} beginnings[] = {
    { "{}", 0 },
    { "{\"name\":\"example.org\",\"finished\":false,\"errors\":0,\"last\":{},\"log\":{\"entries\":"
      "[{\"type\":\"message-expiring\"},{\"type\":\"progress\"}]}}",
      0 },
    { "{\"log\":{\"entries\":[{\"type\":\"message-renewing\"},"
      "{\"type\":\"starting\",\"when\":\"Thu, 29 Aug 2030 16:06:35 GMT\"}]}}",
      1 },
    { "{\"finished\":true}", 1 },
    { "{\"errors\":1}", 1 },
    { "{\"stage\":\"order\"}", 1 },
    { "{\"last-run\":\"Thu, 29 Aug 2030 16:06:35 GMT\"}", 1 },
    { "{\"next-run\":\"Thu, 29 Aug 2030 16:06:35 GMT\"}", 1 },
    { "{\"last\":{\"status\":0}}", 1 },
};

START_TEST(a_warning_alone_begins_nothing)
{
    ck_assert_int_eq(md_job_is_begun(load_text(beginnings[_i].text)), beginnings[_i].begun);
}
END_TEST

START_TEST(a_page_shows_the_log_only_when_asked)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool);

    md_job_note(job, FAKE_NOW, "starting", NULL, NULL);
    ck_assert_ptr_null(md_json_at(md_job_shown(job, 0, kit_pool), "log"));
    ck_assert_ptr_nonnull(md_json_at(md_job_shown(job, 1, kit_pool), "log.entries"));
}
END_TEST

Suite *suite_jobs_job(void)
{
    Suite *suite = suite_create("jobs/job");
    TCase *tcase = kit_case(suite, "job.json");

    tcase_add_test(tcase, a_record_looks_like_this);
    tcase_add_test(tcase, a_record_goes_there_and_back);
    tcase_add_test(tcase, no_record_is_a_fresh_one);
    KIT_ADD_ROWS(tcase, a_damaged_record_is_set_aside, damaged);
    tcase_add_test(tcase, members_of_a_wrong_type_count_as_absent);
    tcase_add_test(tcase, numbers_are_bounded);
    tcase_add_test(tcase, the_log_keeps_the_newest_entries);
    tcase_add_test(tcase, a_log_of_others_is_cut_and_sifted);
    tcase_add_test(tcase, progress_replaces_what_was_said_last);
    KIT_ADD_ROWS(tcase, a_warning_alone_begins_nothing, beginnings);
    tcase_add_test(tcase, a_page_shows_the_log_only_when_asked);
    return suite;
}

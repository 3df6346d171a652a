/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is asked and told, in which order; and what the job's log makes of it.
 */
#include "jobs/events.h"

#include <apr_strings.h>
#include <string.h>

#include "base/log.h"
#include "jobs/joblog.h"
#include "kit/fake_clock.h"
#include "kit/kit.h"

static const char *heard;

static md_err *hear(void *self, const md_event *event, apr_pool_t *p)
{
    const char *name = self;

    (void)event;
    heard = heard ? apr_pstrcat(kit_pool, heard, " ", name, NULL) : name;
    return *name == '!' ? md_fail(p, MD_FAULT_LOCAL, "test:no", "%s says no", name) : NULL;
}

static char a[] = "a", b[] = "!b", c[] = "c";
static md_subscriber subscribers[] = { { "first", hear, a }, { "second", hear, b }, { "third", hear, c } };
static const md_events three = { subscribers, 3 };

static const char *logged;

static void keep_line(void *self, md_level level, int id, const char *line)
{
    (void)self, (void)level, (void)id;
    logged = apr_pstrdup(kit_pool, line);
}

static void setup(void)
{
    heard = logged = NULL;
    md_log_to(keep_line, NULL, NULL);
}

START_TEST(the_first_refusal_ends_the_asking)
{
    md_event event = { .name = "renewing", .domain = "example.org" };

    CHECK_FAILS(md_ask(&three, &event, kit_pool), MD_FAULT_LOCAL,
                "second does not agree to \"renewing\": !b says no");
    ck_assert_str_eq(heard, "a !b");
}
END_TEST

START_TEST(everybody_is_told)
{
    md_event event = { .name = "errored", .domain = "example.org" };

    md_tell(&three, &event, kit_pool);
    ck_assert_str_eq(heard, "a !b c");
    ck_assert_ptr_nonnull(strstr(logged, "md[example.org]"));
}
END_TEST

START_TEST(the_log_of_a_job_has_its_events)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool);
    md_err *err = md_fail(kit_pool, MD_FAULT_REMOTE, "md:timeout", "too late");
    md_event renewing = { .name = "renewing", .domain = "example.org", .job = job, .when = FAKE_NOW };
    md_event errored = {
        .name = "errored", .domain = "example.org", .job = job, .err = err, .when = FAKE_NOW + 1000000
    };

    CHECK_OK(md_ask(&md_joblog_only, &renewing, kit_pool));
    md_tell(&md_joblog_only, &errored, kit_pool);
    ck_assert_int_eq(md_job_noted(job, "starting"), FAKE_NOW);
    ck_assert_int_eq(md_job_noted(job, "renewal-error"), FAKE_NOW + 1000000);
    ck_assert_str_eq(md_json_text(json_array_get(job->log, 0), "status"), "md:timeout");
    ck_assert_str_eq(md_json_text(json_array_get(job->log, 0), "detail"), "too late");
}
END_TEST

START_TEST(events_without_a_job_leave_no_trace_there)
{
    md_event event = { .name = "installed", .domain = "example.org" };

    CHECK_OK(md_ask(&md_joblog_only, &event, kit_pool));
}
END_TEST

Suite *suite_jobs_events(void)
{
    Suite *suite = suite_create("jobs/events");
    TCase *tcase = kit_case(suite, "events");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, the_first_refusal_ends_the_asking);
    tcase_add_test(tcase, everybody_is_told);
    tcase_add_test(tcase, the_log_of_a_job_has_its_events);
    tcase_add_test(tcase, events_without_a_job_leave_no_trace_there);
    return suite;
}

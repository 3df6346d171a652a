/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics, as they were.
 */
#include "jobs/count.h"
#include "kit/showing.h"
#include "status/print.h"

static const char *print(showing *s, md_metrics_form form)
{
    static const md_err err = { .fault = MD_FAULT_REMOTE, .type = "urn:\"odd\\one\"", .detail = "no" };
    md_counts *counts = md_counts_make(kit_pool);
    md_job *job = md_job_make(MD_GROUP_STAGING, "a.example.org", kit_pool);
    md_event renewed = { .name = "renewed", .job = job, .ca = "https://ca.test/dir", .when = FAKE_NOW };
    md_event errored = { .name = "errored", .err = &err, .ca = "https://ca.test/dir", .when = FAKE_NOW };

    md_job_note(job, FAKE_NOW - apr_time_from_sec(4), "starting", NULL, NULL);
    job->last_run = FAKE_NOW;
    CHECK_OK(md_counts_on_event(counts, &renewed, kit_pool));
    CHECK_OK(md_counts_on_event(counts, &errored, kit_pool));
    CHECK_OK(md_counts_save(counts, s->core.store, kit_pool));
    return md_print_metrics(&s->core, showing_found(s), form, kit_pool).data;
}

START_TEST(openmetrics_are_what_they_were)
{
    kit_check_golden("metrics.openmetrics", print(showing_three(), MD_OPENMETRICS));
}
END_TEST

START_TEST(the_older_format_is_what_it_was)
{
    kit_check_golden("metrics.prometheus", print(showing_three(), MD_PROMETHEUS));
}
END_TEST

Suite *suite_status_print_metrics(void)
{
    Suite *suite = suite_create("status/print_metrics");
    TCase *tests = kit_case(suite, "golden");

    tcase_add_test(tests, openmetrics_are_what_they_were);
    tcase_add_test(tests, the_older_format_is_what_it_was);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the operator: what they are called with, what their answer means, how often they are called.
 */
#include "jobs/notify.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>
#include <sys/stat.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"

#define AN_HOUR apr_time_from_sec(3600)

static md_notify notify;
static md_exec_turns turns;
static md_exec_limits limits;
static const char *folder;
static md_job *job;

/** A script that notes its arguments and ends with the code in the file "code". */
static void set_up(void)
{
    static const char script[] = "#!/bin/sh\necho \"$*\" >>\"${0%/*}/calls\"\necho 'last words' >&2\n"
                                 "exit $(cat \"${0%/*}/code\" 2>/dev/null || echo 0)\n";
    apr_file_t *file;
    apr_size_t size = sizeof(script) - 1;

    folder = kit_folder();
    ck_assert_int_eq(apr_file_open(&file, apr_pstrcat(kit_pool, folder, "/cmd", NULL),
                                   APR_FOPEN_CREATE | APR_FOPEN_WRITE, APR_FPROT_OS_DEFAULT, kit_pool),
                     0);
    apr_file_write(file, script, &size);
    apr_file_close(file);
    chmod(apr_pstrcat(kit_pool, folder, "/cmd", NULL), 0755);
    turns.most = 2;
    atomic_store(&turns.running, 0);
    limits = (md_exec_limits){ .timeout = apr_time_from_sec(10), .turns = &turns };
    notify = (md_notify){ .limits = &limits };
    job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool);
}

static const char *command(const char *arguments)
{
    return apr_pstrcat(kit_pool, folder, "/cmd", arguments, NULL);
}

static void answer_with(const char *code)
{
    apr_file_t *file;
    apr_size_t size = strlen(code);

    apr_file_open(&file, apr_pstrcat(kit_pool, folder, "/code", NULL),
                  APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_TRUNCATE, APR_FPROT_OS_DEFAULT, kit_pool);
    apr_file_write(file, code, &size);
    apr_file_close(file);
}

/** What the script noted so far. */
static const char *calls(void)
{
    char text[1024];
    apr_file_t *file;
    apr_size_t size = sizeof(text);

    if (apr_file_open(&file, apr_pstrcat(kit_pool, folder, "/calls", NULL), APR_FOPEN_READ, 0, kit_pool))
        return "";
    if (apr_file_read(file, text, &size))
        size = 0;
    apr_file_close(file);
    return apr_pstrmemdup(kit_pool, text, size);
}

static md_err *tell(const char *name, apr_time_t when)
{
    const md_event event = { .name = name, .domain = "example.org", .job = job, .when = when };

    return md_notify_on_event(&notify, &event, kit_pool);
}

START_TEST(commands_get_the_event_and_the_domain)
{
    notify.message_cmd = command(" fred 'two words'");
    CHECK_OK(tell("renewing", FAKE_NOW));
    CHECK_OK(tell("challenge-setup:http-01:example.org", FAKE_NOW));
    ck_assert_str_eq(calls(), "fred two words renewing example.org\n"
                              "fred two words challenge-setup:http-01:example.org example.org\n");
}
END_TEST

START_TEST(a_renewed_certificate_is_told_to_both_in_order)
{
    notify.notify_cmd = command(" notify");
    notify.message_cmd = command(" message");
    CHECK_OK(tell("renewed", FAKE_NOW));
    CHECK_OK(tell("errored", FAKE_NOW));
    ck_assert_str_eq(calls(),
                     "notify example.org\nmessage renewed example.org\nmessage errored example.org\n");
}
END_TEST

START_TEST(a_refusal_of_the_first_spares_the_second)
{
    notify.notify_cmd = command(" notify");
    notify.message_cmd = command(" message");
    answer_with("3");
    CHECK_FAILS(tell("renewed", FAKE_NOW), MD_FAULT_LOCAL, "exit code 3: last words");
    ck_assert_str_eq(tell("renewed", FAKE_NOW)->type, "urn:org:apache:httpd:log:AH10108:");
    ck_assert_str_eq(calls(), "notify example.org\nnotify example.org\n");
    notify.notify_cmd = NULL;
    ck_assert_str_eq(tell("renewed", FAKE_NOW)->type, "urn:org:apache:httpd:log:AH10109:");
    ck_assert_int_eq(md_job_noted(job, "message-renewed"), 0);
}
END_TEST

START_TEST(what_was_told_counts_as_told_for_a_while)
{
    notify.message_cmd = command("");
    CHECK_OK(tell("errored", FAKE_NOW));
    answer_with("1"); /* nobody sees it */
    CHECK_OK(tell("errored", FAKE_NOW + AN_HOUR - 1));
    ck_assert_str_eq(calls(), "errored example.org\n");
    CHECK_FAILS(tell("errored", FAKE_NOW + AN_HOUR), MD_FAULT_LOCAL, "exit code 1");
    answer_with("0");
    CHECK_OK(tell("errored", FAKE_NOW + AN_HOUR + 1)); /* what failed was not told */
    CHECK_OK(tell("expiring", FAKE_NOW));
    CHECK_OK(tell("expiring", FAKE_NOW + 23 * AN_HOUR));
    CHECK_OK(tell("expiring", FAKE_NOW + 24 * AN_HOUR));
    ck_assert_str_eq(calls(), "errored example.org\nerrored example.org\nerrored example.org\n"
                              "expiring example.org\nexpiring example.org\n");
}
END_TEST

START_TEST(without_commands_events_are_noted_all_the_same)
{
    CHECK_OK(tell("renewed", FAKE_NOW));
    ck_assert_int_eq(md_job_noted(job, "message-renewed"), FAKE_NOW);
    ck_assert(!md_notify_is_due(job, "renewed", FAKE_NOW + AN_HOUR));
    ck_assert(md_notify_is_due(job, "renewed", FAKE_NOW + 24 * AN_HOUR));
    ck_assert(md_notify_is_due(NULL, "renewed", FAKE_NOW));
    ck_assert(md_notify_is_due(job, "renewed", FAKE_NOW - AN_HOUR)); /* the clock went back */
}
END_TEST

START_TEST(who_asks_does_not_wait_for_other_commands)
{
    notify.message_cmd = command("");
    atomic_store(&turns.running, 2);
    ck_assert_str_eq(tell("renewing", FAKE_NOW)->type, "md:busy");
    ck_assert(md_event_waits(tell("renewing", FAKE_NOW)));
    ck_assert_str_eq(calls(), "");
    atomic_store(&turns.running, 1);
    CHECK_OK(tell("renewing", FAKE_NOW));
    ck_assert_int_eq(atomic_load(&turns.running), 1);
}
END_TEST

START_TEST(a_command_that_takes_too_long_is_ended)
{
    notify.message_cmd = "/bin/sleep 60 ;"; /* arguments behind are refused by sleep or not: it must end */
    limits.timeout = apr_time_from_msec(200);
    ck_assert_ptr_nonnull(tell("renewing", FAKE_NOW));
    notify.message_cmd = "/does/not/exist";
    CHECK_FAILS(tell("renewing", FAKE_NOW), MD_FAULT_LOCAL, "/does/not/exist");
}
END_TEST

Suite *suite_jobs_notify(void)
{
    Suite *suite = suite_create("jobs/notify");
    TCase *tcase = kit_case(suite, "commands");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, commands_get_the_event_and_the_domain);
    tcase_add_test(tcase, a_renewed_certificate_is_told_to_both_in_order);
    tcase_add_test(tcase, a_refusal_of_the_first_spares_the_second);
    tcase_add_test(tcase, what_was_told_counts_as_told_for_a_while);
    tcase_add_test(tcase, without_commands_events_are_noted_all_the_same);
    tcase_add_test(tcase, who_asks_does_not_wait_for_other_commands);
    tcase_add_test(tcase, a_command_that_takes_too_long_is_ended);
    return suite;
}

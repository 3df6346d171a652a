/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the log: their form, their bounds, and what outside text cannot do to them.
 */
#include "base/log.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>
#include <string.h>

#include "base/json.h"
#include "kit/kit.h"
#include "suites.h"

typedef struct seen {
    int lines, id;
    md_level level;
    char line[9000];
} seen;

static void keep(void *self, md_level level, int id, const char *line)
{
    seen *into = self;

    ++into->lines;
    into->level = level;
    into->id = id;
    apr_cpystrn(into->line, line, sizeof(into->line));
}

static int wants_info(void *self, md_level level)
{
    (void)self;
    return level <= MD_LOG_INFO;
}

/** A sink that keeps the last line. */
static seen *listen_here(void)
{
    seen *into = apr_pcalloc(kit_pool, sizeof(*into));

    md_log_to(keep, NULL, into);
    return into;
}

static void stop_listening(void)
{
    md_log_to(NULL, NULL, NULL);
}

START_TEST(a_line_reaches_the_sink_with_level_and_id)
{
    const seen *last = listen_here();

    md_log(MD_LOG_NOTICE, 10059, "%s has %d names", "example.org", 2);
    ck_assert_int_eq(last->level, MD_LOG_NOTICE);
    ck_assert_int_eq(last->id, 10059);
    ck_assert_str_eq(last->line, "example.org has 2 names");
}
END_TEST

START_TEST(what_is_not_wanted_is_not_written)
{
    seen *last = listen_here();

    md_log_to(keep, wants_info, last);
    md_log(MD_LOG_DEBUG, 0, "detail");
    md_log_err(MD_LOG_TRACE1, 0, NULL, NULL, NULL, "detail");
    ck_assert(!md_log_enabled(MD_LOG_DEBUG));
    ck_assert(md_log_enabled(MD_LOG_ERROR));
    ck_assert_int_eq(last->lines, 0);
}
END_TEST

START_TEST(without_a_sink_everything_is_discarded)
{
    stop_listening();
    md_log(MD_LOG_CRIT, 0, "nobody hears this");
    ck_assert(!md_log_enabled(MD_LOG_CRIT));
}
END_TEST

static const struct {
    const char *text, *line;
} cleaned[] = {
    { "plain", "plain" },
    { "two\nlines\r", "two\\x0alines\\x0d" },
    { "tab\there", "tab\\x09here" },
    { "\x1b[31mred", "\\x1b[31mred" },
    { "del\x7f", "del\\x7f" },
    { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
    { "\xe2\x82\xac and \xf0\x9f\x94\x92", "\xe2\x82\xac and \xf0\x9f\x94\x92" },
    { "latin1 \xfc.", "latin1 \\xfc." },
    { "cut \xe2\x82", "cut \\xe2\\x82" },
    { "C1 \xc2\x9b"
      "31m",
      "C1 \\xc2\\x9b"
      "31m" }, /* a terminal may take it for ESC [ */
    { "overlong \xc0\x8a", "overlong \\xc0\\x8a" },
    { "above \xf4\x90\x80\x80", "above \\xf4\\x90\\x80\\x80" },
};

START_TEST(outside_text_cannot_forge_lines)
{
    const seen *last = listen_here();

    md_log(MD_LOG_ERROR, 0, "%s", cleaned[_i].text);
    ck_assert_str_eq(last->line, cleaned[_i].line);
}
END_TEST

START_TEST(a_line_is_bounded)
{
    const seen *last = listen_here();
    char *text = apr_palloc(kit_pool, 100001);

    memset(text, '\n', 100000);
    text[100000] = '\0';
    md_log(MD_LOG_ERROR, 0, "%s", text);
    ck_assert_uint_lt(strlen(last->line), 8192);
    md_log_err(MD_LOG_ERROR, 0, text, NULL, NULL, "%s", text);
    ck_assert_uint_lt(strlen(last->line), 8192);
    ck_assert_uint_gt(strlen(last->line), 8000);
}
END_TEST

START_TEST(a_failure_is_reported_in_the_parts_that_tools_match)
{
    const seen *last = listen_here();
    md_err *err = md_fail(kit_pool, MD_FAULT_REMOTE, "urn:a", "refused");

    err->subproblems = md_own_json(kit_pool, json_pack("[{s:s}]", "type", "urn:b"));
    md_log_err(MD_LOG_ERROR, 10056, "example.org", "asking", md_wrap(kit_pool, err, "cannot order"), "No %s.",
               "luck");
    ck_assert_int_eq(last->id, 10056);
    ck_assert_str_eq(last->line, "No luck. md[example.org] while[asking] problem[urn:a] "
                                 "detail[cannot order: refused] subproblems[[{\"type\":\"urn:b\"}]]");
}
END_TEST

START_TEST(absent_parts_of_a_report_are_left_out)
{
    const seen *last = listen_here();

    md_log_err(MD_LOG_ERROR, 0, NULL, NULL, md_fail(kit_pool, MD_FAULT_LOCAL, NULL, "full"), "Saving:");
    ck_assert_str_eq(last->line, "Saving: detail[full]");
    md_log_err(MD_LOG_ERROR, 0, "a.org", NULL, NULL, "Odd:");
    ck_assert_str_eq(last->line, "Odd: md[a.org]");
}
END_TEST

static void count(void *self, md_level level, int id, const char *line)
{
    (void)level, (void)id;
    if (!strcmp(line, "a line of a thread"))
        atomic_fetch_add((atomic_int *)self, 1);
}

static void *APR_THREAD_FUNC write_lines(apr_thread_t *thread, void *self)
{
    (void)thread, (void)self;
    for (int i = 0; i < 500; ++i) {
        md_log(MD_LOG_INFO, 0, "a line of a %s", "thread");
        md_log_err(MD_LOG_INFO, 0, NULL, NULL, NULL, "a line of a %s", "thread");
    }
    return NULL;
}

START_TEST(any_thread_may_write)
{
    enum { THREADS = 4, LINES_OF_ALL = 4000 };
    apr_thread_t *threads[THREADS];
    atomic_int lines = 0;
    apr_status_t status;

    md_log_to(count, NULL, &lines);
    for (int i = 0; i < THREADS; ++i)
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, write_lines, NULL, kit_pool), APR_SUCCESS);
    for (int i = 0; i < THREADS; ++i)
        apr_thread_join(&status, threads[i]);
    stop_listening();
    ck_assert_int_eq(atomic_load(&lines), LINES_OF_ALL);
}
END_TEST

Suite *suite_base_log(void)
{
    Suite *suite = suite_create("base/log");
    TCase *tcase = kit_case(suite, "log");

    tcase_add_unchecked_fixture(tcase, NULL, stop_listening);
    tcase_add_test(tcase, a_line_reaches_the_sink_with_level_and_id);
    tcase_add_test(tcase, what_is_not_wanted_is_not_written);
    tcase_add_test(tcase, without_a_sink_everything_is_discarded);
    KIT_ADD_ROWS(tcase, outside_text_cannot_forge_lines, cleaned);
    tcase_add_test(tcase, a_line_is_bounded);
    tcase_add_test(tcase, a_failure_is_reported_in_the_parts_that_tools_match);
    tcase_add_test(tcase, absent_parts_of_a_report_are_left_out);
    tcase_add_test(tcase, any_thread_may_write);
    return suite;
}

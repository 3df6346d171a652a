/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the operator: quoting, exit codes, time, and what of this process reaches them.
 */
#include "base/exec.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "kit/kit.h"
#include "suites.h"

#define SECOND APR_INT64_C(1000000)

static const struct {
    const char *command, *words; /* joined by '|' */
} commands[] = {
    { "/bin/a b  c", "/bin/a|b|c" },
    { " \t/bin/a ", "/bin/a" },
    { "a 'b c' \"d e\"", "a|b c|d e" },
    { "a b'c d'e", "a|bc de" },
    { "a \"it's\" 'say \"x\"'", "a|it's|say \"x\"" },
    { "a b\\ c \\'d", "a|b c|'d" },
    { "a 'b\\c'", "a|b\\c" },
    { "a \"b\\\"c\"", "a|b\"c" },
    { "a ''", "a|" },
    { "a $HOME ; rm *", "a|$HOME|;|rm|*" },
    { "a\\", "a\\" },
};

START_TEST(a_command_line_is_split_with_quotes)
{
    md_names *words;

    CHECK_OK(md_command_words(commands[_i].command, kit_pool, &words));
    ck_assert_str_eq(md_names_join(words, "|", kit_pool), commands[_i].words);
}
END_TEST

START_TEST(an_open_quote_or_no_command_is_a_wrong_setting)
{
    md_names *words;

    CHECK_FAILS(md_command_words("a 'b", kit_pool, &words), MD_FAULT_CONFIG, "open quote");
    CHECK_FAILS(md_command_words("a \"b'", kit_pool, &words), MD_FAULT_CONFIG, "open quote");
    CHECK_FAILS(md_command_words(" ", kit_pool, &words), MD_FAULT_CONFIG, "empty");
}
END_TEST

/** Runs a line of shell, for at most `seconds`. */
static md_err *run_shell(const char *line, int seconds, md_exec_result *out)
{
    md_names *argv = md_words("/bin/sh -c", kit_pool);

    md_names_add(argv, line);
    return md_exec(argv, &(md_exec_limits){ .timeout = seconds * SECOND }, kit_pool, out);
}

static const int codes[] = { 0, 1, 3, 126, 127 };

START_TEST(an_exit_code_is_the_callers_to_judge)
{
    md_exec_result result;

    CHECK_OK(run_shell(apr_psprintf(kit_pool, "exit %d", codes[_i]), 10, &result));
    ck_assert_int_eq(result.exit_code, codes[_i]);
    ck_assert_str_eq(result.last_words, "");
}
END_TEST

START_TEST(an_exit_code_beyond_the_usual_is_a_failure)
{
    md_exec_result result;

    CHECK_FAILS(run_shell("exit 128", 10, &result), MD_FAULT_LOCAL, "exit code 128");
}
END_TEST

START_TEST(a_program_that_is_not_there_is_named)
{
    md_exec_result result;

    CHECK_FAILS(md_exec(md_words("/no/such/program", kit_pool), &(md_exec_limits){ .timeout = SECOND },
                        kit_pool, &result),
                MD_FAULT_LOCAL, "cannot run /no/such/program: No such file or directory");
}
END_TEST

START_TEST(the_path_is_not_searched)
{
    md_exec_result result;

    CHECK_FAILS(
        md_exec(md_words("true", kit_pool), &(md_exec_limits){ .timeout = SECOND }, kit_pool, &result),
        MD_FAULT_LOCAL, "cannot run true");
}
END_TEST

START_TEST(no_words_are_no_command)
{
    md_exec_result result;

    CHECK_FAILS(md_exec(md_names_make(kit_pool), &(md_exec_limits){ .timeout = SECOND }, kit_pool, &result),
                MD_FAULT_CONFIG, "empty");
}
END_TEST

START_TEST(arguments_arrive_as_they_are)
{
    const char *file = apr_pstrcat(kit_pool, kit_folder(), "/args", NULL);
    md_names *argv = md_words("/bin/sh -c", kit_pool);
    md_exec_result result;
    char text[64] = "";
    int fd;

    md_names_add(argv, "printf '<%s>' \"$@\" > \"$0\"");
    md_names_add(argv, file);
    md_names_add(argv, "a b");
    md_names_add(argv, "$HOME;'\"");
    CHECK_OK(md_exec(argv, &(md_exec_limits){ .timeout = 10 * SECOND }, kit_pool, &result));
    fd = open(file, O_RDONLY | O_CLOEXEC);
    ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
    close(fd);
    ck_assert_str_eq(text, "<a b><$HOME;'\">");
}
END_TEST

static char said[4096];

static void keep(void *self, md_level level, int id, const char *line)
{
    (void)self, (void)id;
    if (level == MD_LOG_INFO && strlen(said) + strlen(line) + 2 < sizeof(said))
        strcat(strcat(said, line), "|");
}

START_TEST(what_a_program_complains_about_is_logged_and_its_last_words_kept)
{
    md_exec_result result;

    md_log_to(keep, NULL, NULL);
    CHECK_OK(
        run_shell("echo out; echo first >&2; echo >&2; printf 'last\\033 word' >&2; exit 2", 10, &result));
    ck_assert_int_eq(result.exit_code, 2);
    ck_assert_str_eq(said, "/bin/sh says: first|/bin/sh says: last\\x1b word|");
    ck_assert_str_eq(result.last_words, "last\033 word");
}
END_TEST

START_TEST(a_flood_of_complaints_is_read_to_its_end)
{
    md_exec_result result;

    CHECK_OK(run_shell("i=0; while [ $i -lt 3000 ]; do echo a line of some length that fills the pipe $i "
                       ">&2; i=$((i+1)); done",
                       30, &result));
    ck_assert_str_eq(result.last_words, "a line of some length that fills the pipe 2999");
}
END_TEST

START_TEST(a_long_line_is_cut_into_pieces)
{
    md_exec_result result;

    CHECK_OK(run_shell("head -c 100000 /dev/zero | tr '\\0' x >&2; echo end >&2", 10, &result));
    ck_assert_uint_lt(strlen(result.last_words), 512);
    ck_assert_msg(strstr(result.last_words, "end") != NULL, "%s", result.last_words);
}
END_TEST

/** Everybody who has the pipe open holds it until death; the kernel tells when the last one is gone. */
START_TEST(a_program_is_stopped_when_nobody_wants_it_any_more)
{
    static const atomic_int cancelled = 1;
    const md_exec_limits limits = { .timeout = 60 * SECOND, .cancelled = &cancelled };
    const apr_time_t begun = apr_time_now();
    md_exec_result result;
    md_err *err = md_exec(md_words("/bin/sleep 60", kit_pool), &limits, kit_pool, &result);

    ck_assert_str_eq(err->type, "md:cancelled");
    ck_assert_int_lt(apr_time_now() - begun, 30 * SECOND);
}
END_TEST

START_TEST(a_program_that_takes_too_long_is_killed_with_its_children)
{
    const char *pipe = apr_pstrcat(kit_pool, kit_folder(), "/pipe", NULL);
    md_names *argv = md_words("/bin/sh -c", kit_pool);
    struct pollfd held = { .events = POLLIN };
    md_exec_result result;
    char bytes[8];

    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    held.fd = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    md_names_add(argv, "exec 5> \"$0\"; echo here >&5; sleep 100 & sleep 100");
    md_names_add(argv, pipe);
    CHECK_FAILS(md_exec(argv, &(md_exec_limits){ .timeout = SECOND / 2 }, kit_pool, &result), MD_FAULT_LOCAL,
                "was stopped");
    ck_assert_int_eq(read(held.fd, bytes, sizeof(bytes)), 5);
    ck_assert_int_eq(poll(&held, 1, 10000), 1);
    ck_assert_int_eq(held.revents, POLLHUP);
    close(held.fd);
}
END_TEST

START_TEST(no_zombie_is_left)
{
    md_exec_result result;

    CHECK_OK(run_shell("exit 0", 10, &result));
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(a_child_left_behind_is_not_waited_for)
{
    const apr_time_t begin = apr_time_now();
    md_exec_result result;

    CHECK_OK(run_shell("(sleep 2; echo late >&2) & echo done >&2", 30, &result));
    ck_assert_int_lt(apr_time_now() - begin, 3 * SECOND / 2);
    ck_assert_str_eq(result.last_words, "done");
}
END_TEST

START_TEST(a_signal_that_ends_it_is_named)
{
    md_exec_result result;

    CHECK_FAILS(run_shell("kill -TERM $$", 10, &result), MD_FAULT_LOCAL, "signal 15");
}
END_TEST

START_TEST(a_lost_exit_code_is_no_success)
{
    md_exec_result result;

    signal(SIGCHLD, SIG_IGN);
    CHECK_FAILS(run_shell("exit 0", 10, &result), MD_FAULT_LOCAL, "was lost");
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST(it_inherits_no_descriptors)
{
    const int leaky = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as other modules do */
    md_exec_result result;

    ck_assert_int_gt(leaky, 2);
    CHECK_OK(run_shell(apr_psprintf(kit_pool, "test ! -e /proc/self/fd/%d", leaky), 10, &result));
    ck_assert_int_eq(result.exit_code, 0);
    close(leaky);
}
END_TEST

START_TEST(its_standard_input_is_empty)
{
    md_exec_result result;

    CHECK_OK(run_shell("read line && exit 1; exit 0", 10, &result));
    ck_assert_int_eq(result.exit_code, 0);
}
END_TEST

START_TEST(its_signals_are_as_a_program_expects_them)
{
    sigset_t term;
    md_exec_result result;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* glibc's own two signals, above the 31 that programs know, may stay ignored */
    CHECK_OK(run_shell(
        "grep -Eq 'SigBlk:.0+$' /proc/self/status && grep -Eq 'SigIgn:.*[08]0000000$' /proc/self/status", 10,
        &result));
    ck_assert_int_eq(result.exit_code, 0);
}
END_TEST

START_TEST(it_has_the_environment)
{
    md_exec_result result;

    setenv("MD_TEST", "there", 1);
    CHECK_OK(run_shell("test \"$MD_TEST\" = there", 10, &result));
    ck_assert_int_eq(result.exit_code, 0);
}
END_TEST

START_TEST(it_leads_a_group_of_its_own)
{
    md_exec_result result;

    CHECK_OK(
        run_shell("read pid comm state parent group rest < /proc/$$/stat; test $group = $$", 10, &result));
    ck_assert_int_eq(result.exit_code, 0);
}
END_TEST

START_TEST(short_programs_take_no_longer_than_they_run)
{
    const apr_time_t begin = apr_time_now();
    md_exec_result result;

    for (int i = 0; i < 20; ++i)
        CHECK_OK(md_exec(md_words("/bin/true", kit_pool), &(md_exec_limits){ .timeout = SECOND }, kit_pool,
                         &result));
    ck_assert_int_lt(apr_time_now() - begin, 20 * SECOND / 22); /* pauses of 50 ms each would show */
}
END_TEST

static void add_results(Suite *suite)
{
    TCase *tcase = kit_case(suite, "results");

    tcase_set_timeout(tcase, 60);
    KIT_ADD_ROWS(tcase, a_command_line_is_split_with_quotes, commands);
    tcase_add_test(tcase, an_open_quote_or_no_command_is_a_wrong_setting);
    KIT_ADD_ROWS(tcase, an_exit_code_is_the_callers_to_judge, codes);
    tcase_add_test(tcase, an_exit_code_beyond_the_usual_is_a_failure);
    tcase_add_test(tcase, a_program_that_is_not_there_is_named);
    tcase_add_test(tcase, the_path_is_not_searched);
    tcase_add_test(tcase, no_words_are_no_command);
    tcase_add_test(tcase, arguments_arrive_as_they_are);
    tcase_add_test(tcase, what_a_program_complains_about_is_logged_and_its_last_words_kept);
    tcase_add_test(tcase, a_flood_of_complaints_is_read_to_its_end);
    tcase_add_test(tcase, a_long_line_is_cut_into_pieces);
}

static void add_surroundings(Suite *suite)
{
    TCase *tcase = kit_case(suite, "surroundings");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_program_that_takes_too_long_is_killed_with_its_children);
    tcase_add_test(tcase, a_program_is_stopped_when_nobody_wants_it_any_more);
    tcase_add_test(tcase, no_zombie_is_left);
    tcase_add_test(tcase, a_child_left_behind_is_not_waited_for);
    tcase_add_test(tcase, a_signal_that_ends_it_is_named);
    tcase_add_test(tcase, a_lost_exit_code_is_no_success);
    tcase_add_test(tcase, it_inherits_no_descriptors);
    tcase_add_test(tcase, its_standard_input_is_empty);
    tcase_add_test(tcase, its_signals_are_as_a_program_expects_them);
    tcase_add_test(tcase, it_has_the_environment);
    tcase_add_test(tcase, it_leads_a_group_of_its_own);
    tcase_add_test(tcase, short_programs_take_no_longer_than_they_run);
}

Suite *suite_base_exec(void)
{
    Suite *suite = suite_create("base/exec");

    add_results(suite);
    add_surroundings(suite);
    return suite;
}

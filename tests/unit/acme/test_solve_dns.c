/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-01: what the operator's command is called with, and what its answer means.
 */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>
#include <sys/stat.h>

#include "acme/solver.h"
#include "kit/kit.h"
#include "kit/store_mem.h"
#include "tls/jws.h"

#define NAME "example.org"

static md_domain *domain;
static md_account_use use;
static const char *folder;
static const md_exec_limits limits = { .timeout = apr_time_from_sec(10) };

static void write_file(const char *name, const char *text)
{
    apr_size_t size = strlen(text);
    apr_file_t *file;

    ck_assert_int_eq(apr_file_open(&file, apr_pstrcat(kit_pool, folder, "/", name, NULL),
                                   APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_TRUNCATE,
                                   APR_FPROT_OS_DEFAULT, kit_pool),
                     0);
    apr_file_write(file, text, &size);
    apr_file_close(file);
}

static void set_up(void)
{
    static const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_names *names = md_names_make(kit_pool);

    md_names_add(names, NAME);
    domain = md_domain_make(names, kit_pool);
    use = (md_account_use){ "https://ca.test/acct/1", NULL, NULL };
    CHECK_OK(md_key_make(&spec, kit_pool, &use.key));
    folder = kit_folder();
    write_file(
        "cmd",
        "#!/bin/sh\necho \"$*\" >>\"${0%/*}/calls\"\necho 'no zone' >&2\nexit $(cat \"${0%/*}/code\")\n");
    write_file("code", "0");
    chmod(apr_pstrcat(kit_pool, folder, "/cmd", NULL), 0755);
    domain->policy.dns01_cmd = apr_pstrcat(kit_pool, folder, "/cmd 'an argument'", NULL);
    domain->policy.dns01_version = 1;
}

static const char *calls(void)
{
    char text[1024];
    apr_size_t size = sizeof(text);
    apr_file_t *file;

    if (apr_file_open(&file, apr_pstrcat(kit_pool, folder, "/calls", NULL), APR_FOPEN_READ, 0, kit_pool))
        return "";
    if (apr_file_read(file, text, &size))
        size = 0;
    apr_file_close(file);
    return apr_pstrmemdup(kit_pool, text, size);
}

static md_solve a_solve(void)
{
    return (md_solve){ .domain = domain, .account = &use, .name = NAME, .token = "token", .exec = &limits };
}

/** The TXT record that the CA will look for (RFC 8555 8.4). */
static const char *record(void)
{
    const char *text;

    CHECK_OK(md_key_authorization(use.key, "token", kit_pool, &text));
    return md_sha256_b64url(md_bytes_of(text), kit_pool);
}

static md_err *put(const md_solve *solve)
{
    const char *setup, *rest;

    CHECK_OK(md_solver_setup(&md_solver_dns01, solve, kit_pool, &setup, &rest));
    return md_solver_dns01.put(solve, rest, kit_pool);
}

static void take(const md_exec_limits *exec)
{
    const md_solve solve = a_solve();
    md_names *setups = md_names_make(kit_pool);
    const char *setup, *rest;

    CHECK_OK(md_solver_setup(&md_solver_dns01, &solve, kit_pool, &setup, &rest));
    md_names_add(setups, setup);
    md_solver_take_all(&(md_unsolve){ .domain = domain, .exec = exec }, setups, kit_pool);
}

START_TEST(the_command_sets_up_and_takes_down)
{
    const md_solve solve = a_solve();

    CHECK_OK(put(&solve));
    take(&limits);
    domain->policy.dns01_version = 2;
    take(&limits);
    ck_assert_str_eq(calls(), apr_psprintf(kit_pool,
                                           "an argument setup " NAME " %s\nan argument teardown " NAME
                                           "\nan argument teardown " NAME " %s\n",
                                           record(), record()));
}
END_TEST

START_TEST(who_may_not_run_commands_takes_nothing_down)
{
    take(NULL);
    ck_assert_str_eq(calls(), "");
}
END_TEST

START_TEST(another_exit_code_is_a_failure_with_its_last_words)
{
    const md_solve solve = a_solve();

    write_file("code", "3");
    CHECK_FAILS(put(&solve), MD_FAULT_LOCAL, "exit code 3: no zone");
    ck_assert_str_eq(put(&solve)->type, "challenge-setup-failure");
}
END_TEST

START_TEST(without_a_command_it_is_not_used)
{
    const md_solve solve = a_solve();

    ck_assert_ptr_null(md_solver_dns01.why_not(NULL, domain, NAME));
    domain->policy.dns01_cmd = NULL;
    ck_assert_ptr_nonnull(md_solver_dns01.why_not(NULL, domain, NAME));
    CHECK_FAILS(put(&solve), MD_FAULT_CONFIG, "neither MDDnsUpdate nor MDChallengeDns01 is set");
}
END_TEST

START_TEST(too_many_commands_are_waited_for)
{
    md_exec_turns turns = { .most = 1 };
    md_exec_limits busy = { .timeout = apr_time_from_sec(10), .turns = &turns };
    md_solve solve = a_solve();

    atomic_store(&turns.running, 1);
    solve.exec = &busy;
    ck_assert_str_eq(put(&solve)->type, "md:busy");
    atomic_store(&turns.running, 0);
    CHECK_OK(put(&solve));
    ck_assert_int_eq(atomic_load(&turns.running), 0);
}
END_TEST

Suite *suite_acme_solve_dns(void)
{
    Suite *suite = suite_create("acme/solve_dns");
    TCase *tests = kit_case(suite, "command");

    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, the_command_sets_up_and_takes_down);
    tcase_add_test(tests, who_may_not_run_commands_takes_nothing_down);
    tcase_add_test(tests, another_exit_code_is_a_failure_with_its_last_words);
    tcase_add_test(tests, without_a_command_it_is_not_used);
    tcase_add_test(tests, too_many_commands_are_waited_for);
    return suite;
}

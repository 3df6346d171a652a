/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the unit tests: all suites, or those whose names are given. Every test runs in a process of its own,
 * so a crash is the failure of one test that has a name; set CK_FORK=no to debug.
 */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

static const struct {
    const char *name;
    Suite *(*make)(void);
} suites[] = {
#define SUITE(name) { #name, suite_##name },
#include "suite_rows.h"
#undef SUITE
    { NULL, NULL },
};

static int is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; ++i) {
        if (!strcmp(name, argv[i]))
            return 1;
    }
    return argc < 2;
}

int main(int argc, char **argv)
{
    SRunner *runner = srunner_create(NULL);
    int failed;
    int total;

    if (apr_initialize() != APR_SUCCESS)
        return EXIT_FAILURE;
    for (size_t i = 0; suites[i].name; ++i) {
        if (is_wanted(suites[i].name, argc, argv))
            srunner_add_suite(runner, suites[i].make());
    }
    srunner_run_all(runner, CK_ENV);
    total = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    apr_terminate();
    if (!total)
        fputs("no test was run: is the suite's name right?\n", stderr);
    return failed || !total ? EXIT_FAILURE : EXIT_SUCCESS;
}

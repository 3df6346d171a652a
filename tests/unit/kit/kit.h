/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every unit test needs: a pool of its own, checks of failures, a folder that goes away.
 */
#ifndef MD_TESTS_KIT_H
#define MD_TESTS_KIT_H

#include <check.h>
#include "base/err.h"

/** The pool of the running test; kit_case() sets it up and destroys it. */
extern apr_pool_t *kit_pool;

/** A test case whose tests have `kit_pool`; added to `suite`. */
TCase *kit_case(Suite *suite, const char *name);

/** Runs `test` once for each row of `table`; `_i` is the row. */
#define KIT_ADD_ROWS(tcase, test, table) \
    tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof((table)[0])))

/** A new empty folder, removed with everything in it when the test ends. */
const char *kit_folder(void);

/** The text must be that of the file tests/unit/golden/NAME, which ends with one more newline. With
 * MD_GOLDEN=write in the environment the file is written instead, and the test fails: look at what changed.
 */
void kit_check_golden(const char *name, const char *text);

/** The expression must succeed; else its whole story is the message. */
#define CHECK_OK(expr)                                                       \
    do {                                                                     \
        const md_err *err_ = (expr);                                         \
        ck_assert_msg(!err_, "%s", err_ ? md_err_text(err_, kit_pool) : ""); \
    } while (0)

/** The expression must fail by fault and with this text somewhere in its story. */
#define CHECK_FAILS(expr, wanted_fault, wanted_text)                                                       \
    do {                                                                                                   \
        const md_err *err_ = (expr);                                                                       \
        ck_assert_msg(err_ != NULL, "%s did not fail", #expr);                                             \
        ck_assert_int_eq(err_->fault, wanted_fault);                                                       \
        ck_assert_msg(strstr(md_err_text(err_, kit_pool), wanted_text) != NULL, "\"%s\" is not in \"%s\"", \
                      wanted_text, md_err_text(err_, kit_pool));                                           \
    } while (0)

#endif

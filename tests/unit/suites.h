/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All suites of the unit tests: tests/unit/<folder>/test_<file>.c offers `Suite
 * *suite_<folder>_<file>(void)`. The rows come from the list in tests/CMakeLists.txt.
 */
#ifndef MD_TESTS_SUITES_H
#define MD_TESTS_SUITES_H

#include <check.h>

#define SUITE(name) Suite *suite_##name(void);
#include "suite_rows.h"
#undef SUITE

#endif

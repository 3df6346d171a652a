/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows.
 */
#include "status/lines.h"

#include <string.h>

#include "kit/kit.h"

START_TEST(much_text_keeps_its_order_and_end)
{
    md_lines *lines = md_lines_make(kit_pool);
    md_bytes all;

    for (int i = 0; i < 5000; ++i) {
        md_lines_number(lines, i);
        md_lines_put(lines, "\n");
    }
    all = md_lines_bytes(lines);
    ck_assert_uint_eq(all.size, strlen(all.data));
    ck_assert_int_eq(strncmp(all.data, "0\n1\n2\n", 6), 0);
    ck_assert_str_eq(all.data + all.size - 10, "4998\n4999\n");
}
END_TEST

START_TEST(a_line_stays_one)
{
    ck_assert_str_eq(md_one_line("a\r\nb\tc\x7f", kit_pool), "a  b c ");
}
END_TEST

Suite *suite_status_lines(void)
{
    Suite *suite = suite_create("status/lines");
    TCase *tests = kit_case(suite, "lines");

    tcase_add_test(tests, much_text_keeps_its_order_and_end);
    tcase_add_test(tests, a_line_stays_one);
    return suite;
}

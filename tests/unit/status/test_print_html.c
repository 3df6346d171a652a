/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server-status, as it was.
 */
#include "kit/showing.h"
#include "status/print.h"

static const char *print(const showing *s)
{
    return md_print_html(showing_found(s), FAKE_NOW, kit_pool).data;
}

START_TEST(what_is_printed_is_what_it_was)
{
    kit_check_golden("server-status.html", print(showing_three()));
}
END_TEST

START_TEST(without_domains_there_are_no_rows)
{
    kit_check_golden("server-status-empty.html", print(showing_make()));
}
END_TEST

Suite *suite_status_print_html(void)
{
    Suite *suite = suite_create("status/print_html");
    TCase *tests = kit_case(suite, "golden");

    tcase_add_test(tests, what_is_printed_is_what_it_was);
    tcase_add_test(tests, without_domains_there_are_no_rows);
    return suite;
}

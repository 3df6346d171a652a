/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is understood, and what is refused.
 */
#include "status/query.h"

#include <string.h>

#include "kit/kit.h"

START_TEST(parameters_are_read)
{
    md_query query = MD_QUERY_ALL;

    ck_assert_int_eq(query.condition, -1);
    ck_assert_ptr_null(md_query_set(&query, "state", "errored", kit_pool));
    ck_assert_ptr_null(md_query_set(&query, "limit", "100000", kit_pool));
    ck_assert_ptr_null(md_query_set(&query, "after", "Example.ORG", kit_pool));
    ck_assert_int_eq(query.condition, MD_IS_ERRORED);
    ck_assert_int_eq(query.limit, 100000);
    ck_assert_str_eq(query.after, "example.org");
}
END_TEST

static const struct {
    const char *name, *value, *says;
} refused[] = {
    { "state", "fine", "expired, errored" },
    { "state", "", "not ''" },
    { "limit", "0", "from 1 to 100000" },
    { "limit", "100001", "100001" },
    { "limit", "1e3", "1e3" },
    { "limit", "", "from 1" },
    { "after", "", "name of a domain" },
    { "stat\ne", "x", "'stat.e' is no parameter" },
};

START_TEST(what_makes_no_sense_is_refused_with_a_sentence)
{
    md_query query = MD_QUERY_ALL;
    const char *why = md_query_set(&query, refused[_i].name, refused[_i].value, kit_pool);

    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, refused[_i].says) != NULL, "%s", why);
}
END_TEST

Suite *suite_status_query(void)
{
    Suite *suite = suite_create("status/query");
    TCase *tests = kit_case(suite, "parameters");

    tcase_add_test(tests, parameters_are_read);
    KIT_ADD_ROWS(tests, what_makes_no_sense_is_refused_with_a_sentence, refused);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Into which group a domain falls, and that a document of any shape is looked at without harm.
 */
#include "status/view.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "suites.h"

/** JSON with ' for ". */
static json_t *json_of(const char *text)
{
    char *copy = apr_pstrdup(kit_pool, text);
    json_t *doc;

    for (char *at = copy; (at = strchr(at, '\''));)
        *at = '"';
    CHECK_OK(md_json_read(md_bytes_of(copy), kit_pool, &doc));
    return doc;
}

#define VALID \
    "'cert': {'valid': {'from': 'Tue, 01 Sep 2026 00:00:00 GMT', 'until': 'Mon, 30 Nov 2026 00:00:00 GMT'}}"
#define HELP   "'attention': {'reason': 'it is broken', 'advice': 'Mend it', 'who': 'operator'}"
#define AWAY   "'attention': {'reason': 'the CA is down', 'advice': 'Wait', 'who': 'authority'}"
#define WAIT   "'attention': {'reason': 'it ends', 'advice': 'Wait', 'who': 'nobody'}"
#define FAILED "'renewal': {'errors': 3}"
#define AT     "'progress': {'step': 5, 'steps': 17, 'doing': 'placing the order'}"
#define SO(c)  "'conditions': [" c "]"

static const struct {
    const char *entry;
    md_view_group group;
    const char *label;
} cases[] = {
    { "{" VALID "," SO("'ok'") "}", MD_VIEW_OK, "Valid" },
    { "{" VALID "," SO("'expired','errored'") "," HELP "," FAILED "}", MD_VIEW_ATTENTION, "Expired" },
    { "{" VALID "," SO("'expired','renewing'") "," WAIT "}", MD_VIEW_ATTENTION, "Expired" },
    { "{" VALID "," SO("'errored'") "," HELP "," FAILED "}", MD_VIEW_ATTENTION, "Failing" },
    { "{" VALID "," SO("'errored'") "," HELP "}", MD_VIEW_ATTENTION, "Damaged" },
    { "{" VALID "," SO("'errored','renewing'") "," AWAY "," FAILED "}", MD_VIEW_RENEWING, "Retrying" },
    { "{" VALID "," SO("'errored','expiring'") "," AWAY "," FAILED "}", MD_VIEW_ATTENTION, "Failing" },
    { "{" SO("'errored','incomplete'") "," AWAY "," FAILED "}", MD_VIEW_ATTENTION, "Failing" },
    { "{" VALID "," SO("'expiring'") "," HELP "}", MD_VIEW_EXPIRING, "Expiring" },
    { "{" VALID "," SO("'expiring','renewing'") "," WAIT "}", MD_VIEW_RENEWING, "Queued" },
    { "{" VALID "," SO("'expiring','renewing'") "," WAIT "," AT "}", MD_VIEW_RENEWING, "Renewing" },
    { "{" VALID "," SO("'renewing','ok'") "," AT "}", MD_VIEW_RENEWING, "Renewing" },
    { "{" VALID "," SO("'renewing','ok'") "}", MD_VIEW_RENEWING, "Queued" },
    { "{" SO("'incomplete','renewing'") "," AT "}", MD_VIEW_RENEWING, "Ordering" },
    { "{" SO("'incomplete','renewing'") "}", MD_VIEW_RENEWING, "Queued" },
    { "{" VALID "," SO("'ready','ok'") "," HELP "}", MD_VIEW_ATTENTION, "Restart to use" },
    { "{" VALID "," SO("'ready','ok'") "}", MD_VIEW_RENEWING, "Going live" },
    { "{" SO("'incomplete'") "," HELP ",'watched':false}", MD_VIEW_IDLE, "Not in use" },
    { "{" SO("'incomplete'") "," HELP ",'watched':true}", MD_VIEW_ATTENTION, "No certificate" },
};

START_TEST(a_domain_is_in_one_group)
{
    const md_view view = md_view_of(json_of(cases[_i].entry), kit_pool);

    ck_assert_str_eq(view.label, cases[_i].label);
    ck_assert_str_eq(md_view_group_word(view.group), md_view_group_word(cases[_i].group));
}
END_TEST

START_TEST(what_went_wrong_comes_from_the_document)
{
    const md_view view =
        md_view_of(json_of("{'name': 'a.test', " SO(
                       "'errored'") ", " HELP ", 'renewal': {'errors': 2, 'next-run': 'Tue, 24 "
                                    "Nov 2026 12:00:00 GMT', 'last': {'problem': 'md:command'}}}"),
                   kit_pool);

    ck_assert_str_eq(view.name, "a.test");
    ck_assert_str_eq(view.detail, "It is broken");
    ck_assert_str_eq(view.advice, "Mend it");
    ck_assert_str_eq(view.who, "You");
    ck_assert_str_eq(view.problem, "md:command");
    ck_assert_int_eq(view.errors, 2);
    ck_assert_int_eq(view.next_run, md_date_read("Tue, 24 Nov 2026 12:00:00 GMT"));
}
END_TEST

START_TEST(a_step_at_work_is_known_by_its_number)
{
    const md_view view = md_view_of(json_of("{" SO("'renewing'") "," AT "}"), kit_pool);

    ck_assert_int_eq(view.stage, 4);
    ck_assert_str_eq(view.doing, "placing the order");
    ck_assert_int_gt(md_view_stages(), 4);
}
END_TEST

START_TEST(three_other_names_are_shown_and_the_rest_is_counted)
{
    const md_view view =
        md_view_of(json_of("{'name': 'a', 'domains': ['a', 'b', 'c', 'd', 'e', 'f']}"), kit_pool);

    ck_assert_str_eq(view.others, "b, c, d");
    ck_assert_int_eq(view.more, 2);
}
END_TEST

static const char *const oddities[] = {
    "{}",
    "{'name': 3, 'domains': 'a', 'conditions': {}, 'cert': [], 'renewal': 1}",
    "{'attention': 'x', 'authorities': {}, 'progress': 'fast'}",
    "{'domains': [1, null, {}], 'conditions': [1, null], 'authorities': [7]}",
    "{'progress': {'step': 99999999999}, 'renewal': {'errors': 99999999999}}",
    "{'progress': {'step': -1}, 'renewal': {'errors': -4}}",
    "{'attention': {'reason': 'r', 'who': 'the king'}, 'conditions': ['errored']}",
    "[]",
};

START_TEST(a_document_of_any_shape_does_no_harm)
{
    const md_view view = md_view_of(json_of(oddities[_i]), kit_pool);

    ck_assert_str_eq(view.name, "?");
    ck_assert_ptr_nonnull(view.label);
    ck_assert_int_eq(view.stage, -1);
    ck_assert_int_eq(view.errors, 0);
}
END_TEST

START_TEST(a_document_without_domains_has_no_views)
{
    ck_assert_int_eq(md_view_all(json_of("{'version': '3'}"), kit_pool)->nelts, 0);
    ck_assert_int_eq(md_view_all(json_of("{'managed-domains': [{}, 4]}"), kit_pool)->nelts, 2);
}
END_TEST

Suite *suite_status_view(void)
{
    Suite *suite = suite_create("status/view");
    TCase *tests = kit_case(suite, "view");

    KIT_ADD_ROWS(tests, a_domain_is_in_one_group, cases);
    tcase_add_test(tests, what_went_wrong_comes_from_the_document);
    tcase_add_test(tests, a_step_at_work_is_known_by_its_number);
    tcase_add_test(tests, three_other_names_are_shown_and_the_rest_is_counted);
    KIT_ADD_ROWS(tests, a_document_of_any_shape_does_no_harm, oddities);
    tcase_add_test(tests, a_document_without_domains_has_no_views);
    return suite;
}

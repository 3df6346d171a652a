/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What visitors ask for: pages or JSON, which domains, in which order.
 */
#include "status/page_ask.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "suites.h"

static const struct {
    const char *accept;
    int page;
} clients[] = {
    { "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
      1 }, /* browsers */
    { "text/html", 1 },
    { "TEXT/HTML", 1 },
    { "text/*", 1 },
    { "application/json;q=0.5, text/html;q=0.9", 1 },
    { "application/json, text/html;q=0.9", 0 },
    { "application/json", 0 },
    { "*/*", 0 }, /* curl and its like */
    { "text/html, application/json", 0 },
    { "text/html;q=0", 0 },
    { "text/html;q=0, */*", 0 },
    { "text/html ; q=0.4 , */*;q=0.5", 0 },
    { "text/plain, */*", 0 },
    { ", ,;;,", 0 },
    { "", 0 },
    { NULL, 0 },
};

START_TEST(a_page_is_for_those_who_rather_want_html)
{
    ck_assert_int_eq(md_page_is_wanted(clients[_i].accept), clients[_i].page);
}
END_TEST

static md_list_ask read_ask(const char *query)
{
    const md_page_ask ask = { .base = "/md-status", .query = query, .host = "h.test" };

    return md_list_ask_read(&ask, kit_pool);
}

static const char *const queries[] = {
    "q=shop",
    "state=attention",
    "sort=-end",
    "sort=name&page=3",
    "problem=urn%3Aacme&page=all",
    "q=a%26b%3Cc&state=ok&problem=x&sort=-next&page=2",
};

START_TEST(a_link_asks_for_what_it_was_made_of)
{
    const md_list_ask ask = read_ask(queries[_i]);

    ck_assert_str_eq(md_list_url(&ask, kit_pool), apr_pstrcat(kit_pool, "/md-status?", queries[_i], NULL));
}
END_TEST

static const char *const nonsense[] = {
    NULL,
    "",
    "state=everything",
    "sort=colour",
    "sort=-",
    "page=0",
    "page=-3",
    "page=99999999999999999999",
    "page=x",
    "nothing=here&q=",
    "%%%",
    "sort=urgency",
};

START_TEST(what_makes_no_sense_gives_the_whole_list)
{
    md_list_ask ask = read_ask(nonsense[_i]);

    ask.descending = 0;
    ck_assert_str_eq(md_list_url(&ask, kit_pool), "/md-status");
}
END_TEST

START_TEST(a_handler_at_the_root_links_to_the_root)
{
    const md_page_ask ask = { .base = "", .host = "h.test" };
    const md_list_ask list = md_list_ask_read(&ask, kit_pool);

    ck_assert_str_eq(md_list_url(&list, kit_pool), "/");
}
END_TEST

#define DAY(n) ((md_period){ 1, (n)*86400 })

/** Names of those that are chosen of five domains. */
static const char *chosen(const char *query)
{
    const md_list_ask ask = read_ask(query);
    apr_array_header_t *views = apr_array_make(kit_pool, 5, sizeof(md_view)), *found;
    md_names *names = md_names_make(kit_pool);
    json_t *entry = md_own_json(kit_pool, json_pack("{s:[s]}", "domains", "Alias.test"));

    APR_ARRAY_PUSH(views, md_view) = (md_view){
        .name = "c", .label = "Valid", .group = MD_VIEW_OK, .valid = DAY(9), .renew_at = 5, .ca = "One CA"
    };
    APR_ARRAY_PUSH(views, md_view) = (md_view){
        .name = "a", .label = "Valid", .group = MD_VIEW_OK, .valid = DAY(2), .renew_at = 7, .entry = entry
    };
    APR_ARRAY_PUSH(views, md_view) = (md_view){ .name = "e", .label = "Not in use", .group = MD_VIEW_IDLE };
    APR_ARRAY_PUSH(views, md_view) = (md_view){ .name = "d",
                                                .label = "Failing",
                                                .group = MD_VIEW_ATTENTION,
                                                .problem = "md:x",
                                                .detail = "Broken",
                                                .next_run = 6 };
    APR_ARRAY_PUSH(views, md_view) =
        (md_view){ .name = "b", .label = "Renewing", .group = MD_VIEW_RENEWING, .valid = DAY(1) };
    found = md_list_choose(views, &ask, kit_pool);
    for (int i = 0; i < found->nelts; ++i)
        md_names_add(names, APR_ARRAY_IDX(found, i, md_view).name);
    return md_names_join(names, " ", kit_pool);
}

static const struct {
    const char *query, *names;
} lists[] = {
    { "", "d b a c e" },          { "sort=-urgency", "e c a b d" },
    { "sort=name", "a b c d e" }, { "sort=-name", "e d c b a" },
    { "sort=end", "b a c d e" }, /* without a certificate: last */
    { "sort=next", "c d a b e" }, { "state=ok", "a c" },
    { "q=ONE+ca", "c" },          { "q=alias", "a" },
    { "q=broken", "d" },          { "q=valid", "a c" },
    { "q=nobody", "" },           { "problem=md%3Ax", "d" },
    { "problem=md%3Ay", "" },
};

START_TEST(domains_are_found_and_ordered)
{
    ck_assert_str_eq(chosen(lists[_i].query), lists[_i].names);
}
END_TEST

Suite *suite_status_page_ask(void)
{
    Suite *suite = suite_create("status/page_ask");
    TCase *tests = kit_case(suite, "asking");

    KIT_ADD_ROWS(tests, a_page_is_for_those_who_rather_want_html, clients);
    KIT_ADD_ROWS(tests, a_link_asks_for_what_it_was_made_of, queries);
    KIT_ADD_ROWS(tests, what_makes_no_sense_gives_the_whole_list, nonsense);
    tcase_add_test(tests, a_handler_at_the_root_links_to_the_root);
    KIT_ADD_ROWS(tests, domains_are_found_and_ordered, lists);
    return suite;
}

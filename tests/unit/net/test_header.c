/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of an answer that say more than text, and URLs.
 */
#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "net/http.h"
#include "suites.h"

#define BASE "https://ca.example.org/acme/order/1"

static md_http_response response;

static void set_up(void)
{
    response = (md_http_response){ .status = 200, .headers = apr_table_make(kit_pool, 4) };
}

static const char *link_of(const char *header, const char *rel, int nth)
{
    apr_table_set(response.headers, "Link", header);
    return md_http_link(&response, rel, nth, BASE, kit_pool);
}

static const struct {
    const char *header, *rel;
    int nth;
    const char *target; /* NULL: none */
} links[] = {
    { "<https://x/y>;rel=\"alternate\"", "alternate", 0, "https://x/y" },
    { "<https://x/y>; rel=alternate", "alternate", 0, "https://x/y" },
    { "<https://x/y> ; REL = \"Alternate\"", "alternate", 0, "https://x/y" },
    { "</dir>;rel=index", "index", 0, "https://ca.example.org/dir" },
    { "<2>;rel=next", "next", 0, "https://ca.example.org/acme/order/2" },
    { "<https://x/1>;rel=a, <https://x/2>;rel=b", "b", 0, "https://x/2" },
    { "<https://x/1>;rel=a, <https://x/2>;rel=a", "a", 1, "https://x/2" },
    { "<https://x/1>;rel=a, <https://x/2>;rel=a", "a", 2, NULL },
    { "<https://x/1>;rel=\"up terms-of-service\"", "terms-of-service", 0, "https://x/1" },
    { "<https://x/1>;title=\"a, <https://evil/>;rel=up\";rel=up", "up", 0, "https://x/1" },
    { "<https://x/1>;title=\"q\\\"; rel=no\"; rel=up", "up", 0, "https://x/1" },
    { "<https://x/1>;rel=up;rel=index", "index", 0, NULL },
    { "<https://x/1>", "up", 0, NULL },
    { "<https://x/1", "up", 0, NULL },
    { "https://x/1;rel=up", "up", 0, NULL },
    { "<https://x/1>;rel=\"up", "up", 0, "https://x/1" },
    { "<https://x/1>;rel=", "up", 0, NULL },
    { "<https://x/1>;;;rel=up;", "up", 0, "https://x/1" },
    { "<mailto:me>;rel=up", "up", 0, NULL },
    { "<https://x/a,b;c>;rel=up", "up", 0, "https://x/a,b;c" },
    { "<https://x/1>;relation=up", "up", 0, NULL },
    { "", "up", 0, NULL },
};

START_TEST(links_are_found)
{
    const char *target = link_of(links[_i].header, links[_i].rel, links[_i].nth);

    if (links[_i].target)
        ck_assert_msg(target && !strcmp(target, links[_i].target), "%s: %s", links[_i].header,
                      target ? target : "none");
    else
        ck_assert_msg(!target, "%s: %s", links[_i].header, target);
}
END_TEST

START_TEST(links_are_counted_over_all_headers)
{
    apr_table_add(response.headers, "Link", "<https://x/1>;rel=alternate");
    apr_table_add(response.headers, "link", "<https://x/2>;rel=index, <https://x/3>;rel=alternate");
    ck_assert_str_eq(md_http_link(&response, "alternate", 1, BASE, kit_pool), "https://x/3");
    ck_assert_ptr_null(md_http_link(&response, "alternate", 2, BASE, kit_pool));
}
END_TEST

static const struct {
    const char *type;
    int is_json;
} types[] = {
    { "application/json", 1 },
    { "Application/JSON; charset=utf-8", 1 },
    { "application/problem+json", 1 },
    { "application/problem+json;x=y", 1 },
    { "text/json", 1 },
    { "text/html", 0 },
    { "application/jsonp", 0 },
    { "json", 0 },
    { "xjson", 0 },
    { "", 0 },
    { NULL, 0 },
};

START_TEST(json_types_are_told_from_others)
{
    if (types[_i].type)
        apr_table_set(response.headers, "Content-Type", types[_i].type);
    ck_assert_int_eq(md_http_is_json(&response), types[_i].is_json);
}
END_TEST

START_TEST(an_answer_without_headers_has_none)
{
    response.headers = NULL;
    ck_assert_ptr_null(md_http_header(&response, "Link"));
    ck_assert_ptr_null(md_http_link(&response, "up", 0, BASE, kit_pool));
    ck_assert(!md_http_is_json(&response));
}
END_TEST

static const struct {
    const char *url, *reason; /* NULL: fine */
} urls[] = {
    { "http://ca.example.org", NULL },
    { "https://ca.example.org:14000/dir?x#y", NULL },
    { "HTTPS://[::1]:443/", NULL },
    { "http://me:secret@ca.example.org/", NULL },
    { "", "does not begin with" },
    { "ca.example.org/dir", "does not begin with" },
    { "ftp://ca.example.org/", "does not begin with" },
    { "https://", "no host" },
    { "https:///dir", "no host" },
    { "https://ca.example.org:0/", "port" },
    { "https://ca.example.org:99999/", "port" },
    { "https://ca.example.org:x/", "port" },
    { "https://ca.example.org/a b", "blank" },
    { "https://ca.example.org/\r\nX: y", "control character" },
};

START_TEST(urls_are_judged)
{
    const char *reason = md_url_reason(urls[_i].url);

    if (!urls[_i].reason)
        ck_assert_msg(!reason, "%s: %s", urls[_i].url, reason);
    else
        ck_assert_msg(reason && strstr(reason, urls[_i].reason), "%s: %s", urls[_i].url,
                      reason ? reason : "fine");
}
END_TEST

START_TEST(the_host_of_a_url_is_bare)
{
    ck_assert_str_eq(md_url_host("https://me:pw@CA.Example.org:14000/dir", kit_pool), "ca.example.org");
    ck_assert_str_eq(md_url_host("https://[::1]:14000/", kit_pool), "::1");
    ck_assert_str_eq(md_url_host("nonsense", kit_pool), "");
}
END_TEST

START_TEST(urls_are_shown_without_credentials)
{
    ck_assert_str_eq(md_url_shown("https://ca.example.org/a@b", kit_pool), "https://ca.example.org/a@b");
    ck_assert_str_eq(md_url_shown("https://me:pw@ca.example.org/a@b", kit_pool),
                     "https://ca.example.org/a@b");
    ck_assert_str_eq(md_url_shown("me:secret@host", kit_pool), "host");
    ck_assert_str_eq(md_url_shown("https://me:se/cret@host/", kit_pool), "https://host/");
}
END_TEST

START_TEST(targets_are_seen_from_a_base)
{
    ck_assert_str_eq(md_url_resolve("../c", "https://h/a/b", kit_pool), "https://h/c");
    ck_assert_str_eq(md_url_resolve("/c?d", "https://h/a/b", kit_pool), "https://h/c?d");
    ck_assert_str_eq(md_url_resolve("http://x/y", "https://h/a/b", kit_pool), "http://x/y");
    ck_assert_str_eq(md_url_resolve("http://x/y", NULL, kit_pool), "http://x/y");
    ck_assert_ptr_null(md_url_resolve("/c", NULL, kit_pool));
    ck_assert_ptr_null(md_url_resolve("mailto:me", "https://h/", kit_pool));
}
END_TEST

Suite *suite_net_header(void)
{
    Suite *suite = suite_create("net/header");
    TCase *tcase = kit_case(suite, "headers");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    KIT_ADD_ROWS(tcase, links_are_found, links);
    tcase_add_test(tcase, links_are_counted_over_all_headers);
    KIT_ADD_ROWS(tcase, json_types_are_told_from_others, types);
    tcase_add_test(tcase, an_answer_without_headers_has_none);
    tcase = kit_case(suite, "URLs");
    KIT_ADD_ROWS(tcase, urls_are_judged, urls);
    tcase_add_test(tcase, the_host_of_a_url_is_bare);
    tcase_add_test(tcase, urls_are_shown_without_credentials);
    tcase_add_test(tcase, targets_are_seen_from_a_base);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of all domains: says what is so, in pages, and without markup of others.
 */
#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "status/page.h"
#include "suites.h"

#define NOW   apr_time_from_sec(1800000000)
#define EVIL  "<img src=x onerror=alert(1)>"
#define UNTIL "Sat, 20 Feb 2027 00:00:00 GMT"

static json_t *new_doc(void)
{
    return md_own_json(kit_pool, json_pack("{s:s, s:[]}", "version", "3.0.0", "managed-domains"));
}

/** Adds a domain with one condition. */
static json_t *add(json_t *doc, const char *name, const char *condition)
{
    json_t *entry = json_pack("{s:s, s:[s], s:[s]}", "name", name, "domains", name, "conditions", condition);

    json_array_append_new(json_object_get(doc, "managed-domains"), entry);
    return entry;
}

static json_t *add_valid(json_t *doc, const char *name)
{
    json_t *entry = add(doc, name, "ok");

    md_json_set_text(entry, "cert.valid.from", "Sun, 20 Dec 2026 00:00:00 GMT");
    md_json_set_text(entry, "cert.valid.until", UNTIL);
    md_json_set_text(entry, "renew-at", "Fri, 05 Feb 2027 00:00:00 GMT");
    return entry;
}

static json_t *add_failing(json_t *doc, const char *name, const char *reason)
{
    json_t *entry = add(doc, name, "errored");

    md_json_set_text(entry, "attention.reason", reason);
    md_json_set_text(entry, "attention.advice", "Do this");
    md_json_set_text(entry, "attention.who", "operator");
    md_json_set_text(entry, "renewal.last.problem", "urn:ietf:params:acme:error:dns");
    md_json_set_int(entry, "renewal.errors", 2);
    md_json_set_date(entry, "renewal.next-run", NOW + apr_time_from_sec(600));
    return entry;
}

static const char *page_of(const json_t *doc, const char *query)
{
    const md_page_ask ask = { .base = "/md-status", .query = query, .host = "web.test", .now = NOW };

    return md_page_list(doc, &ask, NULL, kit_pool).data;
}

static int count(const char *text, const char *what)
{
    int found = 0;

    for (text = strstr(text, what); text; text = strstr(text + 1, what))
        ++found;
    return found;
}

#define CHECK_HAS(page, text)   ck_assert_msg(strstr((page), text) != NULL, "\"%s\" is not in the page", text)
#define CHECK_LACKS(page, text) ck_assert_msg(!strstr((page), text), "\"%s\" is in the page", text)

START_TEST(an_empty_plan_says_how_to_begin)
{
    const char *page = page_of(new_doc(), NULL);

    CHECK_HAS(page, "<h1>No domain is managed yet</h1>");
    CHECK_HAS(page, "MDomain example.org");
}
END_TEST

START_TEST(all_is_well_and_the_next_renewal_is_named)
{
    json_t *doc = new_doc();
    const char *page;

    add_valid(doc, "a.test");
    add_valid(doc, "b.test");
    page = page_of(doc, NULL);
    CHECK_HAS(page, "<h1>All is well</h1>");
    CHECK_HAS(page, "2 domains have a valid certificate");
    CHECK_HAS(page, "Next renewal: <a href=\"/md-status/a.test\">a.test</a>");
    CHECK_HAS(page, "title=\"Sat, 20 Feb 2027 00:00:00 GMT\">2027-02-20</time>");
    CHECK_LACKS(page, "id=\"problems\"");
}
END_TEST

START_TEST(a_failure_says_what_to_do_and_when_it_is_tried_again)
{
    json_t *doc = new_doc();
    const char *page;

    add_valid(doc, "a.test");
    add_failing(doc, "bad.test", "no such name");
    page = page_of(doc, NULL);
    CHECK_HAS(page, "<h1>1 domain needs attention</h1>");
    CHECK_HAS(page, "Failed 2 times, next try <time");
    CHECK_HAS(page, "in 10 minutes</time>");
    CHECK_HAS(page, "No such name");
    CHECK_HAS(page, "<b>What to do</b> Do this.");
    CHECK_HAS(strstr(page, "id=\"d-bad.test\""), "id=\"d-a.test\"");
}
END_TEST

START_TEST(many_failures_of_one_kind_are_summed_up)
{
    json_t *doc = new_doc();
    const char *page;

    for (int i = 0; i < 250; ++i)
        add_failing(doc, apr_psprintf(kit_pool, "d%03d.test", i), "no such name");
    page = page_of(doc, NULL);
    CHECK_HAS(page, "href=\"/md-status?problem=urn%3Aietf%3Aparams%3Aacme%3Aerror%3Adns\">250 domains</a>");
    CHECK_HAS(page, "<h3>dns</h3>");
}
END_TEST

START_TEST(many_domains_come_in_pages)
{
    json_t *doc = new_doc();
    const char *page;

    for (int i = 0; i < 3250; ++i)
        add_valid(doc, apr_psprintf(kit_pool, "d%04d.test", i));
    page = page_of(doc, "sort=name&page=33");
    CHECK_HAS(page, "3,201 to 3,250 of 3,250 domains");
    ck_assert_int_eq(count(page, "<tr role=\"row\" id=\"d-"), 50);
    CHECK_HAS(page, "rel=\"prev\" href=\"/md-status?sort=name&amp;page=32\"");
    CHECK_LACKS(page, "rel=\"next\"");
    ck_assert_int_eq(count(page_of(doc, "page=all"), "<tr role=\"row\" id=\"d-"), 3250);
    CHECK_HAS(page_of(doc, "page=77"), "No domain is like that");
}
END_TEST

START_TEST(an_engine_that_is_gone_is_told_when_there_is_something_to_renew)
{
    json_t *doc = new_doc();

    json_object_set_new(doc, "engine", json_pack("{s:b}", "running", 0));
    CHECK_LACKS(page_of(doc, NULL), "Nothing is renewed now");
    add_valid(doc, "a.test");
    CHECK_HAS(page_of(doc, NULL), "<b>Nothing is renewed now:</b>");
}
END_TEST

START_TEST(authorities_are_shown_with_their_accounts_and_failures)
{
    json_t *doc = new_doc(), *entry = add_failing(doc, "a.test", "no luck");
    const char *page;

    json_object_set_new(entry, "authorities", json_pack("[{s:s}]", "name", "One CA"));
    json_object_set_new(doc, "authorities",
                        json_pack("[{s:s, s:s, s:i, s:[{s:s, s:s, s:[s]}]}, {s:s}]", "name", "One CA", "url",
                                  "https://one.test/dir", "domains", 1, "accounts", "id", "ACME-0", "status",
                                  "valid", "contact", "mailto:a@b.test", "name", "Other CA"));
    page = page_of(doc, NULL);
    CHECK_HAS(page, "<span class=\"quiet names\">One CA</span>");
    CHECK_HAS(page, "One CA<span class=\"quiet url\">https://one.test/dir</span></th>");
    CHECK_HAS(page, "<td data-label=\"Failing\">1</td>");
    CHECK_HAS(page, "<li>ACME-0<span class=\"quiet\"> · valid · mailto:a@b.test</span></li>");
    CHECK_HAS(page, "none yet");
}
END_TEST

START_TEST(staples_are_counted_and_those_that_are_not_good_are_listed)
{
    json_t *doc = new_doc();
    const char *page;

    md_json_set_text(add_valid(doc, "a.test"), "cert.rsa.ocsp.status", "good");
    md_json_set_text(add_valid(doc, "b.test"), "cert.P-256.ocsp.status", "revoked");
    page = page_of(doc, NULL);
    CHECK_HAS(page, "1 good of 2.");
    CHECK_HAS(page, "<a href=\"/md-status/b.test\">b.test</a> <span class=\"quiet\">P-256</span></th><td "
                    "data-label=\"Says\">revoked</td>");
    CHECK_LACKS(page, "a.test</a> <span");
}
END_TEST

START_TEST(staples_of_no_domain_count_too)
{
    json_t *doc = new_doc();
    const char *page;

    json_object_set_new(doc, "other-staples",
                        json_pack("[{s:s, s:s}, {s:s, s:s}]", "status", "good", "id", "0011", "status",
                                  "unknown", "id", "2233"));
    page = page_of(doc, NULL);
    CHECK_HAS(page, "1 good of 2.");
    CHECK_HAS(page, "of no managed domain <span class=\"quiet\">2233</span>");
    CHECK_LACKS(page, "0011");
}
END_TEST

START_TEST(nothing_from_outside_becomes_markup)
{
    json_t *doc = new_doc(), *entry = add_failing(doc, "a.test\"" EVIL, EVIL);
    const md_page_ask ask = {
        .base = "/md-status", .query = "q=%3Cimg&problem=%22%3E%3Cimg", .host = EVIL, .now = NOW
    };
    const char *page;

    md_json_set_text(entry, "attention.advice", EVIL);
    md_json_set_text(entry, "renewal.last.problem", EVIL);
    json_object_set_new(entry, "authorities",
                        json_pack("[{s:s, s:s}]", "name", EVIL, "url", "javascript:" EVIL));
    json_object_set_new(doc, "authorities",
                        json_pack("[{s:s, s:s, s:[{s:s, s:s, s:[s], s:s}]}]", "name", EVIL, "url", EVIL,
                                  "accounts", "id", EVIL, "status", EVIL, "contact", EVIL, "eab-kid", EVIL));
    for (int i = 0; i < 5; ++i)
        json_array_append(json_object_get(doc, "managed-domains"), entry);
    page = md_page_list(doc, &ask, EVIL, kit_pool).data;
    CHECK_LACKS(page, "<img");
    CHECK_LACKS(page, "href=\"javascript");
    CHECK_HAS(page, "&lt;img src=x onerror=alert(1)&gt;");
}
END_TEST

START_TEST(a_document_of_any_shape_gives_a_page)
{
    json_t *doc = md_own_json(kit_pool, json_pack("{s:[{},n,i,[]], s:{s:s}, s:[i,n,{}]}", "managed-domains",
                                                  4, "engine", "queued", "x", "authorities", 7));

    CHECK_HAS(page_of(doc, NULL), "4 domains");
}
END_TEST

START_TEST(the_policy_allows_our_style_and_script_only)
{
    const char *policy = md_page_policy(kit_pool);

    ck_assert_ptr_eq(strstr(policy, "default-src 'none'; style-src 'sha256-"), policy);
    ck_assert_ptr_nonnull(strstr(policy, "=='") ? NULL : strstr(policy, "='; script-src 'sha256-"));
    ck_assert_ptr_nonnull(strstr(policy, "frame-ancestors 'none'"));
    ck_assert_ptr_nonnull(strstr(policy, "base-uri 'none'"));
    CHECK_LACKS(policy, "unsafe");
    CHECK_LACKS(policy, "http");
}
END_TEST

START_TEST(no_element_has_a_style_or_a_handler)
{
    json_t *doc = new_doc();
    const char *page;

    add_valid(doc, "a.test");
    add_failing(doc, "b.test", "x");
    page = page_of(doc, NULL);
    CHECK_LACKS(page, " style=");
    CHECK_LACKS(page, " onclick=");
    CHECK_LACKS(page, "src=\"");
}
END_TEST

Suite *suite_status_page_list(void)
{
    Suite *suite = suite_create("status/page_list");
    TCase *tests = kit_case(suite, "list");

    tcase_add_test(tests, an_empty_plan_says_how_to_begin);
    tcase_add_test(tests, all_is_well_and_the_next_renewal_is_named);
    tcase_add_test(tests, a_failure_says_what_to_do_and_when_it_is_tried_again);
    tcase_add_test(tests, many_failures_of_one_kind_are_summed_up);
    tcase_add_test(tests, many_domains_come_in_pages);
    tcase_add_test(tests, an_engine_that_is_gone_is_told_when_there_is_something_to_renew);
    tcase_add_test(tests, authorities_are_shown_with_their_accounts_and_failures);
    tcase_add_test(tests, staples_are_counted_and_those_that_are_not_good_are_listed);
    tcase_add_test(tests, staples_of_no_domain_count_too);
    tcase_add_test(tests, nothing_from_outside_becomes_markup);
    tcase_add_test(tests, a_document_of_any_shape_gives_a_page);
    tcase_add_test(tests, the_policy_allows_our_style_and_script_only);
    tcase_add_test(tests, no_element_has_a_style_or_a_handler);
    return suite;
}

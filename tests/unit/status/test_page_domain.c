/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of one domain.
 */
#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "status/page.h"
#include "suites.h"

#define NOW  apr_time_from_sec(1800000000)
#define EVIL "</dd><script>alert(1)</script>"

static const char *page_of(const json_t *entry)
{
    const md_page_ask ask = { .base = "/md-status", .host = "web.test", .now = NOW };

    return md_page_domain(entry, &ask, kit_pool).data;
}

/** A domain with a certificate. */
static json_t *new_entry(const char *condition)
{
    json_t *entry = md_own_json(kit_pool, json_pack("{s:s, s:[s,s], s:[s]}", "name", "a.test", "domains",
                                                    "a.test", "www.a.test", "conditions", condition));

    md_json_set_text(entry, "cert.P-256.serial", "0AFE");
    md_json_set_date(entry, "cert.P-256.valid.from", NOW - apr_time_from_sec(86400));
    md_json_set_date(entry, "cert.P-256.valid.until", NOW + apr_time_from_sec(86400 * 89));
    md_json_set_date(entry, "cert.valid.from", NOW - apr_time_from_sec(86400));
    md_json_set_date(entry, "cert.valid.until", NOW + apr_time_from_sec(86400 * 89));
    return entry;
}

#define CHECK_HAS(page, text) ck_assert_msg(strstr((page), text) != NULL, "\"%s\" is not in the page", text)
#define CHECK_LACKS(page, text) \
    ck_assert_msg(!strstr(strstr((page), "<main"), text), "\"%s\" is in the page", text)

START_TEST(a_certificate_is_shown_with_its_facts)
{
    json_t *entry = new_entry("ok");
    const char *page;

    md_json_set_text(entry, "cert.P-256.ocsp.status", "good");
    md_json_set_date(entry, "cert.P-256.ari.from", NOW);
    page = page_of(entry);
    CHECK_HAS(page, "<h3>P-256</h3>");
    CHECK_HAS(page, "<dt>Serial</dt><dd><code>0AFE</code></dd>");
    CHECK_HAS(page, "<dt>OCSP staple</dt><dd>good</dd>");
    CHECK_HAS(page, "<dt>CA suggests from</dt>");
    CHECK_HAS(page, "The certificate ends <time");
    CHECK_HAS(page, "in 89 days");
    CHECK_HAS(page, "<li>www.a.test</li>");
    CHECK_LACKS(page, "id=\"problem\"");
    CHECK_LACKS(page, "id=\"steps\"");
}
END_TEST

START_TEST(a_renewal_shows_its_steps)
{
    json_t *entry = new_entry("renewing");
    const char *page;

    md_json_set_int(entry, "progress.step", 3);
    page = page_of(entry);
    CHECK_HAS(page, "What is being done");
    CHECK_HAS(page,
              "<li class=\"done\"><span class=\"unseen\">Done: </span>choosing a certificate authority</li>");
    CHECK_HAS(
        page,
        "<li class=\"now\" aria-current=\"step\"><span class=\"unseen\">Now: </span>reading the CA&#39;s");
    CHECK_HAS(page, "<li class=\"todo\"><span class=\"unseen\">To come: </span>placing the order</li>");
}
END_TEST

START_TEST(a_failure_shows_where_it_stopped_and_what_the_ca_said_of_each_name)
{
    json_t *entry = new_entry("errored");
    const char *page;

    md_json_set_text(entry, "attention.reason", "the CA refused");
    md_json_set_text(entry, "attention.advice", "Remove the name");
    md_json_set_text(entry, "attention.who", "operator");
    md_json_set_int(entry, "renewal.errors", 1);
    md_json_set_text(entry, "renewal.stage", "order");
    md_json_set_date(entry, "renewal.next-run", NOW + apr_time_from_sec(300));
    md_json_set(entry, "renewal.last.subproblems",
                json_pack("[{s:s, s:{s:s}}]", "detail", "not allowed", "identifier", "value", "www.a.test"));
    page = page_of(entry);
    CHECK_HAS(page, "<p class=\"what\">The CA refused</p>");
    CHECK_HAS(page, "<li><b>www.a.test</b> not allowed</li>");
    CHECK_HAS(page, "<dt>What to do</dt><dd>Remove the name.</dd>");
    CHECK_HAS(page, "<dt>Who must act</dt><dd>You</dd>");
    CHECK_HAS(page, "<dt>Failed</dt><dd>1 time in a row</dd>");
    CHECK_HAS(page, "in 5 minutes");
    CHECK_HAS(page, "Where it stopped");
    CHECK_HAS(page,
              "<li class=\"failed\" aria-current=\"step\"><span class=\"unseen\">Failed: </span>placing");
}
END_TEST

START_TEST(the_log_is_a_table_with_errors_marked)
{
    json_t *entry = new_entry("ok");
    const char *page;

    md_json_set(entry, "renewal.log.entries",
                json_pack("[{s:s, s:s, s:s}, {s:s}]", "when", "Tue, 24 Nov 2026 12:00:00 GMT", "type",
                          "renewal-error", "detail", "no luck", "type", "message-errored"));
    page = page_of(entry);
    CHECK_HAS(page, "<tr class=\"bad\"><td><time datetime=\"2026-11-24T12:00:00Z\"");
    CHECK_HAS(page, "<td>renewal-error</td><td>no luck</td>");
    CHECK_HAS(page, "<tr><td></td><td>message-errored</td>");
}
END_TEST

START_TEST(what_was_noted_without_a_renewal_is_shown)
{
    json_t *entry = new_entry("expiring");
    const char *page;

    json_object_del(entry, "renewal");
    md_json_set(entry, "log.entries", json_pack("[{s:s}]", "type", "message-expiring"));
    page = page_of(entry);
    CHECK_HAS(page, "<td>message-expiring</td>");
}
END_TEST

START_TEST(a_new_set_that_waits_is_shown_beside)
{
    json_t *entry = new_entry("ready");
    const char *page;

    md_json_set_text(entry, "live.state", "delayed");
    md_json_set_text(entry, "renewal.cert.P-256.serial", "0BAD");
    page = page_of(entry);
    CHECK_HAS(page, "New certificates that are not served yet");
    CHECK_HAS(page, "<code>0BAD</code>");
    CHECK_HAS(page, "a newer one waits for MDActivationDelay");
}
END_TEST

START_TEST(nothing_from_outside_becomes_markup)
{
    static const char *const paths[] = {
        "name",
        "attention.reason",
        "attention.advice",
        "renewal.last.problem",
        "cert.P-256.serial",
        "cert.P-256.issuer-name",
        "cert.P-256.ocsp.status",
        "cert.P-256.ari.explanation-url",
        "profile",
        "state-descr",
        "renew-window",
        "ca.account",
        "progress.doing",
    };
    json_t *entry = new_entry("errored");

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i)
        md_json_set_text(entry, paths[i], EVIL);
    md_json_set_int(entry, "progress.step", 2);
    md_json_set_int(entry, "renewal.errors", 2);
    json_object_set(json_object_get(entry, "cert"), EVIL,
                    json_object_get(json_object_get(entry, "cert"), "P-256"));
    md_json_set(entry, "domains", json_pack("[s]", EVIL));
    md_json_set(entry, "contacts", json_pack("[s]", EVIL));
    md_json_set(entry, "authorities", json_pack("[{s:s, s:s}]", "name", EVIL, "url", EVIL));
    md_json_set(entry, "renewal.last.subproblems",
                json_pack("[{s:s, s:{s:s}}]", "detail", EVIL, "identifier", "value", EVIL));
    md_json_set(
        entry, "renewal.log.entries",
        json_pack("[{s:s, s:s, s:s, s:s}]", "when", EVIL, "type", EVIL, "status", EVIL, "detail", EVIL));
    CHECK_LACKS(page_of(entry), "<script>alert");
    CHECK_LACKS(page_of(entry), "</dd><script");
    CHECK_HAS(page_of(entry), "&lt;/dd&gt;&lt;script&gt;alert(1)");
}
END_TEST

START_TEST(an_entry_of_any_shape_gives_a_page)
{
    json_t *entry = md_own_json(kit_pool, json_pack("{s:[], s:i, s:{s:i, s:{s:[i, n]}}, s:s, s:[n, i]}",
                                                    "cert", "domains", 4, "renewal", "last", 1, "log",
                                                    "entries", 1, "live", "x", "authorities", 1));

    CHECK_HAS(page_of(entry), "<h1>?</h1>");
}
END_TEST

Suite *suite_status_page_domain(void)
{
    Suite *suite = suite_create("status/page_domain");
    TCase *tests = kit_case(suite, "domain");

    tcase_add_test(tests, a_certificate_is_shown_with_its_facts);
    tcase_add_test(tests, a_renewal_shows_its_steps);
    tcase_add_test(tests, a_failure_shows_where_it_stopped_and_what_the_ca_said_of_each_name);
    tcase_add_test(tests, what_was_noted_without_a_renewal_is_shown);
    tcase_add_test(tests, the_log_is_a_table_with_errors_marked);
    tcase_add_test(tests, a_new_set_that_waits_is_shown_beside);
    tcase_add_test(tests, nothing_from_outside_becomes_markup);
    tcase_add_test(tests, an_entry_of_any_shape_gives_a_page);
    return suite;
}

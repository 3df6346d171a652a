/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values never become markup; query strings are read as browsers write them.
 */
#include "status/html.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "suites.h"

static const struct {
    const char *value, *written;
} values[] = {
    { "plain text", "plain text" },
    { "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
    { "\" onload=\"x", "&quot; onload=&quot;x" },
    { "it's", "it&#39;s" },
    { "a & b &amp; c", "a &amp; b &amp;amp; c" },
    { "50 % %s %d %n", "50 % %s %d %n" },
    { "one\ntwo\tthree", "one two three" },
    { "bell\x07"
      "escape\x1b[31m\x7f",
      "bell&#65533;escape&#65533;[31m&#65533;" },
    { "b\xc3\xbc"
      "cher \xe2\x82\xac \xf0\x9f\x94\x92",
      "b\xc3\xbc"
      "cher \xe2\x82\xac \xf0\x9f\x94\x92" },
    { "safe\xe2\x80\xaetxt.exe", "safe&#65533;txt.exe" }, /* NOLINT: writes backwards from here on */
    { "\xe2\x81\xa6isolated\xe2\x81\xa9", "&#65533;isolated&#65533;" },
    { "cut \xe2\x80", "cut \xe2\x80" },
    { "", "" },
    { NULL, "" },
};

START_TEST(a_value_is_never_markup)
{
    const char *value = values[_i].value;
    md_html *html = md_html_make(kit_pool);

    md_html_put(html, "<p title=\"%s\">", value);
    md_html_put(html, "%d</p>", 7);
    ck_assert_str_eq(md_html_bytes(html).data,
                     apr_pstrcat(kit_pool, "<p title=\"", values[_i].written, "\">7</p>", NULL));
}
END_TEST

START_TEST(a_page_grows_as_far_as_it_must)
{
    md_html *html = md_html_make(kit_pool);

    for (int i = 0; i < 10000; ++i)
        md_html_put(html, "<li>%s</li>", "<0123456789>");
    ck_assert_uint_eq(md_html_bytes(html).size, 10000 * strlen("<li>&lt;0123456789&gt;</li>"));
    ck_assert_uint_eq(strlen(md_html_bytes(html).data), md_html_bytes(html).size);
}
END_TEST

START_TEST(a_percent_sign_is_written_as_two)
{
    md_html *html = md_html_make(kit_pool);

    md_html_put(html, "width=\"%d%%\"", 33);
    ck_assert_str_eq(md_html_bytes(html).data, "width=\"33%\"");
}
END_TEST

START_TEST(a_name_is_one_segment_of_a_url)
{
    ck_assert_str_eq(md_url_encode("*.example.org", kit_pool), "%2A.example.org");
    ck_assert_str_eq(md_url_encode("a/../b?c#d&e", kit_pool), "a%2F..%2Fb%3Fc%23d%26e");
    ck_assert_str_eq(md_url_encode("[2001:db8::1]", kit_pool), "%5B2001%3Adb8%3A%3A1%5D");
    ck_assert_str_eq(md_url_encode("b\xc3\xbc", kit_pool), "b%C3%BC");
}
END_TEST

static const struct {
    const char *query, *value;
} queries[] = {
    { "q=plain", "plain" },
    { "a=1&q=two+words&b=2", "two words" },
    { "q=%3Cb%3e", "<b>" },
    { "q=100%", "100%" },
    { "q=%4", "%4" },
    { "q=%zz", "%zz" },
    { "q=%00hidden", "" },
    { "q=", "" },
    { "xq=no&q=yes", "yes" },
    { "q=first&q=second", "first" },
    { "q", NULL },
    { "", NULL },
    { NULL, NULL },
};

START_TEST(a_query_is_read_as_browsers_write_it)
{
    const char *value = md_url_member(queries[_i].query, "q", kit_pool);

    ck_assert_pstr_eq(value, queries[_i].value);
}
END_TEST

Suite *suite_status_html(void)
{
    Suite *suite = suite_create("status/html");
    TCase *tests = kit_case(suite, "html");

    KIT_ADD_ROWS(tests, a_value_is_never_markup, values);
    tcase_add_test(tests, a_page_grows_as_far_as_it_must);
    tcase_add_test(tests, a_percent_sign_is_written_as_two);
    tcase_add_test(tests, a_name_is_one_segment_of_a_url);
    KIT_ADD_ROWS(tests, a_query_is_read_as_browsers_write_it, queries);
    return suite;
}

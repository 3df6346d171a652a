/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of names, DNS names, base64url, durations and slices.
 */
#include "base/text.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "suites.h"

#define SECOND APR_INT64_C(1000000)
#define DAY    (86400 * SECOND)

static md_names *words(const char *text)
{
    return md_words(text, kit_pool);
}

START_TEST(texts_are_equal_when_both_are_absent)
{
    ck_assert(md_text_equal(NULL, NULL));
    ck_assert(md_text_equal("a", "a"));
    ck_assert(!md_text_equal("a", NULL));
    ck_assert(!md_text_equal(NULL, "a"));
    ck_assert(!md_text_equal("a", "A"));
}
END_TEST

START_TEST(words_are_split_at_blanks_and_tabs)
{
    ck_assert_str_eq(md_names_join(words("  a\t b  c "), "|", kit_pool), "a|b|c");
    ck_assert_int_eq(words(" \t ")->nelts, 0);
    ck_assert_int_eq(words("")->nelts, 0);
}
END_TEST

START_TEST(a_name_is_in_a_list_without_regard_to_case)
{
    ck_assert(md_names_has(words("a.org B.org"), "b.ORG"));
    ck_assert(!md_names_has(words("a.org"), "a.org.uk"));
    ck_assert(!md_names_has(NULL, "a.org"));
}
END_TEST

START_TEST(a_name_is_added_once)
{
    md_names *names = words("a.org");

    ck_assert(!md_names_add_new(names, "A.org"));
    ck_assert(md_names_add_new(names, "b.org"));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), "a.org b.org");
}
END_TEST

START_TEST(lists_are_equal_as_sets)
{
    ck_assert(md_names_equal(words("a.org b.org"), words("B.org a.org")));
    ck_assert(!md_names_equal(words("a.org a.org"), words("a.org b.org")));
    ck_assert(!md_names_equal(words("a.org b.org"), words("a.org a.org")));
    ck_assert(!md_names_equal(words("a.org"), words("a.org b.org")));
    ck_assert(md_names_equal(NULL, words("")));
}
END_TEST

START_TEST(a_copy_of_a_list_outlives_the_original)
{
    apr_pool_t *step;
    md_names *copy;

    apr_pool_create(&step, kit_pool);
    copy = md_names_copy(md_words("a.org b.org", step), kit_pool);
    apr_pool_destroy(step);
    ck_assert_str_eq(md_names_join(copy, ",", kit_pool), "a.org,b.org");
    ck_assert_ptr_null(md_names_copy(NULL, kit_pool));
    ck_assert_str_eq(md_names_join(NULL, ",", kit_pool), "");
}
END_TEST

START_TEST(only_ascii_letters_become_small)
{
    ck_assert_str_eq(md_lower("EXAMPLE.Org-\xc3\x9c", kit_pool), "example.org-\xc3\x9c");
}
END_TEST

static const struct {
    const char *pattern, *name;
    int matches;
} matches[] = {
    { "a.org", "A.ORG", 1 },
    { "a.org", "b.org", 0 },
    { "*.a.org", "x.a.org", 1 },
    { "*.A.org", "x.a.ORG", 1 },
    { "*.a.org", "a.org", 0 },
    { "*.a.org", ".a.org", 0 },
    { "*.a.org", "x.y.a.org", 0 },
    { "*.a.org", "*.a.org", 1 },
    { "*.a.org", "*.b.a.org", 0 },
    { "*.org", "*.a.org", 0 },
    { "*", "a", 0 },
    { "*.", "a.", 0 },
    { "x*.a.org", "xy.a.org", 0 },
    { "*.a.org", "x.a.org.evil", 0 },
    { "*.a.org", "", 0 },
};

START_TEST(a_wildcard_stands_for_one_label)
{
    ck_assert_int_eq(md_name_matches(matches[_i].pattern, matches[_i].name), matches[_i].matches);
}
END_TEST

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static const struct {
    const char *name, *reason; /* NULL: fine */
} orderable[] = {
    { "example.org", NULL },
    { "localhost", NULL },
    { "xn--bcher-kva.example", NULL },
    { "1.2.3.4", NULL },
    { "*.example.org", NULL },
    { LABEL_63 ".org", NULL },
    { LABEL_63 "." LABEL_63 "." LABEL_63 "."
               "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy",
      NULL },
    { LABEL_63 "." LABEL_63 "." LABEL_63 "."
               "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz",
      "253" },
    { LABEL_63 "x.org", "63" },
    { "", "empty" },
    { "a..org", "empty label" },
    { ".org", "empty label" },
    { "example.org.", "empty label" },
    { "-a.org", "hyphen" },
    { "a-.org", "hyphen" },
    { "under_score.org", "letters, digits and hyphens" },
    { "b\xc3\xbc"
      "cher.example",
      "letters, digits and hyphens" },
    { "a b.org", "letters, digits and hyphens" },
    { "a.org\n", "letters, digits and hyphens" },
    { "a.*.org", "letters, digits and hyphens" },
    { "*a.org", "letters, digits and hyphens" },
    { "*", "letters, digits and hyphens" },
    { "*.*.org", "letters, digits and hyphens" },
    { "2001:db8::1", NULL },
    { "2001:db8::1::2", "letters, digits and hyphens" },
};

START_TEST(a_name_that_cannot_be_ordered_has_a_reason)
{
    const char *reason = md_name_reason(orderable[_i].name);

    ck_assert_int_eq(!reason, !orderable[_i].reason);
    if (reason)
        ck_assert_msg(strstr(reason, orderable[_i].reason) != NULL, "%s", reason);
}
END_TEST

/* RFC 4648 section 10, with the alphabet of section 5 and without padding. */
static const struct {
    const char *octets;
    apr_size_t size;
    const char *text;
} encoded[] = {
    { "", 0, "" },
    { "f", 1, "Zg" },
    { "fo", 2, "Zm8" },
    { "foo", 3, "Zm9v" },
    { "foob", 4, "Zm9vYg" },
    { "fooba", 5, "Zm9vYmE" },
    { "foobar", 6, "Zm9vYmFy" },
    { "\xfb\xff\xbf", 3, "-_-_" },
    { "\0\0", 2, "AAA" },
};

START_TEST(base64url_goes_there_and_back)
{
    const md_bytes octets = { encoded[_i].octets, encoded[_i].size };
    md_bytes back;

    ck_assert_str_eq(md_b64url(octets, kit_pool), encoded[_i].text);
    CHECK_OK(md_b64url_read(encoded[_i].text, kit_pool, &back));
    ck_assert(md_bytes_equal(back, octets));
    ck_assert_int_eq(back.data[back.size], '\0');
}
END_TEST

static const char *const not_base64url[] = { "Zg==",  "Zm+v",   "Zm/v", "Z",  "Zm9vY",
                                             "Zm 9v", "Zm9v\n", "Zh",   "Zm9" };

START_TEST(what_is_not_exactly_base64url_is_refused)
{
    md_bytes back;

    CHECK_FAILS(md_b64url_read(not_base64url[_i], kit_pool, &back), MD_FAULT_REMOTE, "base64url");
}
END_TEST

START_TEST(hex_is_lowercase)
{
    ck_assert_str_eq(md_hex((md_bytes){ "\x00\xAf\xff", 3 }, kit_pool), "00afff");
    ck_assert_str_eq(md_hex((md_bytes){ NULL, 0 }, kit_pool), "");
}
END_TEST

START_TEST(bytes_of_no_text_are_absent)
{
    ck_assert_ptr_null(md_bytes_of(NULL).data);
    ck_assert_uint_eq(md_bytes_of("abc").size, 3);
    ck_assert(md_bytes_equal(md_bytes_of(NULL), md_bytes_of("")));
    ck_assert(!md_bytes_equal(md_bytes_of("ab"), md_bytes_of("ac")));
}
END_TEST

START_TEST(an_excerpt_is_short_and_on_one_line)
{
    ck_assert_str_eq(md_excerpt(md_bytes_of("<html>\r\n\x80 gone"), 8, kit_pool), "<html>.....");
    ck_assert_str_eq(md_excerpt(md_bytes_of("a\nb\xff"
                                            "c"),
                                80, kit_pool),
                     "a.b.c");
    ck_assert_str_eq(md_excerpt((md_bytes){ NULL, 0 }, 80, kit_pool), "");
    ck_assert_str_eq(md_excerpt((md_bytes){ "a\0b", 3 }, 80, kit_pool), "a.b");
}
END_TEST

static const struct {
    const char *text, *unit;
    apr_interval_time_t length;
} durations[] = {
    { "14", "d", 14 * DAY },           { "30", "s", 30 * SECOND },
    { "12h", "d", DAY / 2 },           { "5mi", "d", 300 * SECOND },
    { "5MI", "d", 300 * SECOND },      { "90s", "d", 90 * SECOND },
    { "250ms", "d", SECOND / 4 },      { "14days", "s", 14 * DAY },
    { "3minutes", "d", 180 * SECOND }, { "0", "d", 0 },
    { "-5d", "s", -5 * DAY },          { "365250d", "s", 365250 * DAY },
};

START_TEST(a_duration_is_a_number_and_a_unit)
{
    apr_interval_time_t length = -1;

    ck_assert_ptr_null(md_duration_read(durations[_i].text, durations[_i].unit, &length));
    ck_assert_int_eq(length, durations[_i].length);
}
END_TEST

static const char *const no_durations[] = {
    "",    "d",    "1m",   "1w",   "1y",      "1mo",      "1 d",
    "+1d", "- 1d", "1.5d", "0x10", "365251d", "-365251d", "99999999999999999999d",
    "1%",
};

START_TEST(what_is_no_duration_is_refused)
{
    apr_interval_time_t length = 7;

    ck_assert_ptr_nonnull(md_duration_read(no_durations[_i], "d", &length));
    ck_assert_int_eq(length, 7);
}
END_TEST

static const struct {
    apr_interval_time_t length;
    const char *text, *words;
} told[] = {
    { 0, "0d", "less than a second" },
    { 14 * DAY, "14d", "14 days" },
    { DAY + DAY / 24, "25h", "1 day 1 hour" },
    { 2 * DAY + 5 * SECOND, "172805s", "2 days" },
    { 7500 * SECOND, "125mi", "2 hours 5 minutes" },
    { 90 * SECOND, "90s", "1 minute 30 seconds" },
    { 45 * SECOND, "45s", "45 seconds" },
    { SECOND / 4, "250ms", "less than a second" },
    { -3 * DAY, "-3d", "3 days" },
};

START_TEST(a_duration_is_written_in_its_largest_exact_unit)
{
    apr_interval_time_t back = -1;

    ck_assert_str_eq(md_duration_text(told[_i].length, kit_pool), told[_i].text);
    ck_assert_ptr_null(md_duration_read(told[_i].text, "d", &back));
    ck_assert_int_eq(back, told[_i].length);
}
END_TEST

START_TEST(people_are_told_two_units_at_most)
{
    ck_assert_str_eq(md_duration_words(told[_i].length, kit_pool), told[_i].words);
}
END_TEST

static const struct {
    const char *text, *back;
    apr_interval_time_t of_90_days;
} slices[] = {
    { "33%", "33%", 90 * DAY * 33 / 100 },
    { "0%", "0d", 0 },
    { "99%", "99%", 90 * DAY * 99 / 100 },
    { "14d", "14d", 14 * DAY },
    { "14", "14d", 14 * DAY },
    { "12h", "12h", DAY / 2 },
    { "100d", "100d", 100 * DAY },
};

START_TEST(a_slice_is_a_share_or_a_length)
{
    md_slice slice;

    ck_assert_ptr_null(md_slice_read(slices[_i].text, 0, &slice));
    ck_assert_str_eq(md_slice_text(slice, kit_pool), slices[_i].back);
    ck_assert_int_eq(md_slice_of(slice, 90 * DAY), slices[_i].of_90_days);
}
END_TEST

static const char *const no_slices[] = { "",     "%",    "-1%", "1.5%", "100%",
                                         "33 %", "33%%", "a%",  "14w",  "99999999999999999999%" };

START_TEST(what_is_no_slice_is_refused)
{
    md_slice slice;

    ck_assert_ptr_nonnull(md_slice_read(no_slices[_i], 0, &slice));
}
END_TEST

START_TEST(a_share_may_be_more_than_all_where_that_makes_sense)
{
    md_slice slice;

    ck_assert_ptr_null(md_slice_read("200%", 1, &slice));
    ck_assert_int_eq(md_slice_of(slice, 7 * DAY), 14 * DAY);
    ck_assert_ptr_nonnull(md_slice_read("100001%", 1, &slice));
}
END_TEST

START_TEST(a_share_of_ages_does_not_overflow)
{
    const md_slice many = { .percent = 100000 }, third = { .percent = 33 };

    ck_assert_int_gt(md_slice_of(many, 365250 * DAY), 365250 * DAY);
    ck_assert_int_gt(md_slice_of(third, APR_INT64_MAX), APR_INT64_MAX / 100 * 32);
    ck_assert_int_eq(md_slice_of(many, APR_INT64_MAX), APR_INT64_MAX);
    ck_assert_int_eq(md_slice_of(third, -DAY), 0);
}
END_TEST

static const struct {
    const char *text, *name, *reverse; /* reverse NULL: no address */
} addresses[] = {
    { "192.0.2.1", "192.0.2.1", "1.2.0.192.in-addr.arpa" },
    { "2001:DB8:0::1", "2001:db8::1",
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
    { "[2001:db8::1]", "2001:db8::1",
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
    { "192.0.2.256", "192.0.2.256", NULL },
    { "[192.0.2.1]", "[192.0.2.1]", NULL },
    { "[]", "[]", NULL },
    { "[2001:db8::1", "[2001:db8::1", NULL },
    { "WWW.Example.org", "www.example.org", NULL },
};

START_TEST(an_address_is_written_in_one_way)
{
    const char *reverse = md_reverse_name(addresses[_i].text, kit_pool);

    ck_assert_str_eq(md_name_text(addresses[_i].text, kit_pool), addresses[_i].name);
    ck_assert_int_eq(md_is_address(addresses[_i].text), addresses[_i].reverse != NULL);
    ck_assert_msg(md_text_equal(reverse, addresses[_i].reverse), "%s", reverse);
}
END_TEST

START_TEST(a_wildcard_is_for_no_address)
{
    ck_assert(!md_name_matches("*.0.2.1", "192.0.2.1"));
    ck_assert_ptr_null(md_name_reason("2001:db8::1"));
}
END_TEST

static void add_text(Suite *suite)
{
    TCase *tcase = kit_case(suite, "text");

    tcase_add_test(tcase, texts_are_equal_when_both_are_absent);
    tcase_add_test(tcase, words_are_split_at_blanks_and_tabs);
    tcase_add_test(tcase, a_name_is_in_a_list_without_regard_to_case);
    tcase_add_test(tcase, a_name_is_added_once);
    tcase_add_test(tcase, lists_are_equal_as_sets);
    tcase_add_test(tcase, a_copy_of_a_list_outlives_the_original);
    tcase_add_test(tcase, only_ascii_letters_become_small);
    KIT_ADD_ROWS(tcase, a_wildcard_stands_for_one_label, matches);
    KIT_ADD_ROWS(tcase, a_name_that_cannot_be_ordered_has_a_reason, orderable);
    KIT_ADD_ROWS(tcase, base64url_goes_there_and_back, encoded);
    KIT_ADD_ROWS(tcase, what_is_not_exactly_base64url_is_refused, not_base64url);
    KIT_ADD_ROWS(tcase, an_address_is_written_in_one_way, addresses);
    tcase_add_test(tcase, a_wildcard_is_for_no_address);
    tcase_add_test(tcase, hex_is_lowercase);
    tcase_add_test(tcase, bytes_of_no_text_are_absent);
    tcase_add_test(tcase, an_excerpt_is_short_and_on_one_line);
}

static void add_durations(Suite *suite)
{
    TCase *tcase = kit_case(suite, "durations and slices");

    KIT_ADD_ROWS(tcase, a_duration_is_a_number_and_a_unit, durations);
    KIT_ADD_ROWS(tcase, what_is_no_duration_is_refused, no_durations);
    KIT_ADD_ROWS(tcase, a_duration_is_written_in_its_largest_exact_unit, told);
    KIT_ADD_ROWS(tcase, people_are_told_two_units_at_most, told);
    KIT_ADD_ROWS(tcase, a_slice_is_a_share_or_a_length, slices);
    KIT_ADD_ROWS(tcase, what_is_no_slice_is_refused, no_slices);
    tcase_add_test(tcase, a_share_may_be_more_than_all_where_that_makes_sense);
    tcase_add_test(tcase, a_share_of_ages_does_not_overflow);
}

Suite *suite_base_text(void)
{
    Suite *suite = suite_create("base/text");

    add_text(suite);
    add_durations(suite);
    return suite;
}

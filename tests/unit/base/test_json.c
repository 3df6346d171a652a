/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents: what is read from outside never surprises, what is written has the store's form.
 */
#include "base/json.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "suites.h"

static json_t *read_doc(const char *text)
{
    json_t *doc = NULL;

    CHECK_OK(md_json_read(md_bytes_of(text), kit_pool, &doc));
    return doc;
}

START_TEST(values_are_found_by_path)
{
    const json_t *doc =
        read_doc("{\"ca\":{\"url\":\"u\",\"n\":7,\"on\":true,\"at\":\"Thu, 29 Aug 2019 16:06:35 GMT\"}}");

    ck_assert_str_eq(md_json_text(doc, "ca.url"), "u");
    ck_assert_int_eq(md_json_int(doc, "ca.n", 0), 7);
    ck_assert_int_eq(md_json_flag(doc, "ca.on", 0), 1);
    ck_assert_int_eq(md_json_date(doc, "ca.at"), apr_time_from_sec(1567094795));
    ck_assert(json_is_object(md_json_at(doc, "ca")));
}
END_TEST

START_TEST(the_wrong_type_is_the_same_as_absent)
{
    const json_t *doc = read_doc("{\"a\":{\"b\":[1]},\"t\":7,\"n\":\"7\",\"f\":1,\"d\":\"soon\"}");

    ck_assert_ptr_null(md_json_text(doc, "t"));
    ck_assert_ptr_null(md_json_text(doc, "a.b.c"));
    ck_assert_ptr_null(md_json_text(doc, "t.x"));
    ck_assert_int_eq(md_json_int(doc, "n", -1), -1);
    ck_assert_int_eq(md_json_flag(doc, "f", -1), -1);
    ck_assert_int_eq(md_json_date(doc, "d"), 0);
    ck_assert_ptr_null(md_json_names(doc, "t", kit_pool));
    ck_assert_ptr_null(md_json_at(NULL, "a"));
}
END_TEST

START_TEST(names_are_copied_and_what_is_no_text_is_left_out)
{
    ck_assert_str_eq(
        md_names_join(md_json_names(read_doc("{\"l\":[\"a\",1,\"b\",null]}"), "l", kit_pool), ",", kit_pool),
        "a,b");
    ck_assert_int_eq(md_json_names(read_doc("{\"l\":[]}"), "l", kit_pool)->nelts, 0);
}
END_TEST

static const struct {
    const char *text, *where;
} broken[] = {
    { "", "line 1" },
    { "<html>", "line 1, column 1" },
    { "{\n\"a\":}", "line 2" },
    { "{\"a\":1,\"a\":2}", "duplicate" },
    { "{\"a\":\"\xff\"}", "byte 0xff" },
    { "{} {}", "line 1" },
    { "\"text\\u0000\"", "line 1" },
};

START_TEST(what_is_not_json_fails_with_its_place)
{
    json_t *doc;

    CHECK_FAILS(md_json_read(md_bytes_of(broken[_i].text), kit_pool, &doc), MD_FAULT_REMOTE,
                broken[_i].where);
    ck_assert_ptr_null(doc);
}
END_TEST

START_TEST(absent_text_is_not_json)
{
    json_t *doc;

    CHECK_FAILS(md_json_read((md_bytes){ NULL, 0 }, kit_pool, &doc), MD_FAULT_REMOTE, "not JSON");
}
END_TEST

START_TEST(a_huge_text_is_not_even_looked_at)
{
    const apr_size_t size = 1048577;
    char *text = apr_palloc(kit_pool, size + 1);
    json_t *doc;

    memset(text, ' ', size);
    text[size] = '\0';
    CHECK_FAILS(md_json_read((md_bytes){ text, size }, kit_pool, &doc), MD_FAULT_REMOTE, "too large");
}
END_TEST

START_TEST(a_deep_text_fails_instead_of_using_up_the_stack)
{
    const apr_size_t size = 1048576;
    char *text = apr_palloc(kit_pool, size + 1);
    json_t *doc;

    memset(text, '[', size);
    text[size] = '\0';
    CHECK_FAILS(md_json_read((md_bytes){ text, size }, kit_pool, &doc), MD_FAULT_REMOTE, "depth");
}
END_TEST

START_TEST(documents_are_written_in_order_of_insertion)
{
    json_t *doc = md_json_object(kit_pool);

    md_json_set_text(doc, "z", "1");
    md_json_set_int(doc, "ca.n", -5);
    md_json_set_flag(doc, "ca.on", 0);
    md_json_set_names(doc, "a", md_words("x y", kit_pool));
    md_json_set_date(doc, "d", apr_time_from_sec(1567094795));
    ck_assert_str_eq(md_json_line(doc, kit_pool),
                     "{\"z\":\"1\",\"ca\":{\"n\":-5,\"on\":false},\"a\":[\"x\",\"y\"],"
                     "\"d\":\"Thu, 29 Aug 2019 16:06:35 GMT\"}");
    ck_assert_str_eq(md_json_text_of(md_json_at(doc, "ca"), kit_pool), "{\n  \"n\": -5,\n  \"on\": false\n}");
}
END_TEST

START_TEST(nothing_removes_a_member)
{
    json_t *doc = read_doc("{\"t\":\"x\",\"l\":[],\"d\":\"x\",\"o\":{\"i\":1},\"keep\":1}");

    md_json_set_text(doc, "t", NULL);
    md_json_set_names(doc, "l", NULL);
    md_json_set_date(doc, "d", 0);
    md_json_set(doc, "o.i", NULL);
    md_json_set_text(doc, "no.such.path", NULL);
    ck_assert_str_eq(md_json_line(doc, kit_pool), "{\"o\":{},\"keep\":1}");
}
END_TEST

START_TEST(an_object_on_the_way_replaces_what_is_none)
{
    json_t *doc = read_doc("{\"ca\":7}");

    md_json_set_text(doc, "ca.url", "u");
    ck_assert_str_eq(md_json_line(doc, kit_pool), "{\"ca\":{\"url\":\"u\"}}");
}
END_TEST

START_TEST(text_that_is_not_utf8_keeps_what_can_be_kept)
{
    json_t *doc = md_json_object(kit_pool);
    md_names *names = md_names_make(kit_pool);

    md_names_add(names, "caf\xe9");
    md_json_set_text(doc, "t",
                     "/etc/\xfc"
                     "ber");
    md_json_set_names(doc, "l", names);
    ck_assert_str_eq(md_json_line(doc, kit_pool), "{\"t\":\"/etc/?ber\",\"l\":[\"caf?\"]}");
}
END_TEST

START_TEST(a_document_lives_as_long_as_its_pool)
{
    json_t *doc = json_object();
    apr_pool_t *step;

    json_incref(doc);
    apr_pool_create(&step, kit_pool);
    ck_assert_ptr_eq(md_own_json(step, doc), doc);
    ck_assert_ptr_null(md_own_json(step, NULL));
    apr_pool_destroy(step);
    ck_assert_uint_eq(doc->refcount, 1);
    json_decref(doc);
}
END_TEST

Suite *suite_base_json(void)
{
    Suite *suite = suite_create("base/json");
    TCase *tcase = kit_case(suite, "json");

    tcase_add_test(tcase, values_are_found_by_path);
    tcase_add_test(tcase, the_wrong_type_is_the_same_as_absent);
    tcase_add_test(tcase, names_are_copied_and_what_is_no_text_is_left_out);
    KIT_ADD_ROWS(tcase, what_is_not_json_fails_with_its_place, broken);
    tcase_add_test(tcase, absent_text_is_not_json);
    tcase_add_test(tcase, a_huge_text_is_not_even_looked_at);
    tcase_add_test(tcase, a_deep_text_fails_instead_of_using_up_the_stack);
    tcase_add_test(tcase, documents_are_written_in_order_of_insertion);
    tcase_add_test(tcase, nothing_removes_a_member);
    tcase_add_test(tcase, an_object_on_the_way_replaces_what_is_none);
    tcase_add_test(tcase, text_that_is_not_utf8_keeps_what_can_be_kept);
    tcase_add_test(tcase, a_document_lives_as_long_as_its_pool);
    return suite;
}

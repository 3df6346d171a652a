/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands between callers and a provider, and the provider that tests use.
 */
#include "store/store.h"

#include <string.h>

#include "base/log.h"
#include "kit/kit.h"
#include "kit/store_mem.h"
#include "suites.h"

#define JOB MD_PLACE(MD_GROUP_STAGING, "example.org", "job.json")

static md_store *store;

static void set_up(void)
{
    store = store_mem_open(kit_pool);
}

static const struct {
    const char *name, *reason; /* NULL: fine */
} segments[] = {
    { "example.org", NULL },
    { "*.example.org", NULL },
    { "ACME-host-0000", NULL },
    { "a b", NULL },
    { "", "empty" },
    { NULL, "empty" },
    { ".", "begins with a dot" },
    { "..", "begins with a dot" },
    { ".hidden", "dot" },
    { "a/b", "slash" },
    { "../a", "begins with a dot" },
    { "a\nb", "control character" },
    { "a\x7f", "character" },
};

START_TEST(only_single_segments_are_names)
{
    const char *reason = md_segment_reason(segments[_i].name);

    if (segments[_i].reason)
        ck_assert_msg(reason && strstr(reason, segments[_i].reason), "%s", segments[_i].name);
    else
        ck_assert_ptr_null(reason);
}
END_TEST

START_TEST(a_name_has_at_most_255_bytes)
{
    char name[257];

    memset(name, 'a', sizeof name);
    name[256] = '\0';
    ck_assert_ptr_nonnull(md_segment_reason(name));
    name[255] = '\0';
    ck_assert_ptr_null(md_segment_reason(name));
}
END_TEST

static const md_place bad_places[] = {
    { MD_GROUP_STAGING, "..", "md_store.json" },
    { MD_GROUP_STAGING, "a/b", "x" },
    { MD_GROUP_STAGING, NULL, "x" },
    { MD_GROUP_STAGING, "a", "../x" },
    { MD_GROUP_STAGING, "a", "" },
    { MD_GROUP_ROOT, "a", "x" },
};

START_TEST(places_outside_of_the_store_are_refused)
{
    const md_place place = bad_places[_i];
    md_bytes value;

    CHECK_FAILS(md_store_load(store, place, kit_pool, &value), MD_FAULT_LOCAL, "");
    CHECK_FAILS(md_store_save(store, place, md_bytes_of("x"), kit_pool), MD_FAULT_LOCAL, "");
    CHECK_FAILS(md_store_drop(store, place, kit_pool), MD_FAULT_LOCAL, "");
    ck_assert_int_eq(md_store_changed(store, place, kit_pool), 0);
    ck_assert_ptr_null(md_store_path(store, place, kit_pool));
    ck_assert_int_eq(store_mem_calls(store), 0);
}
END_TEST

START_TEST(the_store_as_a_whole_cannot_be_dropped)
{
    md_names *names;

    CHECK_FAILS(md_store_drop(store, MD_PLACE(MD_GROUP_ROOT, NULL, NULL), kit_pool), MD_FAULT_LOCAL,
                "as a whole");
    CHECK_FAILS(md_store_drop(store, MD_PLACE(MD_GROUP_DOMAINS, NULL, NULL), kit_pool), MD_FAULT_LOCAL,
                "empty");
    CHECK_FAILS(md_store_rename(store, MD_GROUP_DOMAINS, "a", "../b", kit_pool), MD_FAULT_LOCAL, "dot");
    CHECK_FAILS(md_store_list(store, MD_GROUP_DOMAINS, "..", kit_pool, &names), MD_FAULT_LOCAL, "dot");
}
END_TEST

START_TEST(a_set_with_a_bad_file_name_is_refused)
{
    apr_array_header_t *files = apr_array_make(kit_pool, 1, sizeof(md_file));

    APR_ARRAY_PUSH(files, md_file) = (md_file){ .file = "../x", .value = md_bytes_of("y") };
    CHECK_FAILS(md_store_save_set(store, MD_GROUP_DOMAINS, "a", files, 0, kit_pool), MD_FAULT_LOCAL, "dot");
}
END_TEST

START_TEST(what_is_absent_is_no_failure)
{
    const char *text = "x";
    json_t *doc = NULL;

    CHECK_OK(md_store_load_text(store, JOB, kit_pool, &text));
    ck_assert_ptr_null(text);
    CHECK_OK(md_store_load_json(store, JOB, kit_pool, &doc));
    ck_assert_ptr_null(doc);
    CHECK_OK(md_store_drop(store, JOB, kit_pool));
    md_store_release(store, NULL);
}
END_TEST

START_TEST(text_and_json_come_back)
{
    json_t *doc = md_json_object(kit_pool);
    const char *text;

    md_json_set_int(doc, "errors", 3);
    CHECK_OK(md_store_save_json(store, JOB, doc, kit_pool));
    CHECK_OK(md_store_load_text(store, JOB, kit_pool, &text));
    ck_assert_str_eq(text, "{\n  \"errors\": 3\n}");
    CHECK_OK(md_store_load_json(store, JOB, kit_pool, &doc));
    ck_assert_int_eq(md_json_int(doc, "errors", 0), 3);
}
END_TEST

START_TEST(damaged_json_names_its_place)
{
    json_t *doc;

    CHECK_OK(md_store_save_text(store, JOB, "{", kit_pool));
    CHECK_FAILS(md_store_load_json(store, JOB, kit_pool, &doc), MD_FAULT_LOCAL,
                "staging/example.org/job.json is damaged");
    ck_assert_str_eq(md_store_load_json(store, JOB, kit_pool, &doc)->type, "md:bad-file");
    ck_assert_ptr_null(doc);
}
END_TEST

START_TEST(bytes_with_a_zero_are_not_text)
{
    const char *text;

    CHECK_OK(md_store_save(store, JOB, (md_bytes){ "a\0b", 3 }, kit_pool));
    CHECK_FAILS(md_store_load_text(store, JOB, kit_pool, &text), MD_FAULT_LOCAL, "is not text");
}
END_TEST

static int lines;
static char last_line[1000];

static void keep_line(void *self, md_level level, int id, const char *line)
{
    (void)self, (void)id;
    ck_assert_int_eq(level, MD_LOG_WARN);
    strncpy(last_line, line, sizeof last_line - 1);
    ++lines;
}

static int want_all(void *self, md_level level)
{
    (void)self, (void)level;
    return 1;
}

START_TEST(an_unusable_file_is_set_aside_with_one_line)
{
    md_log_to(keep_line, want_all, NULL);
    CHECK_OK(md_store_save_text(store, JOB, "{", kit_pool));
    md_store_set_aside(store, JOB, "line 1 ends", kit_pool);
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "staging/example.org/job.json.bad\n");
    ck_assert_int_eq(lines, 1);
    ck_assert_str_eq(last_line,
                     "staging/example.org/job.json in the store cannot be used: line 1 ends; it is now "
                     "staging/example.org/job.json.bad");
}
END_TEST

START_TEST(a_file_that_cannot_be_set_aside_is_only_reported)
{
    md_log_to(keep_line, want_all, NULL);
    CHECK_OK(md_store_save_text(store, JOB, "{", kit_pool));
    store_mem_fail_at(store, 1);
    md_store_set_aside(store, JOB, "line 1 ends", kit_pool);
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "staging/example.org/job.json\n");
    ck_assert_ptr_nonnull(strstr(last_line, "nor be set aside"));
}
END_TEST

START_TEST(places_have_texts)
{
    ck_assert_str_eq(md_place_text(JOB, kit_pool), "staging/example.org/job.json");
    ck_assert_str_eq(md_place_text(MD_PLACE(MD_GROUP_DOMAINS, "a", NULL), kit_pool), "domains/a");
    ck_assert_str_eq(md_place_text(MD_PLACE(MD_GROUP_DOMAINS, NULL, NULL), kit_pool), "domains");
    ck_assert_str_eq(md_place_text(MD_PLACE(MD_GROUP_ROOT, NULL, "httpd.json"), kit_pool), "httpd.json");
}
END_TEST

START_TEST(odd_claims_are_refused)
{
    md_claim *claim;

    CHECK_FAILS(md_store_claim(store, "", kit_pool, &claim), MD_FAULT_LOCAL, "cannot be claimed");
    CHECK_FAILS(md_store_claim(store, "..", kit_pool, &claim), MD_FAULT_LOCAL, "cannot be claimed");
}
END_TEST

START_TEST(a_copy_is_kept)
{
    char text[] = "before";
    const char *loaded;

    CHECK_OK(md_store_save_text(store, JOB, text, kit_pool));
    strcpy(text, "after.");
    CHECK_OK(md_store_load_text(store, JOB, kit_pool, &loaded));
    ck_assert_str_eq(loaded, "before");
}
END_TEST

START_TEST(the_chosen_call_fails_once)
{
    md_bytes value;

    CHECK_OK(md_store_save_text(store, JOB, "1", kit_pool));
    store_mem_fail_at(store, 2);
    CHECK_OK(md_store_load(store, JOB, kit_pool, &value));
    CHECK_FAILS(md_store_save_text(store, JOB, "2", kit_pool), MD_FAULT_LOCAL, "no space left");
    CHECK_OK(md_store_load(store, JOB, kit_pool, &value));
    ck_assert_str_eq(value.data, "1");
}
END_TEST

START_TEST(after_the_chosen_change_all_stops_until_the_restart)
{
    md_claim *claim;
    md_bytes value;

    store_mem_stop_after(store, 1);
    CHECK_OK(md_store_claim(store, "renew/a", kit_pool, &claim));
    CHECK_OK(md_store_save_text(store, JOB, "1", kit_pool));
    ck_assert_str_eq(md_store_load(store, JOB, kit_pool, &value)->type, "test:stopped");
    store_mem_restart(store);
    CHECK_OK(md_store_load(store, JOB, kit_pool, &value));
    ck_assert_str_eq(value.data, "1");
    CHECK_OK(md_store_claim(store, "renew/a", kit_pool, &claim));
    ck_assert_ptr_nonnull(claim);
}
END_TEST

START_TEST(a_set_in_memory_replaces_and_archives)
{
    apr_array_header_t *files = apr_array_make(kit_pool, 1, sizeof(md_file));

    APR_ARRAY_PUSH(files, md_file) =
        (md_file){ .file = "privkey.pem", .value = md_bytes_of("k"), .secret = 1 };
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, "a", "md.json"), "{}", kit_pool));
    CHECK_OK(md_store_save_set(store, MD_GROUP_DOMAINS, "a", files, 1, kit_pool));
    ck_assert_str_eq(store_mem_tree(store, kit_pool),
                     "archive/a.1/md.json\ndomains/a/privkey.pem (secret)\n");
    CHECK_OK(md_store_rename(store, MD_GROUP_DOMAINS, "a", "b", kit_pool));
    CHECK_OK(md_store_drop(store, MD_PLACE(MD_GROUP_ARCHIVE, "a.1", NULL), kit_pool));
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "domains/b/privkey.pem (secret)\n");
}
END_TEST

START_TEST(a_claim_in_memory_is_exclusive)
{
    md_claim *first;
    md_claim *second;

    CHECK_OK(md_store_claim(store, "renew/a", kit_pool, &first));
    CHECK_OK(md_store_claim(store, "renew/a", kit_pool, &second));
    ck_assert_ptr_null(second);
    md_store_release(store, first);
    CHECK_OK(md_store_claim(store, "renew/a", kit_pool, &second));
    ck_assert_ptr_nonnull(second);
}
END_TEST

Suite *suite_store_store(void)
{
    Suite *suite = suite_create("store/store");
    TCase *tcase = kit_case(suite, "helpers");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    KIT_ADD_ROWS(tcase, only_single_segments_are_names, segments);
    tcase_add_test(tcase, a_name_has_at_most_255_bytes);
    KIT_ADD_ROWS(tcase, places_outside_of_the_store_are_refused, bad_places);
    tcase_add_test(tcase, the_store_as_a_whole_cannot_be_dropped);
    tcase_add_test(tcase, a_set_with_a_bad_file_name_is_refused);
    tcase_add_test(tcase, what_is_absent_is_no_failure);
    tcase_add_test(tcase, text_and_json_come_back);
    tcase_add_test(tcase, damaged_json_names_its_place);
    tcase_add_test(tcase, bytes_with_a_zero_are_not_text);
    tcase_add_test(tcase, an_unusable_file_is_set_aside_with_one_line);
    tcase_add_test(tcase, a_file_that_cannot_be_set_aside_is_only_reported);
    tcase_add_test(tcase, places_have_texts);
    tcase_add_test(tcase, odd_claims_are_refused);
    tcase = kit_case(suite, "in memory");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, a_copy_is_kept);
    tcase_add_test(tcase, the_chosen_call_fails_once);
    tcase_add_test(tcase, after_the_chosen_change_all_stops_until_the_restart);
    tcase_add_test(tcase, a_set_in_memory_replaces_and_archives);
    tcase_add_test(tcase, a_claim_in_memory_is_exclusive);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of files that change at once: stopped after every system call, with every call failing, from many
 * threads.
 */
#include "store/sets.h"

#include <apr_strings.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/tree.h"
#include "suites.h"

#define NAME "example.org"

static md_store *store;

static void set_up(void)
{
    tree_begin();
    store = tree_open(-1);
}

static void tear_down(void)
{
    md_store_fs_fault = NULL;
}

/* A set whose files all say the same. */
static apr_array_header_t *set_of(const char *text, apr_pool_t *p)
{
    apr_array_header_t *files = apr_array_make(p, 3, sizeof(md_file));

    APR_ARRAY_PUSH(files, md_file) =
        (md_file){ .file = "privkey.pem", .value = md_bytes_of(text), .secret = 1 };
    APR_ARRAY_PUSH(files, md_file) = (md_file){ .file = "pubcert.pem", .value = md_bytes_of(text) };
    APR_ARRAY_PUSH(files, md_file) = (md_file){ .file = "md.json", .value = md_bytes_of(text) };
    return files;
}

static md_err *save(md_group group, const char *text)
{
    return md_store_save_set(store, group, NAME, set_of(text, kit_pool), group == MD_GROUP_DOMAINS, kit_pool);
}

/* What all three files of a folder say; "none" without a folder, "mixed" when they differ or others are
 * there. */
static const char *said(const char *folder)
{
    const char *text = tree_text(folder);
    const char *key = tree_read(apr_pstrcat(kit_pool, folder, "/privkey.pem", NULL));
    const char *cert = tree_read(apr_pstrcat(kit_pool, folder, "/pubcert.pem", NULL));
    const char *json = tree_read(apr_pstrcat(kit_pool, folder, "/md.json", NULL));
    int lines = 0;

    for (; *text; ++text)
        lines += *text == '\n';
    if (!lines)
        return "none";
    return lines == 3 && key && cert && json && !strcmp(key, cert) && !strcmp(key, json) ? key : "mixed";
}

static void expect(const char *folder, const char *text, int at)
{
    ck_assert_msg(!strcmp(said(folder), text), "%s says '%s', not '%s', after a fault at %d:\n%s", folder,
                  said(folder), text, at, tree_text(""));
}

static void expect_either(const char *folder, const char *one, const char *other, int at)
{
    const char *text = said(folder);

    ck_assert_msg(!strcmp(text, one) || !strcmp(text, other), "%s says '%s' after a fault at %d:\n%s", folder,
                  text, at, tree_text(""));
}

START_TEST(a_set_has_the_modes_of_its_group)
{
    umask(077);
    CHECK_OK(save(MD_GROUP_DOMAINS, "1"));
    CHECK_OK(save(MD_GROUP_LIVE, "1"));
    ck_assert_str_eq(tree_text("domains"), "drwx------ domains/example.org\n"
                                           "-rw------- domains/example.org/md.json\n"
                                           "-rw------- domains/example.org/privkey.pem\n"
                                           "-rw------- domains/example.org/pubcert.pem\n");
    ck_assert_str_eq(tree_text("live"), "drwxr-xr-x live/example.org\n"
                                        "-rw-r--r-- live/example.org/md.json\n"
                                        "-rw------- live/example.org/privkey.pem\n"
                                        "-rw-r--r-- live/example.org/pubcert.pem\n");
    ck_assert_str_eq(tree_text("tmp"), "");
}
END_TEST

START_TEST(a_new_set_takes_the_place_of_the_old_one)
{
    tree_write("domains/example.org/privkey.secp384r1.pem", "left over");
    CHECK_OK(save(MD_GROUP_DOMAINS, "1"));
    CHECK_OK(save(MD_GROUP_DOMAINS, "2"));
    CHECK_OK(save(MD_GROUP_DOMAINS, "3"));
    ck_assert_str_eq(said("domains/example.org"), "3");
    ck_assert_ptr_nonnull(tree_read("archive/example.org.1/privkey.secp384r1.pem"));
    ck_assert_str_eq(said("archive/example.org.2"), "1");
    ck_assert_str_eq(said("archive/example.org.3"), "2");
    ck_assert_str_eq(tree_text("tmp"), "");
}
END_TEST

START_TEST(without_archive_the_old_set_goes)
{
    CHECK_OK(save(MD_GROUP_STAGING, "1"));
    CHECK_OK(save(MD_GROUP_STAGING, "2"));
    ck_assert_str_eq(said("staging/example.org"), "2");
    ck_assert_str_eq(tree_text("archive"), "");
    ck_assert_str_eq(tree_text("tmp"), "");
}
END_TEST

START_TEST(the_first_free_number_is_taken)
{
    CHECK_OK(save(MD_GROUP_DOMAINS, "1"));
    tree_write("archive/example.org.1/x", "");
    tree_write("archive/example.org.3/x", "");
    CHECK_OK(save(MD_GROUP_DOMAINS, "2"));
    ck_assert_str_eq(said("archive/example.org.2"), "1");
}
END_TEST

START_TEST(when_no_number_is_free_the_oldest_goes)
{
    CHECK_OK(save(MD_GROUP_DOMAINS, "1"));
    for (int n = 1; n <= 999; ++n)
        tree_write(apr_psprintf(kit_pool, "archive/example.org.%d/x", n), "kept");
    tree_age("archive/example.org.500", 1000);
    CHECK_OK(save(MD_GROUP_DOMAINS, "2"));
    ck_assert_str_eq(said("archive/example.org.500"), "1");
    ck_assert_str_eq(tree_read("archive/example.org.499/x"), "kept");
}
END_TEST

START_TEST(a_name_of_full_length_is_archived)
{
    char name[256];

    memset(name, 'a', 255);
    name[255] = '\0';
    CHECK_OK(md_store_save_set(store, MD_GROUP_DOMAINS, name, set_of("1", kit_pool), 1, kit_pool));
    CHECK_OK(md_store_save_set(store, MD_GROUP_DOMAINS, name, set_of("2", kit_pool), 1, kit_pool));
    memcpy(name + 251, ".1", 3);
    ck_assert_str_eq(said(apr_pstrcat(kit_pool, "archive/", name, NULL)), "1");
}
END_TEST

/* The ways to replace a set: exchange or two renames, with archive or without. */
static md_group prepare(int way)
{
    set_up();
    if (way & 1)
        tree_without_swap();
    CHECK_OK(save(way & 2 ? MD_GROUP_STAGING : MD_GROUP_DOMAINS, "old"));
    return way & 2 ? MD_GROUP_STAGING : MD_GROUP_DOMAINS;
}

static const char *place_of(md_group group)
{
    return apr_pstrcat(kit_pool, md_groups[group].dir, "/", NAME, NULL);
}

/* After the next process opened the store. */
static void expect_mended(md_group group, const md_err *err, int at)
{
    const char *place = place_of(group);

    store = tree_open(-1);
    expect_either(place, "old", "new", at);
    if (!err)
        expect(place, "new", at);
    if (group == MD_GROUP_DOMAINS)
        expect("archive/example.org.1", strcmp(said(place), "new") ? "none" : "old", at);
    CHECK_OK(save(group, "newer"));
    expect(place, "newer", at);
}

START_TEST(a_save_can_be_stopped_after_every_system_call)
{
    const md_err *err;
    int at = 0;

    do {
        const md_group group = prepare(_i);

        tree_fail(++at, 100000, EIO);
        err = save(group, "new");
        if (!(_i & 1))
            expect_either(place_of(group), "old", "new",
                          at); /* also for who looks before anything is mended */
        if (!tree_failed())
            break;
        tree_fail(0, 0, 0);
        expect_mended(group, err, at);
    } while (at < 100);
    ck_assert_int_gt(at, 20);
    ck_assert_int_lt(at, 100);
}
END_TEST

static const int errors[] = { ENOSPC, EIO, EACCES };

START_TEST(a_save_can_fail_at_every_system_call)
{
    const md_err *err;
    int at = 0;

    do {
        const md_group group = prepare(_i);

        tree_fail(++at, 1, errors[_i % 3]);
        err = save(group, "new");
        if (!tree_failed())
            break;
        tree_fail(0, 0, 0);
        if (!(_i & 1))
            expect_either(place_of(group), "old", "new", at);
        expect_mended(group, err, at);
    } while (at < 100);
    ck_assert_int_gt(at, 20);
    ck_assert_int_lt(at, 100);
}
END_TEST

START_TEST(a_first_save_can_be_stopped_after_every_system_call)
{
    const md_err *err;
    int at = 0;

    do {
        set_up();
        tree_fail(++at, 100000, EIO);
        err = save(MD_GROUP_DOMAINS, "new");
        expect_either("domains/example.org", "none", "new", at);
        tree_fail(0, 0, 0);
        store = tree_open(-1);
        expect_either("domains/example.org", err ? "none" : "new", "new", at);
        CHECK_OK(save(MD_GROUP_DOMAINS, "newer"));
        expect("domains/example.org", "newer", at);
    } while (err && at < 100);
    ck_assert_int_lt(at, 100);
}
END_TEST

START_TEST(a_drop_can_be_stopped_after_every_system_call)
{
    const md_err *err;
    int at = 0;

    do {
        set_up();
        CHECK_OK(save(MD_GROUP_STAGING, "old"));
        tree_fail(++at, 100000, EIO);
        err = md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, NAME, NULL), kit_pool);
        expect_either("staging/example.org", "old", "none", at);
        tree_fail(0, 0, 0);
        store = tree_open(-1);
        ck_assert_ptr_null(strstr(tree_text("staging"), ".gone-"));
    } while (err && at < 100);
    expect("staging/example.org", "none", at);
}
END_TEST

START_TEST(stale_halves_are_removed_and_young_ones_left)
{
    tree_write("tmp/.set-0000000000000001/md.json", "half");
    tree_write("tmp/.set-0000000000000002/md.json", "half");
    tree_age("tmp/.set-0000000000000001", 3700);
    store = tree_open(-1);
    ck_assert_str_eq(tree_text("tmp"), "drwx------ tmp/.set-0000000000000002\n"
                                       "-rw------- tmp/.set-0000000000000002/md.json\n");
}
END_TEST

START_TEST(a_damaged_intent_is_left_until_it_is_stale)
{
    tree_write("tmp/.set-0000000000000001/md.json", "half");
    tree_write("tmp/.set-0000000000000001.intent", "{\"group\":");
    store = tree_open(-1);
    ck_assert_ptr_nonnull(tree_read("tmp/.set-0000000000000001.intent"));
    tree_age("tmp/.set-0000000000000001.intent", 3700);
    tree_age("tmp/.set-0000000000000001", 3700);
    store = tree_open(-1);
    store = tree_open(-1);
    ck_assert_str_eq(tree_text("tmp"), "");
}
END_TEST

static const char *const hostile[] = {
    "{\"group\":\"domains\",\"name\":\"example.org\",\"inode\":1}",
    "{\"group\":\"staging\",\"name\":\"../domains/example.org\",\"inode\":1}",
    "{\"group\":\"\",\"name\":\"domains\",\"inode\":1}",
    "{\"group\":\"staging\",\"inode\":1}",
    "[]",
};

START_TEST(an_intent_in_a_folder_of_others_is_about_that_folder_alone)
{
    CHECK_OK(save(MD_GROUP_DOMAINS, "mine"));
    tree_write("staging/.set-0000000000000001/privkey.pem", "theirs");
    tree_write("staging/.set-0000000000000001.intent", hostile[_i]);
    store = tree_open(-1);
    ck_assert_str_eq(said("domains/example.org"), "mine");
    ck_assert_str_eq(tree_text("archive"), "");
}
END_TEST

START_TEST(a_pipe_as_intent_blocks_nobody)
{
    ck_assert_int_eq(
        mkfifo(apr_pstrcat(kit_pool, tree_base, "/staging/.set-0000000000000001.intent", NULL), 0600), 0);
    ck_assert_int_eq(symlink("/", apr_pstrcat(kit_pool, tree_base, "/staging/.gone-1", NULL)), 0);
    store = tree_open(-1);
    CHECK_OK(save(MD_GROUP_STAGING, "1"));
    ck_assert_str_eq(said("staging/example.org"), "1");
}
END_TEST

#define THREADS 4
#define ROUNDS  20L

static atomic_int stop_reading;

static void *save_often(void *data)
{
    apr_pool_t *p;

    apr_pool_create_unmanaged_ex(&p, NULL, NULL);
    for (int i = 0; i < ROUNDS; ++i) {
        const char *text = apr_psprintf(p, "%s-%d", (const char *)data, i);
        const md_err *err = md_store_save_set(store, MD_GROUP_DOMAINS, NAME, set_of(text, p), 1, p);

        if (err)
            fprintf(stderr, "%s\n", md_err_text(err, p));
        if (err)
            return NULL;
    }
    apr_pool_destroy(p);
    return data;
}

static int is_there(apr_pool_t *p)
{
    md_bytes value;
    const md_err *err = md_store_load(store, MD_PLACE(MD_GROUP_DOMAINS, NAME, "md.json"), p, &value);

    return !err && value.size > 0;
}

/* The set is there at every moment. */
static void *look_often(void *data)
{
    while (data && !atomic_load(&stop_reading)) {
        apr_pool_t *p;

        apr_pool_create_unmanaged_ex(&p, NULL, NULL);
        if (!is_there(p))
            data = NULL;
        apr_pool_destroy(p);
    }
    return data;
}

static int archived(void)
{
    int n = 0;

    while (strcmp(said(apr_psprintf(kit_pool, "archive/example.org.%d", n + 1)), "none") != 0) {
        ck_assert_str_ne(said(apr_psprintf(kit_pool, "archive/example.org.%d", n + 1)), "mixed");
        ++n;
    }
    return n;
}

START_TEST(many_threads_replace_a_set_and_none_is_lost)
{
    static char names[THREADS][2] = { "a", "b", "c", "d" };
    pthread_t threads[THREADS];
    pthread_t reader;
    void *result;

    CHECK_OK(save(MD_GROUP_DOMAINS, "first"));
    md_store_fs_fault = NULL; /* its counters know no threads */
    ck_assert_int_eq(pthread_create(&reader, NULL, look_often, names), 0);
    for (int i = 0; i < THREADS; ++i)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, save_often, names[i]), 0);
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, names[i]);
    }
    atomic_store(&stop_reading, 1);
    pthread_join(reader, &result);
    ck_assert_ptr_eq(result, names);
    ck_assert_str_ne(said("domains/example.org"), "mixed");
    ck_assert_int_eq(archived(), THREADS * ROUNDS);
    ck_assert_str_eq(tree_text("tmp"), "");
}
END_TEST

Suite *suite_store_sets(void)
{
    Suite *suite = suite_create("store/sets");
    TCase *tcase = kit_case(suite, "sets");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_set_has_the_modes_of_its_group);
    tcase_add_test(tcase, a_new_set_takes_the_place_of_the_old_one);
    tcase_add_test(tcase, without_archive_the_old_set_goes);
    tcase_add_test(tcase, the_first_free_number_is_taken);
    tcase_add_test(tcase, when_no_number_is_free_the_oldest_goes);
    tcase_add_test(tcase, a_name_of_full_length_is_archived);
    tcase_add_loop_test(tcase, a_save_can_be_stopped_after_every_system_call, 0, 4);
    tcase_add_loop_test(tcase, a_save_can_fail_at_every_system_call, 0, 4);
    tcase_add_test(tcase, a_first_save_can_be_stopped_after_every_system_call);
    tcase_add_test(tcase, a_drop_can_be_stopped_after_every_system_call);
    tcase_add_test(tcase, stale_halves_are_removed_and_young_ones_left);
    tcase_add_test(tcase, a_damaged_intent_is_left_until_it_is_stale);
    KIT_ADD_ROWS(tcase, an_intent_in_a_folder_of_others_is_about_that_folder_alone, hostile);
    tcase_add_test(tcase, a_pipe_as_intent_blocks_nobody);
    tcase_add_test(tcase, many_threads_replace_a_set_and_none_is_lost);
    return suite;
}

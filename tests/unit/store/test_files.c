/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Low-level files and folders: modes, atomic writes under faults, suspicion when reading.
 */
#include "store/files.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/tree.h"
#include "suites.h"

static md_folder folder;

static void set_up(void)
{
    tree_begin();
    ck_assert_int_eq(mkdir(tree_base, 0755), 0);
    CHECK_OK(md_folder_root(tree_base, kit_pool, &folder));
}

static void tear_down(void)
{
    tree_fail(0, 0, 0);
    md_folder_close(&folder);
}

static md_err *put(const char *name, const char *text)
{
    return md_file_write(&folder, &(md_write){ .name = name, .value = md_bytes_of(text), .mode = 0644 },
                         kit_pool);
}

static const char *path_of(const char *name)
{
    return apr_pstrcat(kit_pool, tree_base, "/", name, NULL);
}

START_TEST(modes_are_exact_under_any_umask)
{
    md_folder made;

    umask((mode_t)_i);
    CHECK_OK(put("a", "x"));
    CHECK_OK(md_file_write(&folder, &(md_write){ .name = "b", .value = md_bytes_of("x"), .mode = 0600 },
                           kit_pool));
    CHECK_OK(md_folder_make(&folder, "c", (md_look){ .mode = 0755, .owner = -1 }, kit_pool, &made));
    md_folder_close(&made);
    ck_assert_str_eq(tree_text(""), "-rw-r--r-- a\n-rw------- b\ndrwxr-xr-x c\n");
}
END_TEST

START_TEST(a_write_replaces_the_whole_file)
{
    CHECK_OK(put("a", "a long text"));
    CHECK_OK(put("a", "short"));
    ck_assert_str_eq(tree_read("a"), "short");
    ck_assert_str_eq(tree_text(""), "-rw-r--r-- a\n");
}
END_TEST

START_TEST(a_write_replaces_a_link_and_not_its_target)
{
    tree_write("target", "mine");
    ck_assert_int_eq(symlink("target", path_of("a")), 0);
    CHECK_OK(put("a", "new"));
    ck_assert_str_eq(tree_read("target"), "mine");
    ck_assert_str_eq(tree_read("a"), "new");
}
END_TEST

START_TEST(a_new_file_is_made_once)
{
    int made;

    CHECK_OK(md_file_write_new(&folder, &(md_write){ .name = "a", .value = md_bytes_of("1"), .mode = 0600 },
                               kit_pool, &made));
    ck_assert_int_eq(made, 1);
    CHECK_OK(md_file_write_new(&folder, &(md_write){ .name = "a", .value = md_bytes_of("2"), .mode = 0600 },
                               kit_pool, &made));
    ck_assert_int_eq(made, 0);
    ck_assert_str_eq(tree_read("a"), "1");
    ck_assert_str_eq(tree_text(""), "-rw------- a\n");
}
END_TEST

static const int errors[] = { ENOSPC, EIO, EACCES };

/* Every system call fails in turn; the last round is the one without a fault. */
START_TEST(a_write_that_fails_leaves_the_old_file)
{
    const md_err *err;
    int at = 0;

    CHECK_OK(put("a", "old"));
    do {
        tree_fail(++at, 1, errors[_i]);
        err = put("a", "new");
        ck_assert_int_eq(err != NULL, tree_failed());
        /* Only the folder's sync comes after the new content is in place. */
        ck_assert_str_eq(tree_read("a"), at < 6 ? "old" : "new");
        ck_assert_str_eq(tree_text(""), "-rw-r--r-- a\n");
    } while (err);
    ck_assert_int_eq(at, 7);
}
END_TEST

START_TEST(a_write_that_is_stopped_leaves_the_old_file_whole)
{
    const md_err *err;
    int at = 0;

    CHECK_OK(put("a", "old"));
    do {
        tree_fail(++at, 1000, EIO);
        err = put("a", "new");
        ck_assert_str_eq(tree_read("a"), at < 6 ? "old" : "new");
    } while (err);
}
END_TEST

START_TEST(what_a_stopped_write_left_is_swept_when_it_is_stale)
{
    md_names *ours;

    tree_fail(3, 1000, EIO);
    CHECK_FAILS(put("a", "new"), MD_FAULT_LOCAL, "cannot write");
    CHECK_OK(md_folder_list(&folder, MD_LIST_OURS, kit_pool, &ours));
    ck_assert_int_eq(ours->nelts, 1);
    tree_fail(0, 0, 0);
    md_folder_sweep(&folder);
    ck_assert_ptr_nonnull(tree_read(MD_NAME(ours, 0)));
    tree_age(MD_NAME(ours, 0), 3700);
    md_folder_sweep(&folder);
    ck_assert_ptr_null(tree_read(MD_NAME(ours, 0)));
}
END_TEST

START_TEST(a_full_disk_is_told_in_words)
{
    tree_fail(3, 1, ENOSPC);
    CHECK_FAILS(put("a", "x"), MD_FAULT_LOCAL,
                apr_pstrcat(kit_pool, "cannot write ", path_of("a"), ": No space left", NULL));
}
END_TEST

START_TEST(a_lack_of_rights_names_the_owner)
{
    tree_fail(1, 1, EACCES);
    CHECK_FAILS(put("a", "x"), MD_FAULT_LOCAL, apr_pstrcat(kit_pool, "(", tree_base, " belongs to ", NULL));
}
END_TEST

static void make_link(const char *path)
{
    tree_write("target", "x");
    ck_assert_int_eq(symlink("target", path), 0);
}

static void make_loop(const char *path)
{
    ck_assert_int_eq(symlink("a", path), 0);
}

static void make_fifo(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void make_dir(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_large(const char *path)
{
    tree_write("a", "x");
    ck_assert_int_eq(truncate(path, MD_FILE_MAX + 1), 0);
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    apr_cpystrn(address.sun_path, path, sizeof address.sun_path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void (*const traps[])(const char *path) = { make_link, make_loop,  make_fifo,
                                                   make_dir,  make_large, make_socket };

START_TEST(only_plain_files_are_read)
{
    md_bytes value;

    traps[_i](path_of("a"));
    ck_assert_str_eq(md_file_read(&folder, "a", kit_pool, &value)->type, "md:bad-file");
    ck_assert_ptr_null(value.data);
}
END_TEST

START_TEST(a_file_of_the_largest_size_is_read)
{
    md_bytes value;

    tree_write("a", "x");
    ck_assert_int_eq(truncate(path_of("a"), MD_FILE_MAX), 0);
    CHECK_OK(md_file_read(&folder, "a", kit_pool, &value));
    ck_assert_uint_eq(value.size, MD_FILE_MAX);
    tree_write("a", "");
    CHECK_OK(md_file_read(&folder, "a", kit_pool, &value));
    ck_assert_str_eq(value.data, "");
}
END_TEST

START_TEST(a_linked_folder_is_not_entered)
{
    md_folder found;

    make_dir(path_of("target"));
    ck_assert_int_eq(symlink("target", path_of("a")), 0);
    ck_assert_str_eq(md_folder_open(&folder, "a", kit_pool, &found)->type, "md:bad-file");
    CHECK_OK(md_folder_open(&folder, "absent", kit_pool, &found));
    ck_assert_int_eq(found.fd, -1);
}
END_TEST

START_TEST(names_are_listed_by_type_and_sorted)
{
    md_names *names;

    tree_write("d2/x", "");
    tree_write("d1/x", "");
    tree_write("f2", "");
    tree_write("f1", "");
    tree_write(".file-0", "");
    ck_assert_int_eq(symlink("f1", path_of("l")), 0);
    CHECK_OK(md_folder_list(&folder, MD_LIST_FOLDERS, kit_pool, &names));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), "d1 d2");
    CHECK_OK(md_folder_list(&folder, MD_LIST_FILES, kit_pool, &names));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), "f1 f2");
    CHECK_OK(md_folder_list(&folder, MD_LIST_OURS, kit_pool, &names));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), ".file-0");
}
END_TEST

START_TEST(a_folder_is_removed_with_its_files)
{
    tree_write("d/x", "");
    tree_write("d/.file-1", "");
    make_dir(path_of("d/empty"));
    ck_assert_int_eq(symlink("/", path_of("d/link")), 0);
    CHECK_OK(md_folder_remove(&folder, "d", kit_pool));
    CHECK_OK(md_folder_remove(&folder, "d", kit_pool));
    ck_assert_str_eq(tree_text(""), "");
}
END_TEST

START_TEST(a_link_is_removed_and_not_followed)
{
    tree_write("target/x", "");
    ck_assert_int_eq(symlink("target", path_of("d")), 0);
    CHECK_OK(md_folder_remove(&folder, "d", kit_pool));
    ck_assert_str_eq(tree_text(""), "drwx------ target\n-rw------- target/x\n");
}
END_TEST

START_TEST(folders_in_a_folder_are_not_entered)
{
    tree_write("d/deep/x", "");
    CHECK_FAILS(md_folder_remove(&folder, "d", kit_pool), MD_FAULT_LOCAL, "not empty");
    ck_assert_ptr_nonnull(tree_read("d/deep/x"));
}
END_TEST

Suite *suite_store_files(void)
{
    const int kinds = sizeof errors / sizeof *errors;
    Suite *suite = suite_create("store/files");
    TCase *tcase = kit_case(suite, "files");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, modes_are_exact_under_any_umask, 022, 023);
    tcase_add_loop_test(tcase, modes_are_exact_under_any_umask, 077, 0100);
    tcase_add_loop_test(tcase, modes_are_exact_under_any_umask, 0, 1);
    tcase_add_test(tcase, a_write_replaces_the_whole_file);
    tcase_add_test(tcase, a_write_replaces_a_link_and_not_its_target);
    tcase_add_test(tcase, a_new_file_is_made_once);
    tcase_add_loop_test(tcase, a_write_that_fails_leaves_the_old_file, 0, kinds);
    tcase_add_test(tcase, a_write_that_is_stopped_leaves_the_old_file_whole);
    tcase_add_test(tcase, what_a_stopped_write_left_is_swept_when_it_is_stale);
    tcase_add_test(tcase, a_full_disk_is_told_in_words);
    tcase_add_test(tcase, a_lack_of_rights_names_the_owner);
    KIT_ADD_ROWS(tcase, only_plain_files_are_read, traps);
    tcase_add_test(tcase, a_file_of_the_largest_size_is_read);
    tcase_add_test(tcase, a_linked_folder_is_not_entered);
    tcase_add_test(tcase, names_are_listed_by_type_and_sorted);
    tcase_add_test(tcase, a_folder_is_removed_with_its_files);
    tcase_add_test(tcase, a_link_is_removed_and_not_followed);
    tcase_add_test(tcase, folders_in_a_folder_are_not_entered);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store below a temporary folder, looked at from outside.
 */
#include "kit/tree.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kit/kit.h"

const char *tree_base;

static int call, first_bad, bad_calls, error_given, no_swap;

static int inject(const char *operation)
{
    if (no_swap && !strcmp(operation, "swap"))
        return ENOSYS;
    ++call;
    return first_bad && call >= first_bad && call - first_bad < bad_calls ? error_given : 0;
}

void tree_begin(void)
{
    if (!access("/dev/shm", W_OK))
        setenv("TMPDIR", "/dev/shm", 0); /* to wait for a disk tests nothing */
    tree_base = apr_pstrcat(kit_pool, kit_folder(), "/md", NULL);
    no_swap = 0;
    tree_fail(0, 0, 0);
    md_store_fs_fault = inject;
}

void tree_fail(int at, int count, int error)
{
    call = 0;
    first_bad = at;
    bad_calls = count;
    error_given = error;
}

int tree_failed(void)
{
    return first_bad && call >= first_bad;
}

void tree_without_swap(void)
{
    no_swap = 1;
}

md_store *tree_open(long uid)
{
    md_store *store;

    CHECK_OK(md_store_fs_open(&(md_store_fs_options){ .base = tree_base, .uid = uid }, kit_pool, &store));
    return store;
}

static const char *path_of(const char *file)
{
    return apr_pstrcat(kit_pool, tree_base, "/", file, NULL);
}

static char type_of(mode_t mode)
{
    return S_ISDIR(mode) ? 'd' : S_ISREG(mode) ? '-' : '?';
}

static const char *line_of(const char *file, mode_t mode)
{
    char text[] = "drwxrwxrwx";

    text[0] = type_of(mode);
    for (int bit = 0; bit < 9; ++bit) {
        if (!(mode & (0400U >> bit)))
            text[1 + bit] = '-';
    }
    return apr_pstrcat(kit_pool, text, " ", file, "\n", NULL);
}

/* The store has three levels: no recursion is needed. */
static void add_entries(md_names *files, const char *below)
{
    DIR *folder = opendir(path_of(below));
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            md_names_add(files, apr_pstrcat(kit_pool, below, *below ? "/" : "", entry->d_name, NULL));
    }
    if (folder)
        closedir(folder);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *tree_text(const char *below)
{
    md_names *files = md_names_make(kit_pool);
    md_names *lines = md_names_make(kit_pool);
    struct stat info;

    add_entries(files, below);
    for (int i = 0; i < files->nelts; ++i)
        add_entries(files, MD_NAME(files, i));
    qsort(files->elts, (size_t)files->nelts, sizeof(const char *), by_name);
    for (int i = 0; i < files->nelts; ++i) {
        ck_assert_int_eq(lstat(path_of(MD_NAME(files, i)), &info), 0);
        md_names_add(lines, line_of(MD_NAME(files, i), info.st_mode));
    }
    return md_names_join(lines, "", kit_pool);
}

const char *tree_read(const char *file)
{
    char *text = apr_pcalloc(kit_pool, 10001);
    FILE *in = fopen(path_of(file), "r");

    if (!in)
        return NULL;
    ck_assert_uint_lt(fread(text, 1, 10000, in), 10000);
    fclose(in);
    return text;
}

void tree_write(const char *file, const char *text)
{
    char *path = apr_pstrdup(kit_pool, path_of(file));
    FILE *out;

    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

void tree_age(const char *file, int seconds)
{
    struct timespec both[2];

    clock_gettime(CLOCK_REALTIME, &both[0]);
    both[0].tv_sec -= seconds;
    both[1] = both[0];
    ck_assert_int_eq(utimensat(AT_FDCWD, path_of(file), both, AT_SYMLINK_NOFOLLOW), 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool and the folder of a test.
 */
#include "kit/kit.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

apr_pool_t *kit_pool;

static void open_pool(void)
{
    apr_pool_create(&kit_pool, NULL);
}

static void close_pool(void)
{
    apr_pool_destroy(kit_pool);
    kit_pool = NULL;
}

TCase *kit_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, open_pool, close_pool);
    tcase_set_timeout(tcase, 30); /* ends what hangs, also on a machine with other work */
    suite_add_tcase(suite, tcase);
    return tcase;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static apr_status_t remove_folder(void *path)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) ? APR_EGENERAL : APR_SUCCESS;
}

const char *kit_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    char *path = apr_pstrcat(kit_pool, tmp ? tmp : "/tmp", "/md-test-XXXXXX", NULL);

    ck_assert_ptr_nonnull(mkdtemp(path));
    apr_pool_cleanup_register(kit_pool, path, remove_folder, apr_pool_cleanup_null);
    return path;
}

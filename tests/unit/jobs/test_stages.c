/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/jobs.md has the table of stages as the code has it.
 */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "jobs/kind_renew.h"
#include "kit/kit.h"

static const char *read_page(void)
{
    char *text = apr_pcalloc(kit_pool, 64 * 1024);
    apr_size_t size = 64 * 1024 - 1;
    apr_file_t *file;

    ck_assert_int_eq(apr_file_open(&file, MD_DOCS "/jobs.md", APR_FOPEN_READ, 0, kit_pool), APR_SUCCESS);
    (void)apr_file_read_full(file, text, size, &size);
    apr_file_close(file);
    return text;
}

/** The rows of the table, one a line, without the last column, which is prose. */
static const char *rows_of_page(const char *page)
{
    const char *at = strstr(page, "| --- | --- | --- | --- |\n"), *rows = "";

    ck_assert_ptr_nonnull(at);
    for (at = strchr(at, '\n') + 1; *at == '|'; at = strchr(at, '\n') + 1) {
        const char *end = at;

        for (int bars = 0; bars < 3; ++bars)
            end = strchr(end + 1, '|');
        rows = apr_pstrcat(kit_pool, rows, apr_pstrndup(kit_pool, at, (apr_size_t)(end - at)), "|\n", NULL);
    }
    return rows;
}

START_TEST(the_page_has_the_stages_of_a_renewal)
{
    const char *rows = "";

    for (const md_stage *stage = md_kind_renew.stages; stage->name; ++stage)
        rows = apr_psprintf(kit_pool, "%s| `%s` | %s | %s |\n", rows, stage->name, stage->doing,
                            stage->calls ? "yes" : "");
    ck_assert_str_eq(rows_of_page(read_page()), rows);
}
END_TEST

START_TEST(stages_have_names_of_their_own)
{
    for (const md_stage *a = md_kind_renew.stages; a->name; ++a)
        for (const md_stage *b = a + 1; b->name; ++b)
            ck_assert_str_ne(a->name, b->name);
}
END_TEST

Suite *suite_jobs_stages(void)
{
    Suite *suite = suite_create("jobs/stages");
    TCase *tcase = kit_case(suite, "stages");

    tcase_add_test(tcase, the_page_has_the_stages_of_a_renewal);
    tcase_add_test(tcase, stages_have_names_of_their_own);
    return suite;
}

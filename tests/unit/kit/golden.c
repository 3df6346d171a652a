/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that others read by program, kept as files.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

enum { TEXT_MAX = 1024 * 1024 };

static const char *read_golden(const char *path)
{
    char *text = apr_pcalloc(kit_pool, TEXT_MAX);
    FILE *file = fopen(path, "r");

    ck_assert_msg(file != NULL, "%s: there is no such file", path);
    ck_assert_uint_lt(fread(text, 1, TEXT_MAX - 1, file), TEXT_MAX - 1);
    fclose(file);
    return text;
}

static void write_golden(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_msg(file != NULL, "%s cannot be written", path);
    fputs(text, file);
    fclose(file);
    ck_abort_msg("%s was written", path);
}

void kit_check_golden(const char *name, const char *text)
{
    const char *path = apr_pstrcat(kit_pool, MD_GOLDEN "/", name, NULL), *mode = getenv("MD_GOLDEN");

    text = apr_pstrcat(kit_pool, text, "\n", NULL);
    if (mode && !strcmp(mode, "write"))
        write_golden(path, text);
    ck_assert_str_eq(text, read_golden(path));
}

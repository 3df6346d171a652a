/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffer in a pool, doubled when it is full.
 */
#include "status/lines.h"

#include <apr_strings.h>
#include <string.h>

#define FIRST_SIZE 8192
enum { DIGITS_MAX = 24 };

struct md_lines {
    apr_pool_t *p;
    char *data;
    apr_size_t size, room;
};

md_lines *md_lines_make(apr_pool_t *p)
{
    md_lines *lines = apr_pcalloc(p, sizeof(*lines));

    lines->p = p;
    lines->room = FIRST_SIZE;
    lines->data = apr_pcalloc(p, lines->room);
    return lines;
}

void md_lines_add(md_lines *lines, const char *text, apr_size_t size)
{
    if (lines->room - lines->size <= size) {
        char *larger;

        while (lines->room - lines->size <= size)
            lines->room *= 2;
        larger = apr_palloc(lines->p, lines->room);
        memcpy(larger, lines->data, lines->size);
        lines->data = larger;
    }
    memcpy(lines->data + lines->size, text, size);
    lines->size += size;
    lines->data[lines->size] = '\0';
}

void md_lines_put(md_lines *lines, const char *text)
{
    md_lines_add(lines, text, strlen(text));
}

void md_lines_number(md_lines *lines, apr_int64_t number)
{
    char digits[DIGITS_MAX];

    apr_snprintf(digits, sizeof(digits), "%" APR_INT64_T_FMT, number);
    md_lines_put(lines, digits);
}

md_bytes md_lines_bytes(const md_lines *lines)
{
    return (md_bytes){ lines->data, lines->size };
}

const char *md_one_line(const char *text, apr_pool_t *p)
{
    char *line = apr_pstrdup(p, text);

    for (char *at = line; *at; ++at)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    return line;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines "Key: value", as server-status?auto has them.
 */
#include <apr_strings.h>
#include <string.h>

#include "status/columns.h"
#include "status/lines.h"
#include "status/print.h"

static void put_count(md_lines *lines, const char *key, const char *what, int count)
{
    md_lines_put(lines, key);
    md_lines_put(lines, what);
    md_lines_put(lines, ": ");
    md_lines_number(lines, count);
    md_lines_put(lines, "\n");
}

/** A value is one line, whatever it says. */
static void put_value(md_lines *lines, const md_table *table, int row, const md_cell *cell, apr_pool_t *p)
{
    if (!cell->key || !cell->value)
        return;
    md_lines_put(lines, apr_psprintf(p, "%s[%d]%s: ", table->key, row, cell->key));
    md_lines_put(lines, md_one_line(cell->value, p));
    md_lines_put(lines, "\n");
}

static void put_row(md_lines *lines, const md_table *table, const json_t *row, int number, apr_time_t now,
                    apr_pool_t *p)
{
    md_cells cells = { apr_array_make(p, 64, sizeof(md_cell)), now, p };

    for (const md_column *column = table->columns; column->title; ++column)
        column->show(row, &cells);
    for (int i = 0; i < cells.each->nelts; ++i)
        put_value(lines, table, number, &APR_ARRAY_IDX(cells.each, i, md_cell), p);
}

static int count_of(const json_t *staples, const char *status)
{
    const json_t *each;
    int count = 0;
    size_t i;

    json_array_foreach(staples, i, each)
    {
        const char *is = md_json_text(each, "status");

        count += is && !strcmp(is, status);
    }
    return count;
}

static void put_staplings(md_lines *lines, const json_t *staples, apr_time_t now, apr_pool_t *each)
{
    const json_t *row;
    size_t i;

    put_count(lines, "ManagedStaplings", "Total", (int)json_array_size(staples));
    put_count(lines, "ManagedStaplings", "OK", count_of(staples, "good"));
    put_count(lines, "ManagedStaplings", "Renew", count_of(staples, "revoked"));
    put_count(lines, "ManagedStaplings", "Errored", count_of(staples, "unknown"));
    json_array_foreach(staples, i, row)
    {
        apr_pool_clear(each);
        put_row(lines, &md_table_staplings, row, (int)i, now, each);
    }
}

md_bytes md_print_text(const md_found *found, apr_time_t now, apr_pool_t *p)
{
    const md_summary *summary = &found->summary;
    json_t *staples = md_own_json(p, json_array()), *row;
    md_lines *lines = md_lines_make(p);
    apr_pool_t *each;

    put_count(lines, "ManagedCertificates", "Total", summary->total);
    put_count(lines, "ManagedCertificates", "OK", summary->complete);
    put_count(lines, "ManagedCertificates", "Renew", summary->renew);
    put_count(lines, "ManagedCertificates", "Errored", summary->errored);
    put_count(lines, "ManagedCertificates", "Ready", summary->ready);
    apr_pool_create(&each, p);
    for (int i = 0; i < found->each->nelts; ++i) {
        apr_pool_clear(each);
        if (md_json_read(APR_ARRAY_IDX(found->each, i, md_bytes), each, &row))
            continue;
        put_row(lines, &md_table_certificates, row, i, now, each);
        md_staple_rows(row, staples);
    }
    json_array_extend(staples, found->others);
    put_staplings(lines, staples, now, each);
    apr_pool_destroy(each);
    return md_lines_bytes(lines);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for the page of mod_status.
 */
#include <string.h>

#include "status/columns.h"
#include "status/html.h"
#include "status/print.h"

/** Addresses of responders are a certificate's: no scripts. */
static int is_web(const char *url)
{
    return !strncmp(url, "https://", 8) || !strncmp(url, "http://", 7);
}

static void put_cell(md_html *html, const md_cell *cell)
{
    if (!cell->text)
        return;
    if (cell->link && is_web(cell->link))
        md_html_put(html, "<a href=\"%s\">%s</a>", cell->link, cell->text);
    else if (cell->tip)
        md_html_put(html, "<span title=\"%s\" style=\"white-space: nowrap;\">%s</span>", cell->tip,
                    cell->text);
    else
        md_html_put(html, "%s", cell->text);
}

static void put_column(md_html *html, const md_column *column, const json_t *row, apr_time_t now,
                       apr_pool_t *p)
{
    md_cells cells = { apr_array_make(p, 8, sizeof(md_cell)), now, p };

    column->show(row, &cells);
    md_html_put(html, column->wide ? "<td><div style=\"max-width:400px;\">" : "<td>");
    for (int i = 0; i < cells.each->nelts; ++i)
        put_cell(html, &APR_ARRAY_IDX(cells.each, i, md_cell));
    md_html_put(html, column->wide ? "</div></td>" : "</td>");
}

static void put_row(md_html *html, const md_table *table, const json_t *row, int odd, apr_time_t now,
                    apr_pool_t *p)
{
    md_html_put(html, odd ? "<tr class=\"odd\">" : "<tr class=\"even\">");
    for (const md_column *column = table->columns; column->title; ++column)
        put_column(html, column, row, now, p);
    md_html_put(html, "</tr>\n");
}

static void begin(md_html *html, const md_table *table)
{
    md_html_put(html, "<hr>\n<h3>%s</h3>\n<table class=\"%s\"><thead><tr>\n", table->title, table->css);
    for (const md_column *column = table->columns; column->title; ++column)
        md_html_put(html, "<th class=\"%s\">%s</th>", column->title, column->title);
    md_html_put(html, "</tr>\n</thead><tbody>");
}

static void end(md_html *html)
{
    md_html_put(html, "</tbody>\n</table>\n");
}

md_bytes md_print_html(const md_found *found, apr_time_t now, apr_pool_t *p)
{
    md_html *html = md_html_make(p);
    json_t *staples = md_own_json(p, json_array()), *row;
    apr_pool_t *each;
    size_t i;

    apr_pool_create(&each, p);
    if (found->each->nelts)
        begin(html, &md_table_certificates);
    for (int k = 0; k < found->each->nelts; ++k) {
        apr_pool_clear(each);
        if (md_json_read(APR_ARRAY_IDX(found->each, k, md_bytes), each, &row))
            continue;
        put_row(html, &md_table_certificates, row, k & 1, now, each);
        md_staple_rows(row, staples);
    }
    if (found->each->nelts)
        end(html);
    json_array_extend(staples, found->others);
    if (json_array_size(staples))
        begin(html, &md_table_staplings);
    json_array_foreach(staples, i, row)
    {
        apr_pool_clear(each);
        put_row(html, &md_table_staplings, row, (int)(i & 1), now, each);
    }
    if (json_array_size(staples))
        end(html);
    apr_pool_destroy(each);
    return md_html_bytes(html);
}

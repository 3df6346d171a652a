/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of staples; the other columns are seen in the golden files of their printers.
 */
#include "status/columns.h"

#include <apr_strings.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"

static const char entry[] =
    "{\"name\":\"example.org\",\"cert\":{\"rsa\":{\"serial\":\"01\",\"ocsp\":{\"id\":\"ab\",\"status\":"
    "\"good\","
    "\"valid\":{\"from\":\"Thu, 29 Aug 2030 16:00:00 GMT\",\"until\":\"Thu, 05 Sep 2030 16:00:00 GMT\"},"
    "\"responder\":\"http://ocsp.test:80/x\",\"refresh-at\":\"Thu, 29 Aug 2030 16:07:35 GMT\"}},"
    "\"P-256\":{\"serial\":\"02\"},\"valid\":{}}}";

/** What all columns show of a row, in brackets with their keys. */
static const char *shown(const json_t *row)
{
    md_cells cells = { apr_array_make(kit_pool, 8, sizeof(md_cell)), FAKE_NOW, kit_pool };
    const char *text = "";

    for (const md_column *column = md_table_staplings.columns; column->title; ++column)
        column->show(row, &cells);
    for (int i = 0; i < cells.each->nelts; ++i) {
        const md_cell *cell = &APR_ARRAY_IDX(cells.each, i, md_cell);

        text = apr_psprintf(kit_pool, "%s%s[%s=%s]", text, cell->text ? cell->text : "",
                            cell->key ? cell->key : "", cell->value ? cell->value : "");
    }
    return text;
}

START_TEST(every_staple_of_an_entry_is_a_row)
{
    json_t *doc, *rows = md_own_json(kit_pool, json_array());

    CHECK_OK(md_json_read(md_bytes_of(entry), kit_pool, &doc));
    md_staple_rows(doc, rows);
    ck_assert_uint_eq(json_array_size(rows), 1);
    ck_assert_str_eq(
        shown(json_array_get(rows, 0)),
        "example.org[Domain=example.org]ab[CertificateID=ab]good[OCSPStatus=good]until [=]"
        "2030-09-05[StaplingValidUntil=2030-09-05]ocsp.test[ResponderName=ocsp.test]"
        "[ResponderURL=http://ocsp.test:80/x]Refresh [=]in ~1 minute[=] [=][ActivityRefresh=60]");
}
END_TEST

Suite *suite_status_columns(void)
{
    Suite *suite = suite_create("status/columns");
    TCase *tests = kit_case(suite, "staples");

    tcase_add_test(tests, every_staple_of_an_entry_is_a_row);
    return suite;
}

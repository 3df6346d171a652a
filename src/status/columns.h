/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of server-status: what is shown of an entry, and in which form. A column turns JSON into cells;
 * printers only print them, as HTML or as lines of text.
 */
#ifndef MD_STATUS_COLUMNS_H
#define MD_STATUS_COLUMNS_H

#include "base/json.h"

/** A piece of what a column shows. */
typedef struct md_cell {
    const char *text;        /* for people; NULL: for programs only */
    const char *link;        /* where `text` leads, or NULL */
    const char *tip;         /* more about it, or NULL */
    const char *key, *value; /* for programs: end of the key, and the value; NULL: for people only */
} md_cell;

/** Collects the cells of one row and column. */
typedef struct md_cells {
    apr_array_header_t *each; /* of md_cell */
    apr_time_t now;
    apr_pool_t *p;
} md_cells;

typedef struct md_column {
    const char *title;
    int wide; /* may have much text, which is kept narrow */
    void (*show)(const json_t *row, md_cells *out);
} md_column;

typedef struct md_table {
    const char *title;        /* of the section */
    const char *css;          /* its class */
    const char *key;          /* "ManagedDomain": begins the keys of rows */
    const md_column *columns; /* ends with title NULL */
} md_table;

/** Rows are entries of managed-domains. */
extern const md_table md_table_certificates;
/** Rows are what md_staple_rows makes of them. */
extern const md_table md_table_staplings;

/** Appends an entry's staples: "ocsp" of its certificates, with the domain's name as "domain". */
void md_staple_rows(const json_t *entry, json_t *rows);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a visitor wants to see of the list: search, filter, order and page, as members of the query string,
 * and the links that change one of them. Used by the page*.c files alone.
 */
#ifndef MD_STATUS_PAGE_ASK_H
#define MD_STATUS_PAGE_ASK_H

#include "status/page.h"
#include "status/view.h"

#define MD_ROWS_A_PAGE 100

typedef enum md_order { MD_ORDER_URGENCY, MD_ORDER_NAME, MD_ORDER_END, MD_ORDER_NEXT } md_order;

typedef struct md_list_ask {
    const char *base;
    const char *search;  /* "" */
    const char *problem; /* a type, or "" */
    int group;           /* md_view_group, or MD_VIEW_GROUPS for all */
    md_order order;
    int descending;
    int page; /* from 1; 0: all rows */
} md_list_ask;

md_list_ask md_list_ask_read(const md_page_ask *ask, apr_pool_t *p);
/** The link to this view of the list. */
const char *md_list_url(const md_list_ask *ask, apr_pool_t *p);
/** "urgency", "name", ...: in URLs. */
const char *md_order_word(md_order order);

/** Those of the views (array of md_view) that are wanted, in the order that is wanted. */
apr_array_header_t *md_list_choose(const apr_array_header_t *views, const md_list_ask *ask, apr_pool_t *p);

#endif

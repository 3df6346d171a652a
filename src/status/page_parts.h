/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pages are made of. Used by the page*.c files alone.
 */
#ifndef MD_STATUS_PAGE_PARTS_H
#define MD_STATUS_PAGE_PARTS_H

#include "status/html.h"
#include "status/page.h"
#include "status/view.h"

/** Files of ours that are built in (page_assets.c, made by CMake). */
extern const md_bytes md_page_style, md_page_script;

/** The list as it is at first. */
const char *md_home_url(const md_page_ask *ask);
/** Everything before the content; `group` colours the icon of the page. */
void md_part_head(md_html *html, const md_page_ask *ask, const char *title, md_view_group group);
/** Everything after it. */
md_bytes md_part_foot(md_html *html, const md_page_ask *ask);
/** An icon of a group. */
void md_part_icon(md_html *html, md_view_group group);
/** Icon and label. */
void md_part_chip(md_html *html, md_view_group group, const char *label);
/** "in 3 days", "5 minutes ago"; the exact time as a tooltip. */
void md_part_when(md_html *html, apr_time_t at, apr_time_t now);
/** "2026-11-24", with the time of day when `exact`; nothing for 0. */
void md_part_date(md_html *html, apr_time_t at, int exact);
/** How much of a period has passed, and where the renewal is. A picture of what is said beside it. */
void md_part_bar(md_html *html, md_period valid, apr_time_t renew_at, apr_time_t now, md_view_group group);
/** The bar, how long it is still valid, and until when. */
void md_part_valid(md_html *html, const md_view *view, apr_time_t now);
/** Which step of a renewal is at work, as a picture and in words. */
void md_part_progress(md_html *html, const md_view *view);
/** Certificate authorities and accounts, staples and the engine; `views` are all of `doc`. */
void md_part_system(md_html *html, const json_t *doc, const apr_array_header_t *views,
                    const md_page_ask *ask);
/** "3 days", "12 minutes": the largest unit that fits twice. */
const char *md_time_words(apr_interval_time_t t, apr_pool_t *p);
/** "1,000" */
const char *md_count_text(int count, apr_pool_t *p);
/** "1 domain", "1,000 domains". */
const char *md_count_words(int count, const char *one, const char *many, apr_pool_t *p);
/** A problem's type without the prefix that all of ACME have. */
const char *md_problem_word(const char *type);

#endif

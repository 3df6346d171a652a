/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes HTML. Markup is what the code says literally; every value goes through the one function that
 * escapes, so nothing that a CA, a file of the store or a visitor's query says can become markup.
 */
#ifndef MD_STATUS_HTML_H
#define MD_STATUS_HTML_H

#include "base/text.h"

typedef struct md_html md_html;

md_html *md_html_make(apr_pool_t *p);
/** The pool that values made for the page may live in. */
apr_pool_t *md_html_pool(const md_html *html);
/** Markup with values: `%s` is a text, which is escaped (NULL: nothing), `%d` a number. `markup` is a
 * literal. */
void md_html_put(md_html *html, const char *markup, ...) MD_PRINTF(2, 3);
/** A whole file of ours, as it is. */
void md_html_own(md_html *html, md_bytes file);
/** All that was written. */
md_bytes md_html_bytes(const md_html *html);

/** A text as one segment or value of a URL: all but unreserved characters are percent-encoded. */
const char *md_url_encode(const char *text, apr_pool_t *p);
/** The value of a member of a query string, decoded; NULL: there is none. */
const char *md_url_member(const char *query, const char *name, apr_pool_t *p);

#endif

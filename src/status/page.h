/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status document as a page for people: everything is in the HTML; style and script are in it too and
 * only make it better. Nothing is asked from elsewhere.
 */
#ifndef MD_STATUS_PAGE_H
#define MD_STATUS_PAGE_H

#include "base/json.h"

/** What is asked for. */
typedef struct md_page_ask {
    const char *base;  /* path of the handler, without a slash at its end */
    const char *query; /* what the visitor asks for: search, filter, order, page; or NULL */
    const char *host;  /* whose domains these are, for the title */
    apr_time_t now;
} md_page_ask;

/** All domains of a document of the status. `unknown`: a name that was asked for and is not there, or
 * NULL. */
md_bytes md_page_list(const json_t *doc, const md_page_ask *ask, const char *unknown, apr_pool_t *p);
/** One domain, with its log: an entry of md_status_one. */
md_bytes md_page_domain(const json_t *entry, const md_page_ask *ask, apr_pool_t *p);
/** Does a client that sends this Accept header (NULL: none) rather want a page than JSON? */
int md_page_is_wanted(const char *accept);
/** Content-Security-Policy of these pages: our style and script by their hashes, and nothing else. */
const char *md_page_policy(apr_pool_t *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status document for browsers: the same handler, the same document, as a page.
 */
#ifndef MD_HTTPD_BROWSE_H
#define MD_HTTPD_BROWSE_H

#include <httpd.h>
#include "base/json.h"

/** Does the client rather want a page than JSON? Tells caches that the answer depends on that. */
int md_browse_is_wanted(request_rec *r);
/** Answers with the page of all domains. `tag` is another one when `document` (JSON) is: the script of the
 * page asks again and again, and mostly gets 304 for it. */
int md_browse_all(request_rec *r, md_bytes document, const char *tag);
/** Answers with the page of one domain: its entry with log. */
int md_browse_one(request_rec *r, const json_t *entry);

#endif

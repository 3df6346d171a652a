/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows.
 */
#ifndef MD_STATUS_LINES_H
#define MD_STATUS_LINES_H

#include "base/text.h"

typedef struct md_lines md_lines;

md_lines *md_lines_make(apr_pool_t *p);
void md_lines_add(md_lines *lines, const char *text, apr_size_t size);
void md_lines_put(md_lines *lines, const char *text);
void md_lines_number(md_lines *lines, apr_int64_t number);
/** All that was put. */
md_bytes md_lines_bytes(const md_lines *lines);

/** A text with blanks for control characters. */
const char *md_one_line(const char *text, apr_pool_t *p);

#endif

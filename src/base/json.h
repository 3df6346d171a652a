/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed reads over jansson. Documents belong to a pool (decref on clear). Keys may be paths with dots
 * ("ca.url" is member url of member ca). Reads of outside documents never fail for shape: a value of
 * the wrong type is the same as absent.
 */
#ifndef MD_BASE_JSON_H
#define MD_BASE_JSON_H

#include "base/when.h"

/** Registers one reference of `doc` on the pool and returns `doc`. NULL stays NULL. */
json_t *md_own_json(apr_pool_t *p, json_t *doc);
/** A new object owned by the pool. */
json_t *md_json_object(apr_pool_t *p);
/** Parses text of at most 1 MiB and nesting that jansson bounds; the failure names line and column. */
MD_MUST md_err *md_json_read(md_bytes text, apr_pool_t *p, json_t **out);
/** Two-space indent, members in order of insertion, no trailing newline (the store's form). */
const char *md_json_text_of(const json_t *doc, apr_pool_t *p);
/** One line, for logs and the wire. */
const char *md_json_line(const json_t *doc, apr_pool_t *p);

/* Reads: absent or wrong type gives NULL / the default. Strings are borrowed from the document. */
const json_t *md_json_at(const json_t *doc, const char *path);
const char *md_json_text(const json_t *doc, const char *path);
/** The same, copied into the pool. */
const char *md_json_copy(const json_t *doc, const char *path, apr_pool_t *p);
json_int_t md_json_int(const json_t *doc, const char *path, json_int_t otherwise);
int md_json_flag(const json_t *doc, const char *path, int otherwise);
apr_time_t md_json_date(const json_t *doc, const char *path);                /* 0 if absent */
md_names *md_json_names(const json_t *doc, const char *path, apr_pool_t *p); /* copies; NULL if no array */

/* Writes: create missing objects on the path; a NULL text, NULL list or 0 date removes the member. */
void md_json_set(json_t *doc, const char *path, json_t *value); /* steals `value` */
void md_json_set_text(json_t *doc, const char *path, const char *value);
void md_json_set_int(json_t *doc, const char *path, json_int_t value);
void md_json_set_flag(json_t *doc, const char *path, int value);
void md_json_set_date(json_t *doc, const char *path, apr_time_t value);
void md_json_set_names(json_t *doc, const char *path, const md_names *names);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as this project needs it: words, DNS names and wildcards, base64url, hex, durations and slices.
 * Nothing here knows about domains or certificates.
 */
#ifndef MD_BASE_TEXT_H
#define MD_BASE_TEXT_H

#include <apr_tables.h>
#include "base/err.h"

/** Bytes that are not text. `data` NULL means absent. Always followed by a NUL that `size` does not count. */
typedef struct md_bytes {
    const char *data;
    apr_size_t size;
} md_bytes;

/** A list of strings: an APR array of `const char *`. */
typedef apr_array_header_t md_names;
#define MD_NAME(names, i) APR_ARRAY_IDX((names), (i), const char *)

md_names *md_names_make(apr_pool_t *p);
void md_names_add(md_names *names, const char *name);
/** Adds unless an equal name (ASCII case-insensitive) is there. True if added. Linear: for short lists. */
int md_names_add_new(md_names *names, const char *name);
int md_names_has(const md_names *names, const char *name);
int md_names_equal(const md_names *a, const md_names *b);      /* same set, case-insensitive, any order */
md_names *md_names_copy(const md_names *names, apr_pool_t *p); /* deep */
const char *md_names_join(const md_names *names, const char *between, apr_pool_t *p);
/** Splits at blanks and tabs, empty words dropped. */
md_names *md_words(const char *text, apr_pool_t *p);

/** Same text, or both absent (NULL). */
int md_text_equal(const char *a, const char *b);
/** Lowercase copy (ASCII). */
const char *md_lower(const char *text, apr_pool_t *p);
int md_is_wildcard(const char *name); /* begins with "*." and more follows */
/** Is it an IP address, IPv6 with or without brackets? */
int md_is_address(const char *name);
/** The one way to write a name: lowercase (ASCII), addresses without brackets and as RFC 5952 has them. */
const char *md_name_text(const char *name, apr_pool_t *p);
/** The name below in-addr.arpa or ip6.arpa of an address; NULL for what is none. */
const char *md_reverse_name(const char *address, apr_pool_t *p);
/** Is `name` equal to `pattern`, or matched by it as a wildcard in exactly one label? Case-insensitive. */
int md_name_matches(const char *pattern, const char *name);
/** Can `name` be ordered: an IP address, or LDH labels (underscore is not allowed), <= 253 octets, a wildcard
 * only as first label? NULL if fine, else the reason as a clause ("a label is longer than 63 characters"). */
const char *md_name_reason(const char *name);

/** base64url without padding, RFC 7515 section 2. */
const char *md_b64url(md_bytes bytes, apr_pool_t *p);
/** Strict decoding; padding and other characters are refused. */
MD_MUST md_err *md_b64url_read(const char *text, apr_pool_t *p, md_bytes *out);
const char *md_hex(md_bytes bytes, apr_pool_t *p); /* lowercase */

md_bytes md_bytes_of(const char *text); /* borrowed */
int md_bytes_equal(md_bytes a, md_bytes b);

/** An excerpt of outside bytes for a message: at most `max` characters, one line, non-printables as '.'. */
const char *md_excerpt(md_bytes bytes, apr_size_t max, apr_pool_t *p);

/** Durations as in directives: integer plus d, h, mi, s, ms; `unit` applies when none is written (e.g. "d").
 *  NULL if fine, else a clause that says what is expected. Bounded to +-1000 years. */
const char *md_duration_read(const char *text, const char *unit, apr_interval_time_t *out);
/** The largest exact unit: "14d", "0d", "90s". */
const char *md_duration_text(apr_interval_time_t t, apr_pool_t *p);
/** For people: "3 days", "2 hours 5 minutes", "45 seconds"; two units at most. */
const char *md_duration_words(apr_interval_time_t t, apr_pool_t *p);

/** A share of a lifetime ("33%") or an absolute length ("14d"). */
typedef struct md_slice {
    int percent; /* used when length is 0 and percent > 0 */
    apr_interval_time_t length;
} md_slice;
/** Reads "N%" (0 <= N < 100; N >= 100 only if `any_percent`) or a duration with default unit days. */
const char *md_slice_read(const char *text, int any_percent, md_slice *out);
const char *md_slice_text(md_slice slice, apr_pool_t *p);
apr_interval_time_t md_slice_of(md_slice slice, apr_interval_time_t lifetime);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* DNS names: one that is accepted is short, matches itself, and is no path. */
#include <string.h>

#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    const char *name = input.data;

    md_names_join(md_words(name, p), ",", p);
    FUZZ_MUST(strlen(md_excerpt(input, 40, p)) <= 48);
    if (md_name_reason(name))
        return;
    FUZZ_MUST(strlen(name) <= 253 && !strpbrk(name, "/\\ \t\r\n") && *name != '.');
    FUZZ_MUST(md_is_wildcard(name) || md_name_matches(md_lower(name, p), name));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of HTTP and RFC 3339: what was read is written and read to the same second. */
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    apr_time_t t = md_date_read(input.data);

    if (t > 0)
        FUZZ_MUST(apr_time_sec(md_date_read(md_date_text(t, p))) == apr_time_sec(t));
}

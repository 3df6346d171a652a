/* SPDX-License-Identifier: Apache-2.0 */
/* Slices of a lifetime: within bounds, and the same when written and read again. */
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_slice once = { 0, 0 }, again = { 0, 0 };
    apr_interval_time_t life = apr_time_from_sec(90 * 86400);

    if (md_slice_read(input.data, 0, &once))
        return;
    FUZZ_MUST(once.percent >= 0 && once.percent < 100);
    FUZZ_MUST(!md_slice_read(md_slice_text(once, p), 0, &again));
    FUZZ_MUST(md_slice_of(once, life) == md_slice_of(again, life));
}

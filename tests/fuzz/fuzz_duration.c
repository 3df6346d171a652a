/* SPDX-License-Identifier: Apache-2.0 */
/* Durations of directives: what was read is written and read to the same value. */
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    apr_interval_time_t once = 0, again = 0;

    if (md_duration_read(input.data, "d", &once))
        return;
    FUZZ_MUST(!md_duration_read(md_duration_text(once, p), "d", &again));
    /* The written form is in whole milliseconds, as directives are. */
    FUZZ_MUST(apr_time_as_msec(once) == apr_time_as_msec(again));
    FUZZ_MUST(*md_duration_words(once, p) != '\0');
}

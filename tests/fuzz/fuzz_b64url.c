/* SPDX-License-Identifier: Apache-2.0 */
/* base64url: decoding is strict, so what was decoded encodes to the same text. */
#include <string.h>

#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_bytes out;
    const md_err *err = md_b64url_read(input.data, p, &out);

    fuzz_failure(err, p);
    FUZZ_MUST(err || !strcmp(md_b64url(out, p), input.data));
    FUZZ_MUST(!md_b64url_read(md_b64url(input, p), p, &out) && md_bytes_equal(out, input));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of any origin: what was read can be written, and reads the same again. */
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    const json_t *doc = fuzz_json(input, p);

    if (doc)
        FUZZ_MUST(json_equal(doc, fuzz_json(md_bytes_of(md_json_text_of(doc, p)), p)));
}

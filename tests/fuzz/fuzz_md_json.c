/* SPDX-License-Identifier: Apache-2.0 */
/* md.json of a store, of any version: what was read is written and read the same. */
#include "fuzz.h"
#include "plan/domain.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    const md_domain *domain = md_domain_from_json(fuzz_json(input, p), p);

    if (domain) {
        json_t *once = md_domain_to_json(domain, 0, p);

        FUZZ_MUST(json_equal(once, md_domain_to_json(md_domain_from_json(once, p), 0, p)));
    }
}

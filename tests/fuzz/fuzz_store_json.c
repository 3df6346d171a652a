/* SPDX-License-Identifier: Apache-2.0 */
/* md_store.json: a version and a secret, or a failure. */
#include "fuzz.h"
#include "store/migrate.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_store_facts facts = { 0 };
    const md_err *err = md_store_facts_read(input, p, &facts);

    fuzz_failure(err, p);
    FUZZ_MUST(err || facts.secret.size > 0);
}

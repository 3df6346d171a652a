/* SPDX-License-Identifier: Apache-2.0 */
/* account.json of a store, ours or the module's that httpd ships. */
#include "acme/account.h"
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    const md_account *account = md_account_from_json(fuzz_json(input, p), p);

    if (account)
        FUZZ_MUST(account->url != NULL);
}

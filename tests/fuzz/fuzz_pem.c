/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate chain: facts can be told of what was read, and it is written and read again as long. */
#include "fuzz.h"
#include "tls/cert.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_chain *chain = NULL, *again = NULL;
    md_cert_facts facts;
    md_bytes pem;

    fuzz_failure(md_chain_from_pem(input, p, &chain), p);
    if (!chain)
        return;
    FUZZ_MUST(md_chain_length(chain) >= 1 && md_chain_length(chain) <= 16);
    fuzz_failure(md_chain_facts(chain, p, &facts), p);
    fuzz_failure(md_chain_check_links(chain, p), p);
    FUZZ_MUST(!md_chain_to_pem(chain, p, &pem));
    FUZZ_MUST(!md_chain_from_pem(pem, p, &again) && md_chain_length(again) == md_chain_length(chain));
}

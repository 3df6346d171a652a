/* SPDX-License-Identifier: Apache-2.0 */
/* A private key in PEM, plain or encrypted. */
#include "fuzz.h"
#include "tls/key.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_key *key = NULL;
    const md_err *err = md_key_from_pem(input, md_bytes_of("secret"), p, &key);

    fuzz_failure(err, p);
    FUZZ_MUST(err || key);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The directory document of a CA (RFC 8555 7.1.1): learned in whole or refused. */
#include "acme/ca.h"
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_cas *cas = md_cas_open();
    md_ca *ca = md_cas_gate(cas, "https://ca.example/directory", NULL);
    const md_err *err = md_ca_learn(ca, fuzz_json(input, p), apr_time_from_sec(1000), p);
    const md_directory *directory = md_ca_directory(ca, apr_time_from_sec(1000));

    fuzz_failure(err, p);
    FUZZ_MUST(err || (directory && directory->new_nonce && directory->new_account && directory->new_order));
    md_cas_close(cas);
}

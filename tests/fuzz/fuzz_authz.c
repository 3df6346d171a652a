/* SPDX-License-Identifier: Apache-2.0 */
/* An authorization from a CA (RFC 8555 7.1.4): bounded, and complete where it was accepted. */
#include "acme/authz.h"
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_authz *authz = NULL;
    const md_err *err = md_authz_from_json(fuzz_json(input, p), "https://ca.example/authz/1", p, &authz);

    fuzz_failure(err, p);
    if (!err)
        FUZZ_MUST(authz->name && authz->url && authz->challenges->nelts <= 64);
}

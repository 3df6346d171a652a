/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptography of the fake CA: its root and intermediate, certificates from signing requests, and
 * checking signatures from the other side. ES256 only: that is what new accounts use.
 */
#ifndef MD_TESTS_FAKE_PKI_H
#define MD_TESTS_FAKE_PKI_H

#include "base/json.h"

typedef struct fake_pki fake_pki;

fake_pki *fake_pki_open(apr_time_t now, apr_pool_t *p);
/** Leaf and intermediate as PEM for a request; `how` is a fake_cert. */
const char *fake_pki_issue(fake_pki *pki, md_bytes csr, int how, apr_time_t now, apr_pool_t *p);
/** Is the request signed, and does it have exactly these names? NULL or a reason. */
const char *fake_pki_csr_reason(md_bytes csr, const md_names *names);
/** Does the flattened JWS carry a signature by the key in `jwk`? */
int fake_pki_verify(const json_t *jwk, const char *alg, const json_t *jws, apr_pool_t *p);
/** RFC 7638. */
const char *fake_pki_thumbprint(const json_t *jwk, apr_pool_t *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate signing requests (RFC 2986) for a list of names.
 */
#ifndef MD_TLS_CSR_H
#define MD_TLS_CSR_H

#include "tls/key.h"

/** DER request. The subject is the first name if that is a DNS name and fits a CN (< 64 octets), else empty;
 * SANs are all names in order, IP addresses as such; TLS feature status_request when `must_staple`. SHA-256
 * (none for Ed25519). */
MD_MUST md_err *md_csr_make(const md_key *key, const md_names *names, int must_staple, apr_pool_t *p,
                            md_bytes *der);

#endif

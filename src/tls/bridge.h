/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership bridge between OpenSSL objects and pools: natives are registered at birth, so an early return
 * never leaks. Keep one beyond the pool by taking a reference.
 */
#ifndef MD_TLS_BRIDGE_H
#define MD_TLS_BRIDGE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include "base/text.h"

typedef EVP_PKEY md_key;         /* a private key */
typedef STACK_OF(X509) md_chain; /* leaf first, then its issuers */

/* Each takes over one reference and returns its argument; NULL stays NULL. */
EVP_PKEY *md_own_key(apr_pool_t *p, EVP_PKEY *key);
X509 *md_own_x509(apr_pool_t *p, X509 *x509);
md_chain *md_own_chain(apr_pool_t *p, md_chain *chain); /* frees the certificates too */
BIO *md_own_bio(apr_pool_t *p, BIO *bio);

/** One more reference for an owner that is no pool, and its end. */
md_key *md_key_keep(md_key *key);
void md_key_drop(md_key *key);

/** 0: there is none, or none that makes sense. */
apr_time_t md_asn1_time(const ASN1_TIME *asn1);

/** Registers memory with a secret: it is cleansed when the pool is cleared. Returns `secret.data`. */
void md_cleanse_with(apr_pool_t *p, md_bytes secret);

/** A failure of the TLS library: appends the text of its newest error, and forgets it. MD_FAULT_LOCAL. */
MD_MUST md_err *md_fail_tls(apr_pool_t *p, const char *type, const char *fmt, ...) MD_PRINTF(3, 4);

#endif

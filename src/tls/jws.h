/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Signatures as ACME uses them (RFC 7515 flattened, RFC 8555 6.2): JWK, thumbprint, signed
 * bodies, external account binding. ES256 for P-256 keys, ES384 for P-384, RS256 for RSA.
 */
#ifndef MD_TLS_JWS_H
#define MD_TLS_JWS_H

#include "base/json.h"
#include "tls/key.h"

/** Public JWK, members in the order of RFC 7638; owned by the pool. */
MD_MUST md_err *md_jwk(const md_key *key, apr_pool_t *p, json_t **out);
/** RFC 7638 thumbprint, base64url. */
MD_MUST md_err *md_jwk_thumbprint(const md_key *key, apr_pool_t *p, const char **out);

/** What goes into the protected header besides "alg". Exactly one of kid and (implied) jwk. */
typedef struct md_jws_header {
    const char *url;
    const char *nonce; /* NULL: left out (inner JWS of key change, EAB) */
    const char *kid;   /* NULL: the key's JWK is put in */
} md_jws_header;

/** Flattened JWS over `payload` (empty for POST-as-GET), as one line of JSON text. */
MD_MUST md_err *md_jws_sign(const md_key *key, const md_jws_header *header, md_bytes payload, apr_pool_t *p,
                            const char **out);
/** Is it base64url text? "apache:eab-hmac-invalid" otherwise. */
MD_MUST md_err *md_jws_check_hmac(const char *hmac, apr_pool_t *p);
/** RFC 8555 7.3.4: HS256 JWS over the account's JWK, keyed with `hmac` (base64url text). */
MD_MUST md_err *md_jws_eab(const md_key *account_key, const char *kid, const char *hmac, const char *url,
                           apr_pool_t *p, json_t **out);

/** SHA-256 of bytes as base64url (dns-01 value, RFC 8555 8.4). */
const char *md_sha256_b64url(md_bytes bytes, apr_pool_t *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys: what kind the operator asks for (spec), generating, PEM in and out, plain or encrypted.
 */
#ifndef MD_TLS_KEY_H
#define MD_TLS_KEY_H

#include "tls/bridge.h"

/** One word of MDPrivateKeys. */
typedef struct md_key_spec {
    enum { MD_KEY_DEFAULT, MD_KEY_RSA, MD_KEY_EC, MD_KEY_ED25519 } type;
    int bits;          /* RSA: 2048 and up; 0 for others */
    const char *curve; /* EC and Ed25519: the name as the operator wrote it; NULL otherwise */
} md_key_spec;

/** A list of md_key_spec. */
typedef apr_array_header_t md_key_specs;
#define MD_SPEC(specs, i) (&APR_ARRAY_IDX((specs), (i), md_key_spec))

/** The list that holds only the default (RSA 2048). */
md_key_specs *md_key_specs_default(apr_pool_t *p);
/** Reads the words of MDPrivateKeys ("RSA 3072 secp384r1", "rsa4096", "Default"). NULL if fine, else the
 * reason with the fragments of the interface ("2048 or higher", "two keys of type 'RSA' are not possible",
 * ...). */
const char *md_key_specs_read(const md_names *words, apr_pool_t *p, md_key_specs **out);
/** md.json's "privkey": NULL for default, an object for one, an array for several. New reference. */
json_t *md_key_specs_to_json(const md_key_specs *specs);
md_key_specs *md_key_specs_from_json(const json_t *privkey, apr_pool_t *p); /* unreadable: default */
int md_key_specs_equal(const md_key_specs *a, const md_key_specs *b);

/** Name in status documents: "rsa" or the curve as written. */
const char *md_key_spec_name(const md_key_spec *spec);
/** File name in the store: "privkey.pem", "pubcert.p-256.pem", "fallback-privkey.pem"; `stem` has no ".pem".
 */
const char *md_key_spec_file(const md_key_spec *spec, const char *stem, apr_pool_t *p);

/** For people: "RSA 3072", or the curve as written. */
const char *md_key_spec_shown(const md_key_spec *spec, apr_pool_t *p);

/** What the CAs of the public web sign: nothing else is sure to be taken. */
#define MD_KEYS_COMMON "RSA with 2048, 3072 or 4096 bits, P-256 and P-384"
int md_key_spec_is_common(const md_key_spec *spec);

/** Can the TLS library make such a key? MD_FAULT_CONFIG names the type, and what is possible. */
MD_MUST md_err *md_key_spec_check(const md_key_spec *spec, apr_pool_t *p);
/** The same for all of them. */
MD_MUST md_err *md_key_specs_check(const md_key_specs *specs, apr_pool_t *p);
/** Generates a key; checks its spec first. Owned by `p`. */
MD_MUST md_err *md_key_make(const md_key_spec *spec, apr_pool_t *p, md_key **out);
/** Does the key have the type (and curve) of the spec? RSA bits are not compared. */
int md_key_fits(const md_key *key, const md_key_spec *spec);
/** OpenSSL's number of the named curve of an EC key, NID_undef for others. */
int md_key_curve(const md_key *key);
/** "RSA 2048", "P-256" ... for messages. */
const char *md_key_describe(const md_key *key, apr_pool_t *p);

/** PKCS#8 PEM. With secret.data set: PBES2, AES-256-CBC, passphrase = the raw bytes. The result is cleansed
 *  with the pool. */
MD_MUST md_err *md_key_to_pem(const md_key *key, md_bytes secret, apr_pool_t *p, md_bytes *pem);
/** Reads PKCS#8 or traditional PEM, plain or encrypted; never prompts. What is no usable key is
 * "md:bad-file". Owned by `p`. */
MD_MUST md_err *md_key_from_pem(md_bytes pem, md_bytes secret, apr_pool_t *p, md_key **out);

#endif

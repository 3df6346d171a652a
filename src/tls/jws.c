/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWK, thumbprint and signatures. ECDSA signatures travel as r || s of fixed width (RFC 7518 3.4), not as
 * DER.
 */
#include "tls/jws.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#include <openssl/core_names.h>
#endif

enum { NUMBER_MAX = 2048 };

/** How a type of key signs. */
typedef struct algorithm {
    const char *name, *curve;
    int width; /* octets of a coordinate; 0: RSA */
    const EVP_MD *(*digest)(void);
} algorithm;

static const algorithm rs256 = { "RS256", NULL, 0, EVP_sha256 };
static const algorithm es256 = { "ES256", "P-256", 32, EVP_sha256 };
static const algorithm es384 = { "ES384", "P-384", 48, EVP_sha384 };

static const algorithm *algorithm_of(const md_key *key)
{
    if (EVP_PKEY_base_id(key) == EVP_PKEY_RSA)
        return &rs256;
    switch (md_key_curve(key)) {
    case NID_X9_62_prime256v1: return &es256;
    case NID_secp384r1: return &es384;
    default: return NULL;
    }
}

/** A number of the public key as base64url, left-padded to `width`. */
static const char *number_text(const BIGNUM *number, int width, apr_pool_t *p)
{
    unsigned char bytes[NUMBER_MAX];
    int size = number ? BN_num_bytes(number) : 0;

    if (width < size)
        width = size;
    if (!size || width > NUMBER_MAX || BN_bn2binpad(number, bytes, width) < 0)
        return NULL;
    return md_b64url((md_bytes){ (const char *)bytes, (apr_size_t)width }, p);
}

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
static const char *public_number(const md_key *key, const char *name, int width, apr_pool_t *p)
{
    BIGNUM *number = NULL;
    const char *text = EVP_PKEY_get_bn_param(key, name, &number) ? number_text(number, width, p) : NULL;

    BN_free(number);
    return text;
}

static void read_public(const md_key *key, const algorithm *how, apr_pool_t *p, const char *text[2])
{
    text[0] =
        public_number(key, how->width ? OSSL_PKEY_PARAM_EC_PUB_X : OSSL_PKEY_PARAM_RSA_E, how->width, p);
    text[1] =
        public_number(key, how->width ? OSSL_PKEY_PARAM_EC_PUB_Y : OSSL_PKEY_PARAM_RSA_N, how->width, p);
}
#else
static void read_public(const md_key *key, const algorithm *how, apr_pool_t *p, const char *text[2])
{
    BIGNUM *x = BN_new(), *y = BN_new();
    const BIGNUM *n = NULL, *e = NULL;

    if (how->width) {
        const EC_KEY *ec = EVP_PKEY_get0_EC_KEY((EVP_PKEY *)key);

        EC_POINT_get_affine_coordinates(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec), x, y, NULL);
        text[0] = number_text(x, how->width, p);
        text[1] = number_text(y, how->width, p);
    } else {
        RSA_get0_key(EVP_PKEY_get0_RSA((EVP_PKEY *)key), &n, &e, NULL);
        text[0] = number_text(e, 0, p);
        text[1] = number_text(n, 0, p);
    }
    BN_free(x);
    BN_free(y);
}
#endif

static md_err *unfit(apr_pool_t *p)
{
    return md_fail(p, MD_FAULT_CONFIG, "md:key",
                   "the account key is of a type that cannot be used with ACME");
}

md_err *md_jwk(const md_key *key, apr_pool_t *p, json_t **out)
{
    const algorithm *how = algorithm_of(key);
    const char *text[2] = { NULL, NULL };
    json_t *jwk = md_json_object(p);

    if (!how)
        return unfit(p);
    read_public(key, how, p, text);
    if (!text[0] || !text[1])
        return md_fail_tls(p, "md:key", "cannot read the numbers of the account key");
    if (how->curve)
        md_json_set_text(jwk, "crv", how->curve);
    else
        md_json_set_text(jwk, "e", text[0]);
    md_json_set_text(jwk, "kty", how->curve ? "EC" : "RSA");
    if (how->curve)
        md_json_set_text(jwk, "x", text[0]);
    md_json_set_text(jwk, how->curve ? "y" : "n", text[1]);
    *out = jwk;
    return NULL;
}

const char *md_sha256_b64url(md_bytes bytes, apr_pool_t *p)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)bytes.data, bytes.size, digest);
    return md_b64url((md_bytes){ (const char *)digest, sizeof(digest) }, p);
}

md_err *md_jwk_thumbprint(const md_key *key, apr_pool_t *p, const char **out)
{
    json_t *jwk = NULL;

    MD_TRY(md_jwk(key, p, &jwk));
    *out = md_sha256_b64url(md_bytes_of(md_json_line(jwk, p)), p);
    return NULL;
}

/** DER signature to r || s. */
static md_err *raw_signature(const unsigned char *der, size_t size, int width, apr_pool_t *p, md_bytes *out)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);
    unsigned char *raw = apr_pcalloc(p, (apr_size_t)width * 2);
    int ok = signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, width) > 0 &&
             BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + width, width) > 0;

    ECDSA_SIG_free(signature);
    *out = (md_bytes){ (const char *)raw, (apr_size_t)width * 2 };
    return ok ? NULL : md_fail_tls(p, "md:key", "cannot sign");
}

static md_err *sign(const md_key *key, const algorithm *how, const char *text, apr_pool_t *p, md_bytes *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = (size_t)EVP_PKEY_size((EVP_PKEY *)key);
    unsigned char *signature = apr_palloc(p, size);
    int ok = context && EVP_DigestSignInit(context, NULL, how->digest(), NULL, (EVP_PKEY *)key) > 0 &&
             EVP_DigestSign(context, signature, &size, (const unsigned char *)text, strlen(text)) > 0;

    EVP_MD_CTX_free(context);
    if (!ok)
        return md_fail_tls(p, "md:key", "cannot sign with the account key");
    if (how->width)
        return raw_signature(signature, size, how->width, p, out);
    *out = (md_bytes){ (const char *)signature, size };
    return NULL;
}

static const char *b64url_line(const json_t *doc, apr_pool_t *p)
{
    return md_b64url(md_bytes_of(md_json_line(doc, p)), p);
}

static json_t *flattened(const char *header, const char *payload, const char *signature, apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "protected", header);
    md_json_set_text(doc, "payload", payload);
    md_json_set_text(doc, "signature", signature);
    return doc;
}

md_err *md_jws_sign(const md_key *key, const md_jws_header *header, md_bytes payload, apr_pool_t *p,
                    const char **out)
{
    const algorithm *how = algorithm_of(key);
    json_t *head = md_json_object(p), *jwk = NULL;
    const char *head_text, *payload_text;
    md_bytes signature = { NULL, 0 };

    if (!how)
        return unfit(p);
    md_json_set_text(head, "alg", how->name);
    md_json_set_text(head, "nonce", header->nonce);
    md_json_set_text(head, "url", header->url);
    md_json_set_text(head, "kid", header->kid);
    if (!header->kid) {
        MD_TRY(md_jwk(key, p, &jwk));
        json_object_set(head, "jwk", jwk);
    }
    head_text = b64url_line(head, p);
    payload_text = md_b64url(payload, p);
    MD_TRY(sign(key, how, apr_pstrcat(p, head_text, ".", payload_text, NULL), p, &signature));
    *out = md_json_line(flattened(head_text, payload_text, md_b64url(signature, p), p), p);
    return NULL;
}

static md_err *read_hmac(const char *hmac, apr_pool_t *p, md_bytes *secret)
{
    md_err *err = md_b64url_read(hmac, p, secret);

    if (err || !secret->size)
        return md_fail(p, MD_FAULT_CONFIG, "apache:eab-hmac-invalid",
                       "the HMAC of MDExternalAccountBinding is not base64url text");
    md_cleanse_with(p, *secret);
    return NULL;
}

md_err *md_jws_check_hmac(const char *hmac, apr_pool_t *p)
{
    md_bytes secret = { NULL, 0 };

    return read_hmac(hmac, p, &secret);
}

md_err *md_jws_eab(const md_key *account_key, const char *kid, const char *hmac, const char *url,
                   apr_pool_t *p, json_t **out)
{
    json_t *head = md_json_object(p), *jwk = NULL;
    const char *head_text, *payload_text, *text;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    md_bytes secret = { NULL, 0 };

    MD_TRY(read_hmac(hmac, p, &secret));
    MD_TRY(md_jwk(account_key, p, &jwk));
    md_json_set_text(head, "alg", "HS256");
    md_json_set_text(head, "kid", kid);
    md_json_set_text(head, "url", url);
    head_text = b64url_line(head, p);
    payload_text = b64url_line(jwk, p);
    text = apr_pstrcat(p, head_text, ".", payload_text, NULL);
    if (!HMAC(EVP_sha256(), secret.data, (int)secret.size, (const unsigned char *)text, strlen(text), digest,
              &size))
        return md_fail_tls(p, "apache:eab-hmac-fail", "cannot bind the account to the key id %s", kid);
    *out = flattened(head_text, payload_text, md_b64url((md_bytes){ (const char *)digest, size }, p), p);
    return NULL;
}

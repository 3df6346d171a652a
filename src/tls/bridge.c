/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL objects owned by pools.
 */
#include "tls/bridge.h"

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdarg.h>

static apr_status_t free_key(void *key)
{
    EVP_PKEY_free(key);
    return APR_SUCCESS;
}

static apr_status_t free_x509(void *x509)
{
    X509_free(x509);
    return APR_SUCCESS;
}

static apr_status_t free_chain(void *chain)
{
    sk_X509_pop_free(chain, X509_free);
    return APR_SUCCESS;
}

static apr_status_t free_bio(void *bio)
{
    BIO_free_all(bio);
    return APR_SUCCESS;
}

static void *own(apr_pool_t *p, void *native, apr_status_t (*release)(void *))
{
    if (native)
        apr_pool_cleanup_register(p, native, release, apr_pool_cleanup_null);
    return native;
}

EVP_PKEY *md_own_key(apr_pool_t *p, EVP_PKEY *key)
{
    return own(p, key, free_key);
}

X509 *md_own_x509(apr_pool_t *p, X509 *x509)
{
    return own(p, x509, free_x509);
}

md_chain *md_own_chain(apr_pool_t *p, md_chain *chain)
{
    return own(p, chain, free_chain);
}

BIO *md_own_bio(apr_pool_t *p, BIO *bio)
{
    return own(p, bio, free_bio);
}

md_key *md_key_keep(md_key *key)
{
    EVP_PKEY_up_ref(key);
    return key;
}

void md_key_drop(md_key *key)
{
    EVP_PKEY_free(key);
}

static apr_status_t cleanse(void *secret)
{
    md_bytes *bytes = secret;

    OPENSSL_cleanse((void *)(apr_uintptr_t)bytes->data, bytes->size);
    return APR_SUCCESS;
}

apr_time_t md_asn1_time(const ASN1_TIME *asn1)
{
    struct tm parts;
    time_t t;

    memset(&parts, 0, sizeof(parts));
    if (!asn1 || !ASN1_TIME_to_tm(asn1, &parts))
        return 0;
    t = timegm(&parts);
    return t > 0 ? apr_time_from_sec(t) : 0;
}

void md_cleanse_with(apr_pool_t *p, md_bytes secret)
{
    if (secret.data && secret.size)
        apr_pool_cleanup_register(p, apr_pmemdup(p, &secret, sizeof(secret)), cleanse, apr_pool_cleanup_null);
}

/** The words for an error without its numbers, "PEM routines: no start line". */
static const char *reason_of(unsigned long code, apr_pool_t *p)
{
    const char *library = ERR_lib_error_string(code), *reason = ERR_reason_error_string(code);

    if (!reason)
        return apr_psprintf(p, "TLS library error %lx", code);
    return library ? apr_pstrcat(p, library, ": ", reason, NULL) : reason;
}

md_err *md_fail_tls(apr_pool_t *p, const char *type, const char *fmt, ...)
{
    unsigned long code = ERR_peek_last_error();
    const char *text;
    va_list args;

    va_start(args, fmt);
    text = apr_pvsprintf(p, fmt, args);
    va_end(args);
    ERR_clear_error();
    if (!code)
        return md_fail(p, MD_FAULT_LOCAL, type, "%s", text);
    return md_fail(p, MD_FAULT_LOCAL, type, "%s: %s", text, reason_of(code, p));
}

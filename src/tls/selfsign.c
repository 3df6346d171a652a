/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Self-signed certificates.
 */
#include "tls/selfsign.h"

#include <openssl/bn.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/extensions.h"

enum { SERIAL_BITS = 159 }; /* 160 with the leading zero bit that keeps it positive */
#define CHALLENGE_LIFE apr_time_from_sec(7 * 24 * 3600)

static int set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    int ok = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
             BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));

    BN_free(number);
    return ok;
}

static int set_basics(X509 *cert, const md_key *key, const char *cn, md_period valid)
{
    X509_NAME *name = X509_get_subject_name(cert);

    return X509_set_version(cert, 2) && set_serial(cert) &&
           X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)cn, -1, -1,
                                      0) &&
           X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, (EVP_PKEY *)key) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(valid.from)) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(valid.until));
}

static int add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    int ok = extension && X509_add_ext(cert, extension, -1);

    X509_EXTENSION_free(extension);
    return ok;
}

static int add_names(X509 *cert, const md_names *names, apr_pool_t *p)
{
    GENERAL_NAMES *sans = md_alternative_names(names, p);

    return sans && X509_add1_ext_i2d(cert, NID_subject_alt_name, sans, 0, X509V3_ADD_DEFAULT) > 0;
}

/** Signs `cert` and gives it to the pool as a chain of one; NULL if something is missing. */
static md_chain *finish(X509 *cert, const md_key *key, apr_pool_t *p)
{
    md_chain *chain;

    if (X509_sign(cert, (EVP_PKEY *)key, md_signing_digest(key)) <= 0)
        return NULL;
    chain = md_own_chain(p, sk_X509_new_null());
    X509_up_ref(cert);
    sk_X509_push(chain, cert);
    return chain;
}

md_err *md_selfsign_placeholder(const md_key *key, const md_names *names, md_period valid, apr_pool_t *p,
                                md_chain **out)
{
    X509 *cert = X509_new();

    *out = NULL;
    if (cert && set_basics(cert, key, MD_PLACEHOLDER_CN, valid) && add_names(cert, names, p) &&
        add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, NID_ext_key_usage, "serverAuth"))
        *out = finish(cert, key, p);
    X509_free(cert);
    return *out ? NULL
                : md_fail_tls(p, "md:selfsign", "cannot make a placeholder certificate for %s",
                              MD_NAME(names, 0));
}

/** RFC 8737 section 3: critical acmeIdentifier with the SHA-256 of the key authorization as an OCTET STRING.
 */
static int add_acme_identifier(X509 *cert, const char *key_authorization)
{
    unsigned char value[2 + SHA256_DIGEST_LENGTH] = { V_ASN1_OCTET_STRING, SHA256_DIGEST_LENGTH };
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    int ok;

    SHA256((const unsigned char *)key_authorization, strlen(key_authorization), value + 2);
    ok = oid && data && ASN1_OCTET_STRING_set(data, value, sizeof(value)) &&
         (extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, data)) != NULL &&
         X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(oid);
    return ok;
}

md_err *md_selfsign_acme_tls(const md_key *key, const char *name, const char *key_authorization,
                             apr_time_t now, apr_pool_t *p, md_chain **out)
{
    md_period valid = { now - apr_time_from_sec(3600), now + CHALLENGE_LIFE };
    md_names *names = md_names_make(p);
    X509 *cert = X509_new();

    *out = NULL;
    md_names_add(names, name);
    if (cert && set_basics(cert, key, "tls-alpn-01 challenge", valid) && add_names(cert, names, p) &&
        add_acme_identifier(cert, key_authorization))
        *out = finish(cert, key, p);
    X509_free(cert);
    return *out ? NULL : md_fail_tls(p, "md:selfsign", "cannot make a challenge certificate for %s", name);
}

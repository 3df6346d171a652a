/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written against OpenSSL alone, so that it does not share mistakes with what it tests.
 */
#include "kit/fake_pki.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "kit/fake_ca.h"

enum { DAY_SECONDS = 24 * 3600, POINT = 32 };

struct fake_pki {
    EVP_PKEY *root_key, *issuer_key, *stranger_key;
    X509 *root, *issuer, *stranger;
    int serial;
};

static EVP_PKEY *new_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    EVP_PKEY *key = NULL;

    EVP_PKEY_keygen_init(context);
    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1);
    EVP_PKEY_keygen(context, &key);
    EVP_PKEY_CTX_free(context);
    return key;
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

/** What an issued certificate is made of. */
typedef struct recipe {
    EVP_PKEY *key;
    const char *cn;
    X509 *issuer;
    apr_time_t from, until;
    long serial;
} recipe;

static X509 *blank(const recipe *of)
{
    X509 *cert = X509_new();

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), of->serial);
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(of->from));
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(of->until));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)of->cn,
                               -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(of->issuer ? of->issuer : cert));
    X509_set_pubkey(cert, of->key);
    return cert;
}

static X509 *authority(EVP_PKEY *key, const char *cn, X509 *issuer, EVP_PKEY *signer, apr_time_t now)
{
    static long serial = 1000;
    recipe of = { key,
                  cn,
                  issuer,
                  now - apr_time_from_sec(DAY_SECONDS),
                  now + apr_time_from_sec(3650L * DAY_SECONDS),
                  serial++ };
    X509 *cert = blank(&of);

    add_extension(cert, issuer ? issuer : cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, issuer ? issuer : cert, NID_subject_key_identifier, "hash");
    X509_sign(cert, signer, EVP_sha256());
    return cert;
}

static apr_status_t close_pki(void *data)
{
    fake_pki *pki = data;

    EVP_PKEY_free(pki->root_key);
    EVP_PKEY_free(pki->issuer_key);
    EVP_PKEY_free(pki->stranger_key);
    X509_free(pki->root);
    X509_free(pki->issuer);
    X509_free(pki->stranger);
    return APR_SUCCESS;
}

fake_pki *fake_pki_open(apr_time_t now, apr_pool_t *p)
{
    fake_pki *pki = apr_pcalloc(p, sizeof(*pki));

    pki->root_key = new_key();
    pki->issuer_key = new_key();
    pki->stranger_key = new_key();
    pki->root = authority(pki->root_key, "Fake Root", NULL, pki->root_key, now);
    pki->issuer = authority(pki->issuer_key, "Fake Issuer", pki->root, pki->root_key, now);
    pki->stranger = authority(pki->stranger_key, "Fake Stranger", NULL, pki->stranger_key, now);
    apr_pool_cleanup_register(p, pki, close_pki, apr_pool_cleanup_null);
    return pki;
}

static X509_REQ *read_csr(md_bytes csr)
{
    const unsigned char *at = (const unsigned char *)csr.data;

    return d2i_X509_REQ(NULL, &at, (long)csr.size);
}

static GENERAL_NAMES *sans_of(X509_REQ *request)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *sans = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);

    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return sans;
}

const char *fake_pki_csr_reason(md_bytes csr, const md_names *names)
{
    X509_REQ *request = read_csr(csr);
    EVP_PKEY *key = request ? X509_REQ_get_pubkey(request) : NULL;
    GENERAL_NAMES *sans = request ? sans_of(request) : NULL;
    const char *why = !key || X509_REQ_verify(request, key) != 1 ? "the signature is wrong" : NULL;

    if (!why && sk_GENERAL_NAME_num(sans) != names->nelts)
        why = "the number of names differs";
    for (int i = 0; !why && i < sk_GENERAL_NAME_num(sans); ++i) {
        const GENERAL_NAME *san = sk_GENERAL_NAME_value(sans, i);

        if (san->type != GEN_DNS || !md_names_has(names, (const char *)ASN1_STRING_get0_data(san->d.dNSName)))
            why = "a name was not ordered";
    }
    GENERAL_NAMES_free(sans);
    EVP_PKEY_free(key);
    X509_REQ_free(request);
    return why;
}

/** Names of the request, or what is wrong with them on demand. */
static const char *san_text(X509_REQ *request, int how, apr_pool_t *p)
{
    GENERAL_NAMES *sans = sans_of(request);
    const char *text = how == FAKE_CERT_SURPLUS_NAME ? "DNS:surplus.test" : "";

    for (int i = 0; how != FAKE_CERT_OTHER_NAMES && i < sk_GENERAL_NAME_num(sans); ++i)
        text = apr_pstrcat(
            p, text, *text ? "," : "",
            "DNS:", (const char *)ASN1_STRING_get0_data(sk_GENERAL_NAME_value(sans, i)->d.dNSName), NULL);
    GENERAL_NAMES_free(sans);
    return how == FAKE_CERT_OTHER_NAMES ? "DNS:other.test" : text;
}

static const char *pem_of(X509 *leaf, X509 *issuer, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text;
    char *data;
    long size;

    PEM_write_bio_X509(bio, leaf);
    PEM_write_bio_X509(bio, issuer);
    size = BIO_get_mem_data(bio, &data);
    text = apr_pstrmemdup(p, data, (apr_size_t)size);
    BIO_free(bio);
    return text;
}

const char *fake_pki_issue(fake_pki *pki, md_bytes csr, int how, apr_time_t now, apr_pool_t *p)
{
    X509_REQ *request = read_csr(csr);
    EVP_PKEY *key = how == FAKE_CERT_OTHER_KEY ? new_key() : X509_REQ_get_pubkey(request);
    apr_time_t begin = how == FAKE_CERT_EXPIRED ? now - apr_time_from_sec(100L * DAY_SECONDS) : now;
    recipe of = { key,
                  "leaf",
                  pki->issuer,
                  begin - apr_time_from_sec(3600),
                  begin + apr_time_from_sec(90L * DAY_SECONDS),
                  ++pki->serial };
    X509 *leaf = blank(&of);
    const char *text;

    add_extension(leaf, pki->issuer, NID_subject_alt_name, san_text(request, how, p));
    add_extension(leaf, pki->issuer, NID_authority_key_identifier, "keyid:always");
    X509_sign(leaf, pki->issuer_key, EVP_sha256());
    text = pem_of(leaf, how == FAKE_CERT_BROKEN_CHAIN ? pki->stranger : pki->issuer, p);
    X509_free(leaf);
    EVP_PKEY_free(key);
    X509_REQ_free(request);
    return how == FAKE_CERT_GARBAGE ? "this is no certificate" : text;
}

/** SubjectPublicKeyInfo of an uncompressed P-256 point: what comes before the coordinates is always the same.
 */
static EVP_PKEY *key_of_jwk(const json_t *jwk, apr_pool_t *p)
{
    static const unsigned char head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                          0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                          0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
    unsigned char der[sizeof(head) + 2 * POINT];
    const unsigned char *at = der;
    md_bytes x = { NULL, 0 }, y = { NULL, 0 };
    const char *x_text = md_json_text(jwk, "x"), *y_text = md_json_text(jwk, "y");

    if (!x_text || !y_text || md_b64url_read(x_text, p, &x) || md_b64url_read(y_text, p, &y) ||
        x.size != POINT || y.size != POINT)
        return NULL;
    memcpy(der, head, sizeof(head));
    memcpy(der + sizeof(head), x.data, POINT);
    memcpy(der + sizeof(head) + POINT, y.data, POINT);
    return d2i_PUBKEY(NULL, &at, sizeof(der));
}

static int verify(EVP_PKEY *key, const char *text, md_bytes raw)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *der = NULL;
    int size, good;

    ECDSA_SIG_set0(signature, BN_bin2bn((const unsigned char *)raw.data, POINT, NULL),
                   BN_bin2bn((const unsigned char *)raw.data + POINT, POINT, NULL));
    size = i2d_ECDSA_SIG(signature, &der);
    good = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
           EVP_DigestVerify(context, der, (size_t)size, (const unsigned char *)text, strlen(text)) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    ECDSA_SIG_free(signature);
    return good;
}

int fake_pki_verify(const json_t *jwk, const char *alg, const json_t *jws, apr_pool_t *p)
{
    const char *signature = md_json_text(jws, "signature");
    EVP_PKEY *key = alg && !strcmp(alg, "ES256") ? key_of_jwk(jwk, p) : NULL;
    md_bytes raw = { NULL, 0 };
    int good = 0;

    if (key && signature && !md_b64url_read(signature, p, &raw) && raw.size == 2 * POINT)
        good = verify(key,
                      apr_pstrcat(p, md_json_text(jws, "protected"), ".", md_json_text(jws, "payload"), NULL),
                      raw);
    EVP_PKEY_free(key);
    return good;
}

const char *fake_pki_thumbprint(const json_t *jwk, apr_pool_t *p)
{
    const char *text = apr_psprintf(p, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                                    md_json_text(jwk, "x"), md_json_text(jwk, "y"));
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)text, strlen(text), digest);
    return md_b64url((md_bytes){ (const char *)digest, sizeof(digest) }, p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys in and out of PEM. OpenSSL 3 finds out by trial what a PEM file holds, which takes half a
 * millisecond a key; a server reads thousands of them before it starts. So PKCS#8 is opened here, and RSA and
 * EC keys are handed over as numbers, twenty times as fast. Whatever is not as usual takes the library's
 * general way.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "tls/key.h"
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#endif

enum { KEY_PEM_MAX = 64 * 1024 };

md_err *md_key_to_pem(const md_key *key, md_bytes secret, apr_pool_t *p, md_bytes *pem)
{
    BIO *bio = md_own_bio(p, BIO_new(BIO_s_secmem()));
    const EVP_CIPHER *cipher = secret.data ? EVP_aes_256_cbc() : NULL;
    char *text = NULL, *copy;
    long size = 0;

    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, (EVP_PKEY *)key, cipher, (char *)secret.data,
                                             (int)secret.size, NULL, NULL) > 0)
        size = BIO_get_mem_data(bio, &text);
    if (size <= 0)
        return md_fail_tls(p, "md:key", "cannot write a private key as PEM");
    copy = apr_palloc(p, (apr_size_t)size + 1);
    memcpy(copy, text, (size_t)size);
    copy[size] = '\0';
    *pem = (md_bytes){ copy, (apr_size_t)size };
    md_cleanse_with(p, *pem);
    return NULL;
}

#if OPENSSL_VERSION_NUMBER >= 0x30000000L

enum { CONTEXT_1 = V_ASN1_CONTEXT_SPECIFIC | 1, EC_VERSION = 1 };

/** Takes the DER element with this class and tag off the front; false if something else is there. */
static int take(md_bytes *from, int wanted, md_bytes *content)
{
    const unsigned char *at = (const unsigned char *)from->data;
    long length = 0;
    int tag = 0, class = 0;
    int form = from->size ? ASN1_get_object(&at, &length, &tag, &class, (long)from->size) : 0x80;

    if ((form & 0x81) || (class | tag) != wanted) /* broken or of indefinite length, or another element */
        return 0;
    *content = (md_bytes){ (const char *)at, (apr_size_t)length };
    from->size -= (apr_size_t)((const char *)at + length - from->data);
    from->data = (const char *)at + length;
    return 1;
}

static BIGNUM *secret_number(md_bytes octets)
{
    BIGNUM *number = BN_secure_new();

    return number ? BN_bin2bn((const unsigned char *)octets.data, (int)octets.size, number) : NULL;
}

/** The parameters own copies of the numbers, wiped when they are freed because the numbers are secure ones.
 */
static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY *key = NULL;

    if (!context || !params || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) <= 0)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(context);
    return key;
}

/** RSAPrivateKey of RFC 8017 A.1.2 with two primes. */
static EVP_PKEY *rsa_key(md_bytes der)
{
    static const char *const names[] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
    };
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *numbers[COUNT] = { NULL };
    EVP_PKEY *key = NULL;
    md_bytes in, each;
    int ok = builder && take(&der, V_ASN1_SEQUENCE, &in) && take(&in, V_ASN1_INTEGER, &each) &&
             each.size == 1 && each.data[0] == 0;

    for (int i = 0; ok && i < COUNT; ++i)
        ok = take(&in, V_ASN1_INTEGER, &each) && each.size && !(each.data[0] & 0x80) &&
             (numbers[i] = secret_number(each)) != NULL &&
             OSSL_PARAM_BLD_push_BN(builder, names[i], numbers[i]);
    if (ok && !in.size)
        key = key_of("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    for (int i = 0; i < COUNT; ++i)
        BN_clear_free(numbers[i]);
    return key;
}

/** ECPrivateKey of RFC 5915 with the public key inside, and no parameters: the curve is named outside. */
static int take_ec(md_bytes der, md_bytes *number, md_bytes *point)
{
    md_bytes in, version, outer;

    if (!take(&der, V_ASN1_SEQUENCE, &in) || !take(&in, V_ASN1_INTEGER, &version) || version.size != 1 ||
        version.data[0] != EC_VERSION)
        return 0;
    if (!take(&in, V_ASN1_OCTET_STRING, number) || !take(&in, CONTEXT_1, &outer) || in.size)
        return 0;
    if (!take(&outer, V_ASN1_BIT_STRING, point) || point->size < 2 || point->data[0] != 0)
        return 0;
    ++point->data; /* the count of unused bits */
    --point->size;
    return 1;
}

static EVP_PKEY *ec_key(md_bytes der, const X509_ALGOR *algorithm)
{
    OSSL_PARAM_BLD *builder;
    BIGNUM *number;
    EVP_PKEY *key = NULL;
    const void *curve = NULL;
    md_bytes octets, point;
    int type = V_ASN1_UNDEF;

    X509_ALGOR_get0(NULL, &type, &curve, algorithm);
    if (type != V_ASN1_OBJECT || !take_ec(der, &octets, &point))
        return NULL;
    builder = OSSL_PARAM_BLD_new();
    number = secret_number(octets);
    if (builder && number &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, OBJ_nid2sn(OBJ_obj2nid(curve)),
                                        0) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.size))
        key = key_of("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_clear_free(number);
    return key;
}

/** NULL for keys that are not of the two usual types and forms. */
static EVP_PKEY *usual_key(const PKCS8_PRIV_KEY_INFO *info)
{
    const ASN1_OBJECT *type = NULL;
    const unsigned char *octets = NULL;
    const X509_ALGOR *algorithm = NULL;
    int size = 0;
    md_bytes der;

    if (!PKCS8_pkey_get0(&type, &octets, &size, &algorithm, info) || size <= 0)
        return NULL;
    der = (md_bytes){ (const char *)octets, (apr_size_t)size };
    switch (OBJ_obj2nid(type)) {
    case NID_rsaEncryption: return rsa_key(der);
    case NID_X9_62_id_ecPublicKey: return ec_key(der, algorithm);
    default: return NULL;
    }
}

#else

static EVP_PKEY *usual_key(const PKCS8_PRIV_KEY_INFO *info)
{
    (void)info; /* the general way is as fast before OpenSSL 3 */
    return NULL;
}

#endif

/** Opens PKCS#8, plain or encrypted; `label` is that of the PEM block. */
static PKCS8_PRIV_KEY_INFO *open_info(const char *label, md_bytes der, md_bytes secret)
{
    const unsigned char *at = (const unsigned char *)der.data;
    PKCS8_PRIV_KEY_INFO *info = NULL;
    X509_SIG *box;

    if (!strcmp(label, PEM_STRING_PKCS8INF))
        return d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.size);
    box = d2i_X509_SIG(NULL, &at, (long)der.size);
    if (box)
        info = PKCS8_decrypt(box, secret.data, (int)secret.size);
    X509_SIG_free(box);
    return info;
}

static EVP_PKEY *read_pkcs8(const char *label, md_bytes der, md_bytes secret)
{
    PKCS8_PRIV_KEY_INFO *info = open_info(label, der, secret);
    EVP_PKEY *key = info ? usual_key(info) : NULL;

    if (info && !key) {
        ERR_clear_error();
        key = EVP_PKCS82PKEY(info);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

/** Hands out the passphrase; without one it fails instead of asking at a terminal. */
static int pass_phrase(char *buffer, int size, int writing, void *secret)
{
    const md_bytes *bytes = secret;

    (void)writing;
    if (!bytes->data || bytes->size > (apr_size_t)size)
        return -1;
    memcpy(buffer, bytes->data, bytes->size);
    return (int)bytes->size;
}

/** "RSA PRIVATE KEY" and the like, also behind blocks of parameters. */
static EVP_PKEY *read_traditional(md_bytes pem, md_bytes secret)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, pass_phrase, &secret) : NULL;

    BIO_free(bio);
    return key;
}

/** Why a block that was found could not be used; not in the words of a TLS library where they are known. */
static md_err *unreadable(const char *label, md_bytes secret, apr_pool_t *p)
{
    if (label && !strcmp(label, PEM_STRING_PKCS8) && !secret.data) {
        ERR_clear_error();
        return md_fail(p, MD_FAULT_LOCAL, "md:bad-file",
                       "this private key is encrypted, and there is no secret to open it");
    }
    return md_fail_tls(p, "md:bad-file", "this private key cannot be read");
}

md_err *md_key_from_pem(md_bytes pem, md_bytes secret, apr_pool_t *p, md_key **out)
{
    char *label = NULL, *header = NULL;
    unsigned char *der = NULL;
    long size = 0;
    BIO *bio;
    md_err *err;

    *out = NULL;
    if (!pem.data || pem.size > KEY_PEM_MAX)
        return md_fail(p, MD_FAULT_LOCAL, "md:bad-file", "this is no private key");
    bio = md_own_bio(p, BIO_new_mem_buf(pem.data, (int)pem.size));
    if (!PEM_read_bio_ex(bio, &label, &header, &der, &size, PEM_FLAG_SECURE))
        return md_fail_tls(p, "md:bad-file", "there is no private key in it");
    if (!strcmp(label, PEM_STRING_PKCS8INF) || (!strcmp(label, PEM_STRING_PKCS8) && secret.data))
        *out = md_own_key(p, read_pkcs8(label, (md_bytes){ (char *)der, (apr_size_t)size }, secret));
    else if (strcmp(label, PEM_STRING_PKCS8))
        *out = md_own_key(p, read_traditional(pem, secret));
    err = *out ? NULL : unreadable(label, secret, p);
    OPENSSL_secure_free(label);
    OPENSSL_secure_free(header);
    OPENSSL_secure_clear_free(der, (size_t)size);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWK, thumbprints and signatures: against the examples of the RFCs, and verified by OpenSSL.
 */
#include "tls/jws.h"

#include <apr_strings.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/sample.h"
#include "suites.h"

static json_t *parsed(const char *text)
{
    json_t *doc;

    CHECK_OK(md_json_read(md_bytes_of(text), kit_pool, &doc));
    return doc;
}

static md_bytes decoded(const json_t *doc, const char *member)
{
    md_bytes bytes = { NULL, 0 };

    CHECK_OK(md_b64url_read(md_json_text(doc, member), kit_pool, &bytes));
    return bytes;
}

/** Members of an object in order, "alg,nonce,url". */
static const char *members(const json_t *doc)
{
    md_names *names = md_names_make(kit_pool);
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(apr_uintptr_t)doc, key, value) md_names_add(names, key);
    return md_names_join(names, ",", kit_pool);
}

static md_bytes der_signature(md_bytes raw)
{
    const unsigned char *octets = (const unsigned char *)raw.data;
    const int width = (int)raw.size / 2;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    unsigned char *der = NULL;
    int size;

    ECDSA_SIG_set0(signature, BN_bin2bn(octets, width, NULL), BN_bin2bn(octets + width, width, NULL));
    size = i2d_ECDSA_SIG(signature, &der);
    raw = (md_bytes){ apr_pstrmemdup(kit_pool, (const char *)der, (apr_size_t)size), (apr_size_t)size };
    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    return raw;
}

/** Does the signature of this flattened JWS verify? */
static int verifies(const json_t *jws, md_key *key, const EVP_MD *digest)
{
    const char *text =
        apr_pstrcat(kit_pool, md_json_text(jws, "protected"), ".", md_json_text(jws, "payload"), NULL);
    md_bytes signature = decoded(jws, "signature");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int ok;

    if (EVP_PKEY_base_id(key) == EVP_PKEY_EC)
        signature = der_signature(signature);
    ok = EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
         EVP_DigestVerify(context, (const unsigned char *)signature.data, signature.size,
                          (const unsigned char *)text, strlen(text)) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

static const struct {
    const char *key, *algorithm, *members;
    apr_size_t size; /* of the signature */
    const EVP_MD *(*digest)(void);
} algorithms[] = {
    { "P-256", "ES256", "crv,kty,x,y", 64, EVP_sha256 },
    { "P-384", "ES384", "crv,kty,x,y", 96, EVP_sha384 },
    { "RSA", "RS256", "e,kty,n", 256, EVP_sha256 },
};

START_TEST(a_jwk_has_its_members_in_order)
{
    json_t *jwk;

    CHECK_OK(md_jwk(sample_key(algorithms[_i].key, kit_pool), kit_pool, &jwk));
    ck_assert_str_eq(members(jwk), algorithms[_i].members);
}
END_TEST

START_TEST(a_signature_verifies)
{
    const md_jws_header header = { .url = "https://ca.test/new", .nonce = "n-1" };
    md_key *key = sample_key(algorithms[_i].key, kit_pool);
    const char *text;
    json_t *jws, *head;

    CHECK_OK(md_jws_sign(key, &header, md_bytes_of("{\"a\":1}"), kit_pool, &text));
    jws = parsed(text);
    head = parsed(decoded(jws, "protected").data);
    ck_assert_str_eq(members(jws), "protected,payload,signature");
    ck_assert_str_eq(members(head), "alg,nonce,url,jwk");
    ck_assert_str_eq(md_json_text(head, "alg"), algorithms[_i].algorithm);
    ck_assert_str_eq(decoded(jws, "payload").data, "{\"a\":1}");
    ck_assert_uint_eq(decoded(jws, "signature").size, algorithms[_i].size);
    ck_assert(verifies(jws, key, algorithms[_i].digest()));
    ck_assert(!verifies(jws, sample_key("P-256", kit_pool), EVP_sha256()));
}
END_TEST

/* r and s have leading zero octets once in 128 signatures: their width must not shrink. */
START_TEST(ecdsa_signatures_always_have_their_full_width)
{
    const md_jws_header header = { .url = "u", .nonce = "n", .kid = "k" };
    md_key *key = sample_key("P-256", kit_pool);

    for (int i = 0; i < 400; ++i) {
        const char *text;
        json_t *jws;

        CHECK_OK(md_jws_sign(key, &header, (md_bytes){ NULL, 0 }, kit_pool, &text));
        jws = parsed(text);
        ck_assert_uint_eq(decoded(jws, "signature").size, 64);
        ck_assert(verifies(jws, key, EVP_sha256()));
    }
}
END_TEST

START_TEST(with_a_kid_there_is_no_jwk)
{
    const md_jws_header header = { .url = "https://ca.test/o",
                                   .nonce = "n-1",
                                   .kid = "https://ca.test/acct/1" };
    const char *text;
    json_t *jws;

    CHECK_OK(md_jws_sign(sample_key(NULL, kit_pool), &header, (md_bytes){ NULL, 0 }, kit_pool, &text));
    jws = parsed(text);
    ck_assert_str_eq(decoded(jws, "protected").data,
                     "{\"alg\":\"ES256\",\"nonce\":\"n-1\",\"url\":\"https://ca.test/o\","
                     "\"kid\":\"https://ca.test/acct/1\"}");
    ck_assert_str_eq(md_json_text(jws, "payload"), "");
}
END_TEST

START_TEST(an_inner_signature_has_no_nonce)
{
    const md_jws_header header = { .url = "u" };
    const char *text;

    CHECK_OK(md_jws_sign(sample_key(NULL, kit_pool), &header, (md_bytes){ NULL, 0 }, kit_pool, &text));
    ck_assert_str_eq(members(parsed(decoded(parsed(text), "protected").data)), "alg,url,jwk");
}
END_TEST

/* Public key of RFC 7638 section 3.1, whose thumbprint is there, and private key of RFC 7517 appendix A.2. */
static const struct {
    const char *pem, *thumbprint;
} known[] = {
    { "-----BEGIN PUBLIC KEY-----\n"
      "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0vx7agoebGcQSuuPiLJX\n"
      "ZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\n"
      "oc/BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ/2W+5JsGY4Hc5n9yBXArwl93lqt\n"
      "7/RN5w6Cf0h4QyQ5v+65YGjQR0/FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0\n"
      "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt+bFTWhAI4vMQFh6WeZu0f\n"
      "M4lFd2NcRwr3XPksINHaQ+G/xBniIqbw0Ls1jF44+csFCur+kEgU8awapJzKnqDK\n"
      "gwIDAQAB\n"
      "-----END PUBLIC KEY-----\n",
      "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" },
    { "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg870MB6gfuTJ4HtUn\n"
      "UvYMyJpr5eUZNP4Bk43bVdj3eAGhRANCAAQwoEJM0hwpRIOKLXXJKzfnbqINnwCJ\n"
      "OjtO7oo8Cq/sPuBLZekkVtmIi1Kzeb371R7oae8fD8ZbZllpW2zOCBcj\n"
      "-----END PRIVATE KEY-----\n",
      "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s" },
};

START_TEST(thumbprints_are_those_of_the_rfcs)
{
    BIO *bio = md_own_bio(kit_pool, BIO_new_mem_buf(known[_i].pem, -1));
    EVP_PKEY *key =
        _i ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    const char *thumbprint;

    CHECK_OK(md_jwk_thumbprint(md_own_key(kit_pool, key), kit_pool, &thumbprint));
    ck_assert_str_eq(thumbprint, known[_i].thumbprint);
}
END_TEST

START_TEST(the_thumbprint_is_the_digest_of_the_jwk_in_its_canonical_form)
{
    md_key *key = sample_key(algorithms[_i].key, kit_pool);
    const char *thumbprint;
    json_t *jwk;

    CHECK_OK(md_jwk(key, kit_pool, &jwk));
    CHECK_OK(md_jwk_thumbprint(key, kit_pool, &thumbprint));
    ck_assert_str_eq(thumbprint, md_sha256_b64url(md_bytes_of(md_json_line(jwk, kit_pool)), kit_pool));
    ck_assert_uint_eq(strlen(thumbprint), 43);
}
END_TEST

static const char *const unfit[] = { "ed25519", "secp256k1", "brainpoolP256r1", "brainpoolP384r1", "P-521" };

START_TEST(a_key_that_acme_has_no_algorithm_for_is_refused)
{
    const md_jws_header header = { .url = "u" };
    md_key *key = sample_key(unfit[_i], kit_pool);
    const char *text;
    json_t *jwk;

    CHECK_FAILS(md_jws_sign(key, &header, (md_bytes){ NULL, 0 }, kit_pool, &text), MD_FAULT_CONFIG,
                "cannot be used with ACME");
    CHECK_FAILS(md_jwk(key, kit_pool, &jwk), MD_FAULT_CONFIG, "cannot be used with ACME");
}
END_TEST

START_TEST(an_external_account_is_bound_with_its_hmac)
{
    static const char hmac[] = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    md_key *key = sample_key(NULL, kit_pool);
    unsigned char digest[32];
    unsigned size = 0;
    md_bytes secret;
    const char *text;
    json_t *eab, *jwk;

    CHECK_OK(md_jws_eab(key, "kid-1", hmac, "https://ca.test/acct", kit_pool, &eab));
    CHECK_OK(md_jwk(key, kit_pool, &jwk));
    CHECK_OK(md_b64url_read(hmac, kit_pool, &secret));
    text = apr_pstrcat(kit_pool, md_json_text(eab, "protected"), ".", md_json_text(eab, "payload"), NULL);
    HMAC(EVP_sha256(), secret.data, (int)secret.size, (const unsigned char *)text, strlen(text), digest,
         &size);
    ck_assert_str_eq(decoded(eab, "protected").data,
                     "{\"alg\":\"HS256\",\"kid\":\"kid-1\",\"url\":\"https://ca.test/acct\"}");
    ck_assert_str_eq(decoded(eab, "payload").data, md_json_line(jwk, kit_pool));
    ck_assert_str_eq(md_json_text(eab, "signature"),
                     md_b64url((md_bytes){ (const char *)digest, size }, kit_pool));
}
END_TEST

START_TEST(an_hmac_that_is_none_is_not_repeated_in_the_failure)
{
    json_t *eab;
    md_err *err = md_jws_eab(sample_key(NULL, kit_pool), "kid-1", "se+cret", "u", kit_pool, &eab);

    CHECK_FAILS(err, MD_FAULT_CONFIG, "MDExternalAccountBinding");
    ck_assert_str_eq(err->type, "apache:eab-hmac-invalid");
    ck_assert_ptr_null(strstr(md_err_text(err, kit_pool), "se+cret"));
    CHECK_FAILS(md_jws_eab(sample_key(NULL, kit_pool), "kid-1", "", "u", kit_pool, &eab), MD_FAULT_CONFIG,
                "HMAC");
}
END_TEST

START_TEST(a_digest_is_that_of_fips_180)
{
    ck_assert_str_eq(md_sha256_b64url(md_bytes_of("abc"), kit_pool),
                     "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    ck_assert_str_eq(md_sha256_b64url((md_bytes){ NULL, 0 }, kit_pool),
                     "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
}
END_TEST

Suite *suite_tls_jws(void)
{
    Suite *suite = suite_create("tls/jws");
    TCase *tcase = kit_case(suite, "jws");

    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, sample_share_rsa, NULL);
    KIT_ADD_ROWS(tcase, a_jwk_has_its_members_in_order, algorithms);
    KIT_ADD_ROWS(tcase, a_signature_verifies, algorithms);
    tcase_add_test(tcase, ecdsa_signatures_always_have_their_full_width);
    tcase_add_test(tcase, with_a_kid_there_is_no_jwk);
    tcase_add_test(tcase, an_inner_signature_has_no_nonce);
    KIT_ADD_ROWS(tcase, the_thumbprint_is_the_digest_of_the_jwk_in_its_canonical_form, algorithms);
    KIT_ADD_ROWS(tcase, thumbprints_are_those_of_the_rfcs, known);
    KIT_ADD_ROWS(tcase, a_key_that_acme_has_no_algorithm_for_is_refused, unfit);
    tcase_add_test(tcase, an_external_account_is_bound_with_its_hmac);
    tcase_add_test(tcase, an_hmac_that_is_none_is_not_repeated_in_the_failure);
    tcase_add_test(tcase, a_digest_is_that_of_fips_180);
    return suite;
}

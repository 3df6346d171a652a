/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in and out of PEM: there and back by our way and by OpenSSL's, encrypted with the store's secret, and
 * what is said of files that hold something else.
 */
#include <apr_strings.h>
#include <openssl/pem.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/sample.h"
#include "suites.h"
#include "tls/cert.h"

static const md_bytes none = { NULL, 0 };

/** 48 octets as a store has them, with a NUL in their midst. */
static md_bytes secret(void)
{
    static const char octets[] = "\x01\xff\0 a secret of forty-eight octets with a NUL......";

    return (md_bytes){ octets, 48 };
}

static const char *const words[] = { "RSA", "P-256", "P-384", "P-521", "secp256k1", "ed25519" };

static md_bytes pem_of(const md_key *key, md_bytes with)
{
    md_bytes pem;

    CHECK_OK(md_key_to_pem(key, with, kit_pool, &pem));
    return pem;
}

/** The same key that also works: it signs, and its public half verifies. */
static void check_same(const md_key *key, EVP_PKEY *back)
{
    unsigned char signature[1024];
    size_t size = sizeof(signature);
    const EVP_MD *digest = EVP_PKEY_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    ck_assert_str_eq(md_key_sha256(key, kit_pool), md_key_sha256(back, kit_pool));
    ck_assert_int_eq(EVP_DigestSignInit(context, NULL, digest, NULL, back), 1);
    ck_assert_int_eq(EVP_DigestSign(context, signature, &size, (const unsigned char *)"text", 4), 1);
    EVP_MD_CTX_free(context);
    context = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestVerifyInit(context, NULL, digest, NULL, (EVP_PKEY *)key), 1);
    ck_assert_int_eq(EVP_DigestVerify(context, signature, size, (const unsigned char *)"text", 4), 1);
    EVP_MD_CTX_free(context);
}

START_TEST(a_key_goes_there_and_back)
{
    md_key *key = sample_key(words[_i], kit_pool), *back;
    md_bytes pem = pem_of(key, none);

    ck_assert_int_eq(strncmp(pem.data, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
    CHECK_OK(md_key_from_pem(pem, none, kit_pool, &back));
    check_same(key, back);
    ck_assert_str_eq(md_key_describe(back, kit_pool), md_key_describe(key, kit_pool));
    ck_assert_str_eq(pem_of(back, none).data, pem.data);
}
END_TEST

START_TEST(a_key_goes_there_and_back_encrypted)
{
    md_key *key = sample_key(words[_i], kit_pool), *back;
    md_bytes pem = pem_of(key, secret());

    ck_assert_int_eq(strncmp(pem.data, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", 38), 0);
    CHECK_OK(md_key_from_pem(pem, secret(), kit_pool, &back));
    check_same(key, back);
}
END_TEST

static int give_secret(char *buffer, int size, int writing, void *self)
{
    const md_bytes *bytes = self;

    (void)writing;
    ck_assert_int_ge(size, (int)bytes->size);
    memcpy(buffer, bytes->data, bytes->size);
    return (int)bytes->size;
}

START_TEST(openssl_reads_what_was_encrypted)
{
    md_key *key = sample_key("P-256", kit_pool);
    md_bytes pem = pem_of(key, secret()), with = secret();
    BIO *bio = md_own_bio(kit_pool, BIO_new_mem_buf(pem.data, (int)pem.size));

    check_same(key, md_own_key(kit_pool, PEM_read_bio_PrivateKey(bio, NULL, give_secret, &with)));
}
END_TEST

/** PBES2 with AES-256-CBC, as the store's format says. */
START_TEST(the_scheme_is_the_one_of_the_store)
{
    md_bytes pem = pem_of(sample_key("P-256", kit_pool), secret());
    BIO *bio = md_own_bio(kit_pool, BIO_new_mem_buf(pem.data, (int)pem.size));
    X509_SIG *box = PEM_read_bio_PKCS8(bio, NULL, NULL, NULL);
    const X509_ALGOR *algorithm;
    const ASN1_OBJECT *scheme;
    const void *value;
    PBE2PARAM *params;
    int type;

    ck_assert_ptr_nonnull(box);
    X509_SIG_get0(box, &algorithm, NULL);
    X509_ALGOR_get0(&scheme, &type, &value, algorithm);
    ck_assert_int_eq(OBJ_obj2nid(scheme), NID_pbes2);
    params = ASN1_item_unpack(value, ASN1_ITEM_rptr(PBE2PARAM));
    X509_ALGOR_get0(&scheme, NULL, NULL, params->encryption);
    ck_assert_int_eq(OBJ_obj2nid(scheme), NID_aes_256_cbc);
    PBE2PARAM_free(params);
    X509_SIG_free(box);
}
END_TEST

START_TEST(a_wrong_or_missing_secret_opens_nothing)
{
    md_bytes pem = pem_of(sample_key("P-256", kit_pool), secret()), shorter = secret();
    md_key *key;

    --shorter.size;
    CHECK_FAILS(md_key_from_pem(pem, shorter, kit_pool, &key), MD_FAULT_LOCAL, "cannot be read");
    ck_assert_ptr_null(key);
    CHECK_FAILS(md_key_from_pem(pem, none, kit_pool, &key), MD_FAULT_LOCAL, "no secret to open it");
    ck_assert_ptr_null(key);
}
END_TEST

START_TEST(a_secret_does_not_harm_a_plain_key)
{
    md_key *key = sample_key("P-256", kit_pool), *back;

    CHECK_OK(md_key_from_pem(pem_of(key, none), secret(), kit_pool, &back));
    check_same(key, back);
}
END_TEST

/** As "openssl genrsa -traditional" or "openssl ecparam -genkey" write it, plain or encrypted. */
static md_bytes traditional(md_key *key, md_bytes with)
{
    BIO *bio = md_own_bio(kit_pool, BIO_new(BIO_s_mem()));
    char *text = NULL;
    long size;

    ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(bio, key, with.data ? EVP_aes_128_cbc() : NULL,
                                                          (unsigned char *)(apr_uintptr_t)with.data,
                                                          (int)with.size, NULL, NULL),
                     1);
    size = BIO_get_mem_data(bio, &text);
    return (md_bytes){ text, (apr_size_t)size };
}

START_TEST(older_forms_are_read_too)
{
    md_key *key = sample_key(_i ? "P-256" : "RSA", kit_pool), *back;

    CHECK_OK(md_key_from_pem(traditional(key, none), none, kit_pool, &back));
    check_same(key, back);
    CHECK_OK(md_key_from_pem(traditional(key, secret()), secret(), kit_pool, &back));
    check_same(key, back);
    CHECK_FAILS(md_key_from_pem(traditional(key, secret()), none, kit_pool, &back), MD_FAULT_LOCAL,
                "cannot be read");
}
END_TEST

START_TEST(parameters_before_the_key_are_passed_over)
{
    md_key *key = sample_key("P-256", kit_pool), *back;
    const char *pem = apr_pstrcat(
        kit_pool, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
        apr_pstrmemdup(kit_pool, traditional(key, none).data, traditional(key, none).size), NULL);

    CHECK_OK(md_key_from_pem(md_bytes_of(pem), none, kit_pool, &back));
    check_same(key, back);
}
END_TEST

/* Made with "openssl genpkey -algorithm ..." for these tests only. */
static const char *const unusual[] = {
    /* an EC key without its public half, which RFC 5915 allows */
    "-----BEGIN PRIVATE "
    "KEY-----\nMEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAAAQIDBAUGBwgJCgsM\nDQ4PEBESExQVFhcYGRobHB0eHw=="
    "\n"
    "-----END PRIVATE KEY-----\n",
};

START_TEST(unusual_keys_take_the_general_way)
{
    md_key *key;

    CHECK_OK(md_key_from_pem(md_bytes_of(unusual[_i]), none, kit_pool, &key));
    ck_assert_str_eq(md_key_describe(key, kit_pool), "P-256");
    check_same(key, key);
}
END_TEST

static const char *const no_keys[] = {
    "",
    "text",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\nMAAA\n-----END RSA PRIVATE KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\nMAAA\n-----END PUBLIC KEY-----\n",
};

START_TEST(what_is_no_key_is_a_bad_file)
{
    md_key *key;
    md_err *err = md_key_from_pem(md_bytes_of(no_keys[_i]), secret(), kit_pool, &key);

    CHECK_FAILS(err, MD_FAULT_LOCAL, "key");
    ck_assert_str_eq(err->type, "md:bad-file");
    ck_assert_ptr_null(key);
}
END_TEST

START_TEST(a_huge_file_is_not_even_looked_at)
{
    const apr_size_t size = 65537;
    md_key *key;

    CHECK_FAILS(md_key_from_pem((md_bytes){ apr_pcalloc(kit_pool, size + 1), size }, none, kit_pool, &key),
                MD_FAULT_LOCAL, "no private key");
    CHECK_FAILS(md_key_from_pem(none, none, kit_pool, &key), MD_FAULT_LOCAL, "no private key");
}
END_TEST

/** Reads `pem` with another character at `at`. */
static void read_damaged(md_bytes pem, apr_size_t at, apr_pool_t *p)
{
    char *copy = apr_pstrmemdup(p, pem.data, pem.size);
    md_key *key = NULL;
    md_err *err;

    copy[at] = copy[at] == 'A' ? 'B' : 'A';
    err = md_key_from_pem((md_bytes){ copy, pem.size }, none, p, &key);
    ck_assert_int_eq(!err, key != NULL);
}

static const struct {
    const char *key;
    apr_size_t step;
} damaged[] = { { "P-256", 1 }, { "RSA", 7 } };

/** Characters of a good key, one at a time: a key or a failure, and nothing worse under a sanitizer. */
START_TEST(damaged_keys_do_no_damage)
{
    const apr_size_t begin = strlen("-----BEGIN PRIVATE KEY-----\n"),
                     end = strlen("-----END PRIVATE KEY-----\n");
    md_bytes pem = pem_of(sample_key(damaged[_i].key, kit_pool), none);
    apr_pool_t *each;

    apr_pool_create(&each, kit_pool);
    for (apr_size_t at = begin; at < pem.size - end; at += damaged[_i].step) {
        read_damaged(pem, at, each);
        apr_pool_clear(each);
    }
}
END_TEST

START_TEST(no_secret_and_no_key_is_in_a_failure)
{
    md_bytes pem = pem_of(sample_key("P-256", kit_pool), secret());
    md_key *key;
    const char *text =
        md_err_text(md_key_from_pem(pem, (md_bytes){ "wrong-secret", 12 }, kit_pool, &key), kit_pool);

    ck_assert_ptr_null(strstr(text, "wrong-secret"));
    ck_assert_ptr_null(strstr(text, "BEGIN"));
}
END_TEST

Suite *suite_tls_key_pem(void)
{
    Suite *suite = suite_create("tls/key_pem");
    TCase *tcase = kit_case(suite, "key_pem");

    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, sample_share_rsa, NULL);
    KIT_ADD_ROWS(tcase, a_key_goes_there_and_back, words);
    KIT_ADD_ROWS(tcase, a_key_goes_there_and_back_encrypted, words);
    tcase_add_test(tcase, openssl_reads_what_was_encrypted);
    tcase_add_test(tcase, the_scheme_is_the_one_of_the_store);
    tcase_add_test(tcase, a_wrong_or_missing_secret_opens_nothing);
    tcase_add_test(tcase, a_secret_does_not_harm_a_plain_key);
    tcase_add_loop_test(tcase, older_forms_are_read_too, 0, 2);
    tcase_add_test(tcase, parameters_before_the_key_are_passed_over);
    KIT_ADD_ROWS(tcase, unusual_keys_take_the_general_way, unusual);
    KIT_ADD_ROWS(tcase, what_is_no_key_is_a_bad_file, no_keys);
    tcase_add_test(tcase, a_huge_file_is_not_even_looked_at);
    KIT_ADD_ROWS(tcase, damaged_keys_do_no_damage, damaged);
    tcase_add_test(tcase, no_secret_and_no_key_is_in_a_failure);
    return suite;
}

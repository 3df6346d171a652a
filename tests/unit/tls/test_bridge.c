/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns OpenSSL's objects, what becomes of secrets, and how errors of the library are told.
 */
#include "tls/bridge.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/sample.h"
#include "suites.h"

START_TEST(natives_end_with_their_pool)
{
    X509 *cert = X509_new();
    md_chain *chain = sk_X509_new_null();
    apr_pool_t *step;

    apr_pool_create(&step, kit_pool);
    X509_up_ref(cert);
    sk_X509_push(chain, cert);
    ck_assert_ptr_eq(md_own_chain(step, chain), chain);
    ck_assert_ptr_nonnull(md_own_bio(step, BIO_new(BIO_s_mem())));
    ck_assert_ptr_nonnull(md_own_key(step, EVP_PKEY_new()));
    ck_assert_ptr_nonnull(md_own_x509(step, X509_new()));
    apr_pool_destroy(step);
    X509_free(cert); /* the last reference: the leak checker of a sanitizer looks at the others */
}
END_TEST

START_TEST(nothing_stays_nothing)
{
    ck_assert_ptr_null(md_own_key(kit_pool, NULL));
    ck_assert_ptr_null(md_own_x509(kit_pool, NULL));
    ck_assert_ptr_null(md_own_chain(kit_pool, NULL));
    ck_assert_ptr_null(md_own_bio(kit_pool, NULL));
}
END_TEST

START_TEST(a_kept_key_outlives_its_pool)
{
    apr_pool_t *step;
    md_key *key;

    apr_pool_create(&step, kit_pool);
    key = md_key_keep(sample_key(NULL, step));
    apr_pool_destroy(step);
    ck_assert_str_eq(md_key_describe(key, kit_pool), "P-256");
    md_key_drop(key);
}
END_TEST

START_TEST(a_secret_is_wiped_with_its_pool)
{
    char memory[] = "a secret";
    apr_pool_t *step;

    apr_pool_create(&step, kit_pool);
    md_cleanse_with(step, (md_bytes){ memory, strlen(memory) });
    md_cleanse_with(step, (md_bytes){ NULL, 0 });
    ck_assert_str_eq(memory, "a secret");
    apr_pool_destroy(step);
    ck_assert_mem_eq(memory, "\0\0\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(an_error_of_the_library_is_told_in_words_and_forgotten)
{
    BIO *bio = md_own_bio(kit_pool, BIO_new_mem_buf("nothing", -1));

    ck_assert_ptr_null(PEM_read_bio_X509(bio, NULL, NULL, NULL));
    CHECK_FAILS(md_fail_tls(kit_pool, "md:x", "cannot read %s", "it"), MD_FAULT_LOCAL,
                "cannot read it: PEM routines: no start line");
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(without_an_error_only_the_text_is_told)
{
    ERR_clear_error();
    ck_assert_str_eq(md_fail_tls(kit_pool, "md:x", "cannot")->detail, "cannot");
}
END_TEST

Suite *suite_tls_bridge(void)
{
    Suite *suite = suite_create("tls/bridge");
    TCase *tcase = kit_case(suite, "bridge");

    tcase_add_test(tcase, natives_end_with_their_pool);
    tcase_add_test(tcase, nothing_stays_nothing);
    tcase_add_test(tcase, a_kept_key_outlives_its_pool);
    tcase_add_test(tcase, a_secret_is_wiped_with_its_pool);
    tcase_add_test(tcase, an_error_of_the_library_is_told_in_words_and_forgotten);
    tcase_add_test(tcase, without_an_error_only_the_text_is_told);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placeholders and challenge certificates, as OpenSSL reads them.
 */
#include "tls/selfsign.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/sample.h"
#include "suites.h"
#include "tls/jws.h"

#define DAY (APR_INT64_C(86400) * 1000000)

static X509 *placeholder(const md_key *key, const char *names, md_cert_facts *facts)
{
    const md_period valid = { FAKE_NOW, FAKE_NOW + 14 * DAY };
    md_chain *chain;

    CHECK_OK(md_selfsign_placeholder(key, md_words(names, kit_pool), valid, kit_pool, &chain));
    ck_assert_int_eq(md_chain_length(chain), 1);
    CHECK_OK(md_chain_check_key(chain, key, kit_pool));
    CHECK_OK(md_chain_facts(chain, kit_pool, facts));
    return sk_X509_value(chain, 0);
}

START_TEST(a_placeholder_says_what_it_is)
{
    md_cert_facts facts;

    placeholder(sample_key(NULL, kit_pool), "a.org b.org", &facts);
    ck_assert_str_eq(facts.subject_cn, "Apache Managed Domain Fallback");
    ck_assert_str_eq(facts.issuer, "/CN=Apache Managed Domain Fallback");
    ck_assert_str_eq(md_names_join(facts.names, " ", kit_pool), "a.org b.org");
    ck_assert_int_eq(facts.valid.from, FAKE_NOW);
    ck_assert_int_eq(facts.valid.until, FAKE_NOW + 14 * DAY);
    ck_assert(facts.self_signed);
}
END_TEST

START_TEST(a_placeholder_can_be_a_server_and_no_ca)
{
    md_cert_facts facts;
    X509 *cert = placeholder(sample_key(NULL, kit_pool), "a.org", &facts);

    ck_assert_int_eq(X509_check_ca(cert), 0);
    ck_assert_uint_eq(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
    ck_assert_uint_eq(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
    ck_assert_int_eq(X509_get_version(cert), 2);
}
END_TEST

START_TEST(a_placeholder_is_signed_by_any_type_of_key)
{
    static const char *const words[] = { "P-256", "P-384", "RSA", "ed25519" };
    md_key *key = sample_key(words[_i], kit_pool);
    md_cert_facts facts;

    ck_assert_int_eq(X509_verify(placeholder(key, "a.org", &facts), key), 1);
}
END_TEST

START_TEST(no_two_placeholders_have_the_same_serial)
{
    md_key *key = sample_key(NULL, kit_pool);
    md_cert_facts a, b;

    placeholder(key, "a.org", &a);
    placeholder(key, "a.org", &b);
    ck_assert_str_ne(a.serial, b.serial);
    ck_assert_uint_le(strlen(a.serial), 40);
    ck_assert_uint_gt(strlen(a.serial), 20);
}
END_TEST

START_TEST(addresses_stand_in_a_placeholder_as_such)
{
    md_cert_facts facts;
    X509 *cert = placeholder(sample_key(NULL, kit_pool), "192.0.2.1 2001:db8::1", &facts);

    ck_assert_int_eq(X509_check_ip_asc(cert, "192.0.2.1", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(cert, "2001:db8::1", 0), 1);
}
END_TEST

/** The digest in acmeIdentifier, RFC 8737 section 3, as base64url; checks that the extension is critical. */
static const char *acme_digest(X509 *cert)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    X509_EXTENSION *extension = X509_get_ext(cert, X509_get_ext_by_OBJ(cert, oid, -1));
    const unsigned char *at = ASN1_STRING_get0_data(X509_EXTENSION_get_data(extension));
    ASN1_OCTET_STRING *digest =
        d2i_ASN1_OCTET_STRING(NULL, &at, ASN1_STRING_length(X509_EXTENSION_get_data(extension)));
    const char *text = md_b64url(
        (md_bytes){ (const char *)ASN1_STRING_get0_data(digest), (apr_size_t)ASN1_STRING_length(digest) },
        kit_pool);

    ck_assert(X509_EXTENSION_get_critical(extension));
    ASN1_OCTET_STRING_free(digest);
    ASN1_OBJECT_free(oid);
    return text;
}

START_TEST(a_challenge_certificate_answers_for_one_name)
{
    md_key *key = sample_key(NULL, kit_pool);
    md_chain *chain;
    md_cert_facts facts;

    CHECK_OK(md_selfsign_acme_tls(key, "a.org", "token.thumbprint", FAKE_NOW, kit_pool, &chain));
    CHECK_OK(md_chain_facts(chain, kit_pool, &facts));
    ck_assert_str_eq(md_names_join(facts.names, " ", kit_pool), "a.org");
    ck_assert_str_eq(acme_digest(sk_X509_value(chain, 0)),
                     md_sha256_b64url(md_bytes_of("token.thumbprint"), kit_pool));
    ck_assert(md_period_has(facts.valid, FAKE_NOW));
    ck_assert_int_eq(facts.valid.until, FAKE_NOW + 7 * DAY);
    ck_assert(facts.self_signed);
    CHECK_OK(md_chain_check_key(chain, key, kit_pool));
}
END_TEST

Suite *suite_tls_selfsign(void)
{
    Suite *suite = suite_create("tls/selfsign");
    TCase *tcase = kit_case(suite, "selfsign");

    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, sample_share_rsa, NULL);
    tcase_add_test(tcase, a_placeholder_says_what_it_is);
    tcase_add_test(tcase, a_placeholder_can_be_a_server_and_no_ca);
    tcase_add_loop_test(tcase, a_placeholder_is_signed_by_any_type_of_key, 0, 4);
    tcase_add_test(tcase, no_two_placeholders_have_the_same_serial);
    tcase_add_test(tcase, addresses_stand_in_a_placeholder_as_such);
    tcase_add_test(tcase, a_challenge_certificate_answers_for_one_name);
    return suite;
}

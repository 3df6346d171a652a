/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains in and out of PEM, the facts of certificates, and whether leaf, key, names and chain fit.
 */
#include "tls/cert.h"

#include <apr_strings.h>
#include <openssl/ct.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/sample.h"
#include "suites.h"

#define SECOND APR_INT64_C(1000000)

static sample_ca *ca;

static md_chain *issue(const char *names)
{
    const sample_wish wish = { .names = md_words(names, kit_pool) };

    if (!ca)
        ca = sample_ca_make("Test", kit_pool);
    return sample_issue(ca, sample_key(NULL, kit_pool), &wish, kit_pool);
}

static md_cert_facts facts_of(const md_chain *chain)
{
    md_cert_facts facts;

    CHECK_OK(md_chain_facts(chain, kit_pool, &facts));
    return facts;
}

static md_chain *read_chain(const char *pem)
{
    md_chain *chain;

    CHECK_OK(md_chain_from_pem(md_bytes_of(pem), kit_pool, &chain));
    return chain;
}

static void add_sct(STACK_OF(SCT) * list, unsigned char first, uint64_t at)
{
    unsigned char id[32] = { first };
    static const unsigned char signature[] = { 1, 2, 3 };
    SCT *sct = SCT_new();

    SCT_set_version(sct, SCT_VERSION_V1);
    SCT_set1_log_id(sct, id, sizeof(id));
    SCT_set_timestamp(sct, at);
    SCT_set_signature_nid(sct, NID_ecdsa_with_SHA256);
    SCT_set1_signature(sct, signature, sizeof(signature));
    sk_SCT_push(list, sct);
}

START_TEST(promises_of_logs_are_facts)
{
    md_chain *chain = issue("example.org");
    STACK_OF(SCT) *list = sk_SCT_new_null();
    md_cert_facts facts = facts_of(chain);

    ck_assert_ptr_null(facts.scts);
    add_sct(list, 0xab, UINT64_C(1800000000000));
    add_sct(list, 0xcd, UINT64_MAX);
    ck_assert_int_eq(
        X509_add1_ext_i2d(sk_X509_value(chain, 0), NID_ct_precert_scts, list, 0, X509V3_ADD_DEFAULT), 1);
    SCT_LIST_free(list);
    facts = facts_of(chain);
    ck_assert_int_eq(facts.scts->nelts, 2);
    ck_assert_str_eq(APR_ARRAY_IDX(facts.scts, 0, md_sct).log_id,
                     "ab00000000000000000000000000000000000000000000000000000000000000");
    ck_assert_int_eq(APR_ARRAY_IDX(facts.scts, 0, md_sct).at, apr_time_from_sec(1800000000));
    ck_assert_str_eq(APR_ARRAY_IDX(facts.scts, 0, md_sct).signature_type, "ecdsa-with-SHA256");
    ck_assert_str_ne(APR_ARRAY_IDX(facts.scts, 0, md_sct).signature, "");
    ck_assert_int_gt(APR_ARRAY_IDX(facts.scts, 1, md_sct).at, 0); /* nonsense does not overflow */
}
END_TEST

START_TEST(a_chain_goes_there_and_back)
{
    const md_chain *chain = issue("a.org");
    const char *pem = sample_pem(chain, kit_pool).data;
    md_chain *back = read_chain(apr_pstrcat(kit_pool, "text before\r\n", pem, "and after\n", NULL));

    ck_assert_int_eq(md_chain_length(back), 2);
    ck_assert_str_eq(sample_pem(back, kit_pool).data, pem);
    ck_assert_str_eq(facts_of(back).sha256, facts_of(chain).sha256);
}
END_TEST

START_TEST(other_blocks_between_are_ignored)
{
    const char *pem = sample_pem(issue("a.org"), kit_pool).data;

    pem = apr_pstrcat(kit_pool, "-----BEGIN DH PARAMETERS-----\nMAYCAQcCAQI=\n-----END DH PARAMETERS-----\n",
                      pem, NULL);
    ck_assert_int_eq(md_chain_length(read_chain(pem)), 2);
}
END_TEST

START_TEST(chains_are_joined_by_reference)
{
    md_chain *chain = issue("a.org");

    md_chain_append(chain, issue("b.org"));
    ck_assert_int_eq(md_chain_length(chain), 4);
    ck_assert_str_eq(facts_of(chain).subject_cn, "a.org");
}
END_TEST

static const char *const no_chains[] = {
    "",
    "<html>",
    "-----BEGIN CERTIFICATE-----\n",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
};

START_TEST(what_is_no_chain_is_a_bad_certificate)
{
    md_chain *chain;
    md_err *err = md_chain_from_pem(md_bytes_of(no_chains[_i]), kit_pool, &chain);

    CHECK_FAILS(err, MD_FAULT_REMOTE, "certificate");
    ck_assert_str_eq(err->type, "md:bad-certificate");
    ck_assert_ptr_null(chain);
}
END_TEST

START_TEST(a_damaged_certificate_behind_a_good_one_spoils_the_chain)
{
    const char *pem = apr_pstrcat(kit_pool, sample_pem(issue("a.org"), kit_pool).data, no_chains[3], NULL);
    md_chain *chain;

    CHECK_FAILS(md_chain_from_pem(md_bytes_of(pem), kit_pool, &chain), MD_FAULT_REMOTE, "cannot be read");
}
END_TEST

/* OpenSSL would ask for the password at the terminal of the server. */
START_TEST(a_certificate_that_claims_to_be_encrypted_asks_nobody)
{
    static const char pem[] =
        "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
        "00000000000000000000000000000000\n\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "-----END CERTIFICATE-----\n";
    md_chain *chain;

    CHECK_FAILS(md_chain_from_pem(md_bytes_of(pem), kit_pool, &chain), MD_FAULT_REMOTE, "password");
}
END_TEST

START_TEST(a_chain_is_bounded)
{
    const char *pem = "", *each = sample_root_pem(sample_ca_make("X", kit_pool), kit_pool).data;
    char *big = apr_pcalloc(kit_pool, 262146);
    md_chain *chain;

    for (int i = 0; i < 16; ++i)
        pem = apr_pstrcat(kit_pool, pem, each, NULL);
    ck_assert_int_eq(md_chain_length(read_chain(pem)), 16);
    pem = apr_pstrcat(kit_pool, pem, each, NULL);
    CHECK_FAILS(md_chain_from_pem(md_bytes_of(pem), kit_pool, &chain), MD_FAULT_REMOTE, "more than 16");
    memset(big, '\n', 262145);
    CHECK_FAILS(md_chain_from_pem(md_bytes_of(big), kit_pool, &chain), MD_FAULT_REMOTE, "too large");
}
END_TEST

START_TEST(the_facts_of_a_certificate_are_read)
{
    const md_names *names = md_words("Example.org *.example.org 192.0.2.1 2001:DB8:0:0::1", kit_pool);
    const sample_wish wish = { .names = names,
                               .valid = { FAKE_NOW, FAKE_NOW + SECOND * 86400 * 90 },
                               .serial = "0087654321",
                               .issuer_uri = "http://ca.test/issuer",
                               .ocsp_uri = "http://ca.test/ocsp",
                               .must_staple = 1 };
    const md_cert_facts facts =
        facts_of(sample_issue(sample_ca_make("Test", kit_pool), sample_key(NULL, kit_pool), &wish, kit_pool));

    ck_assert_str_eq(md_names_join(facts.names, " ", kit_pool),
                     "example.org *.example.org 192.0.2.1 2001:db8::1");
    ck_assert_int_eq(facts.valid.from, wish.valid.from);
    ck_assert_int_eq(facts.valid.until, wish.valid.until);
    ck_assert_str_eq(facts.serial, "87654321");
    ck_assert_str_eq(facts.issuer, "/CN=Test Issuer");
    ck_assert_str_eq(facts.subject_cn, "Example.org");
    ck_assert_str_eq(facts.issuer_uri, wish.issuer_uri);
    ck_assert_str_eq(facts.ocsp_uri, wish.ocsp_uri);
    ck_assert(facts.must_staple);
    ck_assert(!facts.self_signed);
    ck_assert_uint_eq(strlen(facts.sha256), 64);
    ck_assert_uint_eq(strlen(facts.sha1), 40);
}
END_TEST

START_TEST(what_a_certificate_does_not_say_is_absent)
{
    const sample_wish wish = { .names = md_words("a.org", kit_pool), .no_aki = 1 };
    const md_cert_facts facts =
        facts_of(sample_issue(sample_ca_make("Test", kit_pool), sample_key(NULL, kit_pool), &wish, kit_pool));

    ck_assert_ptr_null(facts.issuer_uri);
    ck_assert_ptr_null(facts.ocsp_uri);
    ck_assert_ptr_null(facts.ari_id);
    ck_assert(!facts.must_staple);
}
END_TEST

START_TEST(a_root_is_self_signed_and_has_no_names)
{
    md_cert_facts facts;

    CHECK_OK(md_cert_facts_of(sample_ca_make("Test", kit_pool)->root, kit_pool, &facts));
    ck_assert(facts.self_signed);
    ck_assert_int_eq(facts.names->nelts, 0);
}
END_TEST

/* The certificate of RFC 9773 appendix A, and the identifier that section 4.1 makes of it. */
START_TEST(the_ari_identifier_is_that_of_the_rfc)
{
    static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
                              "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
                              "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
                              "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
                              "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
                              "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
                              "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
                              "-----END CERTIFICATE-----\n";
    md_cert_facts facts;
    md_err *err = md_chain_facts(read_chain(pem), kit_pool, &facts);

    CHECK_FAILS(err, MD_FAULT_REMOTE, "validity"); /* it is valid in the year 1 only */
    ck_assert_str_eq(facts.ari_id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    ck_assert_str_eq(facts.serial, "87654321");
}
END_TEST

static const struct {
    const char *serial, *shown;
} serials[] = {
    { "1", "01" },
    { "7F", "7F" },
    { "80", "80" },
    { "ABCDEF", "ABCDEF" },
    { "0", "00" },
    { "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" },
};

START_TEST(a_serial_has_an_even_number_of_digits)
{
    const sample_wish wish = { .names = md_words("a.org", kit_pool), .serial = serials[_i].serial };

    ck_assert_str_eq(
        facts_of(sample_issue(sample_ca_make("Test", kit_pool), sample_key(NULL, kit_pool), &wish, kit_pool))
            .serial,
        serials[_i].shown);
}
END_TEST

/** A leaf whose only alternative name has a NUL behind "bank.org". */
static X509 *with_nul(const sample_ca *of)
{
    X509 *cert = sk_X509_value(issue("a.org"), 0);
    GENERAL_NAMES *sans = GENERAL_NAMES_new();
    GENERAL_NAME *san = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    ASN1_STRING_set(text, "bank.org\0.evil.org", 18);
    GENERAL_NAME_set0_value(san, GEN_DNS, text);
    sk_GENERAL_NAME_push(sans, san);
    X509_add1_ext_i2d(cert, NID_subject_alt_name, sans, 0, X509V3_ADD_REPLACE);
    GENERAL_NAMES_free(sans);
    X509_sign(cert, of->key, EVP_sha256());
    return cert;
}

START_TEST(a_name_with_a_nul_in_it_is_no_name)
{
    md_cert_facts facts;

    CHECK_OK(md_cert_facts_of(with_nul(sample_ca_make("Test", kit_pool)), kit_pool, &facts));
    ck_assert_int_eq(facts.names->nelts, 0);
}
END_TEST

START_TEST(links_of_a_good_chain_hold_with_and_without_root)
{
    md_chain *chain = issue("a.org");

    CHECK_OK(md_chain_check_links(chain, kit_pool));
    X509_up_ref(ca->root);
    sk_X509_push(chain, ca->root);
    CHECK_OK(md_chain_check_links(chain, kit_pool));
    X509_free(sk_X509_delete(chain, 2));
    X509_free(sk_X509_delete(chain, 1));
    CHECK_OK(md_chain_check_links(chain, kit_pool));
}
END_TEST

START_TEST(a_broken_link_is_named)
{
    md_chain *chain = issue("a.org");

    X509_free(sk_X509_delete(chain, 1));
    X509_up_ref(ca->root);
    sk_X509_push(chain, ca->root); /* the intermediate is missing */
    CHECK_FAILS(md_chain_check_links(chain, kit_pool), MD_FAULT_REMOTE,
                "certificate 1 (/CN=a.org) was not issued by the next one (/CN=Test Root)");
}
END_TEST

START_TEST(an_issuer_of_the_same_name_with_another_key_breaks_the_link)
{
    md_chain *chain = issue("a.org");
    sample_ca *other = sample_ca_make("Test", kit_pool);

    X509_free(sk_X509_delete(chain, 1));
    X509_up_ref(other->cert);
    sk_X509_push(chain, other->cert);
    CHECK_FAILS(md_chain_check_links(chain, kit_pool), MD_FAULT_REMOTE, "does not fit");
}
END_TEST

START_TEST(a_certificate_fits_its_own_key_only)
{
    static const char *const words[] = { "P-256", "RSA", "ed25519" };
    const sample_wish wish = { .names = md_words("a.org", kit_pool) };
    md_key *key = sample_key(words[_i], kit_pool);
    md_chain *chain = sample_issue(sample_ca_make("Test", kit_pool), key, &wish, kit_pool);

    CHECK_OK(md_chain_check_key(chain, key, kit_pool));
    CHECK_FAILS(md_chain_check_key(chain, sample_key("P-256", kit_pool), kit_pool), MD_FAULT_REMOTE,
                "private key");
    CHECK_FAILS(md_chain_check_key(chain, sample_key("P-384", kit_pool), kit_pool), MD_FAULT_REMOTE,
                "private key");
}
END_TEST

static const struct {
    const char *cert, *wanted, *missing;
} coverings[] = {
    { "a.org b.org", "B.org a.org", NULL },
    { "*.a.org a.org", "x.a.org a.org", NULL },
    { "*.a.org", "*.a.org", NULL },
    { "*.a.org", "a.org", "cover a.org" },
    { "*.a.org", "x.y.a.org", "cover x.y.a.org" },
    { "a.org", "a.org b.org c.org", "cover b.org" },
    { "a.org", "*.a.org", "cover *.a.org" },
    { "192.0.2.1 2001:db8::1", "192.0.2.1 2001:0db8:0:0:0:0:0:1", NULL },
    { "192.0.2.1", "192.0.2.2", "cover 192.0.2.2" },
};

START_TEST(all_names_must_be_covered)
{
    const md_cert_facts facts = facts_of(issue(coverings[_i].cert));
    md_err *err = md_facts_check_names(&facts, md_words(coverings[_i].wanted, kit_pool), kit_pool);

    ck_assert_int_eq(!err, !coverings[_i].missing);
    if (err)
        CHECK_FAILS(err, MD_FAULT_REMOTE, coverings[_i].missing);
}
END_TEST

START_TEST(a_key_has_one_fingerprint)
{
    md_key *key = sample_key(NULL, kit_pool), *back;
    md_bytes pem;

    CHECK_OK(md_key_to_pem(key, (md_bytes){ NULL, 0 }, kit_pool, &pem));
    CHECK_OK(md_key_from_pem(pem, (md_bytes){ NULL, 0 }, kit_pool, &back));
    ck_assert_str_eq(md_key_sha256(key, kit_pool), md_key_sha256(back, kit_pool));
    ck_assert_uint_eq(strlen(md_key_sha256(key, kit_pool)), 64);
    ck_assert_str_ne(md_key_sha256(key, kit_pool), md_key_sha256(sample_key(NULL, kit_pool), kit_pool));
}
END_TEST

static void forget_ca(void)
{
    ca = NULL;
}

static void add_pem(Suite *suite)
{
    TCase *tcase = kit_case(suite, "PEM");

    tcase_add_checked_fixture(tcase, forget_ca, NULL);
    tcase_add_test(tcase, promises_of_logs_are_facts);
    tcase_add_test(tcase, a_chain_goes_there_and_back);
    tcase_add_test(tcase, other_blocks_between_are_ignored);
    tcase_add_test(tcase, chains_are_joined_by_reference);
    KIT_ADD_ROWS(tcase, what_is_no_chain_is_a_bad_certificate, no_chains);
    tcase_add_test(tcase, a_damaged_certificate_behind_a_good_one_spoils_the_chain);
    tcase_add_test(tcase, a_certificate_that_claims_to_be_encrypted_asks_nobody);
    tcase_add_test(tcase, a_chain_is_bounded);
}

static void add_facts(Suite *suite)
{
    TCase *tcase = kit_case(suite, "facts and checks");

    tcase_add_unchecked_fixture(tcase, sample_share_rsa, NULL);
    tcase_add_checked_fixture(tcase, forget_ca, NULL);
    tcase_add_test(tcase, the_facts_of_a_certificate_are_read);
    tcase_add_test(tcase, what_a_certificate_does_not_say_is_absent);
    tcase_add_test(tcase, a_root_is_self_signed_and_has_no_names);
    tcase_add_test(tcase, the_ari_identifier_is_that_of_the_rfc);
    KIT_ADD_ROWS(tcase, a_serial_has_an_even_number_of_digits, serials);
    tcase_add_test(tcase, a_name_with_a_nul_in_it_is_no_name);
    tcase_add_test(tcase, links_of_a_good_chain_hold_with_and_without_root);
    tcase_add_test(tcase, a_broken_link_is_named);
    tcase_add_test(tcase, an_issuer_of_the_same_name_with_another_key_breaks_the_link);
    tcase_add_loop_test(tcase, a_certificate_fits_its_own_key_only, 0, 3);
    KIT_ADD_ROWS(tcase, all_names_must_be_covered, coverings);
    tcase_add_test(tcase, a_key_has_one_fingerprint);
}

Suite *suite_tls_cert(void)
{
    Suite *suite = suite_create("tls/cert");

    add_pem(suite);
    add_facts(suite);
    return suite;
}

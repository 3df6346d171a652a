/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked, and what is believed.
 */
#include "tls/ocsp.h"

#include <apr_strings.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "kit/fake_responder.h"
#include "kit/kit.h"

#define HOUR apr_time_from_sec(3600)

static const md_bytes nothing = { NULL, 0 };
static fake_responder *to;
static apr_time_t now;

static void set_up(void)
{
    now = apr_time_now();
    to = fake_responder_make("a.test", NULL, kit_pool);
}

static md_err *check_der(md_bytes der, md_ocsp_answer *answer)
{
    return md_ocsp_check(to->chain, der, nothing, now, kit_pool, answer);
}

static md_err *check(const fake_says *says, md_ocsp_answer *answer)
{
    return check_der(fake_ocsp(to->ca, to->chain, says, nothing, kit_pool), answer);
}

START_TEST(a_good_answer_has_status_and_times)
{
    md_ocsp_answer answer;

    CHECK_OK(check(&(fake_says){ .from = now - HOUR, .until = now + HOUR }, &answer));
    ck_assert_int_eq(answer.status, MD_OCSP_GOOD);
    ck_assert_int_eq(answer.valid.from, apr_time_from_sec(apr_time_sec(now - HOUR)));
    ck_assert_int_eq(answer.valid.until, apr_time_from_sec(apr_time_sec(now + HOUR)));
}
END_TEST

START_TEST(revoked_is_an_answer)
{
    md_ocsp_answer answer;

    CHECK_OK(check(&(fake_says){ .status = MD_OCSP_REVOKED }, &answer));
    ck_assert_int_eq(answer.status, MD_OCSP_REVOKED);
}
END_TEST

START_TEST(certificates_named_by_sha256_are_found)
{
    md_ocsp_answer answer;

    CHECK_OK(check(&(fake_says){ .sha256 = 1 }, &answer));
}
END_TEST

START_TEST(an_answer_without_end_is_good_for_half_a_day)
{
    md_ocsp_answer answer;

    CHECK_OK(check(&(fake_says){ .endless = 1, .from = now - HOUR }, &answer));
    ck_assert_int_eq(answer.valid.until - answer.valid.from, 12 * HOUR);
    CHECK_FAILS(check(&(fake_says){ .endless = 1, .from = now - 13 * HOUR }, &answer), MD_FAULT_REMOTE,
                "outdated");
}
END_TEST

START_TEST(the_issuer_need_not_enclose_its_certificate)
{
    md_ocsp_answer answer;

    CHECK_OK(check(&(fake_says){ .without_certs = 1 }, &answer));
}
END_TEST

static fake_says by_delegate(const sample_ca *ca, const char *purpose, md_period valid)
{
    md_key *key = sample_key(NULL, kit_pool);

    return (fake_says){ .signer = fake_delegate(ca, key, purpose, valid, kit_pool), .signer_key = key };
}

START_TEST(a_delegate_may_sign)
{
    fake_says says = by_delegate(to->ca, "OCSPSigning", (md_period){ 0, 0 });
    md_ocsp_answer answer;

    CHECK_OK(check(&says, &answer));
}
END_TEST

/* Whose signature does not count, and what is said. */
static const struct {
    const char *purpose;
    int days_from, days_until, of_another, without_certs;
    const char *text;
} strangers[] = {
    { "serverAuth", -1, 1, 0, 0, "not for signing OCSP responses" },
    { "OCSPSigning", -9, -1, 0, 0, "expired" },
    { "OCSPSigning", 1, 9, 0, 0, "not yet valid" },
    { "OCSPSigning", -1, 1, 1, 0, "cannot be trusted" },
    { "OCSPSigning", -1, 1, 0, 1, "neither the issuer nor named" },
};

START_TEST(strangers_may_not_sign)
{
    const md_period valid = { now + 24 * HOUR * strangers[_i].days_from,
                              now + 24 * HOUR * strangers[_i].days_until };
    const sample_ca *ca = strangers[_i].of_another ? sample_ca_make("Stapling", kit_pool) : to->ca;
    fake_says says = by_delegate(ca, strangers[_i].purpose, valid);
    md_ocsp_answer answer;
    md_err *err;

    says.without_certs = strangers[_i].without_certs;
    err = check(&says, &answer);
    CHECK_FAILS(err, MD_FAULT_REMOTE, strangers[_i].text);
    ck_assert_str_eq(err->type, "md:ocsp-untrusted");
}
END_TEST

START_TEST(the_certificate_itself_may_not_sign)
{
    md_key *key = sample_key(NULL, kit_pool);
    md_chain *own =
        sample_issue(to->ca, key, &(sample_wish){ .names = sample_names("a.test", kit_pool) }, kit_pool);
    fake_says says = { .signer = sk_X509_value(own, 0), .signer_key = key };
    md_ocsp_answer answer;

    CHECK_FAILS(check(&says, &answer), MD_FAULT_REMOTE, "cannot be trusted");
}
END_TEST

START_TEST(a_changed_answer_is_not_believed)
{
    md_bytes der = fake_ocsp(to->ca, to->chain, &(fake_says){ .status = MD_OCSP_REVOKED }, nothing, kit_pool);
    char *changed = apr_pmemdup(kit_pool, der.data, der.size);
    md_ocsp_answer answer;

    changed[der.size / 4] ^= 1;
    ck_assert_ptr_nonnull(check_der((md_bytes){ changed, der.size }, &answer));
}
END_TEST

START_TEST(an_answer_about_another_certificate_is_none)
{
    md_chain *other = sample_issue(to->ca, sample_key(NULL, kit_pool),
                                   &(sample_wish){ .names = sample_names("b.test", kit_pool) }, kit_pool);
    md_ocsp_answer answer;
    md_err *err =
        check_der(fake_ocsp(to->ca, other, &(fake_says){ .endless = 0 }, nothing, kit_pool), &answer);

    ck_assert_str_eq(err->type, "md:ocsp-other");
}
END_TEST

/* Seconds from now of thisUpdate and nextUpdate. */
static const struct {
    int from, until;
    const char *type; /* NULL: believed */
} times[] = {
    { -100, 100, NULL },
    { 200, 1000, NULL }, /* clocks differ */
    { 400, 1000, "md:ocsp-outdated" },
    { -1000, -1, "md:ocsp-outdated" },
    { 100, 50, "md:ocsp-malformed" },
};

START_TEST(times_count)
{
    fake_says says = { .from = now + apr_time_from_sec(times[_i].from),
                       .until = now + apr_time_from_sec(times[_i].until) };
    md_ocsp_answer answer;
    md_err *err = check(&says, &answer);

    ck_assert(md_text_equal(err ? err->type : NULL, times[_i].type));
}
END_TEST

START_TEST(unknown_is_a_failure)
{
    md_ocsp_answer answer;
    md_err *err = check(&(fake_says){ .unknown = 1 }, &answer);

    ck_assert_str_eq(err->type, "md:ocsp-unknown");
    ck_assert_int_eq(answer.status, MD_OCSP_UNKNOWN);
}
END_TEST

START_TEST(a_nonce_that_comes_back_must_be_ours)
{
    md_ocsp_answer answer;
    md_bytes request, der;

    CHECK_OK(md_ocsp_request(to->chain, (md_ocsp_form){ .nonce = 1 }, kit_pool, &request));
    der = fake_ocsp(to->ca, to->chain, &(fake_says){ .endless = 0 }, request, kit_pool);
    CHECK_OK(md_ocsp_check(to->chain, der, request, now, kit_pool, &answer));
    der = fake_ocsp(to->ca, to->chain, &(fake_says){ .nonce = "another nonce" }, request, kit_pool);
    CHECK_FAILS(md_ocsp_check(to->chain, der, request, now, kit_pool, &answer), MD_FAULT_REMOTE, "nonce");
    der = fake_ocsp(to->ca, to->chain, &(fake_says){ .endless = 0 }, nothing, kit_pool);
    CHECK_OK(md_ocsp_check(to->chain, der, request, now, kit_pool, &answer));
}
END_TEST

static const struct {
    int status;
    const char *type, *text;
} refusals[] = {
    { OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, "md:ocsp-refused", "malformedRequest" },
    { OCSP_RESPONSE_STATUS_INTERNALERROR, "md:ocsp-busy", "internalError" },
    { OCSP_RESPONSE_STATUS_TRYLATER, "md:ocsp-busy", "tryLater" },
    { OCSP_RESPONSE_STATUS_SIGREQUIRED, "md:ocsp-refused", "sigRequired" },
    { OCSP_RESPONSE_STATUS_UNAUTHORIZED, "md:ocsp-refused", "unauthorized" },
    { 99, "md:ocsp-malformed", "status" },
};

START_TEST(refusals_are_named)
{
    const char der[] = { 0x30, 3, 0x0a, 1, (char)refusals[_i].status };
    md_ocsp_answer answer;
    md_err *err = check_der((md_bytes){ der, sizeof(der) }, &answer);

    CHECK_FAILS(err, MD_FAULT_REMOTE, refusals[_i].text);
    ck_assert_str_eq(err->type, refusals[_i].type);
}
END_TEST

START_TEST(nonsense_is_malformed)
{
    char *much = apr_pcalloc(kit_pool, MD_OCSP_SIZE_MAX + 1);
    md_ocsp_answer answer;

    CHECK_FAILS(check_der(md_bytes_of("<html>"), &answer), MD_FAULT_REMOTE, "no OCSP response");
    CHECK_FAILS(check_der(nothing, &answer), MD_FAULT_REMOTE, "no OCSP response");
    CHECK_FAILS(check_der((md_bytes){ "\x30\x03\x0a\x01\x00", 5 }, &answer), MD_FAULT_REMOTE, "no basic");
    CHECK_FAILS(check_der((md_bytes){ much, MD_OCSP_SIZE_MAX + 1 }, &answer), MD_FAULT_REMOTE, "bytes");
}
END_TEST

START_TEST(without_an_issuer_nothing_is_asked)
{
    md_chain *alone = sk_X509_new_null();
    md_ocsp_answer answer;
    md_bytes der;

    sk_X509_push(alone, sk_X509_value(to->chain, 0));
    CHECK_FAILS(md_ocsp_request(alone, (md_ocsp_form){ .nonce = 0 }, kit_pool, &der), MD_FAULT_CONFIG,
                "issuer");
    CHECK_FAILS(md_ocsp_check(alone, nothing, nothing, now, kit_pool, &answer), MD_FAULT_CONFIG, "issuer");
    sk_X509_free(alone);
}
END_TEST

START_TEST(statuses_have_names)
{
    for (int i = MD_OCSP_UNKNOWN; i <= MD_OCSP_REVOKED; ++i)
        ck_assert_int_eq(md_ocsp_status_named(md_ocsp_status_name((md_ocsp_status)i)), i);
    ck_assert_int_eq(md_ocsp_status_named("fine"), MD_OCSP_UNKNOWN);
    ck_assert_int_eq(md_ocsp_status_named(NULL), MD_OCSP_UNKNOWN);
}
END_TEST

Suite *suite_tls_ocsp(void)
{
    Suite *suite = suite_create("tls/ocsp");
    TCase *tcase = kit_case(suite, "answers");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, a_good_answer_has_status_and_times);
    tcase_add_test(tcase, revoked_is_an_answer);
    tcase_add_test(tcase, certificates_named_by_sha256_are_found);
    tcase_add_test(tcase, an_answer_without_end_is_good_for_half_a_day);
    tcase_add_test(tcase, the_issuer_need_not_enclose_its_certificate);
    tcase_add_test(tcase, a_delegate_may_sign);
    KIT_ADD_ROWS(tcase, strangers_may_not_sign, strangers);
    tcase_add_test(tcase, the_certificate_itself_may_not_sign);
    tcase_add_test(tcase, a_changed_answer_is_not_believed);
    tcase_add_test(tcase, an_answer_about_another_certificate_is_none);
    KIT_ADD_ROWS(tcase, times_count, times);
    tcase_add_test(tcase, unknown_is_a_failure);
    tcase_add_test(tcase, a_nonce_that_comes_back_must_be_ours);
    KIT_ADD_ROWS(tcase, refusals_are_named, refusals);
    tcase_add_test(tcase, nonsense_is_malformed);
    tcase_add_test(tcase, without_an_issuer_nothing_is_asked);
    tcase_add_test(tcase, statuses_have_names);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorizations and challenges as the CA shows them.
 */
#include "acme/authz.h"

#include <string.h>

#include "kit/kit.h"
#include "kit/talk.h"

static md_authz *read_text(const char *text)
{
    md_authz *authz;
    json_t *doc;

    CHECK_OK(md_json_read(md_bytes_of(text), kit_pool, &doc));
    CHECK_OK(md_authz_from_json(doc, "https://ca.test/authz/1", kit_pool, &authz));
    return authz;
}

#define AUTHZ(status, challenges)                                                           \
    "{\"identifier\":{\"type\":\"dns\",\"value\":\"WWW.example.org\"},\"status\":\"" status \
    "\",\"challenges\":[" challenges "]}"

START_TEST(an_authorization_is_read)
{
    const md_authz *authz =
        read_text(AUTHZ("pending", "{\"type\":\"http-01\",\"url\":\"https://ca.test/1\",\"token\":\"t\"}"));
    const md_challenge *challenge = &APR_ARRAY_IDX(authz->challenges, 0, md_challenge);

    ck_assert_str_eq(authz->name, "www.example.org");
    ck_assert_int_eq(authz->status, MD_AUTHZ_PENDING);
    ck_assert_int_eq(authz->challenges->nelts, 1);
    ck_assert_str_eq(challenge->type, "http-01");
    ck_assert_str_eq(challenge->token, "t");
}
END_TEST

START_TEST(domain_names_of_the_ca_are_read)
{
    const md_authz *authz = read_text(
        AUTHZ("pending",
              "{\"type\":\"dns-persist-01\",\"url\":\"https://ca.test/1\",\"token\":\"\","
              "\"accounturi\":\"https://ca.test/acct/1\",\"issuer-domain-names\":[\"CA.test\",7,\"a b\"]}"));

    ck_assert_int_eq(authz->challenges->nelts, 1);
    ck_assert_str_eq(md_names_join(APR_ARRAY_IDX(authz->challenges, 0, md_challenge).issuers, ",", kit_pool),
                     "ca.test");
}
END_TEST

START_TEST(each_status_is_known)
{
    ck_assert_int_eq(read_text(AUTHZ("valid", ""))->status, MD_AUTHZ_VALID);
    ck_assert_int_eq(read_text(AUTHZ("invalid", ""))->status, MD_AUTHZ_INVALID);
    ck_assert_int_eq(read_text(AUTHZ("deactivated", ""))->status, MD_AUTHZ_GONE);
    ck_assert_int_eq(read_text(AUTHZ("expired", ""))->status, MD_AUTHZ_GONE);
    ck_assert_int_eq(read_text(AUTHZ("revoked", ""))->status, MD_AUTHZ_GONE);
    ck_assert_int_eq(read_text(AUTHZ("dreaming", ""))->status, MD_AUTHZ_GONE);
    ck_assert_int_eq(md_authz_problem(read_text(AUTHZ("expired", "")), 0, kit_pool)->fault, MD_FAULT_REMOTE);
    ck_assert_int_eq(md_authz_problem(read_text(AUTHZ("invalid", "")), 0, kit_pool)->fault,
                     MD_FAULT_VALIDATION);
}
END_TEST

START_TEST(what_has_no_identifier_is_refused)
{
    md_authz *authz;
    json_t *doc = md_json_object(kit_pool);

    CHECK_FAILS(md_authz_from_json(doc, "https://ca.test/authz/1", kit_pool, &authz), MD_FAULT_REMOTE,
                "authorization");
}
END_TEST

START_TEST(the_problem_names_the_name_and_is_one_of_validation)
{
    const md_authz *authz = read_text(AUTHZ(
        "invalid",
        "{\"type\":\"http-01\",\"url\":\"https://ca.test/1\",\"status\":\"invalid\",\"error\":{\"type\":"
        "\"urn:ietf:params:acme:error:connection\",\"detail\":\"refused\"}}"));
    const md_err *err = md_authz_problem(authz, apr_time_now(), kit_pool);

    ck_assert_int_eq(err->fault, MD_FAULT_VALIDATION);
    ck_assert_ptr_nonnull(strstr(md_err_text(err, kit_pool), "www.example.org"));
    ck_assert_ptr_nonnull(strstr(md_err_text(err, kit_pool), "refused"));
}
END_TEST

#define FAILED_ONE(status)                                                                           \
    "{\"type\":\"http-01\",\"url\":\"https://ca.test/1\",\"token\":\"t\",\"status\":\"" status "\"," \
    "\"error\":{\"type\":\"urn:ietf:params:acme:error:connection\",\"detail\":\"no\"}}"

START_TEST(an_authorization_that_waits_to_be_told_again_is_stuck)
{
    ck_assert(md_authz_is_stuck(read_text(AUTHZ("pending", FAILED_ONE("pending")))));
    ck_assert(!md_authz_is_stuck(read_text(AUTHZ("pending", FAILED_ONE("processing")))));
    ck_assert(!md_authz_is_stuck(read_text(AUTHZ("invalid", FAILED_ONE("invalid")))));
    ck_assert(!md_authz_is_stuck(
        read_text(AUTHZ("pending", "{\"type\":\"http-01\",\"url\":\"https://ca.test/1\",\"token\":\"t\"}"))));
}
END_TEST

START_TEST(an_answered_challenge_makes_it_valid)
{
    md_order *order;
    md_authz *authz;

    (void)talk_log_in();
    talk_ca->trusting = 1;
    order = talk_order();
    CHECK_OK(md_authz_read(&talk_call, MD_NAME(order->authorizations, 0), kit_pool, &authz));
    ck_assert_int_eq(authz->status, MD_AUTHZ_PENDING);
    talk_answer(authz);
    CHECK_OK(md_authz_read(&talk_call, authz->url, kit_pool, &authz));
    ck_assert_int_eq(authz->status, MD_AUTHZ_VALID);
}
END_TEST

Suite *suite_acme_authz(void)
{
    Suite *suite = suite_create("acme/authz");
    TCase *tests = kit_case(suite, "authorizations");

    tcase_add_checked_fixture(tests, talk_begin, talk_end);
    tcase_add_test(tests, an_authorization_is_read);
    tcase_add_test(tests, domain_names_of_the_ca_are_read);
    tcase_add_test(tests, each_status_is_known);
    tcase_add_test(tests, what_has_no_identifier_is_refused);
    tcase_add_test(tests, the_problem_names_the_name_and_is_one_of_validation);
    tcase_add_test(tests, an_authorization_that_waits_to_be_told_again_is_stuck);
    tcase_add_test(tests, an_answered_challenge_makes_it_valid);
    return suite;
}

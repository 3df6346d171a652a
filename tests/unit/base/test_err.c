/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures as values: what is kept, told and advised.
 */
#include "base/err.h"

#include <apr_errno.h>
#include <apr_strings.h>
#include <string.h>

#include "base/json.h"
#include "kit/kit.h"
#include "suites.h"

START_TEST(a_failure_says_what_went_wrong_and_who_must_act)
{
    const md_err *err =
        md_fail(kit_pool, MD_FAULT_REMOTE, "md:timeout", "no answer from %s in %d s", "the CA", 30);

    ck_assert_str_eq(err->detail, "no answer from the CA in 30 s");
    ck_assert_str_eq(err->type, "md:timeout");
    ck_assert_int_eq(err->fault, MD_FAULT_REMOTE);
    ck_assert_int_ne(err->status, APR_SUCCESS);
    ck_assert_ptr_null(err->cause);
}
END_TEST

START_TEST(a_system_call_is_told_in_the_words_of_the_system)
{
    const md_err *err = md_fail_status(kit_pool, APR_ENOENT, "cannot open %s", "md.json");

    ck_assert_str_eq(err->detail, "cannot open md.json: No such file or directory");
    ck_assert_str_eq(err->type, "md:system");
    ck_assert_int_eq(err->fault, MD_FAULT_LOCAL);
    ck_assert_int_eq(err->status, APR_ENOENT);
}
END_TEST

START_TEST(a_failure_never_has_the_status_of_success)
{
    ck_assert_int_ne(md_fail_status(kit_pool, APR_SUCCESS, "strange")->status, APR_SUCCESS);
}
END_TEST

START_TEST(the_purpose_is_added_and_the_rest_taken_over)
{
    md_err *inner = md_fail(kit_pool, MD_FAULT_LIMIT, "urn:x", "too many requests");
    const md_err *outer;

    inner->not_before = 1234;
    inner->status = APR_ENOSPC;
    inner->subproblems = json_array();
    outer = md_wrap(kit_pool, md_wrap(kit_pool, inner, "cannot order"), "cannot renew %s", "example.org");
    ck_assert_str_eq(md_err_text(outer, kit_pool),
                     "cannot renew example.org: cannot order: too many requests");
    ck_assert_int_eq(outer->fault, MD_FAULT_LIMIT);
    ck_assert_str_eq(outer->type, "urn:x");
    ck_assert_int_eq(outer->not_before, 1234);
    ck_assert_int_eq(outer->status, APR_ENOSPC);
    ck_assert_ptr_eq(outer->subproblems, inner->subproblems);
    json_decref((json_t *)(apr_uintptr_t)inner->subproblems);
}
END_TEST

START_TEST(a_percent_sign_from_outside_is_text)
{
    ck_assert_str_eq(md_fail(kit_pool, MD_FAULT_REMOTE, "md:x", "%s", "100%s %n")->detail, "100%s %n");
}
END_TEST

START_TEST(a_copy_outlives_its_original)
{
    apr_pool_t *step;
    md_err *err, *copy;

    apr_pool_create(&step, kit_pool);
    err = md_wrap(step, md_fail(step, MD_FAULT_VALIDATION, apr_pstrdup(step, "urn:y"), "%s", "inner"), "%s",
                  "outer");
    err->subproblems = md_own_json(step, json_pack("[{s:s}]", "type", "urn:z"));
    copy = md_err_copy(err, kit_pool);
    apr_pool_destroy(step);
    ck_assert_str_eq(md_err_text(copy, kit_pool), "outer: inner");
    ck_assert_str_eq(copy->type, "urn:y");
    ck_assert_str_eq(md_json_line(copy->subproblems, kit_pool), "[{\"type\":\"urn:z\"}]");
}
END_TEST

START_TEST(no_failure_copies_to_none)
{
    ck_assert_ptr_null(md_err_copy(NULL, kit_pool));
}
END_TEST

/* Golden: what other tools read in job.json and in the status. */
START_TEST(the_last_failure_is_written_as_documented)
{
    json_t *last = md_json_object(kit_pool);
    md_err *err = md_fail(kit_pool, MD_FAULT_VALIDATION, "urn:ietf:params:acme:error:caa", "%s", "forbidden");

    err->status = APR_EGENERAL;
    err->subproblems = md_own_json(kit_pool, json_pack("[{s:s}]", "type", "urn:z"));
    md_err_to_json(md_wrap(kit_pool, err, "cannot renew"), last, kit_pool);
    ck_assert_str_eq(md_json_text_of(last, kit_pool),
                     "{\n"
                     "  \"status\": 20014,\n"
                     "  \"status-description\": \"Internal error (specific information not available)\",\n"
                     "  \"problem\": \"urn:ietf:params:acme:error:caa\",\n"
                     "  \"detail\": \"cannot renew: forbidden\",\n"
                     "  \"subproblems\": [\n"
                     "    {\n"
                     "      \"type\": \"urn:z\"\n"
                     "    }\n"
                     "  ],\n"
                     "  \"fault\": \"validation\",\n"
                     "  \"advice\": \"Allow the CA in the CAA records of the name\"\n"
                     "}");
}
END_TEST

START_TEST(a_new_failure_leaves_nothing_of_the_one_before)
{
    json_t *last = md_json_object(kit_pool);
    md_err *err = md_fail(kit_pool, MD_FAULT_REMOTE, "urn:a", "first");

    err->subproblems = md_own_json(kit_pool, json_array());
    md_err_to_json(err, last, kit_pool);
    md_err_to_json(md_fail(kit_pool, MD_FAULT_LOCAL, NULL, "second"), last, kit_pool);
    ck_assert_ptr_null(md_json_at(last, "subproblems"));
    ck_assert_ptr_null(md_json_at(last, "problem"));
    ck_assert_str_eq(md_json_text(last, "detail"), "second");
    ck_assert_str_eq(md_json_text(last, "fault"), "local");
}
END_TEST

static const struct {
    md_fault fault;
    const char *type, *part;
} advices[] = {
    { MD_FAULT_LIMIT, "urn:ietf:params:acme:error:rateLimited", "The CA asks to wait" },
    { MD_FAULT_CONFIG, "urn:ietf:params:acme:error:userActionRequired", "MDCertificateAgreement" },
    { MD_FAULT_CONFIG, "urn:ietf:params:acme:error:externalAccountRequired", "MDExternalAccountBinding" },
    { MD_FAULT_VALIDATION, "urn:ietf:params:acme:error:connection", "port 80" },
    { MD_FAULT_VALIDATION, "urn:ietf:params:acme:error:dns", "DNS records" },
    { MD_FAULT_VALIDATION, "urn:ietf:params:acme:error:caa", "CAA records" },
    { MD_FAULT_CONFIG, "challenge-mismatch", "challenge type" },
    { MD_FAULT_LOCAL, "challenge-setup-failure", "challenges" },
    { MD_FAULT_REMOTE, "md:unreachable", "connect to the CA" },
    { MD_FAULT_REMOTE, "md:probe", "its own server" },
    { MD_FAULT_LOCAL, "md:not-served", "Restart the server" },
    { MD_FAULT_LOCAL, "md:key", "MDPrivateKeys" },
    { MD_FAULT_LOCAL, "md:command", "command" },
    { MD_FAULT_LOCAL, "md:system", "disk space" },
    { MD_FAULT_CONFIG, "md:config", "configuration" },
    { MD_FAULT_REMOTE, "md:cancelled", "Nothing needs to be done" },
    { MD_FAULT_REMOTE, "urn:of:another:ca", "tried again by itself" },
    { MD_FAULT_REMOTE, NULL, "tried again by itself" },
    { MD_FAULT_VALIDATION, NULL, "leads to this server" },
    { MD_FAULT_LIMIT, NULL, "asks to wait" },
};

START_TEST(advice_says_what_to_do)
{
    const md_err err = { .fault = advices[_i].fault, .type = advices[_i].type };

    ck_assert_msg(strstr(md_err_advice(&err), advices[_i].part) != NULL, "%s: %s",
                  err.type ? err.type : md_fault_name(err.fault), md_err_advice(&err));
}
END_TEST

START_TEST(every_fault_has_a_name)
{
    ck_assert_str_eq(md_fault_name(MD_FAULT_CONFIG), "config");
    ck_assert_str_eq(md_fault_name(MD_FAULT_REMOTE), "remote");
    ck_assert_str_eq(md_fault_name(MD_FAULT_VALIDATION), "validation");
    ck_assert_str_eq(md_fault_name(MD_FAULT_LIMIT), "limit");
    ck_assert_str_eq(md_fault_name(MD_FAULT_LOCAL), "local");
}
END_TEST

Suite *suite_base_err(void)
{
    Suite *suite = suite_create("base/err");
    TCase *tcase = kit_case(suite, "err");

    tcase_add_test(tcase, a_failure_says_what_went_wrong_and_who_must_act);
    tcase_add_test(tcase, a_system_call_is_told_in_the_words_of_the_system);
    tcase_add_test(tcase, a_failure_never_has_the_status_of_success);
    tcase_add_test(tcase, the_purpose_is_added_and_the_rest_taken_over);
    tcase_add_test(tcase, a_percent_sign_from_outside_is_text);
    tcase_add_test(tcase, a_copy_outlives_its_original);
    tcase_add_test(tcase, no_failure_copies_to_none);
    tcase_add_test(tcase, the_last_failure_is_written_as_documented);
    tcase_add_test(tcase, a_new_failure_leaves_nothing_of_the_one_before);
    KIT_ADD_ROWS(tcase, advice_says_what_to_do, advices);
    tcase_add_test(tcase, every_fault_has_a_name);
    return suite;
}

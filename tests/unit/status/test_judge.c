/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is thought of a domain.
 */
#include "status/judge.h"

#include <string.h>

#include "kit/kit.h"

#define NOW apr_time_from_sec(1914249995)
#define DAY apr_time_from_sec(86400)

/** One situation: days until the certificate's end, the renewal and the warning. */
static const struct {
    md_state state;
    int ends, renews, warns; /* days from now; 0: never */
    int errors, finished, off, stage;
    md_proof proof;
    const char *conditions, *who;
} rows[] = {
    { MD_STATE_COMPLETE, 60, 30, 50, .conditions = "ok" },
    { MD_STATE_COMPLETE, 60, -1, 50, .conditions = "renewing ok" },
    { MD_STATE_COMPLETE, 60, 30, 50, .stage = 1, .conditions = "ok" },
    { MD_STATE_COMPLETE, 60, 30, 50, .stage = 5, .conditions = "renewing ok" },
    { MD_STATE_COMPLETE, 60, -1, 50, .errors = 2, .conditions = "errored renewing", .who = "authority" },
    { MD_STATE_COMPLETE, 2, -20, -1, .errors = 9, .conditions = "errored expiring renewing",
      .who = "authority" },
    { MD_STATE_COMPLETE, 2, -20, -1, .conditions = "expiring renewing", .who = "nobody" },
    { MD_STATE_COMPLETE, 2, 0, -1, .conditions = "expiring", .who = "operator" },
    { MD_STATE_COMPLETE, -2, 0, -5, .conditions = "expired", .who = "operator" },
    { MD_STATE_COMPLETE, 60, 30, 50, .finished = 1, .conditions = "ok" },
    { MD_STATE_COMPLETE, 60, -1, 50, .finished = 1, .off = 1, .conditions = "renewing ready ok",
      .who = "operator" },
    { MD_STATE_COMPLETE, 60, 30, 50, .proof = MD_PROOF_BAD, .conditions = "errored", .who = "operator" },
    { MD_STATE_INCOMPLETE, 0, -1, 0, .conditions = "incomplete renewing" },
    { MD_STATE_INCOMPLETE, 0, 0, 0, .conditions = "incomplete", .who = "operator" },
    { MD_STATE_ERROR, 0, -1, 0, .conditions = "errored renewing", .who = "operator" },
};

static const char *words(unsigned conditions)
{
    md_names *names = md_names_make(kit_pool);

    for (int i = 0; i < MD_CONDITIONS; ++i)
        if (MD_HAS(conditions, i))
            md_names_add(names, md_condition_names[i]);
    return md_names_join(names, " ", kit_pool);
}

static apr_time_t in_days(int days)
{
    return days ? NOW + days * DAY : 0;
}

static md_job *job_of(int errors, int finished)
{
    static const md_err unreachable = { .fault = MD_FAULT_REMOTE, .type = "md:unreachable", .detail = "no" };
    md_job *job = md_job_make(MD_GROUP_STAGING, "example.org", kit_pool);

    job->errors = errors;
    job->finished = job->notified = finished;
    if (errors)
        md_job_failed(job, "placing the order", &unreachable, kit_pool);
    return errors || finished ? job : NULL;
}

static apr_array_header_t *facts_of(int ends)
{
    apr_array_header_t *facts = apr_array_make(kit_pool, 1, sizeof(md_cert_fact));
    md_cert_facts *cert = apr_pcalloc(kit_pool, sizeof(*cert));

    cert->valid = (md_period){ NOW - 90 * DAY, in_days(ends) };
    APR_ARRAY_PUSH(facts, md_cert_fact) = (md_cert_fact){ .cert = ends ? cert : NULL };
    return facts;
}

START_TEST(every_situation_has_its_conditions_and_somebody_who_must_act)
{
    md_domain *domain = md_domain_make(md_words("example.org", kit_pool), kit_pool);
    const md_due due = { .state = rows[_i].state,
                         .why = "because",
                         .renew_at = in_days(rows[_i].renews),
                         .warn_at = in_days(rows[_i].warns) };
    const md_case of = { .domain = domain,
                         .facts = facts_of(rows[_i].ends),
                         .due = &due,
                         .job = job_of(rows[_i].errors, rows[_i].finished),
                         .glance = { .stage = (unsigned)rows[_i].stage, .proof = rows[_i].proof },
                         .now = NOW };
    md_verdict verdict;

    domain->policy.live = !rows[_i].off;
    verdict = md_judge(&of, kit_pool);
    ck_assert_str_eq(words(verdict.conditions), rows[_i].conditions);
    ck_assert_pstr_eq(verdict.attention.who, rows[_i].who);
    ck_assert_int_eq(verdict.attention.reason != NULL, rows[_i].who != NULL);
    ck_assert_int_eq(verdict.attention.advice != NULL, rows[_i].who != NULL);
}
END_TEST

START_TEST(what_a_renewal_will_stumble_over_is_told_while_there_is_time)
{
    static const md_err no_way = { .fault = MD_FAULT_CONFIG,
                                   .type = "challenge-mismatch",
                                   .detail = "no way" };
    md_domain *domain = md_domain_make(md_words("example.org", kit_pool), kit_pool);
    const md_due due = { .state = MD_STATE_COMPLETE, .why = "", .renew_at = in_days(30) };
    md_case of = { .domain = domain, .facts = facts_of(60), .due = &due, .obstacle = &no_way, .now = NOW };
    md_verdict verdict = md_judge(&of, kit_pool);

    ck_assert_str_eq(words(verdict.conditions), "ok");
    ck_assert_str_eq(verdict.attention.reason, "it cannot be renewed: no way");
    ck_assert_str_eq(verdict.attention.who, "operator");
    ck_assert_ptr_nonnull(verdict.attention.advice);
    of.job = job_of(2, 0);
    ck_assert_ptr_null(strstr(md_judge(&of, kit_pool).attention.reason, "no way")); /* what came is worse */
}
END_TEST

START_TEST(a_verdict_holds_until_the_first_moment_that_changes_it)
{
    md_domain *domain = md_domain_make(md_words("example.org", kit_pool), kit_pool);
    apr_array_header_t *facts = apr_array_make(kit_pool, 1, sizeof(md_cert_fact));
    const md_cert_facts cert = { .valid = { NOW - DAY, NOW + 3 * DAY } };
    md_due due = { .state = MD_STATE_COMPLETE, .why = "", .renew_at = NOW + DAY, .warn_at = NOW + 2 * DAY };
    md_case of = { .domain = domain, .facts = facts, .due = &due, .now = NOW };

    APR_ARRAY_PUSH(facts, md_cert_fact) = (md_cert_fact){ .cert = &cert };
    ck_assert_int_eq(md_judge(&of, kit_pool).until, NOW + DAY);
    of.now = NOW + DAY;
    ck_assert_int_eq(md_judge(&of, kit_pool).until, NOW + 2 * DAY);
    of.now = NOW + 2 * DAY;
    ck_assert_int_eq(md_judge(&of, kit_pool).until, NOW + 3 * DAY);
    of.now = NOW + 3 * DAY;
    ck_assert_int_eq(md_judge(&of, kit_pool).until, 0);
}
END_TEST

START_TEST(conditions_are_found_by_name_and_the_worst_comes_first)
{
    ck_assert_int_eq(md_condition_named("renewing"), MD_IS_RENEWING);
    ck_assert_int_eq(md_condition_named("fine"), -1);
    ck_assert_int_eq(md_condition_worst(1u << MD_IS_READY | 1u << MD_IS_EXPIRING), MD_IS_EXPIRING);
    ck_assert_int_eq(md_condition_worst(1u << MD_IS_OK), MD_IS_OK);
}
END_TEST

Suite *suite_status_judge(void)
{
    Suite *suite = suite_create("status/judge");
    TCase *tests = kit_case(suite, "verdicts");

    KIT_ADD_ROWS(tests, every_situation_has_its_conditions_and_somebody_who_must_act, rows);
    tcase_add_test(tests, what_a_renewal_will_stumble_over_is_told_while_there_is_time);
    tcase_add_test(tests, a_verdict_holds_until_the_first_moment_that_changes_it);
    tcase_add_test(tests, conditions_are_found_by_name_and_the_worst_comes_first);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store follows the configuration.
 */
#include "jobs/sync.h"

#include <apr_strings.h>
#include <string.h>

#include "jobs/job.h"
#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/sample.h"
#include "kit/store_mem.h"

static md_store *store;

static void setup(void)
{
    store = store_mem_open(kit_pool);
}

/** A plan of domains: each a text with its names. Ends with NULL. */
static md_plan *plan_of(const char *const *domains)
{
    md_plan *plan = md_plan_make(kit_pool);

    for (; *domains; ++domains)
        CHECK_OK(md_plan_add(plan, md_domain_make(sample_names(*domains, kit_pool), kit_pool), 0, kit_pool));
    return plan;
}

#define PLAN(...) plan_of((const char *const[]){ __VA_ARGS__, NULL })

/** Syncs, and marks the folders with a file, so that one sees where they went. */
static void sync_and_mark(md_plan *plan)
{
    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    for (int i = 0; i < plan->domains->nelts; ++i) {
        const char *name = MD_DOMAIN(plan, i)->name;

        CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, name, name), "was here", kit_pool));
    }
}

static int has(const char *line)
{
    return strstr(store_mem_tree(store, kit_pool), line) != NULL;
}

static const char *md_json_of(const char *name)
{
    const char *text;

    CHECK_OK(md_store_load_text(store, MD_PLACE(MD_GROUP_DOMAINS, name, "md.json"), kit_pool, &text));
    return text ? text : "";
}

START_TEST(new_domains_get_a_folder)
{
    CHECK_OK(md_sync(store, PLAN("a.example www.a.example", "b.example"), MD_SYNC_ALL, kit_pool));
    ck_assert_str_eq(store_mem_tree(store, kit_pool),
                     "domains/a.example/md.json\ndomains/b.example/md.json\n");
    ck_assert_ptr_nonnull(strstr(md_json_of("a.example"), "www.a.example"));
}
END_TEST

START_TEST(nothing_is_written_when_nothing_changed)
{
    int changes;

    sync_and_mark(PLAN("a.example www.a.example", "b.example"));
    changes = store_mem_changes(store);
    CHECK_OK(md_sync(store, PLAN("a.example www.a.example", "b.example"), MD_SYNC_ALL, kit_pool));
    ck_assert_int_eq(store_mem_changes(store), changes);
}
END_TEST

START_TEST(a_changed_setting_is_written)
{
    md_plan *plan = PLAN("a.example");

    sync_and_mark(PLAN("a.example"));
    MD_DOMAIN(plan, 0)->policy.must_staple = 1;
    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    ck_assert_ptr_nonnull(strstr(md_json_of("a.example"), "\"must-staple\": true"));
}
END_TEST

START_TEST(a_renamed_domain_keeps_its_folder)
{
    sync_and_mark(PLAN("a.example www.a.example"));
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_STAGING, "a.example", "x"), "x", kit_pool));
    CHECK_OK(md_sync(store, PLAN("www.a.example a.example"), MD_SYNC_ALL, kit_pool));
    ck_assert(has("domains/www.a.example/a.example"));
    ck_assert(has("staging/www.a.example/x"));
    ck_assert(!has("domains/a.example/"));
    ck_assert_ptr_nonnull(strstr(md_json_of("www.a.example"), "\"name\": \"www.a.example\""));
}
END_TEST

START_TEST(the_folder_with_most_names_in_common_is_taken)
{
    sync_and_mark(PLAN("a.example one.example", "b.example two.example three.example"));
    CHECK_OK(
        md_sync(store, PLAN("new.example one.example two.example three.example"), MD_SYNC_ALL, kit_pool));
    ck_assert(has("domains/new.example/b.example"));
    ck_assert(has("domains/a.example/a.example")); /* others stay as they are */
}
END_TEST

START_TEST(a_folder_is_taken_once)
{
    sync_and_mark(PLAN("a.example b.example c.example"));
    CHECK_OK(md_sync(store, PLAN("b.example", "c.example"), MD_SYNC_ALL, kit_pool));
    ck_assert(has("domains/b.example/a.example"));
    ck_assert(!has("domains/c.example/a.example"));
    ck_assert(has("domains/c.example/md.json"));
}
END_TEST

START_TEST(a_domain_with_a_folder_takes_no_other)
{
    sync_and_mark(PLAN("a.example one.example", "b.example"));
    CHECK_OK(md_sync(store, PLAN("b.example one.example"), MD_SYNC_ALL, kit_pool));
    ck_assert(has("domains/a.example/a.example"));
    ck_assert(has("domains/b.example/b.example"));
}
END_TEST

START_TEST(what_only_the_store_knows_is_kept)
{
    const char *stored =
        "{\"name\":\"a.example\",\"domains\":[\"a.example\"],\"contacts\":[\"mailto:old@a.example\"],"
        "\"ca\":{\"account\":\"ACME-x-0001\",\"url\":\"https://two.example/dir\"},\"state\":2}";
    md_plan *plan = PLAN("a.example");
    md_domain *domain = MD_DOMAIN(plan, 0);

    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, "a.example", "md.json"), stored, kit_pool));
    domain->policy.ca_urls.list = sample_names("https://one.example/dir https://two.example/dir", kit_pool);
    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    ck_assert_str_eq(domain->ca_url, "https://two.example/dir");
    ck_assert_str_eq(domain->ca_account, "ACME-x-0001");
    ck_assert_str_eq(MD_NAME(domain->contacts, 0), "mailto:old@a.example");
    ck_assert_ptr_nonnull(strstr(md_json_of("a.example"), "\"state\": 2"));
}
END_TEST

START_TEST(the_account_of_a_ca_that_is_configured_no_more_is_forgotten)
{
    const char *stored =
        "{\"name\":\"a.example\",\"ca\":{\"account\":\"ACME-x-0001\",\"url\":\"https://old.example/dir\"}}";
    md_plan *plan = PLAN("a.example");

    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, "a.example", "md.json"), stored, kit_pool));
    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    ck_assert_ptr_null(MD_DOMAIN(plan, 0)->ca_account);
}
END_TEST

START_TEST(a_damaged_md_json_concerns_its_domain_only)
{
    sync_and_mark(PLAN("a.example", "b.example"));
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, "a.example", "md.json"), "{", kit_pool));
    CHECK_OK(md_sync(store, PLAN("a.example", "b.example", "c.example"), MD_SYNC_ALL, kit_pool));
    ck_assert(has("domains/a.example/md.json.bad"));
    ck_assert_ptr_nonnull(strstr(md_json_of("a.example"), "a.example"));
    ck_assert(has("domains/c.example/md.json"));
}
END_TEST

static void save_failed_job(const char *name, md_fault fault)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, name, kit_pool);

    job->errors = 4;
    job->next_run = FAKE_NOW;
    md_job_failed(job, "doing", md_fail(kit_pool, fault, "test:x", "it failed"), kit_pool);
    CHECK_OK(md_job_save(store, job, kit_pool));
}

static md_job *job_of(const char *name)
{
    md_job *job;

    CHECK_OK(md_job_load(store, MD_GROUP_STAGING, name, kit_pool, &job));
    return job;
}

START_TEST(a_start_tries_again_what_failed_but_respects_limits)
{
    save_failed_job("a.example", MD_FAULT_CONFIG);
    save_failed_job("b.example", MD_FAULT_LIMIT);
    save_failed_job("c.example", MD_FAULT_REMOTE);
    CHECK_OK(md_sync(store, PLAN("a.example", "b.example"), MD_SYNC_ALL, kit_pool));
    ck_assert_int_eq(job_of("a.example")->errors, 0);
    ck_assert_int_eq(job_of("a.example")->next_run, 0);
    ck_assert_int_eq(job_of("b.example")->errors, 4);
    ck_assert_int_eq(job_of("b.example")->next_run, FAKE_NOW);
    ck_assert_int_eq(job_of("c.example")->errors, 4); /* not configured: none of ours */
}
END_TEST

START_TEST(a_first_pass_looks_at_staged_domains_only)
{
    md_plan *plan = PLAN("a.example", "b.example");

    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, "was.example", "md.json"),
                                "{\"name\":\"was.example\",\"domains\":[\"was.example\",\"a.example\"],"
                                "\"contacts\":[\"mailto:me@a.example\"]}",
                                kit_pool));
    CHECK_OK(
        md_store_save_text(store, MD_PLACE(MD_GROUP_STAGING, "was.example", "job.json"), "{}", kit_pool));
    CHECK_OK(md_sync(store, plan, MD_SYNC_STAGED, kit_pool));
    ck_assert_int_eq(MD_DOMAIN(plan, 0)->contacts->nelts, 1);
    ck_assert(strstr(md_json_of("a.example"), "\"a.example\""));
    ck_assert_str_eq(md_json_of("b.example"), "");
}
END_TEST

START_TEST(three_thousand_domains_take_a_call_or_two_each)
{
    md_plan *plan = md_plan_make(kit_pool);
    int calls;

    for (int i = 0; i < 3000; ++i)
        CHECK_OK(md_plan_add(
            plan, md_domain_make(sample_names(apr_psprintf(kit_pool, "d%d.example", i), kit_pool), kit_pool),
            0, kit_pool));
    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    calls = store_mem_calls(store);
    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    ck_assert_int_le(store_mem_calls(store) - calls, 3000 + 2);
}
END_TEST

static void save_md_json(const char *text)
{
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, "a.example", "md.json"), text, kit_pool));
}

START_TEST(the_state_is_that_of_the_certificates)
{
    const md_state complete = MD_STATE_COMPLETE, damaged = MD_STATE_ERROR;
    md_plan *plan = PLAN("a.example");

    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    ck_assert_ptr_nonnull(strstr(md_json_of("a.example"), "\"state\": 1"));
    CHECK_OK(md_sync_states(store, plan, &complete, kit_pool));
    ck_assert_ptr_nonnull(strstr(md_json_of("a.example"), "\"state\": 2"));
    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    ck_assert_int_eq(MD_DOMAIN(plan, 0)->stored_state, MD_STATE_COMPLETE);
    CHECK_OK(md_sync_states(store, plan, &damaged, kit_pool));
    ck_assert_ptr_nonnull(strstr(md_json_of("a.example"), "\"state\": 4"));
}
END_TEST

START_TEST(a_state_that_is_true_costs_nothing)
{
    const md_state states[] = { MD_STATE_INCOMPLETE, MD_STATE_INCOMPLETE };
    md_plan *plan = PLAN("a.example", "b.example");
    int calls;

    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    calls = store_mem_calls(store);
    CHECK_OK(md_sync_states(store, plan, states, kit_pool));
    ck_assert_int_eq(store_mem_calls(store), calls);
}
END_TEST

START_TEST(another_state_leaves_the_rest_of_the_record_alone)
{
    const md_state state = MD_STATE_COMPLETE;
    md_plan *plan = PLAN("a.example");

    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    save_md_json("{\"name\":\"a.example\",\"ca\":{\"account\":\"ACME-x-0001\"},\"state\":5,"
                 "\"state-descr\":\"about it\"}");
    CHECK_OK(md_sync_states(store, plan, &state, kit_pool));
    ck_assert_str_eq(md_json_of("a.example"), "{\n  \"name\": \"a.example\",\n  \"ca\": {\n"
                                              "    \"account\": \"ACME-x-0001\"\n  },\n  \"state\": 2\n}");
}
END_TEST

START_TEST(a_state_that_somebody_else_has_written_is_not_written_again)
{
    const md_state state = MD_STATE_COMPLETE;
    md_plan *plan = PLAN("a.example");
    int changes;

    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    save_md_json("{\"name\":\"a.example\",\"state\":3}"); /* of old versions: complete, and expired */
    changes = store_mem_changes(store);
    CHECK_OK(md_sync_states(store, plan, &state, kit_pool));
    ck_assert_int_eq(store_mem_changes(store), changes);
}
END_TEST

START_TEST(a_record_without_a_state_gets_one)
{
    const md_state state = MD_STATE_INCOMPLETE;
    md_plan *plan = PLAN("a.example");

    save_md_json("{\"name\":\"a.example\"}");
    CHECK_OK(md_sync(store, plan, MD_SYNC_ALL, kit_pool));
    CHECK_OK(md_sync_states(store, plan, &state, kit_pool));
    ck_assert_ptr_nonnull(strstr(md_json_of("a.example"), "\"state\": 1"));
}
END_TEST

Suite *suite_jobs_sync(void)
{
    Suite *suite = suite_create("jobs/sync");
    TCase *tcase = kit_case(suite, "sync");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, new_domains_get_a_folder);
    tcase_add_test(tcase, nothing_is_written_when_nothing_changed);
    tcase_add_test(tcase, a_changed_setting_is_written);
    tcase_add_test(tcase, a_renamed_domain_keeps_its_folder);
    tcase_add_test(tcase, the_folder_with_most_names_in_common_is_taken);
    tcase_add_test(tcase, a_folder_is_taken_once);
    tcase_add_test(tcase, a_domain_with_a_folder_takes_no_other);
    tcase_add_test(tcase, what_only_the_store_knows_is_kept);
    tcase_add_test(tcase, the_account_of_a_ca_that_is_configured_no_more_is_forgotten);
    tcase_add_test(tcase, a_damaged_md_json_concerns_its_domain_only);
    tcase_add_test(tcase, a_start_tries_again_what_failed_but_respects_limits);
    tcase_add_test(tcase, a_first_pass_looks_at_staged_domains_only);
    tcase_add_test(tcase, three_thousand_domains_take_a_call_or_two_each);
    tcase_add_test(tcase, the_state_is_that_of_the_certificates);
    tcase_add_test(tcase, a_state_that_is_true_costs_nothing);
    tcase_add_test(tcase, another_state_leaves_the_rest_of_the_record_alone);
    tcase_add_test(tcase, a_state_that_somebody_else_has_written_is_not_written_again);
    tcase_add_test(tcase, a_record_without_a_state_gets_one);
    return suite;
}

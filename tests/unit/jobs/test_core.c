/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts from the store.
 */
#include "jobs/core.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "jobs/activate.h"
#include "kit/kit.h"
#include "kit/renewing.h"
#include "kit/sample.h"
#include "plan/due.h"

static md_cert_fact fact_of(renewing *r)
{
    apr_array_header_t *facts;

    CHECK_OK(md_core_facts(&r->core, r->domain, kit_pool, &facts));
    ck_assert_int_eq(facts->nelts, r->domain->policy.keys->nelts);
    return APR_ARRAY_IDX(facts, 0, md_cert_fact);
}

static void renew_and_activate(renewing *r)
{
    md_activation outcome;

    renewing_run(r, apr_time_from_sec(60));
    CHECK_OK(md_activate(r->store, r->domain, 0, md_now(r->core.clock), kit_pool, &outcome));
    ck_assert_int_eq(outcome, MD_ACTIVATION_DONE);
}

START_TEST(without_files_there_is_no_certificate)
{
    md_cert_fact fact = fact_of(renewing_make("example.org", "P-256", kit_pool));

    ck_assert(!fact.cert && !fact.bad);
}
END_TEST

START_TEST(a_certificate_is_found_live_and_staged)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);
    const char *live, *staged;

    renew_and_activate(r);
    live = fact_of(r).cert->sha256;
    renewing_run(r, apr_time_from_sec(80 * 24 * 3600));
    staged = fact_of(r).cert->sha256;
    ck_assert_str_ne(live, staged);
}
END_TEST

START_TEST(a_damaged_pair_is_a_fact_too)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);
    md_cert_fact fact;

    renew_and_activate(r);
    CHECK_OK(md_store_save_text(r->store, MD_PLACE(MD_GROUP_DOMAINS, "example.org", "pubcert.p-256.pem"), "x",
                                kit_pool));
    fact = fact_of(r);
    ck_assert(!fact.cert && fact.bad);
}
END_TEST

START_TEST(files_of_the_operator_are_read)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);
    const char *folder = kit_folder(), *path = apr_pstrcat(kit_pool, folder, "/own.pem", NULL);
    sample_wish wish = { .names = r->domain->names };
    md_bytes pem = sample_pem(
        sample_issue(sample_ca_make("own", kit_pool), sample_key("P-256", kit_pool), &wish, kit_pool),
        kit_pool);
    apr_file_t *file;

    ck_assert_int_eq(apr_file_open(&file, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE, APR_OS_DEFAULT, kit_pool),
                     APR_SUCCESS);
    ck_assert_int_eq(apr_file_write_full(file, pem.data, pem.size, NULL), APR_SUCCESS);
    apr_file_close(file);
    r->domain->policy.cert_files.list = sample_names(path, kit_pool);
    ck_assert_ptr_nonnull(fact_of(r).cert);
    r->domain->policy.cert_files.list = sample_names("/no/such/file", kit_pool);
    ck_assert_ptr_nonnull(strstr(md_err_text(fact_of(r).bad, kit_pool), "/no/such/file"));
}
END_TEST

Suite *suite_jobs_core(void)
{
    Suite *suite = suite_create("jobs/core");
    TCase *tcase = kit_case(suite, "facts");

    tcase_add_test(tcase, without_files_there_is_no_certificate);
    tcase_add_test(tcase, a_certificate_is_found_live_and_staged);
    tcase_add_test(tcase, a_damaged_pair_is_a_fact_too);
    tcase_add_test(tcase, files_of_the_operator_are_read);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of names: who is found by what, and which domains cannot stand side by side.
 */
#include "plan/plan.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "suites.h"

static md_domain *domain_of(const char *names, unsigned line)
{
    md_domain *domain = md_domain_declare(md_words(names, kit_pool), kit_pool);

    domain->file = "httpd.conf";
    domain->line = line;
    return domain;
}

/** A plan of domains, separated by commas; the failure of the last one in *err. */
static md_plan *plan_of(const char *domains, md_err **err)
{
    md_plan *plan = md_plan_make(kit_pool);
    char *rest = apr_pstrdup(kit_pool, domains), *state;
    unsigned line = 0;

    *err = NULL;
    for (const char *each = apr_strtok(rest, ",", &state); each; each = apr_strtok(NULL, ",", &state)) {
        ck_assert_ptr_null(*err);
        *err = md_plan_add(plan, domain_of(each, ++line), 0, kit_pool);
    }
    return plan;
}

/* Whether the last domain overlaps, and in which name. */
static const struct {
    const char *domains, *name; /* NULL: fine */
} rows[] = {
    { "a.test www.a.test,b.test www.b.test", NULL },
    { "a.test,b.test a.test", "a.test" },
    { "a.test,B.test A.test", "a.test" },
    { "*.a.test,www.a.test", "www.a.test" },
    { "www.a.test,*.a.test", "*.a.test" },
    { "*.a.test,*.a.test", "*.a.test" },
    { "*.a.test,a.test", NULL },
    { "*.a.test,x.y.a.test", NULL },
    { "*.a.test,*.y.a.test", NULL },
    { "a.test,*.test", "*.test" },
    { "www.a.test *.a.test,b.test", NULL },
    { "x.a.test,y.a.test,z.a.test *.b.test", NULL },
    { "x.a.test,b.test,y.a.test *.a.test", "*.a.test" },
    { "y.a.test,x.a.test,b.test *.a.test", "*.a.test" },
};

START_TEST(a_name_can_be_in_one_domain_only)
{
    md_err *err;
    const md_plan *plan = plan_of(rows[_i].domains, &err);

    ck_assert_int_eq(err != NULL, rows[_i].name != NULL);
    ck_assert_msg(!err || strstr(err->detail, apr_psprintf(kit_pool, "the name %s ", rows[_i].name)) != NULL,
                  "%s", err ? err->detail : "");
    ck_assert_int_eq(plan->domains->nelts, MD_DOMAIN(plan, plan->domains->nelts - 1)->index + 1);
}
END_TEST

START_TEST(an_overlap_names_both_places)
{
    md_err *err;

    plan_of("a.test,b.test,c.test a.test", &err);
    CHECK_FAILS(err, MD_FAULT_CONFIG,
                "the name a.test of the domain c.test (httpd.conf, line 3) belongs to the domain a.test "
                "(httpd.conf, line 1)");
    ck_assert_str_eq(err->type, "md:overlap");
}
END_TEST

START_TEST(a_wildcard_finds_the_domain_it_has_a_rival_in_even_behind_one_of_its_own_names)
{
    md_err *err;

    plan_of("a.x.test,b.x.test,c.test", &err);
    CHECK_OK(err);
    plan_of("b.x.test,a.x.test *.x.test", &err);
    CHECK_FAILS(err, MD_FAULT_CONFIG, "b.x.test");
}
END_TEST

START_TEST(where_domains_may_overlap_the_first_one_keeps_the_name)
{
    md_plan *plan = md_plan_make(kit_pool);
    md_domain *first = domain_of("a.test www.a.test", 1), *second = domain_of("b.test www.a.test", 2);

    CHECK_OK(md_plan_add(plan, first, 1, kit_pool));
    CHECK_OK(md_plan_add(plan, second, 1, kit_pool));
    ck_assert_ptr_eq(md_plan_find(plan, "www.a.test"), first);
    ck_assert_ptr_eq(md_plan_find(plan, "b.test"), second);
}
END_TEST

/* Who is found in the plan "a.test *.a.test, www.b.test", and who by the very name. */
static const struct {
    const char *name, *found, *exact;
} lookups[] = {
    { "a.test", "a.test", "a.test" },
    { "A.TEST", "a.test", "a.test" },
    { "x.a.test", "a.test", NULL },
    { "X.A.test", "a.test", NULL },
    { "*.a.test", "a.test", "a.test" },
    { "x.y.a.test", NULL, NULL },
    { ".a.test", NULL, NULL },
    { "b.test", NULL, NULL },
    { "www.b.test", "www.b.test", "www.b.test" },
    { "www.b.test.", NULL, NULL },
    { "", NULL, NULL },
    { ".", NULL, NULL },
    { "test", NULL, NULL },
};

START_TEST(domains_are_found_by_name_and_wildcard)
{
    md_err *err;
    const md_plan *plan = plan_of("a.test *.a.test,www.b.test", &err);
    const md_domain *found = md_plan_find(plan, lookups[_i].name),
                    *exact = md_plan_find_exact(plan, lookups[_i].name);

    ck_assert_pstr_eq(found ? found->name : NULL, lookups[_i].found);
    ck_assert_pstr_eq(exact ? exact->name : NULL, lookups[_i].exact);
}
END_TEST

START_TEST(a_name_of_any_length_may_be_asked_for)
{
    md_err *err;
    const md_plan *plan = plan_of("a.test *.a.test", &err);
    char name[2000];

    memset(name, 'x', sizeof(name));
    strcpy(name + sizeof(name) - sizeof(".a.test"), ".a.test");
    ck_assert_ptr_null(md_plan_find(plan, name));
    ck_assert_ptr_null(md_plan_find_exact(plan, name));
    ck_assert_ptr_nonnull(md_plan_find(plan, name + sizeof(name) - 1 - 253));
}
END_TEST

START_TEST(an_exact_name_is_nearer_than_a_wildcard)
{
    md_plan *plan = md_plan_make(kit_pool);
    md_domain *wild = domain_of("*.a.test", 1), *exact = domain_of("www.a.test", 2);

    CHECK_OK(md_plan_add(plan, wild, 1, kit_pool));
    CHECK_OK(md_plan_add(plan, exact, 1, kit_pool));
    ck_assert_ptr_eq(md_plan_find(plan, "www.a.test"), exact);
    ck_assert_ptr_eq(md_plan_find(plan, "x.a.test"), wild);
}
END_TEST

START_TEST(domains_are_found_by_their_own_name)
{
    md_err *err;
    const md_plan *plan = plan_of("a.test *.a.test,www.b.test", &err);

    ck_assert_str_eq(md_plan_named(plan, "www.b.test")->name, "www.b.test");
    ck_assert_ptr_null(md_plan_named(plan, "*.a.test"));
}
END_TEST

START_TEST(a_name_is_added_once_and_only_when_needed)
{
    md_err *err;
    md_plan *plan = plan_of("a.test *.a.test", &err);
    md_domain *domain = MD_DOMAIN(plan, 0);

    md_plan_add_name(plan, domain, "A.test", kit_pool);
    md_plan_add_name(plan, domain, "www.a.test", kit_pool);
    md_plan_add_name(plan, domain, "Other.test", kit_pool);
    md_plan_add_name(plan, domain, "other.test", kit_pool);
    ck_assert_str_eq(md_names_join(domain->names, " ", kit_pool), "a.test *.a.test other.test");
    ck_assert_ptr_eq(md_plan_find(plan, "other.test"), domain);
}
END_TEST

START_TEST(a_name_that_another_domain_has_is_added_but_stays_the_other_s)
{
    md_err *err;
    md_plan *plan = plan_of("a.test,b.test", &err);
    md_domain *domain = MD_DOMAIN(plan, 0);

    md_plan_add_name(plan, domain, "b.test", kit_pool);
    md_plan_add_name(plan, domain, "b.test", kit_pool);
    ck_assert_str_eq(md_names_join(domain->names, " ", kit_pool), "a.test b.test");
    ck_assert_ptr_eq(md_plan_find(plan, "b.test"), MD_DOMAIN(plan, 1));
}
END_TEST

Suite *suite_plan_plan(void)
{
    Suite *suite = suite_create("plan/plan");
    TCase *tcase = kit_case(suite, "overlaps");

    KIT_ADD_ROWS(tcase, a_name_can_be_in_one_domain_only, rows);
    tcase_add_test(tcase, an_overlap_names_both_places);
    tcase_add_test(tcase, a_wildcard_finds_the_domain_it_has_a_rival_in_even_behind_one_of_its_own_names);
    tcase_add_test(tcase, where_domains_may_overlap_the_first_one_keeps_the_name);
    tcase = kit_case(suite, "looking up");
    KIT_ADD_ROWS(tcase, domains_are_found_by_name_and_wildcard, lookups);
    tcase_add_test(tcase, a_name_of_any_length_may_be_asked_for);
    tcase_add_test(tcase, an_exact_name_is_nearer_than_a_wildcard);
    tcase_add_test(tcase, domains_are_found_by_their_own_name);
    tcase = kit_case(suite, "adding names");
    tcase_add_test(tcase, a_name_is_added_once_and_only_when_needed);
    tcase_add_test(tcase, a_name_that_another_domain_has_is_added_but_stays_the_other_s);
    return suite;
}

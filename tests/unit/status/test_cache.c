/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When entries are made anew, and what is found.
 */
#include "status/cache.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/showing.h"

static md_found found;

static void find(md_cache *cache, md_query query)
{
    md_cache_find(cache, &query, kit_pool, &found);
}

/** A cache over so many domains with certificates, filled. */
static md_cache *fill(showing *s, int count)
{
    md_cache *cache;

    for (int i = 0; i < count; ++i)
        showing_certify(s, showing_add(s, apr_psprintf(kit_pool, "d%02d.example.org", i)), -10, 80);
    cache = md_cache_make(&s->core, kit_pool);
    md_cache_fill(cache);
    ck_assert_int_eq(s->looks, count);
    return cache;
}

START_TEST(nothing_is_looked_at_again_while_nothing_moves)
{
    showing *s = showing_make();
    md_cache *cache = fill(s, 40);

    find(cache, MD_QUERY_ALL);
    find(cache, MD_QUERY_ALL);
    ck_assert_int_eq(s->looks, 40);
    ck_assert_int_eq(found.each->nelts, 40);
}
END_TEST

START_TEST(only_what_has_moved_is_made_anew)
{
    showing *s = showing_make();
    md_cache *cache = fill(s, 40);
    apr_uint64_t before;

    find(cache, MD_QUERY_ALL);
    before = found.digest;
    s->glances[7].stage = 3;
    s->glances[7].since = FAKE_NOW;
    find(cache, MD_QUERY_ALL);
    ck_assert_int_eq(s->looks, 41);
    ck_assert(found.digest != before);
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(found.each, 7, md_bytes).data, "reading the CA's directory"));
}
END_TEST

START_TEST(time_alone_makes_an_entry_anew)
{
    showing *s = showing_make();
    md_cache *cache = fill(s, 1);

    find(cache, (md_query){ .condition = MD_IS_RENEWING });
    ck_assert_int_eq(found.each->nelts, 0);
    fake_clock_pass(s->clock, apr_time_from_sec(75 * 86400));
    find(cache, (md_query){ .condition = MD_IS_RENEWING });
    ck_assert_int_eq(found.each->nelts, 1);
}
END_TEST

START_TEST(changes_that_nobody_tells_show_up_with_time)
{
    showing *s = showing_make();
    md_cache *cache = fill(s, 60);

    fake_clock_pass(s->clock, apr_time_from_sec(2));
    find(cache, MD_QUERY_ALL);
    ck_assert_int_eq(s->looks, 60 + 32); /* a bounded number with each question */
    find(cache, MD_QUERY_ALL);
    ck_assert_int_eq(s->looks, 60 + 60);
    find(cache, MD_QUERY_ALL);
    ck_assert_int_eq(s->looks, 60 + 60); /* all of them are new enough */
}
END_TEST

START_TEST(pages_follow_each_other)
{
    showing *s = showing_make();
    md_cache *cache = fill(s, 5);

    find(cache, (md_query){ .condition = -1, .limit = 2 });
    ck_assert_int_eq(found.each->nelts, 2);
    ck_assert_str_eq(found.next, "d01.example.org");
    find(cache, (md_query){ .condition = -1, .limit = 3, .after = "d01.example.org" });
    ck_assert_int_eq(found.each->nelts, 3);
    ck_assert_ptr_null(found.next);
    ck_assert_int_eq(found.summary.total, 5);
    ck_assert_int_eq(found.summary.worst[MD_IS_OK], 5);
}
END_TEST

START_TEST(the_document_is_put_together_as_one_that_is_made_in_one_go)
{
    showing *s = showing_three();
    md_cache *cache = md_cache_make(&s->core, kit_pool);
    const char *tag, *again;
    md_bytes text = md_cache_document(cache, &MD_QUERY_ALL, kit_pool, &tag);
    json_t *doc;

    CHECK_OK(md_json_read(text, kit_pool, &doc));
    ck_assert_uint_eq(json_array_size(md_json_at(doc, "managed-domains")), 3);
    ck_assert_str_eq(text.data, apr_pstrcat(kit_pool, md_json_text_of(doc, kit_pool), "\n", NULL));
    ck_assert_uint_eq(text.size, strlen(text.data));
    md_cache_document(cache, &MD_QUERY_ALL, kit_pool, &again);
    ck_assert_str_eq(tag, again);
    s->load.queued = 7;
    md_cache_document(cache, &MD_QUERY_ALL, kit_pool, &again);
    ck_assert_str_ne(tag, again);
}
END_TEST

START_TEST(a_record_of_absurd_size_does_not_fill_the_memory)
{
    showing *s = showing_make();
    md_domain *domain = showing_add(s, "example.org");
    char *much = apr_pcalloc(kit_pool, 200001);
    md_cache *cache = md_cache_make(&s->core, kit_pool);

    memset(much, 'x', 200000);
    showing_fail(s, domain, 1, md_fail(kit_pool, MD_FAULT_REMOTE, "md:bad-answer", "no"));
    find(cache, MD_QUERY_ALL);
    ck_assert_ptr_nonnull(strstr(found.text.data, "\"renewal\""));
    showing_fail(s, domain, 1, md_fail(kit_pool, MD_FAULT_REMOTE, "md:bad-answer", "%s", much));
    find(cache, MD_QUERY_ALL);
    ck_assert_ptr_null(strstr(found.text.data, "\"renewal\""));
    ck_assert_int_eq(found.summary.with[MD_IS_ERRORED], 1);
}
END_TEST

START_TEST(without_matches_there_is_no_list)
{
    showing *s = showing_make();
    md_cache *cache = md_cache_make(&s->core, kit_pool);
    const char *tag;
    json_t *doc;

    CHECK_OK(md_json_read(md_cache_document(cache, &MD_QUERY_ALL, kit_pool, &tag), kit_pool, &doc));
    ck_assert_ptr_null(md_json_at(doc, "managed-domains"));
    ck_assert_int_eq(md_json_int(doc, "summary.total", -1), 0);
}
END_TEST

START_TEST(trouble_with_one_domain_is_shown_in_its_entry)
{
    showing *s = showing_make();
    md_cache *cache = fill(s, 2);

    ++s->glances[0].changes;
    store_mem_fail_at(s->core.store, 1);
    find(cache, MD_QUERY_ALL);
    ck_assert_int_eq(found.each->nelts, 2);
    ck_assert_int_eq(found.summary.with[MD_IS_ERRORED], 1);
    ck_assert_ptr_nonnull(strstr(found.text.data, "\"error\""));
}
END_TEST

START_TEST(the_end_of_a_certificate_is_known_without_the_whole)
{
    showing *s = showing_make();
    md_cache *cache = fill(s, 3);

    ck_assert_int_eq(md_cache_expires(cache, MD_DOMAIN(s->plan, 2)),
                     FAKE_NOW + apr_time_from_sec(80 * 86400));
    s->certs[2] = NULL;
    ++s->glances[2].staged;
    ck_assert_int_eq(md_cache_expires(cache, MD_DOMAIN(s->plan, 2)), 0);
    ck_assert_int_eq(s->looks, 4);
}
END_TEST

Suite *suite_status_cache(void)
{
    Suite *suite = suite_create("status/cache");
    TCase *tests = kit_case(suite, "entries");

    tcase_add_test(tests, nothing_is_looked_at_again_while_nothing_moves);
    tcase_add_test(tests, only_what_has_moved_is_made_anew);
    tcase_add_test(tests, time_alone_makes_an_entry_anew);
    tcase_add_test(tests, changes_that_nobody_tells_show_up_with_time);
    tcase_add_test(tests, pages_follow_each_other);
    tcase_add_test(tests, the_document_is_put_together_as_one_that_is_made_in_one_go);
    tcase_add_test(tests, a_record_of_absurd_size_does_not_fill_the_memory);
    tcase_add_test(tests, without_matches_there_is_no_list);
    tcase_add_test(tests, trouble_with_one_domain_is_shown_in_its_entry);
    tcase_add_test(tests, the_end_of_a_certificate_is_known_without_the_whole);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staples as the status shows them: of domains, and of certificates that belong to none.
 */
#include "status/staples.h"

#include <string.h>

#include "jobs/staples.h"
#include "kit/showing.h"
#include "status/print.h"

#define SHA1 "00112233445566778899aabbccddeeff00112233"
#define DAY  apr_time_from_sec(24 * 3600)

static const md_staple good = { .response = { "DER", 3 },
                                .status = MD_OCSP_GOOD,
                                .valid = { FAKE_NOW - DAY, FAKE_NOW + 3 * DAY } };
static const md_cert_facts cert = { .sha1 = SHA1, .ocsp_uri = "http://ocsp.test/" };

/** One certificate of nobody's, with a staple. */
static void staple_another(showing *s)
{
    static md_domain others;
    static md_stapled each;
    static md_stapling stapling;
    static int first;

    others = *md_domain_make(md_words(MD_STAPLES_OF_OTHERS, kit_pool), kit_pool);
    md_policy_defaults(&others.policy, kit_pool);
    first = 0;
    each = (md_stapled){
        .domain = &others, .sha1 = SHA1, .responder = cert.ocsp_uri, .expires = FAKE_NOW + 9 * DAY
    };
    stapling = (md_stapling){ .each = &each, .count = 1, .first = &first };
    s->core.stapling = &stapling;
    CHECK_OK(md_staple_save(s->core.store, MD_STAPLES_OF_OTHERS, SHA1, &good, kit_pool));
}

START_TEST(what_is_known_of_a_staple_is_shown)
{
    showing *s = showing_make();
    md_domain *domain = showing_add(s, "a.example.org");
    json_t *doc;

    domain->policy.stapling = 1;
    CHECK_OK(md_staple_shown(&s->core, domain, &cert, 0, kit_pool, &doc));
    ck_assert_str_eq(md_json_text(doc, "status"), "unknown");
    ck_assert_ptr_null(md_json_at(doc, "valid"));
    CHECK_OK(md_staple_save(s->core.store, domain->name, SHA1, &good, kit_pool));
    CHECK_OK(md_staple_shown(&s->core, domain, &cert, 0, kit_pool, &doc));
    ck_assert_str_eq(md_json_text(doc, "status"), "good");
    ck_assert_int_eq(md_json_date(doc, "valid.until"), good.valid.until);
    ck_assert_str_eq(md_json_text(doc, "id"), SHA1);
    ck_assert_str_eq(md_json_text(doc, "responder"), cert.ocsp_uri);
    ck_assert_int_gt(md_json_date(doc, "refresh-at"), FAKE_NOW);
}
END_TEST

START_TEST(nothing_is_shown_of_what_is_not_stapled)
{
    const md_cert_facts mute = { .sha1 = SHA1 };
    showing *s = showing_make();
    md_domain *domain = showing_add(s, "a.example.org");
    json_t *doc;

    CHECK_OK(md_staple_shown(&s->core, domain, &cert, 0, kit_pool, &doc));
    ck_assert_ptr_null(doc);
    domain->policy.stapling = 1;
    CHECK_OK(md_staple_shown(&s->core, domain, &mute, 0, kit_pool, &doc));
    ck_assert_ptr_null(doc);
    CHECK_OK(md_staples_of_others(&s->core, kit_pool, &doc));
    ck_assert_uint_eq(json_array_size(doc), 0);
}
END_TEST

START_TEST(certificates_of_nobody_are_shown_in_all_forms)
{
    showing *s = showing_make();
    const char *tag;
    md_cache *cache;
    md_found found;

    staple_another(s);
    cache = md_cache_make(&s->core, kit_pool);
    md_cache_find(cache, &MD_QUERY_ALL, kit_pool, &found);
    ck_assert_uint_eq(json_array_size(found.others), 1);
    ck_assert_ptr_nonnull(strstr(md_print_text(&found, FAKE_NOW, kit_pool).data,
                                 "ManagedStaplingsTotal: 1\nManagedStaplingsOK: 1\n"));
    ck_assert_ptr_nonnull(strstr(md_print_html(&found, FAKE_NOW, kit_pool).data, SHA1));
    ck_assert_ptr_nonnull(strstr(md_print_metrics(&s->core, &found, MD_OPENMETRICS, kit_pool).data,
                                 "md_staples{status=\"good\"} 1\n"));
    ck_assert_ptr_nonnull(
        strstr(md_cache_document(cache, &MD_QUERY_ALL, kit_pool, &tag).data, "\"other-staples\""));
}
END_TEST

START_TEST(certificates_of_nobody_are_sorted_by_their_id)
{
    showing *s = showing_make();
    md_stapled each[2];
    md_stapling two;
    json_t *doc;

    staple_another(s);
    each[0] = each[1] = s->core.stapling->each[0];
    each[1].sha1 = "0000000000000000000000000000000000000000";
    two = *s->core.stapling;
    two.each = each;
    two.count = 2;
    s->core.stapling = &two;
    CHECK_OK(md_staples_of_others(&s->core, kit_pool, &doc));
    ck_assert_uint_eq(json_array_size(doc), 2);
    ck_assert_str_eq(md_json_text(json_array_get(doc, 0), "id"), each[1].sha1);
    ck_assert_str_eq(md_json_text(json_array_get(doc, 1), "id"), SHA1);
}
END_TEST

Suite *suite_status_staples(void)
{
    Suite *suite = suite_create("status/staples");
    TCase *tests = kit_case(suite, "staples");

    tcase_add_test(tests, what_is_known_of_a_staple_is_shown);
    tcase_add_test(tests, nothing_is_shown_of_what_is_not_stapled);
    tcase_add_test(tests, certificates_of_nobody_are_shown_in_all_forms);
    tcase_add_test(tests, certificates_of_nobody_are_sorted_by_their_id);
    return suite;
}

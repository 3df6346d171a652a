/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from md.json: what any version wrote, and what nobody should have written. Writing is tested with
 * the whole file in test_domain.c.
 */
#include <string.h>

#include "kit/kit.h"
#include "plan/policy.h"
#include "suites.h"

static md_policy read_json(const char *text)
{
    md_policy policy = { 0 };
    json_t *doc;

    CHECK_OK(md_json_read(md_bytes_of(text), kit_pool, &doc));
    md_policy_from_json(&policy, doc, kit_pool);
    return policy;
}

/* As good as absent. */
static const char *const unusable[] = {
    "{}",
    "[]",
    "{\"must-staple\": 1}",
    "{\"must-staple\": \"on\"}",
    "{\"transitive\": -1}",
    "{\"transitive\": 2}",
    "{\"transitive\": true}",
    "{\"renew-mode\": 3}",
    "{\"renew-mode\": 4294967296}",
    "{\"renew-window\": \"100%\"}",
    "{\"renew-window\": \"-3d\"}",
    "{\"renew-window\": -5}",
    "{\"renew-window\": 9223372036854775807}",
    "{\"renew-window\": {}}",
    "{\"require-https\": \"sometimes\"}",
    "{\"require-https\": 1}",
    "{\"profile\": \"\"}",
    "{\"profile\": 5}",
    "{\"proxy-url\": \"ftp://proxy.test\"}",
    "{\"ca\": \"x\"}",
    "{\"ca\": {\"challenges\": \"http-01\"}}",
    "{\"ca\": {\"urls\": []}}",
    "{\"ca\": {\"urls\": [1, null]}}",
    "{\"eab\": {\"kid\": \"only\"}}",
    "{\"eab\": []}",
};

START_TEST(a_value_that_does_not_fit_is_as_good_as_absent)
{
    ck_assert_uint_eq(read_json(unusable[_i]).set, 0);
}
END_TEST

START_TEST(one_bad_value_does_not_spoil_the_others)
{
    md_policy policy = read_json("{\"renew-mode\": 7, \"warn-window\": \"20%\", \"profile\": 1}");

    ck_assert_uint_eq(policy.set, MD_SET_BIT(MD_FIELD_warn_window));
    ck_assert_int_eq(policy.warn_window.percent, 20);
}
END_TEST

START_TEST(windows_of_old_stores_are_seconds)
{
    ck_assert_int_eq(read_json("{\"renew-window\": 1209600}").renew_window.length,
                     apr_time_from_sec(14 * 86400));
}
END_TEST

START_TEST(nested_keys_are_found)
{
    md_policy policy = read_json("{\"ca\": {\"agreement\": \"accepted\", \"challenges\": [\"dns-01\"]},"
                                 " \"eab\": {\"kid\": \"k\", \"hmac\": \"h\"}}");

    ck_assert_str_eq(policy.agreement, "accepted");
    ck_assert_str_eq(MD_NAME(policy.challenges, 0), "dns-01");
    ck_assert_str_eq(md_policy_binding(&policy, "https://ca.test/")->kid, "k");
    ck_assert_str_eq(md_policy_binding(&policy, "https://ca.test/")->hmac, "h");
}
END_TEST

START_TEST(keys_of_all_forms_are_read)
{
    ck_assert_int_eq(MD_SPEC(read_json("{\"privkey\": {\"type\": \"RSA\", \"bits\": 3072}}").keys, 0)->bits,
                     3072);
    ck_assert_int_eq(read_json("{\"privkey\": [{\"type\": \"Default\"}]}").keys->nelts, 1);
    ck_assert_str_eq(
        MD_SPEC(
            read_json("{\"privkey\": [{\"type\": \"RSA\"}, {\"type\": \"EC\", \"curve\": \"P-384\"}]}").keys,
            1)
            ->curve,
        "P-384");
}
END_TEST

Suite *suite_plan_policy_json(void)
{
    Suite *suite = suite_create("plan/policy_json");
    TCase *tcase = kit_case(suite, "reading");

    KIT_ADD_ROWS(tcase, a_value_that_does_not_fit_is_as_good_as_absent, unusable);
    tcase_add_test(tcase, one_bad_value_does_not_spoil_the_others);
    tcase_add_test(tcase, windows_of_old_stores_are_seconds);
    tcase_add_test(tcase, nested_keys_are_found);
    tcase_add_test(tcase, keys_of_all_forms_are_read);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: how each kind is read and refused, what is merged over what, and the defaults.
 */
#include "plan/policy.h"

#include <string.h>

#include "kit/kit.h"
#include "suites.h"

static const char *read_text(const char *directive, const char *text, md_policy *policy)
{
    const md_field *field = md_field_find(directive);

    ck_assert_msg(field != NULL, "%s is no directive", directive);
    return md_field_read_text(field, text, policy, kit_pool);
}

/* Refused, and this is said. */
static const struct {
    const char *directive, *text, *said;
} wrong[] = {
    { "MDMustStaple", "yes", "must be one of 'on' and 'off', not 'yes'" },
    { "MDMustStaple", "", "'on' and 'off'" },
    { "MDRequireHttps", "always", "'temporary' and 'permanent', not 'always'" },
    { "MDRenewMode", "often", "must be one of 'manual', 'auto' and 'always', not 'often'" },
    { "MDRenewMode", "aut", "not 'aut'" },
    { "MDRenewMode", "manual=0", "not 'manual=0'" },
    { "MDMembers", "none", "'auto' and 'manual'" },
    { "MDRenewWindow", "5m", "'5m' has unrecognized format" },
    { "MDRenewWindow", "2w", "unrecognized format" },
    { "MDRenewWindow", "-1%", "unrecognized format" },
    { "MDRenewWindow", "-1d", "must be 0 or longer, not '-1d'" },
    { "MDRenewWindow", "100%", "100% or more is not allowed" },
    { "MDStaplingRenewWindow", "101%", "100% or more is not allowed" },
    { "MDCheckInterval", "999ms", "must be one second or longer, not '999ms'" },
    { "MDInitialDelay", "-1s", "must be 0 or longer, not '-1s'" },
    { "MDRetryDelay", "0", "must be longer than 0, not '0'" },
    { "MDRetryFailover", "0", "must be a number from 1 to 2147483647, not '0'" },
    { "MDRetryFailover", "2147483648", "must be a number from 1 to 2147483647, not '2147483648'" },
    { "MDRetryFailover", "13x", "not '13x'" },
    { "MDRetryFailover", "", "must be a number" },
    { "MDRenewConcurrency", "257", "must be a number from 1 to 256, not '257'" },
    { "MDRenewConcurrency", "99999999999999999999", "must be a number from 1 to 256" },
    { "MDHttpProxy", "ftp://proxy.test", "scheme must be http or https, not 'ftp'" },
    { "MDHttpProxy", "proxy.test", "is not a URL" },
    { "MDHttpProxy", "http://", "no host name" },
    { "MDHttpProxy", "http://proxy.test:99999", "invalid port" },
    { "MDHttpProxy", "http://proxy.test:0", "invalid port" },
    { "MDHttpProxy", "http://proxy.test:8x", "invalid port" },
    { "MDProfile", "", "must not be empty" },
    { "MDMessageCmd", "", "needs a program, and may have arguments" },
    { "MDMessageCmd", " \t", "needs a program, and may have arguments" },
    { "MDNotifyCmd", "/bin/say \"hello", "the command line '/bin/say \"hello' has an open quote" },
    { "MDPrivateKeys", "", "needs to specify the private key type" },
    { "MDPrivateKeys", "RSA 1024", "RSA keys of 1024 bits: must be 2048 or higher" },
    { "MDPrivateKeys", "RSA 16385", "RSA keys of 16385 bits: too large, the most is 16384" },
    { "MDPrivateKeys", "3072", "needs to specify the private key type before '3072', as in RSA 3072" },
    { "MDPrivateKeys", "P-256 Default", "allows no other parameter" },
    { "MDPrivateKeys", "P-256 p-256", "two keys of type" },
};

START_TEST(what_does_not_fit_is_refused_with_a_reason)
{
    md_policy policy = { 0 };
    const char *why = read_text(wrong[_i].directive, wrong[_i].text, &policy);

    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, wrong[_i].said) != NULL, "\"%s\" is not in \"%s\"", wrong[_i].said, why);
    ck_assert_uint_eq(policy.set, 0);
}
END_TEST

START_TEST(words_are_read_in_any_case)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("mdRENEWmode", "Always", &policy));
    ck_assert_int_eq(policy.renew_mode, MD_RENEW_ALWAYS);
    ck_assert_uint_eq(policy.set, MD_SET_BIT(MD_FIELD_renew_mode));
}
END_TEST

START_TEST(older_words_mean_the_same)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("MDRenewMode", "stick", &policy));
    ck_assert_int_eq(policy.renew_mode, MD_RENEW_MANUAL);
    ck_assert_ptr_null(read_text("MDRenewMode", "automatic", &policy));
    ck_assert_int_eq(policy.renew_mode, MD_RENEW_AUTO);
}
END_TEST

START_TEST(older_directives_find_the_newer_rows)
{
    ck_assert_ptr_eq(md_field_find("MDDriveMode"), md_field_find("MDRenewMode"));
    ck_assert_ptr_eq(md_field_find("MDMember"), md_field_find("MDMembers"));
    ck_assert_ptr_eq(md_field_find("MDCertificateMonitor"), md_field_find("MDCertificateCheck"));
    ck_assert_ptr_null(md_field_find("ManagedDomain"));
}
END_TEST

START_TEST(a_number_alone_has_the_unit_of_its_directive)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("MDRetryDelay", "5", &policy));
    ck_assert_int_eq(policy.retry_delay, apr_time_from_sec(5));
    ck_assert_ptr_null(read_text("MDRenewWindow", "10", &policy));
    ck_assert_int_eq(policy.renew_window.length, apr_time_from_sec(10 * 86400));
    ck_assert_ptr_null(read_text("MDActivationDelay", "-1", &policy));
    ck_assert_int_eq(policy.activation_delay, -apr_time_from_sec(86400));
}
END_TEST

START_TEST(only_responses_are_kept_for_more_than_all_of_a_lifetime)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("MDStaplingKeepResponse", "150%", &policy));
    ck_assert_int_eq(policy.staple_keep.percent, 150);
}
END_TEST

START_TEST(none_is_no_file_but_a_setting)
{
    md_policy policy = { .ca_file = "before" };

    ck_assert_ptr_null(read_text("MDCACertificateFile", "None", &policy));
    ck_assert_ptr_null(policy.ca_file);
    ck_assert(md_is_set(&policy, MD_FIELD_ca_file));
    ck_assert_ptr_null(read_text("MDStoreDir", "none", &policy));
    ck_assert_str_eq(policy.store_dir, "none");
}
END_TEST

START_TEST(a_list_without_words_is_set_and_empty)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("MDCAChallenges", " ", &policy));
    ck_assert_ptr_null(policy.challenges);
    ck_assert(md_is_set(&policy, MD_FIELD_challenges));
    ck_assert_ptr_null(read_text("MDCAChallenges", "dns-01 http-01", &policy));
    ck_assert_str_eq(md_names_join(policy.challenges, ",", kit_pool), "dns-01,http-01");
}
END_TEST

START_TEST(a_command_keeps_its_blanks)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("MDMessageCmd", "/bin/say  'a b'", &policy));
    ck_assert_str_eq(policy.message_cmd, "/bin/say  'a b'");
}
END_TEST

START_TEST(a_value_that_is_refused_leaves_the_earlier_one_in_force)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("MDCertificateAuthority", "https://one.test/dir", &policy));
    ck_assert_ptr_nonnull(read_text("MDCertificateAuthority", "https://two.test/dir nonsense", &policy));
    ck_assert_str_eq(md_names_join(policy.ca_urls.list, ",", kit_pool), "https://one.test/dir");
}
END_TEST

START_TEST(what_is_set_goes_over_what_is_below)
{
    md_policy base = { 0 }, over = { 0 }, merged;

    ck_assert_ptr_null(read_text("MDRenewMode", "always", &base));
    ck_assert_ptr_null(read_text("MDStapling", "on", &base));
    ck_assert_ptr_null(read_text("MDProfile", "short", &base));
    ck_assert_ptr_null(read_text("MDStapling", "off", &over)); /* 0 is a value, too */
    md_policy_merge(&merged, &base, &over);
    ck_assert_int_eq(merged.renew_mode, MD_RENEW_ALWAYS);
    ck_assert_int_eq(merged.stapling, 0);
    ck_assert_str_eq(merged.profile, "short");
    ck_assert_uint_eq(merged.set, base.set);
}
END_TEST

START_TEST(a_policy_can_be_merged_into_itself)
{
    md_policy base = { 0 }, over = { 0 };

    ck_assert_ptr_null(read_text("MDRenewMode", "always", &base));
    ck_assert_ptr_null(read_text("MDStapling", "on", &over));
    md_policy_merge(&over, &base, &over);
    ck_assert_int_eq(over.renew_mode, MD_RENEW_ALWAYS);
    ck_assert_int_eq(over.stapling, 1);
}
END_TEST

START_TEST(everything_unset_has_its_default)
{
    md_policy policy = { 0 };

    md_policy_defaults(&policy, kit_pool);
    ck_assert_uint_eq(policy.set, 0);
    ck_assert_int_eq(policy.members, 1);
    ck_assert_str_eq(policy.ca_proto, "ACME");
    ck_assert_str_eq(MD_NAME(policy.ca_urls.list, 0), "https://acme-v02.api.letsencrypt.org/directory");
    ck_assert(md_key_specs_equal(policy.keys, md_key_specs_default(kit_pool)));
    ck_assert_int_eq(policy.renew_mode, MD_RENEW_AUTO);
    ck_assert_int_eq(policy.renew_window.percent, 33);
    ck_assert_int_eq(policy.warn_window.percent, 10);
    ck_assert_int_eq(policy.require_https, MD_HTTPS_OFF);
    ck_assert_int_eq(policy.staple_others, 1);
    ck_assert_int_eq(policy.ari, 1);
    ck_assert_int_eq(policy.live, 1);
    ck_assert_int_eq(policy.check_interval, apr_time_from_sec(12 * 3600));
    ck_assert_int_eq(policy.retry_delay, apr_time_from_sec(30));
    ck_assert_int_eq(policy.retry_failover, 13);
    ck_assert_int_eq(policy.concurrency, 16);
    ck_assert_int_eq(policy.port_map.http_port, 80);
    ck_assert_int_eq(policy.port_map.https_port, 443);
    ck_assert_str_eq(policy.check_name.first, "crt.sh");
    ck_assert_int_eq(policy.store_locks.wait, 0);
    ck_assert_str_eq(policy.store_dir, "md");
    ck_assert_int_eq(policy.initial_delay, 0);
    ck_assert_int_eq(policy.activation_delay, 0);
    ck_assert_int_eq(policy.match_names, MD_MATCH_ALL);
    ck_assert_int_eq(policy.dns01_version, 1);
    ck_assert_int_eq(policy.certificate_status, 1);
    ck_assert_int_eq(policy.server_status, 1);
    ck_assert_int_eq(policy.staple_keep.length, apr_time_from_sec(7 * 86400));
    ck_assert_int_eq(policy.staple_window.percent, 33);
    ck_assert_str_eq(policy.check_name.second, "https://crt.sh?q=");
}
END_TEST

/* Rows without a default: nothing is there unless it was said. */
START_TEST(what_has_no_default_is_absent)
{
    md_policy policy = { 0 }, none = { 0 };

    md_policy_defaults(&policy, kit_pool);
    for (int i = 0; i < MD_FIELD_COUNT; ++i) {
        const md_field *field = &md_field_rows[i];

        if (field->otherwise)
            continue;
        ck_assert_msg(field->kind == MD_KIND_ODD || !MD_MEMBER_OF(void *, &policy, field), "%s", field->name);
    }
    ck_assert_mem_eq(&policy.eab, &none.eab, sizeof(none.eab));
    ck_assert_mem_eq(&policy.cert_files, &none.cert_files, sizeof(none.cert_files));
    ck_assert_mem_eq(&policy.key_files, &none.key_files, sizeof(none.key_files));
    ck_assert_mem_eq(&policy.exports, &none.exports, sizeof(none.exports));
}
END_TEST

/* Flags that are off unless they are set. */
START_TEST(what_changes_a_server_is_off)
{
    md_policy policy = { .must_staple = 1, .stapling = 1 };

    md_policy_defaults(&policy, kit_pool);
    ck_assert_int_eq(policy.must_staple, 0);
    ck_assert_int_eq(policy.stapling, 0);
    ck_assert_int_eq(policy.profile_mandatory, 0);
    ck_assert_int_eq(policy.base_server, 0);
    ck_assert_int_eq(policy.exclude, 0);
    ck_assert_int_eq(policy.prefer_files, 0);
}
END_TEST

START_TEST(none_ends_what_the_server_says)
{
    md_policy base = { 0 }, over = { 0 }, merged;

    ck_assert_ptr_null(read_text("MDCACertificateFile", "/roots.pem", &base));
    ck_assert_ptr_null(read_text("MDHttpProxyCACertificateFile", "/roots.pem", &base));
    ck_assert_ptr_null(read_text("MDExternalAccountBinding", "kid hmac", &base));
    ck_assert_ptr_null(read_text("MDCACertificateFile", "none", &over));
    ck_assert_ptr_null(read_text("MDHttpProxy", "http://proxy.test", &base));
    ck_assert_ptr_null(read_text("MDHttpProxy", "None", &over));
    ck_assert_ptr_null(read_text("MDHttpProxyCACertificateFile", "None", &over));
    ck_assert_ptr_null(read_text("MDExternalAccountBinding", "none", &over));
    md_policy_merge(&merged, &base, &over);
    ck_assert_ptr_null(merged.ca_file);
    ck_assert_ptr_null(merged.proxy_url);
    ck_assert_ptr_null(merged.proxy_ca_file);
    ck_assert_ptr_null(md_policy_binding(&merged, "https://ca.test/"));
}
END_TEST

START_TEST(each_ca_may_have_its_own_binding)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("MDExternalAccountBinding", "https://a.test/ kid-a hmac-a", &policy));
    ck_assert_ptr_null(md_policy_binding(&policy, "https://b.test/"));
    ck_assert_ptr_null(read_text("MDExternalAccountBinding", "kid hmac", &policy));
    ck_assert_ptr_null(read_text("MDExternalAccountBinding", "https://a.test/ kid-2 hmac-2", &policy));
    ck_assert_str_eq(md_policy_binding(&policy, "https://a.test/")->kid, "kid-2");
    ck_assert_str_eq(md_policy_binding(&policy, "https://b.test/")->kid, "kid");
    ck_assert_int_eq(policy.eab.bindings->nelts, 2);
}
END_TEST

START_TEST(defaults_do_not_touch_what_is_set)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text("MDRenewMode", "manual", &policy));
    md_policy_defaults(&policy, kit_pool);
    ck_assert_int_eq(policy.renew_mode, MD_RENEW_MANUAL);
    ck_assert_uint_eq(policy.set, MD_SET_BIT(MD_FIELD_renew_mode));
}
END_TEST

START_TEST(values_have_names)
{
    const md_field *mode = &md_field_rows[MD_FIELD_renew_mode];

    ck_assert_str_eq(md_field_word(mode, MD_RENEW_MANUAL, kit_pool), "manual");
    ck_assert_str_eq(md_field_word(mode, MD_RENEW_AUTO, kit_pool), "auto");
    ck_assert_ptr_null(md_field_word(mode, 3, kit_pool));
}
END_TEST

Suite *suite_plan_policy(void)
{
    Suite *suite = suite_create("plan/policy");
    TCase *tcase = kit_case(suite, "reading");

    KIT_ADD_ROWS(tcase, what_does_not_fit_is_refused_with_a_reason, wrong);
    tcase_add_test(tcase, words_are_read_in_any_case);
    tcase_add_test(tcase, older_words_mean_the_same);
    tcase_add_test(tcase, older_directives_find_the_newer_rows);
    tcase_add_test(tcase, a_number_alone_has_the_unit_of_its_directive);
    tcase_add_test(tcase, only_responses_are_kept_for_more_than_all_of_a_lifetime);
    tcase_add_test(tcase, none_is_no_file_but_a_setting);
    tcase_add_test(tcase, a_list_without_words_is_set_and_empty);
    tcase_add_test(tcase, a_command_keeps_its_blanks);
    tcase_add_test(tcase, a_value_that_is_refused_leaves_the_earlier_one_in_force);
    tcase_add_test(tcase, values_have_names);
    tcase = kit_case(suite, "merging");
    tcase_add_test(tcase, what_is_set_goes_over_what_is_below);
    tcase_add_test(tcase, a_policy_can_be_merged_into_itself);
    tcase_add_test(tcase, everything_unset_has_its_default);
    tcase_add_test(tcase, what_has_no_default_is_absent);
    tcase_add_test(tcase, what_changes_a_server_is_off);
    tcase_add_test(tcase, none_ends_what_the_server_says);
    tcase_add_test(tcase, each_ca_may_have_its_own_binding);
    tcase_add_test(tcase, defaults_do_not_touch_what_is_set);
    return suite;
}

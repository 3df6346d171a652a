/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of more than one value.
 */
#include "plan/odd.h"

#include <string.h>

#include "kit/kit.h"
#include "suites.h"

static const char *read_text(md_field_id id, const char *text, md_policy *policy)
{
    return md_field_read_text(&md_field_rows[id], text, policy, kit_pool);
}

static const struct {
    md_field_id id;
    const char *text, *said;
} wrong[] = {
    { MD_FIELD_ca_urls, "", "needs the URL" },
    { MD_FIELD_ca_urls, "letsencrypt.org", "is not a URL" },
    { MD_FIELD_ca_urls, "https://one.test/dir https://", "no host name" },
    { MD_FIELD_cert_files, "", "needs one file" },
    { MD_FIELD_eab, "kid", "needs a key id and an HMAC" },
    { MD_FIELD_eab, "ca kid hmac more", "needs a key id and an HMAC" },
    { MD_FIELD_check_name, "crt.sh", "needs a name and a URL" },
    { MD_FIELD_port_map, "", "needs one or two maps" },
    { MD_FIELD_port_map, "8080", "no ':'" },
    { MD_FIELD_port_map, "81:8080", "'81:8080' does not begin with" },
    { MD_FIELD_port_map, "HTTP:8080", "does not begin with" },
    { MD_FIELD_port_map, "http:", "from 1 to 65535" },
    { MD_FIELD_port_map, "http:0", "from 1 to 65535" },
    { MD_FIELD_port_map, "http:65536", "from 1 to 65535" },
    { MD_FIELD_port_map, "http:-1", "from 1 to 65535" },
    { MD_FIELD_port_map, "http:99999999999", "from 1 to 65535" },
    { MD_FIELD_exports, "", "needs a folder" },
    { MD_FIELD_exports, "/a root 0640 more", "needs a folder" },
    { MD_FIELD_exports, "/a nobody-has-this-name", "the user 'nobody-has-this-name'" },
    { MD_FIELD_exports, "/a root:nobody-has-this-name", "the group 'nobody-has-this-name'" },
    { MD_FIELD_exports, "/a :", "without an owner or a group" },
    { MD_FIELD_exports, "/a root rw", "octal mode like 0640, not 'rw'" },
    { MD_FIELD_exports, "/a 0644", "cannot give the private key the mode 0644" },
    { MD_FIELD_exports, "/a 0660", "only its owner may write it" },
    { MD_FIELD_exports, "/a 0040", "cannot give the private key the mode 0040" },
    { MD_FIELD_store_locks, "maybe", "must be 'on', 'off' or how long to wait" },
    { MD_FIELD_store_locks, "-5s", "must be 'on', 'off' or how long to wait" },
    { MD_FIELD_store_locks, "", "needs 'on', 'off'" },
};

START_TEST(what_does_not_fit_is_refused_with_a_reason)
{
    md_policy policy = { 0 };
    const char *why = read_text(wrong[_i].id, wrong[_i].text, &policy);

    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, wrong[_i].said) != NULL, "\"%s\" is not in \"%s\"", wrong[_i].said, why);
    ck_assert_uint_eq(policy.set, 0);
}
END_TEST

static const struct {
    const char *text, *dir;
    long user, group;
    int mode;
} folders[] = {
    { "/one", "/one", -1, -1, 0600 },
    { "/two :root", "/two", -1, 0, 0640 },
    { "/three root:root 0400", "/three", 0, 0, 0400 },
    { "/four root", "/four", 0, -1, 0600 },
    { "/five 0640", "/five", -1, -1, 0640 },
};

START_TEST(copies_go_to_each_folder_that_is_named)
{
    md_policy policy = { 0 };
    const md_export_to *last;

    ck_assert_ptr_null(read_text(MD_FIELD_exports, "/zero", &policy));
    ck_assert_ptr_null(read_text(MD_FIELD_exports, folders[_i].text, &policy));
    ck_assert_int_eq(policy.exports.exports->nelts, 2);
    last = &APR_ARRAY_IDX(policy.exports.exports, 1, md_export_to);
    ck_assert_str_eq(last->dir, folders[_i].dir);
    ck_assert_int_eq(last->user, folders[_i].user);
    ck_assert_int_eq(last->group, folders[_i].group);
    ck_assert_int_eq(last->mode, folders[_i].mode);
}
END_TEST

START_TEST(authorities_keep_their_order_and_replace_earlier_ones)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text(MD_FIELD_ca_urls, "https://three.test/dir", &policy));
    ck_assert_ptr_null(read_text(MD_FIELD_ca_urls, "https://one.test/dir http://two.test:8080", &policy));
    ck_assert_str_eq(md_names_join(policy.ca_urls.list, " ", kit_pool),
                     "https://one.test/dir http://two.test:8080");
}
END_TEST

START_TEST(files_add_up)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text(MD_FIELD_cert_files, "/a.pem", &policy));
    ck_assert_ptr_null(read_text(MD_FIELD_cert_files, "/b.pem", &policy));
    ck_assert_str_eq(md_names_join(policy.cert_files.list, " ", kit_pool), "/a.pem /b.pem");
}
END_TEST

START_TEST(no_binding_is_a_setting_too)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text(MD_FIELD_eab, "kid hmac", &policy));
    ck_assert_str_eq(md_policy_binding(&policy, "https://ca.test/")->hmac, "hmac");
    ck_assert_ptr_null(read_text(MD_FIELD_eab, "none", &policy));
    ck_assert_ptr_null(md_policy_binding(&policy, "https://ca.test/"));
    ck_assert(md_is_set(&policy, MD_FIELD_eab));
}
END_TEST

START_TEST(a_port_that_is_not_mapped_is_itself)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text(MD_FIELD_port_map, "http:8080", &policy));
    ck_assert_int_eq(policy.port_map.http_port, 8080);
    ck_assert_int_eq(policy.port_map.https_port, 443);
}
END_TEST

START_TEST(ports_may_be_mapped_one_by_one)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text(MD_FIELD_port_map, "80:8080", &policy));
    ck_assert_ptr_null(read_text(MD_FIELD_port_map, "443:-", &policy));
    ck_assert_int_eq(policy.port_map.http_port, 8080);
    ck_assert_int_eq(policy.port_map.https_port, 0);
}
END_TEST

START_TEST(locks_wait_five_seconds_or_as_long_as_said)
{
    md_policy policy = { 0 };

    ck_assert_ptr_null(read_text(MD_FIELD_store_locks, "ON", &policy));
    ck_assert_int_eq(policy.store_locks.wait, apr_time_from_sec(5));
    ck_assert_ptr_null(read_text(MD_FIELD_store_locks, "20", &policy));
    ck_assert_int_eq(policy.store_locks.wait, apr_time_from_sec(20));
    ck_assert_ptr_null(read_text(MD_FIELD_store_locks, "off", &policy));
    ck_assert_int_eq(policy.store_locks.wait, 0);
}
END_TEST

Suite *suite_plan_odd(void)
{
    Suite *suite = suite_create("plan/odd");
    TCase *tcase = kit_case(suite, "reading");

    KIT_ADD_ROWS(tcase, what_does_not_fit_is_refused_with_a_reason, wrong);
    KIT_ADD_ROWS(tcase, copies_go_to_each_folder_that_is_named, folders);
    tcase_add_test(tcase, authorities_keep_their_order_and_replace_earlier_ones);
    tcase_add_test(tcase, files_add_up);
    tcase_add_test(tcase, no_binding_is_a_setting_too);
    tcase_add_test(tcase, a_port_that_is_not_mapped_is_itself);
    tcase_add_test(tcase, ports_may_be_mapped_one_by_one);
    tcase_add_test(tcase, locks_wait_five_seconds_or_as_long_as_said);
    return suite;
}

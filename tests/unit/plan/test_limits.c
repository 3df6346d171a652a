/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CAs are known to refuse: names in a certificate, types of keys.
 */
#include "plan/limits.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "suites.h"

static md_domain *domain_with(int count)
{
    md_names *names = md_names_make(kit_pool);

    for (int i = 0; i < count; ++i)
        md_names_add(names, apr_psprintf(kit_pool, "n%d.test", i));
    return md_domain_make(names, kit_pool);
}

static void set(md_domain *domain, md_field_id id, const char *text)
{
    ck_assert_ptr_null(md_field_read_text(&md_field_rows[id], text, &domain->policy, kit_pool));
}

static const char *said(const md_domain *domain)
{
    return md_names_join(md_limits_of(domain, kit_pool), "; ", kit_pool);
}

#define OWN_CA  "https://ca.example.org/dir"
#define STAGING "https://acme-staging-v02.api.letsencrypt.org/directory"

static const struct {
    int count;
    const char *ca, *profile, *said; /* NULL: nothing */
} rows[] = {
    { 1, NULL, NULL, NULL },
    { 100, NULL, NULL, NULL },
    { 101, NULL, NULL, "has 101 names, but Let's Encrypt puts at most 100 into one certificate" },
    { 101, STAGING, NULL, "Let's Encrypt puts at most 100" },
    { 101, NULL, "classic", "Let's Encrypt puts at most 100 into one certificate" },
    { 100, NULL, "classic", NULL },
    { 25, NULL, "tlsserver", NULL },
    { 26, NULL, "tlsserver",
      "has 26 names, but Let's Encrypt puts at most 25 into a certificate of the profile 'tlsserver'" },
    { 26, NULL, "ShortLived", "of the profile 'ShortLived'" },
    { 101, NULL, "shortlived", "at most 25" },
    { 26, OWN_CA, "shortlived", NULL },
    { 100, OWN_CA, NULL, NULL },
    { 101, OWN_CA, NULL,
      "has 101 names, but most certificate authorities put at most 100 into one certificate" },
};

START_TEST(more_names_than_a_certificate_takes_are_noticed)
{
    md_domain *domain = domain_with(rows[_i].count);

    if (rows[_i].ca)
        set(domain, MD_FIELD_ca_urls, rows[_i].ca);
    if (rows[_i].profile)
        set(domain, MD_FIELD_profile, rows[_i].profile);
    if (!rows[_i].said)
        ck_assert_str_eq(said(domain), "");
    else
        ck_assert_msg(strstr(said(domain), rows[_i].said) != NULL, "\"%s\"", said(domain));
    ck_assert_int_eq(md_limits_of(domain, kit_pool)->nelts, rows[_i].said != NULL);
}
END_TEST

START_TEST(names_that_a_wildcard_covers_do_not_count)
{
    md_domain *domain = domain_with(101);

    md_names_add(domain->names, "*.test");
    ck_assert_str_eq(said(domain), "");
}
END_TEST

START_TEST(what_is_not_ordered_has_no_limits)
{
    md_domain *domain = domain_with(101);

    set(domain, MD_FIELD_cert_files, "/own.pem");
    ck_assert_str_eq(said(domain), "");
    set(domain, MD_FIELD_renew_mode, "always");
    ck_assert_str_ne(said(domain), "");
}
END_TEST

static const struct {
    const char *keys, *refused; /* NULL: none */
} keys[] = {
    { "Default", NULL },           { "RSA 2048 P-256", NULL },     { "rsa3072", NULL },
    { "secp384r1 rsa4096", NULL }, { "prime256v1", NULL },         { "RSA 8192", "RSA 8192" },
    { "P-521", "P-521" },          { "P-256 ed25519", "ed25519" }, { "no-such-curve", "no-such-curve" },
};

START_TEST(keys_that_are_not_signed_are_noticed)
{
    md_domain *domain = domain_with(1);

    set(domain, MD_FIELD_keys, keys[_i].keys);
    ck_assert_int_eq(md_limits_of(domain, kit_pool)->nelts, keys[_i].refused != NULL);
    if (keys[_i].refused)
        ck_assert_msg(strstr(said(domain),
                             apr_psprintf(kit_pool, "a key of the type %s, but Let's Encrypt takes RSA with",
                                          keys[_i].refused)) != NULL,
                      "\"%s\"", said(domain));
    set(domain, MD_FIELD_ca_urls, OWN_CA);
    ck_assert_str_eq(said(domain), "");
}
END_TEST

START_TEST(a_certificate_that_nobody_will_see_is_noticed)
{
    md_domain *domain = domain_with(1);

    set(domain, MD_FIELD_ca_urls, OWN_CA);
    set(domain, MD_FIELD_keys, "RSA P-256 ed25519");
    ck_assert_str_eq(said(domain), "");
    set(domain, MD_FIELD_keys, "P-256 RSA secp384r1");
    ck_assert_ptr_nonnull(strstr(
        said(domain), "wants keys of 2 elliptic curves (P-256, secp384r1), but a TLS server uses one"));
}
END_TEST

START_TEST(a_name_without_a_dot_is_nothing_for_a_public_ca)
{
    md_domain *domain = domain_with(1);

    md_names_add(domain->names, "manuel");
    ck_assert_ptr_nonnull(strstr(said(domain), "has the name 'manuel', which has no dot"));
    set(domain, MD_FIELD_ca_urls, OWN_CA);
    ck_assert_str_eq(said(domain), "");
}
END_TEST

Suite *suite_plan_limits(void)
{
    Suite *suite = suite_create("plan/limits");
    TCase *tcase = kit_case(suite, "names");

    KIT_ADD_ROWS(tcase, more_names_than_a_certificate_takes_are_noticed, rows);
    tcase_add_test(tcase, names_that_a_wildcard_covers_do_not_count);
    tcase_add_test(tcase, what_is_not_ordered_has_no_limits);
    tcase_add_test(tcase, a_name_without_a_dot_is_nothing_for_a_public_ca);
    tcase = kit_case(suite, "keys");
    KIT_ADD_ROWS(tcase, keys_that_are_not_signed_are_noticed, keys);
    tcase_add_test(tcase, a_certificate_that_nobody_will_see_is_noticed);
    return suite;
}

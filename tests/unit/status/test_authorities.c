/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CAs and accounts, without what must stay secret.
 */
#include "status/authorities.h"

#include <string.h>

#include "kit/showing.h"

#define LETSENCRYPT "https://acme-v02.api.letsencrypt.org/directory"

static void save_account(const showing *s, const char *id, const char *text)
{
    CHECK_OK(
        md_store_save_text(s->core.store, MD_PLACE(MD_GROUP_ACCOUNTS, id, "account.json"), text, kit_pool));
}

START_TEST(a_domain_is_at_the_authority_that_it_used_last)
{
    showing *s = showing_make();
    md_domain *domain = showing_add(s, "example.org");
    json_t *list;

    domain->policy.ca_urls.list = md_words("https://a.test/dir https://b.test/dir", kit_pool);
    list = md_authorities_of(domain, kit_pool);
    ck_assert_uint_eq(json_array_size(list), 2);
    domain->ca_url = "https://b.test/dir";
    list = md_authorities_of(domain, kit_pool);
    ck_assert_uint_eq(json_array_size(list), 1);
    ck_assert_str_eq(md_json_text(json_array_get(list, 0), "name"), "b.test");
}
END_TEST

START_TEST(authorities_have_their_domains_and_accounts)
{
    showing *s = showing_three();
    const char *text;
    json_t *list;

    save_account(s, "ACME-a-0000",
                 "{\"status\":\"valid\",\"url\":\"https://x.test/1\",\"ca-url\":\"" LETSENCRYPT "\","
                 "\"contact\":[\"mailto:a@example.org\"],\"eab\":{\"kid\":\"kid-1\",\"hmac\":\"c2VjcmV0\"}}");
    save_account(s, "ACME-b-0000", "{\"url\":\"https://y.test/1\",\"ca-url\":\"https://y.test/dir\"}");
    save_account(s, "ACME-c-0000", "this is none");
    list = md_authorities_all(&s->core, kit_pool);
    ck_assert_uint_eq(json_array_size(list), 2);
    ck_assert_int_eq(md_json_int(json_array_get(list, 0), "domains", 0), 3);
    ck_assert_int_eq(md_json_int(json_array_get(list, 1), "domains", -1), 0);
    text = md_json_text_of(list, kit_pool);
    ck_assert_ptr_nonnull(strstr(text, "ACME-a-0000"));
    ck_assert_ptr_nonnull(strstr(text, "kid-1"));
    ck_assert_ptr_null(strstr(text, "c2VjcmV0"));
    ck_assert_ptr_null(strstr(text, "ACME-c-0000"));
}
END_TEST

Suite *suite_status_authorities(void)
{
    Suite *suite = suite_create("status/authorities");
    TCase *tests = kit_case(suite, "authorities");

    tcase_add_test(tests, a_domain_is_at_the_authority_that_it_used_last);
    tcase_add_test(tests, authorities_have_their_domains_and_accounts);
    return suite;
}

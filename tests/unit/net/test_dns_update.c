/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What MDDnsUpdate may say. Updates themselves are tested end to end with a real name server.
 */
#include "net/dns_update.h"

#include <string.h>

#include "kit/kit.h"

#define SECRET "c2VjcmV0IHNlY3JldA=="

START_TEST(a_key_that_can_sign_is_accepted)
{
    static const char *const algorithms[] = { "hmac-sha256", "HMAC-SHA512", "hmac-sha1", "hmac-md5" };

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); ++i)
        ck_assert_ptr_null(md_dns_authority_reason(
            &(md_dns_authority){ "192.0.2.1:53", "key", algorithms[i], SECRET, NULL }, kit_pool));
}
END_TEST

START_TEST(what_cannot_sign_or_be_asked_is_told)
{
    static const struct {
        md_dns_authority to;
        const char *why;
    } bad[] = {
        { { "ns.example.org", "key", "hmac-sha256", SECRET, NULL }, "it is no address" },
        { { "192.0.2.1", "key", "hmac-sha999", SECRET, NULL }, "a request cannot be signed with it" },
        { { "192.0.2.1", "key", "hmac-sha256", "%%%", NULL }, "a request cannot be signed with it" },
        { { "192.0.2.1", "key", "hmac-sha256", "", NULL }, "the secret is empty" },
        { { "192.0.2.1", "a..b", "hmac-sha256", SECRET, NULL }, "a request cannot be signed with it" },
    };
    const char *why = md_dns_authority_reason(&bad[_i].to, kit_pool);

    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s", why);
    ck_assert_ptr_null(strstr(why, SECRET));
}
END_TEST

START_TEST(nobody_who_answers_is_a_failure_of_the_other_side)
{
    const md_dns_authority to = { "127.0.0.1:9", "key", "hmac-sha256", SECRET, "example.org" };

    CHECK_FAILS(md_dns_set_text(&to, "_acme-challenge.example.org", "text", 1, kit_pool), MD_FAULT_REMOTE,
                "does not answer to an update");
    CHECK_FAILS(md_dns_set_text(&to, "a..b", "text", 1, kit_pool), MD_FAULT_CONFIG,
                "no name that a zone can have");
}
END_TEST

Suite *suite_net_dns_update(void)
{
    Suite *suite = suite_create("net/dns_update");
    TCase *tests = kit_case(suite, "update");

    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, a_key_that_can_sign_is_accepted);
    tcase_add_loop_test(tests, what_cannot_sign_or_be_asked_is_told, 0, 5);
    tcase_add_test(tests, nobody_who_answers_is_a_failure_of_the_other_side);
    return suite;
}

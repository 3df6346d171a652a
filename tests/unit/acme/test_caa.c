/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CAA records, evaluated as RFC 8659 and RFC 8657 say.
 */
#include "acme/caa.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"

/** Records are written "issue=ca.test; p=v|!tbs=x": "!" is critical. */
static const struct {
    const char *what, *records, *name, *reason; /* NULL: may issue */
} rows[] = {
    { "no records", "", "www.example.org", NULL },
    { "the CA is named", "issue=ca.test", "www.example.org", NULL },
    { "in any case", "Issue=CA.TEST", "www.example.org", NULL },
    { "with spaces and parameters", "issue= ca.test ; x=y", "www.example.org", NULL },
    { "another CA", "issue=other.test", "www.example.org", "only other.test may issue" },
    { "nobody", "issue=;", "www.example.org", "only nobody may issue" },
    { "one of several", "issue=other.test|issue=ca.test", "www.example.org", NULL },
    { "nothing about issuing", "iodef=mailto:a@example.org", "www.example.org", NULL },
    { "issuewild is not for others", "issuewild=other.test", "www.example.org", NULL },
    { "issuewild is for wildcards", "issue=ca.test|issuewild=other.test", "*.example.org",
      "only other.test may issue" },
    { "issue counts for wildcards too", "issue=other.test", "*.example.org", "only other.test may issue" },
    { "issuewild alone", "issue=other.test|issuewild=ca.test", "*.example.org", NULL },
    { "critical and unknown", "issue=ca.test|!tbs=x", "www.example.org", "critical property 'tbs'" },
    { "critical and known", "!issue=ca.test", "www.example.org", NULL },
    { "unknown only", "tbs=x", "www.example.org", NULL },
    { "our account", "issue=ca.test; accounturi=https://ca.test/acct/1", "www.example.org", NULL },
    { "another account", "issue=ca.test;accounturi=https://ca.test/acct/2", "www.example.org",
      "only the account https://ca.test/acct/2" },
    { "our method", "issue=ca.test; validationmethods=dns-01,http-01", "www.example.org", NULL },
    { "another method", "issue=ca.test; validationmethods=dns-01", "www.example.org",
      "only these challenge types may be used: dns-01" },
    { "the second record lets us", "issue=ca.test; validationmethods=dns-01|issue=ca.test", "www.example.org",
      NULL },
};

static apr_array_header_t *records_of(const char *text)
{
    apr_array_header_t *records = apr_array_make(kit_pool, 4, sizeof(md_caa));
    char *state = NULL;

    for (char *each = apr_strtok(apr_pstrdup(kit_pool, text), "|", &state); each;
         each = apr_strtok(NULL, "|", &state)) {
        char *value = strchr(each, '=');
        const int critical = *each == '!';

        *value++ = '\0';
        APR_ARRAY_PUSH(records, md_caa) = (md_caa){ critical, each + critical, value };
    }
    return records;
}

START_TEST(records_say_who_may_issue)
{
    static const char *identities[] = { "ca.test", "ca2.test", NULL };
    const md_caa_asker asker = { identities, "https://ca.test/acct/1",
                                 md_words("http-01 tls-alpn-01", kit_pool) };
    const char *reason = md_caa_reason(records_of(rows[_i].records), rows[_i].name, &asker, kit_pool);

    ck_assert_msg(!reason == !rows[_i].reason, "%s: %s", rows[_i].what, reason ? reason : "may issue");
    if (reason)
        ck_assert_msg(strstr(reason, rows[_i].reason) != NULL, "%s: %s", rows[_i].what, reason);
}
END_TEST

START_TEST(what_is_not_known_of_us_does_not_count)
{
    static const char *identities[] = { "ca.test", NULL };
    const md_caa_asker asker = { identities, NULL, NULL };

    ck_assert_ptr_null(
        md_caa_reason(records_of("issue=ca.test;accounturi=https://x/1;validationmethods=dns-01"),
                      "www.example.org", &asker, kit_pool));
}
END_TEST

Suite *suite_acme_caa(void)
{
    Suite *suite = suite_create("acme/caa");
    TCase *tests = kit_case(suite, "evaluation");

    KIT_ADD_ROWS(tests, records_say_who_may_issue, rows);
    tcase_add_test(tests, what_is_not_known_of_us_does_not_count);
    return suite;
}

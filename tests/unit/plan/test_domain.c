/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed domains: names, coverage, and md.json byte for byte.
 */
#include "plan/domain.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "plan/due.h"
#include "suites.h"

static md_domain *domain_of(const char *names)
{
    return md_domain_make(md_words(names, kit_pool), kit_pool);
}

static void set(md_domain *domain, md_field_id id, const char *text)
{
    ck_assert_ptr_null(md_field_read_text(&md_field_rows[id], text, &domain->policy, kit_pool));
    domain->own |= MD_SET_BIT(id);
}

static md_domain *read_json(const char *text)
{
    json_t *doc;

    CHECK_OK(md_json_read(md_bytes_of(text), kit_pool, &doc));
    return md_domain_from_json(doc, kit_pool);
}

START_TEST(names_are_lowercase_and_each_is_there_once)
{
    const md_domain *domain = domain_of("Example.Org www.example.org EXAMPLE.org www.EXAMPLE.org");

    ck_assert_str_eq(domain->name, "example.org");
    ck_assert_str_eq(md_names_join(domain->names, " ", kit_pool), "example.org www.example.org");
}
END_TEST

static const struct {
    const char *name, *said; /* NULL: fine */
} names[] = {
    { "example.org", NULL },
    { "*.example.org", NULL },
    { "localhost", NULL },
    { "host_a.example.org", NULL },
    { "192.0.2.1", NULL },
    { "", "empty" },
    { ".", "begins with a dot" },
    { "..", "begins with a dot" },
    { ".example.org", "begins with a dot" },
    { "../domains", "begins with a dot" },
    { "a/b", "characters" },
    { "a\\b", "characters" },
    { "a b", "characters" },
    { "a\nb", "characters" },
    { "a:443", "characters" },
    { "a.org,b.org", "separated by blanks" },
    { "a.org;", "separated by blanks" },
    { "a..org", "empty part" },
    { "m\xc3\xbcnchen.org", "ASCII" },
    { "*", "wildcard" },
    { "*.", "wildcard" },
    { "www.*.org", "wildcard" },
    { "*.*.org", "wildcard" },
};

START_TEST(a_name_must_be_possible_as_a_folder)
{
    const char *why = md_domain_name_reason(names[_i].name);

    ck_assert_int_eq(why != NULL, names[_i].said != NULL);
    ck_assert_msg(!why || strstr(why, names[_i].said) != NULL, "%s: %s", names[_i].name, why);
}
END_TEST

START_TEST(a_name_is_not_longer_than_dns_allows)
{
    char name[255];

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert_ptr_nonnull(md_domain_name_reason(name));
    name[253] = '\0';
    ck_assert_ptr_null(md_domain_name_reason(name));
}
END_TEST

START_TEST(a_wildcard_covers_one_label)
{
    const md_domain *domain = domain_of("example.org *.example.org");

    ck_assert(md_domain_covers(domain, "EXAMPLE.org"));
    ck_assert(md_domain_covers(domain, "www.example.org"));
    ck_assert(!md_domain_covers(domain, "a.b.example.org"));
    ck_assert(!md_domain_covers(domain, "example.com"));
}
END_TEST

START_TEST(what_a_wildcard_covers_is_not_ordered)
{
    const md_domain *domain = domain_of("example.org www.example.org *.example.org a.b.example.org");

    ck_assert_str_eq(md_names_join(md_domain_order_names(domain, kit_pool), " ", kit_pool),
                     "example.org *.example.org a.b.example.org");
}
END_TEST

/* Mode, used, static files: does it renew? */
static const struct {
    const char *mode;
    int used, is_static, renews;
} modes[] = {
    { "auto", 1, 0, 1 },   { "auto", 0, 0, 0 },   { "auto", 1, 1, 0 },   { "manual", 1, 0, 0 },
    { "manual", 0, 0, 0 }, { "always", 0, 0, 1 }, { "always", 1, 1, 1 },
};

START_TEST(the_mode_says_who_renews)
{
    md_domain *domain = domain_of("example.org");

    set(domain, MD_FIELD_renew_mode, modes[_i].mode);
    if (modes[_i].is_static)
        set(domain, MD_FIELD_cert_files, "/some.pem");
    domain->used = modes[_i].used;
    ck_assert_int_eq(md_domain_renews(domain), modes[_i].renews);
}
END_TEST

START_TEST(the_first_authority_is_the_one_to_begin_with)
{
    md_domain *domain = domain_of("example.org");

    ck_assert_str_eq(md_domain_ca_url(domain), "https://acme-v02.api.letsencrypt.org/directory");
    set(domain, MD_FIELD_ca_urls, "https://one.test/dir https://two.test/dir");
    ck_assert_str_eq(md_domain_ca_url(domain), "https://one.test/dir");
}
END_TEST

START_TEST(a_plain_domain_is_stored_as_ever)
{
    ck_assert_str_eq(
        md_json_text_of(md_domain_to_json(domain_of("example.org www.example.org"), 1, kit_pool), kit_pool),
        "{\n"
        "  \"name\": \"example.org\",\n"
        "  \"domains\": [\n"
        "    \"example.org\",\n"
        "    \"www.example.org\"\n"
        "  ],\n"
        "  \"contacts\": [],\n"
        "  \"transitive\": 1,\n"
        "  \"ca\": {\n"
        "    \"proto\": \"ACME\",\n"
        "    \"urls\": [\n"
        "      \"https://acme-v02.api.letsencrypt.org/directory\"\n"
        "    ]\n"
        "  },\n"
        "  \"state\": 1,\n"
        "  \"renew-mode\": 1,\n"
        "  \"renew-window\": \"33%\",\n"
        "  \"warn-window\": \"10%\",\n"
        "  \"must-staple\": false,\n"
        "  \"proto\": {\n"
        "    \"acme-tls/1\": []\n"
        "  },\n"
        "  \"stapling\": false,\n"
        "  \"profile-mandatory\": false,\n"
        "  \"ari-renewals\": true,\n"
        "  \"live-activation\": true\n"
        "}");
}
END_TEST

static const char *const full_json = //
    "{\n"
    "  \"name\": \"example.org\",\n"
    "  \"domains\": [\n"
    "    \"example.org\"\n"
    "  ],\n"
    "  \"contacts\": [\n"
    "    \"mailto:admin@example.org\"\n"
    "  ],\n"
    "  \"transitive\": 0,\n"
    "  \"ca\": {\n"
    "    \"account\": \"ACME-one.test-0000\",\n"
    "    \"proto\": \"ACME\",\n"
    "    \"url\": \"https://one.test/dir\",\n"
    "    \"urls\": [\n"
    "      \"https://one.test/dir\",\n"
    "      \"https://two.test/dir\"\n"
    "    ],\n"
    "    \"agreement\": \"accepted\",\n"
    "    \"challenges\": [\n"
    "      \"dns-01\"\n"
    "    ]\n"
    "  },\n"
    "  \"privkey\": [\n"
    "    {\n"
    "      \"type\": \"RSA\",\n"
    "      \"bits\": 3072\n"
    "    },\n"
    "    {\n"
    "      \"type\": \"EC\",\n"
    "      \"curve\": \"P-256\"\n"
    "    }\n"
    "  ],\n"
    "  \"state\": 2,\n"
    "  \"renew-mode\": 2,\n"
    "  \"renew-window\": \"14d\",\n"
    "  \"warn-window\": \"20%\",\n"
    "  \"require-https\": \"permanent\",\n"
    "  \"must-staple\": true,\n"
    "  \"proto\": {\n"
    "    \"acme-tls/1\": [\n"
    "      \"example.org\"\n"
    "    ]\n"
    "  },\n"
    "  \"cert-files\": [\n"
    "    \"/etc/cert.pem\"\n"
    "  ],\n"
    "  \"pkey-files\": [\n"
    "    \"/etc/key.pem\"\n"
    "  ],\n"
    "  \"stapling\": true,\n"
    "  \"cmd-dns-01\": \"/bin/dns set\",\n"
    "  \"proxy-url\": \"http://proxy.test:3128\",\n"
    "  \"ca-certs\": \"/etc/ca.pem\",\n"
    "  \"proxy-ca-certs\": \"/etc/proxy.pem\",\n"
    "  \"eab\": {\n"
    "    \"kid\": \"k\",\n"
    "    \"hmac\": \"h\"\n"
    "  },\n"
    "  \"profile\": \"short\",\n"
    "  \"profile-mandatory\": true,\n"
    "  \"ari-renewals\": false,\n"
    "  \"live-activation\": false\n"
    "}";

START_TEST(everything_is_read_and_written_the_same)
{
    ck_assert_str_eq(md_json_text_of(md_domain_to_json(read_json(full_json), 2, kit_pool), kit_pool),
                     full_json);
}
END_TEST

static const struct {
    const char *doc;
    int state;
} stored_states[] = {
    { "{\"name\": \"a.test\", \"state\": 0}", MD_STATE_UNKNOWN },
    { "{\"name\": \"a.test\", \"state\": 1}", MD_STATE_INCOMPLETE },
    { "{\"name\": \"a.test\", \"state\": 2}", MD_STATE_COMPLETE },
    { "{\"name\": \"a.test\", \"state\": 3}", MD_STATE_COMPLETE }, /* of old versions: expired */
    { "{\"name\": \"a.test\", \"state\": 4}", MD_STATE_ERROR },
    { "{\"name\": \"a.test\", \"state\": 5}", MD_STATE_MISSING_INFORMATION },
    { "{\"name\": \"a.test\", \"state\": 6}", MD_STATE_UNKNOWN },
    { "{\"name\": \"a.test\", \"state\": -1}", MD_STATE_UNKNOWN },
    { "{\"name\": \"a.test\", \"state\": 4294967298}", MD_STATE_UNKNOWN },
    { "{\"name\": \"a.test\", \"state\": \"2\"}", MD_STATE_UNKNOWN },
    { "{\"name\": \"a.test\"}", MD_STATE_UNKNOWN },
};

START_TEST(the_state_is_read)
{
    ck_assert_int_eq(read_json(stored_states[_i].doc)->stored_state, stored_states[_i].state);
}
END_TEST

START_TEST(what_is_looked_up_at_the_time_of_use_is_stored_only_when_it_is_the_domain_s_own)
{
    md_domain *domain = domain_of("example.org");

    set(domain, MD_FIELD_proxy_url, "http://proxy.test");
    set(domain, MD_FIELD_dns01_cmd, "/bin/dns");
    domain->own = MD_SET_BIT(MD_FIELD_proxy_url);
    ck_assert_ptr_nonnull(md_json_at(md_domain_to_json(domain, 0, kit_pool), "proxy-url"));
    ck_assert_ptr_null(md_json_at(md_domain_to_json(domain, 0, kit_pool), "cmd-dns-01"));
}
END_TEST

START_TEST(the_one_authority_of_old_stores_becomes_the_list)
{
    const md_domain *domain =
        read_json("{\"name\": \"a.test\", \"ca\": {\"url\": \"https://one.test/dir\"}}");

    ck_assert_str_eq(md_domain_ca_url(domain), "https://one.test/dir");
    ck_assert_str_eq(domain->ca_url, "https://one.test/dir");
    ck_assert_str_eq(md_names_join(domain->names, " ", kit_pool), "a.test");
}
END_TEST

START_TEST(a_renamed_domain_keeps_its_name)
{
    const md_domain *domain = read_json("{\"name\": \"old.test\", \"domains\": [\"New.test\"]}");

    ck_assert_str_eq(domain->name, "old.test");
    ck_assert_str_eq(md_names_join(domain->names, " ", kit_pool), "new.test");
}
END_TEST

static const char *const nameless[] = { "{}", "[]", "{\"name\": \"\"}", "{\"name\": 1}",
                                        "{\"domains\": [\"a.test\"]}" };

START_TEST(without_a_name_there_is_no_domain)
{
    ck_assert_ptr_null(read_json(nameless[_i]));
}
END_TEST

Suite *suite_plan_domain(void)
{
    Suite *suite = suite_create("plan/domain");
    TCase *tcase = kit_case(suite, "names");

    tcase_add_test(tcase, names_are_lowercase_and_each_is_there_once);
    KIT_ADD_ROWS(tcase, a_name_must_be_possible_as_a_folder, names);
    tcase_add_test(tcase, a_name_is_not_longer_than_dns_allows);
    tcase_add_test(tcase, a_wildcard_covers_one_label);
    tcase_add_test(tcase, what_a_wildcard_covers_is_not_ordered);
    KIT_ADD_ROWS(tcase, the_mode_says_who_renews, modes);
    tcase_add_test(tcase, the_first_authority_is_the_one_to_begin_with);
    tcase = kit_case(suite, "md.json");
    tcase_add_test(tcase, a_plain_domain_is_stored_as_ever);
    tcase_add_test(tcase, everything_is_read_and_written_the_same);
    KIT_ADD_ROWS(tcase, the_state_is_read, stored_states);
    tcase_add_test(tcase, what_is_looked_up_at_the_time_of_use_is_stored_only_when_it_is_the_domain_s_own);
    tcase_add_test(tcase, the_one_authority_of_old_stores_becomes_the_list);
    tcase_add_test(tcase, a_renamed_domain_keeps_its_name);
    KIT_ADD_ROWS(tcase, without_a_name_there_is_no_domain, nameless);
    return suite;
}

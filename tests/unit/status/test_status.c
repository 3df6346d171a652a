/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status document: what is in it, what never is.
 */
#include "status/status.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/store_mem.h"
#include "plan/due.h"
#include "status/cache.h"
#include "store/creds.h"
#include "tls/selfsign.h"

#define NAME "example.org"

static const md_cert_facts *live_cert;

static apr_time_t fixed_now(void *self)
{
    (void)self;
    return apr_time_from_sec(1800000000);
}

static const md_clock clock_fixed = { .now = fixed_now };

static md_err *give_facts(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    (void)self;
    (void)domain;
    *facts = apr_array_make(p, 1, sizeof(md_cert_fact));
    APR_ARRAY_PUSH(*facts, md_cert_fact) = (md_cert_fact){ .cert = live_cert };
    return NULL;
}

static md_domain *new_domain(const char *name)
{
    md_names *names = md_names_make(kit_pool);

    md_names_add(names, name);
    return md_domain_make(names, kit_pool);
}

/** A plan with one domain, and a core around it. */
static md_core new_core(md_domain *domain)
{
    md_plan *plan = md_plan_make(kit_pool);

    live_cert = NULL;
    CHECK_OK(md_plan_add(plan, domain, 0, kit_pool));
    return (md_core){
        .store = store_mem_open(kit_pool), .plan = plan, .clock = &clock_fixed, .facts = give_facts
    };
}

static const md_cert_facts *new_cert(const md_domain *domain, md_period valid)
{
    const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_cert_facts *facts = apr_pcalloc(kit_pool, sizeof(*facts));
    md_chain *chain;
    md_key *key;

    CHECK_OK(md_key_make(&spec, kit_pool, &key));
    CHECK_OK(md_selfsign_placeholder(key, domain->names, valid, kit_pool, &chain));
    CHECK_OK(md_chain_facts(chain, kit_pool, facts));
    return facts;
}

START_TEST(a_domain_without_certificate_is_incomplete_and_due)
{
    md_core core = new_core(new_domain(NAME));
    md_entry entry;

    MD_DOMAIN(core.plan, 0)->used = 1;
    CHECK_OK(md_status_one(&core, MD_DOMAIN(core.plan, 0), 1, kit_pool, &entry));
    ck_assert_int_eq(md_json_int(entry.doc, "state", -1), MD_STATE_INCOMPLETE);
    ck_assert(md_json_flag(entry.doc, "renew", 0));
    ck_assert(md_json_flag(entry.doc, "watched", 0));
    ck_assert_ptr_nonnull(md_json_text(entry.doc, "state-descr"));
    ck_assert_uint_eq(json_object_size(md_json_at(entry.doc, "cert")), 0);
}
END_TEST

START_TEST(a_certificate_is_shown_with_its_period)
{
    md_core core = new_core(new_domain(NAME));
    md_domain *domain = MD_DOMAIN(core.plan, 0);
    apr_time_t now = md_now(core.clock);
    md_entry entry;

    live_cert =
        new_cert(domain, (md_period){ now - apr_time_from_sec(60), now + apr_time_from_sec(90 * 86400) });
    CHECK_OK(md_status_one(&core, domain, 1, kit_pool, &entry));
    ck_assert_int_eq(md_json_int(entry.doc, "state", -1), MD_STATE_COMPLETE);
    ck_assert_str_eq(md_json_text(md_json_at(entry.doc, "cert.rsa"), "sha256-fingerprint"),
                     live_cert->sha256);
    ck_assert_int_eq(md_json_date(entry.doc, "cert.valid.until"), live_cert->valid.until);
    ck_assert_ptr_null(md_json_at(entry.doc, "renew"));
}
END_TEST

/** All of the status, as it is sent, without the end of its last line. */
static md_bytes whole(const md_core *core)
{
    const char *tag;
    const md_bytes text = md_cache_document(md_cache_make(core, kit_pool), &MD_QUERY_ALL, kit_pool, &tag);

    return md_bytes_of(apr_pstrmemdup(kit_pool, text.data, text.size - 1));
}

#define SECRET "c2VjcmV0LXNlY3JldA"

START_TEST(the_login_of_a_proxy_is_never_shown)
{
    static const struct {
        const char *url, *shown;
    } proxies[] = {
        { "http://fred:" SECRET "@proxy.test:3128/", "http://***@proxy.test:3128/" },
        { "http://fred:a@" SECRET "@proxy.test", "http://***@proxy.test" },
        { "http://proxy.test/a@b", "http://proxy.test/a@b" },
    };
    md_core core = new_core(new_domain(NAME));
    md_entry entry;

    MD_DOMAIN(core.plan, 0)->policy.proxy_url = (char *)(apr_uintptr_t)proxies[_i].url;
    MD_DOMAIN(core.plan, 0)->own |= MD_SET_BIT(MD_FIELD_proxy_url);
    CHECK_OK(md_status_one(&core, MD_DOMAIN(core.plan, 0), 1, kit_pool, &entry));
    ck_assert_str_eq(md_json_text(entry.doc, "proxy-url"), proxies[_i].shown);
}
END_TEST

START_TEST(the_hmac_of_a_binding_is_never_shown)
{
    md_core core = new_core(new_domain(NAME));
    md_domain *domain = MD_DOMAIN(core.plan, 0);
    const char *text;

    domain->policy.eab.bindings = apr_array_make(kit_pool, 2, sizeof(md_binding));
    APR_ARRAY_PUSH(domain->policy.eab.bindings, md_binding) = (md_binding){ NULL, "kid-1", SECRET };
    APR_ARRAY_PUSH(domain->policy.eab.bindings, md_binding) =
        (md_binding){ "https://ca.test/", "kid-2", SECRET };
    text = whole(&core).data;
    ck_assert_ptr_null(strstr(text, SECRET));
    ck_assert_ptr_nonnull(strstr(text, "***"));
    ck_assert_ptr_nonnull(strstr(text, "kid-2"));
}
END_TEST

START_TEST(a_job_in_staging_is_the_renewal)
{
    md_core core = new_core(new_domain(NAME));
    md_entry entry;
    md_job *job;

    CHECK_OK(md_job_load(core.store, MD_GROUP_STAGING, NAME, kit_pool, &job));
    job->errors = 3;
    md_job_note(job, md_now(core.clock), "progress", NULL, "a line of the log");
    CHECK_OK(md_job_save(core.store, job, kit_pool));
    CHECK_OK(md_status_one(&core, MD_DOMAIN(core.plan, 0), 1, kit_pool, &entry));
    ck_assert_int_eq(md_json_int(entry.doc, "renewal.errors", 0), 3);
    ck_assert_uint_eq(json_array_size(md_json_at(entry.doc, "renewal.log.entries")), 1);
    ck_assert_ptr_null(strstr(whole(&core).data, "a line of the log"));
}
END_TEST

/** Keeps what is noted when somebody is told that the certificate ends. */
static void warn(const md_core *core)
{
    md_job *job;

    CHECK_OK(md_job_load(core->store, MD_GROUP_STAGING, NAME, kit_pool, &job));
    md_job_note(job, md_now(core->clock), "message-expiring", NULL, NULL);
    CHECK_OK(md_job_save(core->store, job, kit_pool));
}

START_TEST(a_warning_is_no_renewal)
{
    md_core core = new_core(new_domain(NAME));
    md_domain *domain = MD_DOMAIN(core.plan, 0);
    const apr_time_t now = md_now(core.clock);
    md_entry one, listed;
    json_t *open;

    domain->policy.renew_mode = MD_RENEW_MANUAL;
    live_cert =
        new_cert(domain, (md_period){ now - apr_time_from_sec(89 * 86400), now + apr_time_from_sec(86400) });
    warn(&core);
    CHECK_OK(md_status_one(&core, domain, 1, kit_pool, &one));
    md_status_entry(&core, domain, kit_pool, &listed);
    CHECK_OK(md_status_public(&core, domain, kit_pool, &open));
    ck_assert_uint_eq(one.conditions, 1u << MD_IS_EXPIRING);
    ck_assert_uint_eq(listed.conditions, one.conditions);
    ck_assert_ptr_null(md_json_at(one.doc, "renew"));
    ck_assert_ptr_null(md_json_at(one.doc, "renewal"));
    ck_assert_ptr_null(md_json_at(open, "renewal"));
    ck_assert_uint_eq(json_array_size(md_json_at(one.doc, "log.entries")), 1);
    ck_assert_ptr_null(md_json_at(listed.doc, "log"));
}
END_TEST

START_TEST(the_public_answer_tells_certificates_only)
{
    md_core core = new_core(new_domain(NAME));
    md_domain *domain = MD_DOMAIN(core.plan, 0);
    apr_time_t now = md_now(core.clock);
    const char *text;
    json_t *doc;

    live_cert = new_cert(domain, (md_period){ now, now + apr_time_from_sec(86400) });
    CHECK_OK(md_status_public(&core, domain, kit_pool, &doc));
    text = md_json_text_of(doc, kit_pool);
    ck_assert_ptr_nonnull(strstr(text, live_cert->sha256));
    ck_assert_ptr_null(strstr(text, NAME));
    ck_assert_ptr_null(md_json_at(doc, "renewal"));
}
END_TEST

START_TEST(domains_are_sorted_by_name)
{
    md_core core = new_core(new_domain("b.example"));
    const json_t *list;
    json_t *doc;

    CHECK_OK(md_plan_add((md_plan *)(apr_uintptr_t)core.plan, new_domain("a.example"), 0, kit_pool));
    CHECK_OK(md_json_read(whole(&core), kit_pool, &doc));
    list = md_json_at(doc, "managed-domains");
    ck_assert_uint_eq(json_array_size(list), 2);
    ck_assert_str_eq(md_json_text(json_array_get(list, 0), "name"), "a.example");
    ck_assert_str_eq(md_json_text(doc, "version"), MD_VERSION);
}
END_TEST

/* What people and programs read: keys, order and forms are not ours to change. */
START_TEST(the_document_is_what_it_was_byte_for_byte)
{
    static md_cert_facts facts = { .serial = "03AB",
                                   .sha256 = "0123",
                                   .sha1 = "45",
                                   .issuer = "/CN=Test CA",
                                   .issuer_uri = "http://ca.test/issuer" };
    md_core core = new_core(new_domain(NAME));
    md_domain *domain = MD_DOMAIN(core.plan, 0);

    facts.valid = (md_period){ apr_time_from_sec(1799000000), apr_time_from_sec(1806776000) };
    facts.names = domain->names;
    facts.ari_id = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
    live_cert = &facts;
    domain->used = 1;
    domain->contacts = md_words("mailto:admin@example.org", kit_pool);
    kit_check_golden("status.json", whole(&core).data);
}
END_TEST

Suite *suite_status_status(void)
{
    Suite *suite = suite_create("status/status");
    TCase *tests = kit_case(suite, "document");

    tcase_add_test(tests, a_domain_without_certificate_is_incomplete_and_due);
    tcase_add_test(tests, a_certificate_is_shown_with_its_period);
    tcase_add_test(tests, the_hmac_of_a_binding_is_never_shown);
    tcase_add_loop_test(tests, the_login_of_a_proxy_is_never_shown, 0, 3);
    tcase_add_test(tests, a_job_in_staging_is_the_renewal);
    tcase_add_test(tests, a_warning_is_no_renewal);
    tcase_add_test(tests, the_public_answer_tells_certificates_only);
    tcase_add_test(tests, domains_are_sorted_by_name);
    tcase_add_test(tests, the_document_is_what_it_was_byte_for_byte);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions as tables: when a certificate is renewed and why, when a failure is tried again, when to look
 * next.
 */
#include "plan/due.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "suites.h"

#define HOUR apr_time_from_sec(3600)
#define DAY  (24 * HOUR)
/* All tests happen now. */
#define NOW apr_time_from_sec(1800000000)

static md_domain *domain_of(const char *names)
{
    md_domain *domain = md_domain_make(md_words(names, kit_pool), kit_pool);

    domain->used = 1;
    return domain;
}

static void set(md_domain *domain, md_field_id id, const char *text)
{
    ck_assert_ptr_null(md_field_read_text(&md_field_rows[id], text, &domain->policy, kit_pool));
}

static md_cert_facts *cert_of(const char *names, apr_time_t from, apr_interval_time_t lifetime)
{
    md_cert_facts *cert = apr_pcalloc(kit_pool, sizeof(*cert));

    cert->names = md_words(names, kit_pool);
    cert->valid = (md_period){ from, from + lifetime };
    cert->sha256 = "8b1a9953c4611296a827abf8c47804d7e6c49c6b97e8f2a6e7b1f0a9c3d4e5f6";
    return cert;
}

/* Everything in hours: age and lifetime of the certificate, the window as configured (NULL: default), the
 * CA's window from now (0, 0: none), whether it is revoked; then when to renew from now at least and at most,
 * and the reason. */
static const struct {
    const char *what;
    int age, lifetime;
    const char *window;
    int ari_from, ari_until, revoked;
    int least, most;
    const char *why;
} rows[] = {
    { "fresh", 0, 2400, NULL, 0, 0, 0, 1608, 1608, "expires in 100 days" },
    { "with a third left", 1600, 2400, NULL, 0, 0, 0, 8, 8, "expires in 33 days 8 hours" },
    { "window begun", 1700, 2400, NULL, 0, 0, 0, -92, -92, "expires in 29 days 4 hours" },
    { "expired", 2424, 2400, NULL, 0, 0, 0, -816, -816, "expired 1 day ago" },
    { "window in days", 0, 2400, "14d", 0, 0, 0, 2064, 2064, "expires in" },
    { "window without length", 0, 2400, "0d", 0, 0, 0, 2400, 2400, "expires in" },
    { "short: at half", 0, 160, NULL, 0, 0, 0, 80, 80, "expires in" },
    { "short, window set", 0, 160, "33%", 0, 0, 0, 107, 108, "expires in" },
    { "ten days: at a third", 0, 240, NULL, 0, 0, 0, 160, 161, "expires in" },
    { "window longer than life", 0, 240, "30d", 0, 0, 0, 24, 24, "expires in" },
    { "window nearly as long", 0, 240, "99%", 0, 0, 0, 24, 24, "expires in" },
    { "the CA wants it earlier", 0, 2400, NULL, 100, 200, 0, 100, 199, "authority" },
    { "the CA wants it later", 0, 2400, NULL, 2000, 2100, 0, 1608, 1608, "expires in" },
    { "the CA wants it now", 100, 2400, NULL, -2, -1, 0, -2, -1, "authority" },
    { "the CA wants it at once", 0, 2400, NULL, -2, -1, 0, 6, 6, "authority" },
    { "at once, short", 0, 200, NULL, -2, -1, 0, 2, 2, "authority" },
    { "a window without length", 0, 2400, NULL, 100, 100, 0, 100, 100, "authority" },
    { "a window back to front", 0, 2400, NULL, 200, 100, 0, 1608, 1608, "expires in" },
    { "revoked", 0, 2400, NULL, 0, 0, 1, 0, 0, "was revoked" },
};

START_TEST(a_certificate_is_renewed_in_time)
{
    md_domain *domain = domain_of("example.org");
    md_cert_fact fact = { .cert = cert_of("example.org", NOW - rows[_i].age * HOUR, rows[_i].lifetime * HOUR),
                          .revoked = rows[_i].revoked };
    md_due due;

    if (rows[_i].window)
        set(domain, MD_FIELD_renew_window, rows[_i].window);
    if (rows[_i].ari_until)
        fact.ari = (md_period){ NOW + rows[_i].ari_from * HOUR, NOW + rows[_i].ari_until * HOUR };
    due = md_due_of(domain, &fact, 1, NOW, kit_pool);
    ck_assert_msg(due.renew_at >= NOW + rows[_i].least * HOUR, "%s: too early", rows[_i].what);
    ck_assert_msg(due.renew_at <= NOW + rows[_i].most * HOUR, "%s: too late", rows[_i].what);
    ck_assert_msg(strstr(due.why, rows[_i].why) != NULL, "%s: %s", rows[_i].what, due.why);
    ck_assert_int_eq(due.state, MD_STATE_COMPLETE);
    ck_assert_int_eq(due.lifetime, rows[_i].lifetime * HOUR);
}
END_TEST

/* What is wrong with a certificate: its names, its must-staple; what is wanted; the reason, or NULL if
 * nothing is. */
static const struct {
    const char *names;
    int has_staple;
    const char *wanted_names, *wants_staple, *why;
} misfits[] = {
    { "a.test", 0, "a.test", "off", NULL },
    { "a.test b.test", 0, "a.test", "off", NULL },
    { "*.a.test", 0, "www.a.test", "off", NULL },
    { "A.test", 0, "a.test", "off", NULL },
    { "a.test", 1, "a.test", "on", NULL },
    { "a.test", 0, "a.test www.a.test", "off", "does not cover www.a.test" },
    { "*.a.test", 0, "a.test", "off", "does not cover a.test" },
    { "www.a.test", 0, "*.a.test", "off", "does not cover *.a.test" },
    { "", 0, "a.test", "off", "does not cover a.test" },
    { "a.test", 0, "a.test", "on", "lacks the must-staple extension" },
    { "a.test", 1, "a.test", "off", "has the must-staple extension, which is not wanted" },
};

START_TEST(a_certificate_that_does_not_fit_is_renewed_now)
{
    md_domain *domain = domain_of(misfits[_i].wanted_names);
    md_cert_facts *cert = cert_of(misfits[_i].names, NOW, 90 * DAY);
    md_cert_fact fact = { .cert = cert };
    md_due due;

    cert->must_staple = misfits[_i].has_staple;
    set(domain, MD_FIELD_must_staple, misfits[_i].wants_staple);
    due = md_due_of(domain, &fact, 1, NOW, kit_pool);
    ck_assert_int_eq(due.state, misfits[_i].why ? MD_STATE_INCOMPLETE : MD_STATE_COMPLETE);
    ck_assert_int_eq(due.renew_at == NOW, misfits[_i].why != NULL);
    ck_assert_int_eq(due.warn_at == 0, misfits[_i].why != NULL);
    ck_assert_str_eq(misfits[_i].why ? due.why : "", misfits[_i].why ? misfits[_i].why : "");
}
END_TEST

START_TEST(without_a_certificate_it_is_now)
{
    const md_domain *domain = domain_of("a.test");
    const md_cert_fact facts[2] = { { .cert = cert_of("a.test", NOW, 90 * DAY) }, { .cert = NULL } };
    md_due due = md_due_of(domain, facts, 2, NOW, kit_pool);

    ck_assert_int_eq(due.state, MD_STATE_INCOMPLETE);
    ck_assert_str_eq(due.why, "no certificate");
    ck_assert_int_eq(due.renew_at, NOW);
    due = md_due_of(domain, NULL, 0, NOW, kit_pool);
    ck_assert_int_eq(due.state, MD_STATE_INCOMPLETE);
    ck_assert_int_eq(due.renew_at, NOW);
}
END_TEST

START_TEST(damage_is_an_error_that_mends_itself)
{
    const md_err *bad = md_fail(kit_pool, MD_FAULT_LOCAL, "md:bad-file", "pubcert.pem is damaged");
    const md_cert_fact facts[3] = { { .cert = NULL }, { .bad = bad }, { .cert = NULL } };
    const md_due due = md_due_of(domain_of("a.test"), facts, 3, NOW, kit_pool);

    ck_assert_int_eq(due.state, MD_STATE_ERROR);
    ck_assert_str_eq(due.why, "pubcert.pem is damaged");
    ck_assert_int_eq(due.renew_at, NOW);
}
END_TEST

START_TEST(the_earliest_certificate_counts)
{
    const md_cert_fact facts[2] = { { .cert = cert_of("a.test", NOW, 90 * DAY) },
                                    { .cert = cert_of("a.test", NOW, 20 * DAY) } };
    const md_due due = md_due_of(domain_of("a.test"), facts, 2, NOW, kit_pool);

    ck_assert_int_eq(due.renew_at, NOW + 20 * DAY - 20 * DAY / 100 * 33);
    ck_assert_int_eq(due.warn_at, NOW + 18 * DAY);
    ck_assert_int_eq(due.lifetime, 20 * DAY);
}
END_TEST

START_TEST(the_ca_is_not_asked_where_the_operator_does_not_want_it)
{
    md_domain *domain = domain_of("a.test");
    const md_cert_fact fact = { .cert = cert_of("a.test", NOW - 50 * DAY, 100 * DAY),
                                .ari = { NOW - 2, NOW - 1 } };

    set(domain, MD_FIELD_ari, "off");
    ck_assert_int_eq(md_due_of(domain, &fact, 1, NOW, kit_pool).renew_at, NOW + 17 * DAY);
}
END_TEST

/** When the i-th of many certificates is renewed whose CA suggests the next hundred hours. */
static apr_time_t suggested(int i)
{
    md_cert_facts *cert = cert_of("a.test", NOW - 50 * DAY, 100 * DAY);
    const md_cert_fact fact = { .cert = cert, .ari = { NOW, NOW + 100 * HOUR } };

    cert->sha256 = apr_psprintf(kit_pool, "%02x%062x", (i * 157) % 256, i);
    return md_due_of(domain_of("a.test"), &fact, 1, NOW, kit_pool).renew_at;
}

START_TEST(certificates_spread_over_the_window_of_their_ca)
{
    int early = 0, late = 0;

    for (int i = 0; i < 100; ++i) {
        ck_assert_int_eq(suggested(i), suggested(i));
        early += suggested(i) < NOW + 20 * HOUR;
        late += suggested(i) > NOW + 80 * HOUR;
    }
    ck_assert_int_gt(early, 10);
    ck_assert_int_gt(late, 10);
}
END_TEST

START_TEST(who_does_not_renew_has_a_state_but_no_time)
{
    md_domain *domain = domain_of("a.test");
    const md_cert_fact fact = { .cert = cert_of("a.test", NOW - 80 * DAY, 90 * DAY) };
    md_due due;

    set(domain, MD_FIELD_renew_mode, "manual");
    due = md_due_of(domain, &fact, 1, NOW, kit_pool);
    ck_assert_int_eq(due.renew_at, 0);
    ck_assert_int_eq(due.state, MD_STATE_COMPLETE);
    ck_assert_int_eq(due.warn_at, NOW + DAY);
}
END_TEST

START_TEST(a_warning_does_not_come_before_the_certificate)
{
    md_domain *domain = domain_of("a.test");
    const md_cert_fact fact = { .cert = cert_of("a.test", NOW, 5 * DAY) };

    set(domain, MD_FIELD_warn_window, "30d");
    ck_assert_int_eq(md_due_of(domain, &fact, 1, NOW, kit_pool).warn_at, NOW);
}
END_TEST

/* Fault, how often in a row, MDRetryDelay (NULL: default), the CA's "not before" (seconds from now), the
 * draw; seconds to wait. */
static const struct {
    md_fault fault;
    int errors;
    const char *delay;
    int not_before;
    double draw;
    int wait;
} retries[] = {
    { MD_FAULT_REMOTE, 1, NULL, 0, 0.5, 30 },        { MD_FAULT_REMOTE, 2, NULL, 0, 0.5, 60 },
    { MD_FAULT_REMOTE, 2, NULL, 0, 0.0, 30 },        { MD_FAULT_REMOTE, 5, NULL, 0, 0.5, 480 },
    { MD_FAULT_REMOTE, 100, NULL, 0, 0.5, 86400 },   { MD_FAULT_REMOTE, 1000000, NULL, 0, 0.5, 86400 },
    { MD_FAULT_REMOTE, 1, "5s", 0, 0.5, 5 },         { MD_FAULT_REMOTE, 3, "5s", 0, 0.5, 20 },
    { MD_FAULT_REMOTE, 1, NULL, 600, 0.5, 600 },     { MD_FAULT_REMOTE, 9, NULL, 600, 0.5, 7680 },
    { MD_FAULT_VALIDATION, 1, NULL, 0, 0.5, 60 },    { MD_FAULT_VALIDATION, 2, NULL, 0, 0.5, 600 },
    { MD_FAULT_VALIDATION, 3, NULL, 0, 0.5, 6000 },  { MD_FAULT_VALIDATION, 4, NULL, 0, 0.5, 86400 },
    { MD_FAULT_VALIDATION, 4, NULL, 0, 0.0, 43200 }, { MD_FAULT_VALIDATION, 400, NULL, 0, 0.5, 86400 },
    { MD_FAULT_VALIDATION, 0, NULL, 0, 0.5, 60 },    { MD_FAULT_VALIDATION, 3, "2s", 0, 0.5, 8 },
    { MD_FAULT_LIMIT, 1, NULL, 120, 0.5, 120 },      { MD_FAULT_LIMIT, 1, NULL, 120, 0.9, 120 },
    { MD_FAULT_LIMIT, 1, "5s", 120, 0.5, 120 },      { MD_FAULT_LIMIT, 1, NULL, 0, 0.5, 3600 },
    { MD_FAULT_LIMIT, 1, NULL, -60, 0.5, 3600 },     { MD_FAULT_LIMIT, 2, "5s", 0, 0.5, 10 },
    { MD_FAULT_LOCAL, 1, NULL, 0, 0.5, 30 },         { MD_FAULT_LOCAL, 20, NULL, 0, 0.5, 3600 },
    { MD_FAULT_LOCAL, 20, "5s", 0, 0.5, 3600 },      { MD_FAULT_CONFIG, 1, NULL, 0, 0.5, 86400 },
    { MD_FAULT_CONFIG, 7, NULL, 0, 0.25, 64800 },    { MD_FAULT_CONFIG, 1, "5s", 0, 0.5, 5 },
};

START_TEST(the_fault_is_the_schedule)
{
    md_domain *domain = domain_of("a.test");
    fake_clock *clock = fake_clock_make(NOW, kit_pool);
    md_err *err = md_fail(kit_pool, retries[_i].fault, "md:test", "no luck");

    fake_clock_chance(clock, retries[_i].draw);
    if (retries[_i].delay)
        set(domain, MD_FIELD_retry_delay, retries[_i].delay);
    if (retries[_i].not_before)
        err->not_before = NOW + apr_time_from_sec(retries[_i].not_before);
    ck_assert_int_eq(apr_time_sec(md_retry_at(err, retries[_i].errors, &domain->policy, &clock->clock) - NOW),
                     retries[_i].wait);
}
END_TEST

/* Check interval, lifetime and time to renewal in hours (0: none), the draw; hours to the next look. */
static const struct {
    const char *interval;
    int lifetime, renew_in;
    double draw;
    int look_in;
} looks[] = {
    { "12h", 2160, 1000, 0.5, 12 }, { "12h", 2160, 1000, 0.0, 6 }, { "12h", 2160, 5, 0.5, 5 },
    { "12h", 2160, -5, 0.5, 12 },   { "12h", 2160, 0, 0.5, 12 },   { "12h", 0, 0, 0.5, 12 },
    { "12h", 60, 30, 0.5, 6 },      { "48h", 2160, 40, 0.0, 24 },  { "1h", 2160, 40, 0.5, 1 },
};

START_TEST(a_look_comes_in_time_for_the_renewal)
{
    md_domain *domain = domain_of("a.test");
    fake_clock *clock = fake_clock_make(NOW, kit_pool);
    md_due due = { .lifetime = looks[_i].lifetime * HOUR };

    fake_clock_chance(clock, looks[_i].draw);
    set(domain, MD_FIELD_check_interval, looks[_i].interval);
    if (looks[_i].renew_in)
        due.renew_at = NOW + looks[_i].renew_in * HOUR;
    ck_assert_int_eq(md_next_look(&due, &domain->policy, &clock->clock), NOW + looks[_i].look_in * HOUR);
}
END_TEST

/* Ages and lifetimes in hours, 0 lifetime: missing. Who is served: files or managed. */
static const struct {
    const char *what;
    int file_age, file_lifetime, age, lifetime;
    int prefer_files;
    int files_win;
} choices[] = {
    { "managed is newer", 100, 1000, 50, 1000, 0, 0 },
    { "the file is newer", 50, 1000, 100, 1000, 0, 1 },
    { "both as new", 50, 1000, 50, 1000, 0, 0 },
    { "the file is newer but expired", 50, 40, 100, 1000, 0, 0 },
    { "managed is newer but expired", 100, 1000, 50, 40, 0, 1 },
    { "both are expired", 100, 10, 50, 10, 0, 1 },
    { "nothing is managed yet", 100, 1000, 0, 0, 0, 1 },
    { "the file is missing", 0, 0, 100, 1000, 0, 0 },
    { "managed begins tomorrow", 100, 1000, -24, 1000, 0, 1 },
    { "the file is wanted", 100, 10, 50, 1000, 1, 1 },
};

static apr_array_header_t *one_fact(int age, int lifetime, int is_file)
{
    apr_array_header_t *facts = apr_array_make(kit_pool, 1, sizeof(md_cert_fact));
    md_cert_fact fact = { .is_file = is_file };

    if (lifetime)
        fact.cert = cert_of("a.org", NOW - age * HOUR, lifetime * HOUR);
    APR_ARRAY_PUSH(facts, md_cert_fact) = fact;
    return facts;
}

START_TEST(the_newest_valid_certificate_is_served)
{
    const apr_array_header_t *files = one_fact(choices[_i].file_age, choices[_i].file_lifetime, 1);
    const apr_array_header_t *managed = one_fact(choices[_i].age, choices[_i].lifetime, 0);
    md_domain *domain = domain_of("a.org");

    set(domain, MD_FIELD_prefer_files, choices[_i].prefer_files ? "on" : "off");
    ck_assert_msg(md_facts_choose(&domain->policy, files, managed, NOW, kit_pool) ==
                      (choices[_i].files_win ? files : managed),
                  "%s", choices[_i].what);
    ck_assert_ptr_eq(md_facts_choose(&domain->policy, NULL, managed, NOW, kit_pool), managed);
}
END_TEST

START_TEST(what_is_renewed_beside_files_is_renewed_for_its_own_sake)
{
    const apr_array_header_t *facts;
    md_domain *domain = domain_of("a.org");
    md_due due;

    set(domain, MD_FIELD_prefer_files, "on");
    set(domain, MD_FIELD_renew_mode, "always");
    facts = md_facts_choose(&domain->policy, one_fact(100, 10, 1), one_fact(0, 2400, 0), NOW, kit_pool);
    due = md_due_of(domain, (const md_cert_fact *)facts->elts, facts->nelts, NOW, kit_pool);
    ck_assert_int_eq(due.state, MD_STATE_COMPLETE);
    ck_assert_int_gt(due.renew_at, NOW);
    facts = md_facts_choose(&domain->policy, one_fact(0, 2400, 1), one_fact(0, 0, 0), NOW, kit_pool);
    due = md_due_of(domain, (const md_cert_fact *)facts->elts, facts->nelts, NOW, kit_pool);
    ck_assert_int_eq(due.renew_at, NOW);
}
END_TEST

START_TEST(what_went_live_beside_files_is_not_renewed_again)
{
    const apr_array_header_t *live = one_fact(0, 2400, 0), *facts;
    apr_array_header_t *at_start = one_fact(100, 10, 1);
    md_domain *domain = domain_of("a.org");
    md_due due;

    apr_array_cat(at_start, one_fact(0, 0, 0));
    ck_assert_ptr_eq(md_facts_after(&domain->policy, at_start, NULL, NOW, kit_pool), at_start);
    ck_assert_ptr_eq(md_facts_after(&domain->policy, at_start, live, NOW, kit_pool), live);
    set(domain, MD_FIELD_prefer_files, "on");
    set(domain, MD_FIELD_renew_mode, "always");
    facts = md_facts_after(&domain->policy, at_start, live, NOW, kit_pool);
    ck_assert_int_eq(facts->nelts, 2);
    ck_assert_int_eq(APR_ARRAY_IDX(facts, 0, md_cert_fact).is_file, 1);
    due = md_due_of(domain, (const md_cert_fact *)facts->elts, facts->nelts, NOW, kit_pool);
    ck_assert_int_gt(due.renew_at, NOW);
}
END_TEST

Suite *suite_plan_due(void)
{
    Suite *suite = suite_create("plan/due");
    TCase *tcase = kit_case(suite, "renewing");

    KIT_ADD_ROWS(tcase, a_certificate_is_renewed_in_time, rows);
    KIT_ADD_ROWS(tcase, a_certificate_that_does_not_fit_is_renewed_now, misfits);
    tcase_add_test(tcase, without_a_certificate_it_is_now);
    tcase_add_test(tcase, damage_is_an_error_that_mends_itself);
    tcase_add_test(tcase, the_earliest_certificate_counts);
    tcase_add_test(tcase, the_ca_is_not_asked_where_the_operator_does_not_want_it);
    tcase_add_test(tcase, certificates_spread_over_the_window_of_their_ca);
    tcase_add_test(tcase, who_does_not_renew_has_a_state_but_no_time);
    tcase_add_test(tcase, a_warning_does_not_come_before_the_certificate);
    KIT_ADD_ROWS(tcase, the_newest_valid_certificate_is_served, choices);
    tcase_add_test(tcase, what_is_renewed_beside_files_is_renewed_for_its_own_sake);
    tcase_add_test(tcase, what_went_live_beside_files_is_not_renewed_again);
    tcase = kit_case(suite, "retrying");
    KIT_ADD_ROWS(tcase, the_fault_is_the_schedule, retries);
    KIT_ADD_ROWS(tcase, a_look_comes_in_time_for_the_renewal, looks);
    return suite;
}

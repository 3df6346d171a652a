/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything has fixed values, so that what is printed can be compared with files.
 */
#include "kit/showing.h"

#include <apr_strings.h>

#define DAY apr_time_from_sec(86400)

static md_err *facts_of(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    showing *s = self;

    ++s->looks;
    *facts = apr_array_make(p, 1, sizeof(md_cert_fact));
    APR_ARRAY_PUSH(*facts, md_cert_fact) = (md_cert_fact){ .cert = s->certs[domain->index] };
    return NULL;
}

static void glance(void *self, const md_domain *domain, md_glance *out)
{
    const showing *s = self;

    *out = s->glances[domain->index];
}

static void load_of(void *self, md_load *out)
{
    const showing *s = self;

    *out = s->load;
}

showing *showing_make(void)
{
    showing *s = apr_pcalloc(kit_pool, sizeof(*s));

    s->clock = fake_clock_make(FAKE_NOW, kit_pool);
    s->plan = md_plan_make(kit_pool);
    s->core = (md_core){ .store = store_mem_open(kit_pool),
                         .plan = s->plan,
                         .clock = &s->clock->clock,
                         .facts = facts_of,
                         .glance = glance,
                         .load = load_of,
                         .self = s };
    return s;
}

md_domain *showing_add(showing *s, const char *names)
{
    md_domain *domain = md_domain_make(md_words(names, kit_pool), kit_pool);

    domain->used = 1;
    domain->policy.live = 1;
    CHECK_OK(md_plan_add(s->plan, domain, 0, kit_pool));
    ck_assert_int_lt(domain->index, SHOWING_MAX);
    return domain;
}

void showing_certify(showing *s, const md_domain *domain, int from_days, int until_days)
{
    md_cert_facts *cert = apr_pcalloc(kit_pool, sizeof(*cert));

    *cert = (md_cert_facts){ .valid = { FAKE_NOW + from_days * DAY, FAKE_NOW + until_days * DAY },
                             .names = domain->names,
                             .serial = "03AB",
                             .sha256 = apr_psprintf(kit_pool, "%064d", domain->index),
                             .sha1 = apr_psprintf(kit_pool, "%040d", domain->index),
                             .issuer = "/CN=Test CA" };
    s->certs[domain->index] = cert;
    ++s->glances[domain->index].changes;
}

void showing_fail(showing *s, const md_domain *domain, int errors, const md_err *err)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, domain->name, kit_pool);

    job->errors = errors;
    job->last_run = FAKE_NOW;
    job->next_run = FAKE_NOW + apr_time_from_sec(600);
    job->stage = "order";
    md_job_note(job, FAKE_NOW, "renewal-error", err->type, err->detail);
    md_job_failed(job, "placing the order", err, kit_pool);
    CHECK_OK(md_job_save(s->core.store, job, kit_pool));
    ++s->glances[domain->index].changes;
}

static void stage_set(showing *s, const md_domain *domain)
{
    md_job *job = md_job_make(MD_GROUP_STAGING, domain->name, kit_pool);

    job->finished = job->notified = job->notified_renewed = 1;
    job->last_run = FAKE_NOW;
    md_job_doing(job, "finished", "1 new certificate(s) staged");
    CHECK_OK(md_job_save(s->core.store, job, kit_pool));
}

showing *showing_three(void)
{
    showing *s = showing_make();
    const md_domain *a = showing_add(s, "a.example.org www.example.org"),
                    *b = showing_add(s, "b.example.org");
    md_domain *c = showing_add(s, "c.example.org");

    showing_certify(s, a, -10, 80);
    showing_fail(s, b, 3,
                 md_fail(kit_pool, MD_FAULT_VALIDATION, "urn:ietf:params:acme:error:connection",
                         "the CA says: <no> \"answer\"\nfrom b & c"));
    showing_certify(s, c, -88, 2);
    c->policy.live = 0;
    stage_set(s, c);
    s->load = (md_load){
        .in_progress = 1, .queued = 2, .next = FAKE_NOW + 60 * APR_USEC_PER_SEC, .beat = FAKE_NOW
    };
    return s;
}

const md_found *showing_found(const showing *s)
{
    md_found *found = apr_palloc(kit_pool, sizeof(*found));

    md_cache_find(md_cache_make(&s->core, kit_pool), &MD_QUERY_ALL, kit_pool, found);
    return found;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the jobs and the CA stands a function that lets processes die: from then on neither store nor CA is
 * reached.
 */
#include "kit/renewing.h"

#include <apr_strings.h>
#include <string.h>

#include "base/log.h"
#include "jobs/activate.h"
#include "jobs/joblog.h"
#include "jobs/kind_renew.h"
#include "kit/sample.h"

static md_names *lines; /* of the world made last: the log is one for the process */

static void keep_line(void *self, md_level level, int id, const char *line)
{
    md_names_add(lines, apr_psprintf(self, "%d AH%05d %s", (int)level, id, line));
}

int renewing_is_dead(renewing *r)
{
    if (r->die_at_request && r->requests >= r->die_at_request)
        return 1;
    return r->die_after_changes >= 0 &&
           store_mem_changes(r->store) - r->changes_before >= r->die_after_changes;
}

static md_err *send_or_die(void *self, md_http *http, const md_http_request *request,
                           const md_http_route *route, apr_pool_t *p, md_http_response *response)
{
    renewing *r = self;
    md_http_options ca;
    md_err *err = NULL;

    if (!renewing_is_dead(r)) {
        int dies = ++r->requests == r->die_at_request;

        fake_ca_serve(r->ca, &ca);
        if (!dies || r->ca_saw_it)
            err = ca.send(ca.self, http, request, route, p, response);
        if (!dies)
            return err;
        store_mem_stop_after(r->store, 0);
    }
    *response = (md_http_response){ .headers = apr_table_make(p, 1) };
    return md_fail(p, MD_FAULT_REMOTE, "md:cancelled", "the process is dead");
}

void renewing_die_after_changes(renewing *r, int changes)
{
    r->die_after_changes = changes;
    r->changes_before = store_mem_changes(r->store);
    store_mem_stop_after(r->store, changes);
}

void renewing_die_at_request(renewing *r, int request, int ca_saw_it)
{
    r->requests = 0;
    r->die_at_request = request;
    r->ca_saw_it = ca_saw_it;
}

void renewing_restart(renewing *r)
{
    r->die_after_changes = -1;
    r->die_at_request = 0;
    store_mem_restart(r->store);
    fake_clock_pass(r->clock, apr_time_from_sec(1));
}

static void count_staged(void *self, const md_domain *domain)
{
    (void)domain;
    ++((renewing *)self)->staged;
}

static void count_account(void *self, const md_domain *domain)
{
    (void)domain;
    ++((renewing *)self)->account_staged;
}

static md_err *prove(void *self, const md_domain *domain, const md_key_spec *spec, const char *sha256,
                     apr_pool_t *p)
{
    renewing *r = self;

    (void)domain, (void)spec, (void)sha256;
    ++r->proofs;
    return r->unproved ? md_fail(p, MD_FAULT_LOCAL, "md:not-served", "%s", r->unproved) : NULL;
}

static md_err *read_facts(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    return md_core_facts(&((renewing *)self)->core, domain, p, facts);
}

static md_err *may_refuse(void *self, const md_event *event, apr_pool_t *p)
{
    const renewing *r = self;

    if (r->refuse && !strcmp(r->refuse, event->name))
        return md_fail(p, MD_FAULT_LOCAL, "test:refused", "not now");
    return NULL;
}

md_domain *renewing_add(renewing *r, const char *names, const char *keys)
{
    md_domain *domain = md_domain_make(sample_names(names, r->p), r->p);
    const char *why = md_key_specs_read(md_words(keys, r->p), r->p, &domain->policy.keys);
    md_err *err;

    if (why)
        abort();
    domain->used = domain->used_tls = 1;
    domain->policy.agreement = "accepted";
    domain->policy.preflight = MD_PREFLIGHT_OFF; /* nothing here asks the world */
    domain->policy.ca_urls.list = sample_names(FAKE_CA_DIRECTORY, r->p);
    md_names_add(domain->contacts, "mailto:admin@example.org");
    err = md_plan_add(r->plan, domain, 0, r->p);
    if (err)
        abort();
    return domain;
}

renewing *renewing_make(const char *names, const char *keys, apr_pool_t *p)
{
    renewing *r = apr_pcalloc(p, sizeof(*r));
    md_subscriber *subscribers = apr_pcalloc(p, 2 * sizeof(*subscribers));
    md_events *events = apr_pcalloc(p, sizeof(*events));

    r->p = p;
    r->clock = fake_clock_make(FAKE_NOW, p);
    r->store = store_mem_open(p);
    r->ca = fake_ca_open(r->store, &r->clock->clock, p);
    r->plan = md_plan_make(p);
    md_policy_defaults(&r->plan->policy, p);
    r->plan->can_http = 1;
    r->domain = renewing_add(r, names, keys);
    r->http = (md_http_options){ .user_agent = "test", .send = send_or_die, .self = r };
    subscribers[0] = (md_subscriber){ "a test", may_refuse, r };
    subscribers[1] = md_joblog;
    *events = (md_events){ subscribers, 2 };
    r->core = (md_core){ .store = r->store,
                         .plan = r->plan,
                         .clock = &r->clock->clock,
                         .events = events,
                         .http = &r->http,
                         .staged = count_staged,
                         .account_staged = count_account,
                         .prove = prove,
                         .facts = read_facts,
                         .self = r };
    r->die_after_changes = -1;
    lines = md_names_make(p);
    md_log_to(keep_line, NULL, p);
    return r;
}

static const md_kind *const kinds[] = { &md_kind_renew, NULL };

apr_interval_time_t renewing_rest(renewing *r)
{
    md_engine *engine = md_engine_make(&r->core, kinds, r->p);

    md_engine_run(engine, md_now(r->core.clock));
    return md_engine_next(engine) - md_now(r->core.clock);
}

void renewing_run(renewing *r, apr_interval_time_t at_most)
{
    apr_time_t end = md_now(r->core.clock) + at_most, next;
    apr_pool_t *pool;
    md_engine *engine;

    apr_pool_create(&pool, r->p);
    engine = md_engine_make(&r->core, kinds, pool);
    while ((next = md_engine_next(engine)) && next <= end && !renewing_is_dead(r)) {
        if (next > md_now(r->core.clock))
            fake_clock_set(r->clock, next);
        md_engine_run(engine, md_now(r->core.clock));
    }
    apr_pool_destroy(pool);
}

int renewing_is_staged(renewing *r)
{
    apr_array_header_t *creds;
    md_err *err = md_staged_load(r->store, MD_GROUP_STAGING, r->domain, md_now(r->core.clock), r->p, &creds);

    return !err && creds;
}

md_job *renewing_job(renewing *r)
{
    md_job *job;
    md_err *err = md_job_load(r->store, MD_GROUP_STAGING, r->domain->name, r->p, &job);

    if (err)
        abort();
    return job;
}

const char *renewing_file(renewing *r, const char *file)
{
    const char *text;
    md_err *err =
        md_store_load_text(r->store, MD_PLACE(MD_GROUP_STAGING, r->domain->name, file), r->p, &text);

    return err ? NULL : text;
}

const char *renewing_log(renewing *r)
{
    return md_names_join(lines, "\n", r->p);
}

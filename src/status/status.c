/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the status document. Reads plan (memory), facts (memory or a small file) and the staged job (a small
 * file); writes nothing. Members that every reader knows come first and keep their order.
 */
#include "status/status.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/kind_renew.h"
#include "status/authorities.h"
#include "status/staples.h"
#include "store/creds.h"

static void set_period(json_t *doc, const char *key, md_period period)
{
    json_t *valid;

    if (!period.until)
        return;
    valid = json_object();
    md_json_set_date(valid, "from", period.from);
    md_json_set_date(valid, "until", period.until);
    json_object_set_new(doc, key, valid);
}

static json_t *scts_to_json(const apr_array_header_t *scts)
{
    json_t *list = json_array();

    for (int i = 0; i < scts->nelts; ++i) {
        const md_sct *each = &APR_ARRAY_IDX(scts, i, md_sct);
        json_t *sct = json_object();

        md_json_set_text(sct, "logid", each->log_id);
        md_json_set_date(sct, "signed", each->at);
        md_json_set_text(sct, "signature", each->signature);
        md_json_set_text(sct, "signature-type", each->signature_type);
        json_array_append_new(list, sct);
    }
    return list;
}

json_t *md_status_cert(const md_cert_facts *facts, int public_only, apr_pool_t *p)
{
    json_t *cert = md_json_object(p);

    set_period(cert, "valid", facts->valid);
    md_json_set_text(cert, "serial", facts->serial);
    md_json_set_text(cert, "sha256-fingerprint", facts->sha256);
    if (public_only)
        return cert;
    md_json_set_text(cert, "issuer-name", facts->issuer);
    md_json_set_text(cert, "issuer-uri", facts->issuer_uri);
    md_json_set_text(cert, "ari-cert-id", facts->ari_id);
    if (facts->scts && facts->scts->nelts)
        md_json_set(cert, "scts", scts_to_json(facts->scts));
    return cert;
}

/** Key of the i-th certificate: the key spec's name, or the number of the file; NULL beyond the specs. */
static const char *cert_key(const md_domain *domain, const md_cert_fact *fact, int i, apr_pool_t *p)
{
    if (fact->is_file)
        return apr_itoa(p, i);
    return i < domain->policy.keys->nelts ? md_key_spec_name(MD_SPEC(domain->policy.keys, i)) : NULL;
}

/** Puts one object per certificate into `into`, and the period in which all are valid. */
static void add_certs(json_t *into, const md_domain *domain, const apr_array_header_t *facts, int public_only,
                      apr_pool_t *p)
{
    md_period common = { 0, 0 };
    int seen = 0;

    for (int i = 0; i < facts->nelts; ++i) {
        const md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);
        const md_cert_facts *cert = fact->cert;
        const char *key = cert_key(domain, fact, i, p);

        if (!cert || !key) {
            if (public_only && key)
                json_object_set_new(into, key, json_object());
            continue;
        }
        json_object_set(into, key, md_status_cert(cert, public_only, p));
        common = seen++ ? md_period_common(common, cert->valid) : cert->valid;
    }
    set_period(into, "valid", common);
}

/** What the CA suggests for a certificate (RFC 9773). */
static void add_suggestion(json_t *cert, const md_cert_fact *fact)
{
    if (!fact->ari.until)
        return;
    md_json_set_date(cert, "ari.from", fact->ari.from);
    md_json_set_date(cert, "ari.until", fact->ari.until);
    md_json_set_text(cert, "ari.explanation-url", fact->ari_why);
}

/** Where people can look a certificate up (MDCertificateCheck). */
static void add_check(json_t *cert, const md_domain *domain, const md_cert_facts *facts, apr_pool_t *p)
{
    const md_odd *monitor = &domain->policy.check_name;

    if (!monitor->first || !monitor->second)
        return;
    md_json_set_text(cert, "check.name", monitor->first);
    md_json_set_text(cert, "check.url", apr_pstrcat(p, monitor->second, facts->sha256, NULL));
}

/** What is known of the certificates in use beside themselves. */
static md_err *add_surroundings(json_t *certs, const md_core *core, const md_case *of, int with_log,
                                apr_pool_t *p)
{
    for (int i = 0; i < of->facts->nelts; ++i) {
        const md_cert_fact *fact = &APR_ARRAY_IDX(of->facts, i, md_cert_fact);
        const char *key = cert_key(of->domain, fact, i, p);
        json_t *cert = key ? json_object_get(certs, key) : NULL, *staple;

        if (!cert || !fact->cert)
            continue;
        add_suggestion(cert, fact);
        add_check(cert, of->domain, fact->cert, p);
        MD_TRY(md_staple_shown(core, of->domain, fact->cert, with_log, p, &staple));
        if (staple)
            json_object_set(cert, "ocsp", staple);
    }
    return NULL;
}

/** Facts of the certificates that wait in STAGING; absent or unreadable ones are left out, a page must not
 * fail for them. */
static apr_array_header_t *staged_facts(const md_core *core, const md_domain *domain, apr_pool_t *p)
{
    apr_array_header_t *facts = apr_array_make(p, 2, sizeof(md_cert_fact));

    for (int i = 0; i < domain->policy.keys->nelts; ++i) {
        md_cert_facts *cert = NULL;
        md_cert_fact *fact = apr_array_push(facts);
        md_err *err = md_creds_load_facts(core->store, MD_GROUP_STAGING, domain->name,
                                          MD_SPEC(domain->policy.keys, i), p, &cert);

        *fact = (md_cert_fact){ .cert = err ? NULL : cert };
    }
    return facts;
}

/** *out NULL when there is none. */
static md_err *load_record(const md_core *core, const md_domain *domain, apr_pool_t *p, md_job **out)
{
    json_t *doc = NULL;
    md_err *err =
        md_store_load_json(core->store, MD_PLACE(MD_GROUP_STAGING, domain->name, "job.json"), p, &doc);

    *out = NULL;
    if (err && strcmp(err->type, "md:bad-file") != 0) /* the engine sets a damaged one aside */
        return err;
    if (!err && json_is_object(doc))
        *out = md_job_from_json(doc, MD_GROUP_STAGING, domain->name, p);
    return NULL;
}

/** NULL when no renewal was ever begun: a domain that is never renewed has a record once it was warned about.
 */
static md_job *renewal_of(md_job *record)
{
    return record && md_job_is_begun(record) ? record : NULL;
}

static void add_renewal(const md_core *core, const md_case *of, int with_log, json_t *entry, apr_pool_t *p)
{
    json_t *renewal, *certs = md_json_object(p);

    if (!of->job)
        return;
    renewal = md_job_shown(of->job, with_log, p);
    add_certs(certs, of->domain, staged_facts(core, of->domain, p), 0, p);
    json_object_set(renewal, "cert", certs);
    json_object_set(entry, "renewal", renewal);
}

static unsigned count_stages(void)
{
    unsigned count = 0;

    while (md_kind_renew.stages[count].name)
        ++count;
    return count;
}

static void add_progress(const md_glance *glance, json_t *entry)
{
    const unsigned count = count_stages();
    const md_stage *stage;

    if (!glance->stage || glance->stage > count)
        return;
    stage = &md_kind_renew.stages[glance->stage - 1];
    md_json_set_text(entry, "progress.stage", stage->name);
    md_json_set_text(entry, "progress.doing", stage->doing);
    md_json_set_int(entry, "progress.step", glance->stage);
    md_json_set_int(entry, "progress.steps", count);
    md_json_set_date(entry, "progress.since", glance->since);
}

/** Is what clients get the newest there is? */
static void add_live(const md_case *of, json_t *entry)
{
    const md_glance *glance = &of->glance;
    const int waits = of->job && of->job->finished;
    const char *state = waits && !of->domain->policy.live      ? "restart"
                        : waits && of->job->ready_at > of->now ? "delayed"
                        : glance->staged                       ? "live"
                                                               : "loaded";

    md_json_set_text(entry, "live.state", state);
    md_json_set_date(entry, "live.since", glance->staged ? glance->staged_at : 0);
    if (glance->staged)
        md_json_set_flag(entry, "live.kept", glance->staged == glance->promoted);
    if (glance->proof == MD_PROOF_NONE)
        return;
    md_json_set_flag(entry, "live.proved", glance->proof == MD_PROOF_GOOD);
    md_json_set_date(entry, "live.proved-at", glance->proved_at);
}

static void add_verdict(const md_verdict *verdict, json_t *entry)
{
    json_t *conditions = json_array();

    md_json_set_text(entry, "status", verdict->status);
    for (int i = 0; i < MD_CONDITIONS; ++i)
        if (MD_HAS(verdict->conditions, i))
            json_array_append_new(conditions, json_string(md_condition_names[i]));
    md_json_set(entry, "conditions", conditions);
    if (!verdict->attention.reason)
        return;
    md_json_set_text(entry, "attention.reason", verdict->attention.reason);
    md_json_set_text(entry, "attention.advice", verdict->attention.advice);
    md_json_set_text(entry, "attention.who", verdict->attention.who);
}

/** Members that readers have long known. */
static md_err *add_known(const md_core *core, const md_case *of, int with_log, json_t *entry, apr_pool_t *p)
{
    const md_domain *domain = of->domain;
    const md_due *due = of->due;
    json_t *certs = md_json_object(p);

    if (due->state != MD_STATE_COMPLETE)
        md_json_set_text(entry, "state-descr", due->why);
    add_certs(certs, domain, of->facts, 0, p);
    MD_TRY(add_surroundings(certs, core, of, with_log, p));
    json_object_set(entry, "cert", certs);
    md_json_set_date(entry, "renew-at", due->renew_at);
    md_json_set_flag(entry, "stapling", domain->policy.stapling);
    md_json_set_flag(entry, "watched", domain->used || domain->policy.renew_mode != MD_RENEW_AUTO);
    add_renewal(core, of, with_log, entry, p);
    if (of->job || (due->renew_at && due->renew_at <= of->now))
        md_json_set_flag(entry, "renew", 1);
    return NULL;
}

static void add_ours(const md_core *core, const md_case *of, const md_verdict *verdict, json_t *entry,
                     apr_pool_t *p)
{
    static const char *const causes[] = { "missing", "damaged", "misfit", "revoked", "suggested", "expiry" };

    add_verdict(verdict, entry);
    if (of->due->renew_at)
        md_json_set_text(entry, "renew-cause", causes[of->due->cause]);
    md_json_set_date(entry, "warn-at", of->due->warn_at);
    json_object_set(entry, "authorities", md_authorities_of(of->domain, p));
    add_progress(&of->glance, entry);
    if (core->glance)
        add_live(of, entry);
}

/** What was noted where no renewal is; with one, its record has it. */
static void add_notes(const md_case *of, const md_job *record, json_t *entry)
{
    if (!of->job && record && json_array_size(record->log))
        md_json_set(entry, "log.entries", json_incref(record->log));
}

static md_err *look(const md_core *core, const md_domain *domain, apr_pool_t *p, md_due *due, md_case *of,
                    md_job **record)
{
    apr_array_header_t *facts;

    if (core->glance)
        core->glance(core->self, domain, &of->glance);
    if (core->obstacle)
        of->obstacle = core->obstacle(core->self, domain);
    MD_TRY(md_core_due(core, domain, of->now, p, due, &facts));
    MD_TRY(load_record(core, domain, p, record));
    of->facts = facts;
    of->due = due;
    of->job = renewal_of(*record);
    return NULL;
}

md_err *md_status_one(const md_core *core, const md_domain *domain, int with_log, apr_pool_t *p,
                      md_entry *out)
{
    md_case of = { .domain = domain, .now = md_now(core->clock) };
    md_verdict verdict;
    md_job *record;
    md_due due;

    MD_TRY(look(core, domain, p, &due, &of, &record));
    verdict = md_judge(&of, p);
    *out = (md_entry){ .doc = md_domain_to_json(domain, (int)due.state, p),
                       .conditions = verdict.conditions,
                       .state = (int)due.state,
                       .due = due.renew_at && due.renew_at <= of.now,
                       .failed = of.job && (of.job->errors || md_json_int(of.job->last, "status", 0)),
                       .finished = of.job && of.job->finished,
                       .attention = verdict.attention.reason != NULL,
                       .expires = md_facts_end(of.facts),
                       .until = verdict.until };
    md_policy_hide_secrets(out->doc, p);
    MD_TRY(add_known(core, &of, with_log, out->doc, p));
    add_ours(core, &of, &verdict, out->doc, p);
    if (with_log)
        add_notes(&of, record, out->doc);
    return NULL;
}

/** An entry that says why there is none. */
static void entry_of_trouble(const md_domain *domain, const md_err *err, apr_pool_t *p, md_entry *out)
{
    const md_verdict verdict = { .conditions = 1u << MD_IS_ERRORED,
                                 .status = "unknown",
                                 .attention = { md_err_text(err, p), md_err_advice(err), "operator" } };

    *out =
        (md_entry){ .doc = md_json_object(p), .conditions = verdict.conditions, .failed = 1, .attention = 1 };
    md_json_set_text(out->doc, "name", domain->name);
    md_json_set_names(out->doc, "domains", domain->names);
    md_json_set_int(out->doc, "error", err->status);
    md_json_set_text(out->doc, "state-descr", md_err_text(err, p));
    add_verdict(&verdict, out->doc);
}

void md_status_entry(const md_core *core, const md_domain *domain, apr_pool_t *p, md_entry *out)
{
    md_err *err = md_status_one(core, domain, 0, p, out);

    if (err)
        entry_of_trouble(domain, err, p, out);
}

void md_summary_add(md_summary *summary, const md_entry *entry)
{
    const int good = entry->state == MD_STATE_COMPLETE || entry->state == MD_STATE_INCOMPLETE;
    const int due = good && entry->due;

    ++summary->total;
    summary->complete += entry->state == MD_STATE_COMPLETE;
    summary->renew += due;
    summary->errored += !good || (due && entry->failed);
    summary->ready += due && !entry->failed && entry->finished;
    summary->attention += entry->attention;
    ++summary->worst[md_condition_worst(entry->conditions)];
    for (int i = 0; i < MD_CONDITIONS; ++i)
        summary->with[i] += (int)MD_HAS(entry->conditions, i);
}

static json_t *counts_to_json(const int counts[MD_CONDITIONS])
{
    json_t *doc = json_object();

    for (int i = 0; i < MD_CONDITIONS; ++i)
        md_json_set_int(doc, md_condition_names[i], counts[i]);
    return doc;
}

static json_t *summary_to_json(const md_summary *summary)
{
    json_t *doc = json_object();

    md_json_set_int(doc, "total", summary->total);
    md_json_set_int(doc, "complete", summary->complete);
    md_json_set_int(doc, "renew", summary->renew);
    md_json_set_int(doc, "errored", summary->errored);
    md_json_set_int(doc, "ready", summary->ready);
    md_json_set_int(doc, "attention", summary->attention);
    md_json_set(doc, "worst", counts_to_json(summary->worst));
    md_json_set(doc, "with", counts_to_json(summary->with));
    return doc;
}

static void add_engine(const md_core *core, json_t *doc)
{
    md_load load = { 0 };

    if (!core->load)
        return;
    core->load(core->self, &load);
    md_json_set_flag(doc, "engine.running", load.beat != 0);
    md_json_set_int(doc, "engine.in-progress", load.in_progress);
    md_json_set_int(doc, "engine.queued", load.queued);
    md_json_set_date(doc, "engine.next-run", load.next);
}

static json_t *stages_to_json(void)
{
    json_t *list = json_array();

    for (const md_stage *each = md_kind_renew.stages; each->name; ++each) {
        json_t *stage = json_object();

        md_json_set_text(stage, "stage", each->name);
        md_json_set_text(stage, "doing", each->doing);
        json_array_append_new(list, stage);
    }
    return list;
}

json_t *md_status_head(const md_core *core, const md_summary *summary, apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "version", MD_VERSION);
    md_json_set(doc, "summary", summary_to_json(summary));
    add_engine(core, doc);
    json_object_set(doc, "authorities", md_authorities_all(core, p));
    md_json_set(doc, "stages", stages_to_json());
    return doc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const md_domain *const *)a)->name, (*(const md_domain *const *)b)->name);
}

apr_array_header_t *md_status_order(const md_plan *plan, apr_pool_t *p)
{
    apr_array_header_t *sorted = apr_array_copy(p, plan->domains);

    qsort(sorted->elts, (size_t)sorted->nelts, (size_t)sorted->elt_size, by_name);
    return sorted;
}

md_err *md_status_public(const md_core *core, const md_domain *domain, apr_pool_t *p, json_t **out)
{
    json_t *doc = md_json_object(p), *certs;
    apr_array_header_t *facts;
    md_job *record;

    MD_TRY(core->facts(core->self, domain, p, &facts));
    add_certs(doc, domain, facts, 1, p);
    MD_TRY(load_record(core, domain, p, &record));
    if (renewal_of(record)) {
        certs = md_json_object(p);
        add_certs(certs, domain, staged_facts(core, domain, p), 0, p);
        md_json_set(doc, "renewal.cert", json_incref(certs));
    }
    *out = doc;
    return NULL;
}

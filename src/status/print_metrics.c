/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenMetrics 1.0, and the older text format of Prometheus, which differ in a few words. Samples of a family
 * stand together, so each family is collected on its own.
 */
#include <apr_strings.h>
#include <string.h>

#include "jobs/count.h"
#include "status/lines.h"
#include "status/print.h"

typedef enum family {
    BUILD,
    DOMAINS,
    ATTENTION,
    CERTIFICATES,
    EXPIRY,
    RENEW_AT,
    FAILING,
    NEXT_RUN,
    RENEWALS,
    ERRORS,
    DURATION,
    IN_PROGRESS,
    QUEUED,
    BEAT,
    ACTIVATIONS,
    STAPLES,
    STAPLE_FROM,
    STAPLE_UNTIL,
    FAMILIES
} family;

static const struct {
    const char *name, *type, *unit, *help;
} families[FAMILIES] = {
    [BUILD] = { "md_build", "info", NULL, "Version of the module" },
    [DOMAINS] = { "md_domains", "gauge", NULL, "Managed domains by their worst condition" },
    [ATTENTION] = { "md_domains_attention", "gauge", NULL, "Managed domains that somebody should look at" },
    [CERTIFICATES] = { "md_certificates", "gauge", NULL, "Certificates in use by state" },
    [EXPIRY] = { "md_certificate_expiry_timestamp_seconds", "gauge", "seconds",
                 "When a certificate in use ends" },
    [RENEW_AT] = { "md_renewal_timestamp_seconds", "gauge", "seconds", "When it is time to renew a domain" },
    [FAILING] = { "md_renewal_failing", "gauge", NULL, "Failed attempts in a row, of domains that have any" },
    [NEXT_RUN] = { "md_renewal_retry_timestamp_seconds", "gauge", "seconds",
                   "When a domain whose renewal failed is tried again" },
    [RENEWALS] = { "md_renewals", "counter", NULL, "Renewals that succeeded" },
    [ERRORS] = { "md_renewal_errors", "counter", NULL, "Attempts that failed, by type of the problem" },
    [DURATION] = { "md_order_duration_seconds", "histogram", "seconds",
                   "From the beginning of the attempt that succeeded to the certificate" },
    [IN_PROGRESS] = { "md_orders_in_progress", "gauge", NULL, "Orders at work" },
    [QUEUED] = { "md_orders_queued", "gauge", NULL, "Orders that wait for their turn" },
    [BEAT] = { "md_engine_seen_timestamp_seconds", "gauge", "seconds",
               "When the engine was seen at work last" },
    [ACTIVATIONS] = { "md_live_activations", "counter", NULL,
                      "Certificates that went live and were seen by the server itself" },
    [STAPLES] = { "md_staples", "gauge", NULL, "OCSP responses by status" },
    [STAPLE_FROM] = { "md_staple_produced_timestamp_seconds", "gauge", "seconds",
                      "Since when an OCSP response is valid" },
    [STAPLE_UNTIL] = { "md_staple_expiry_timestamp_seconds", "gauge", "seconds",
                       "When an OCSP response ends" },
};

static const char *const cert_states[] = { "valid", "expiring", "expired" };
static const char *const staple_states[] = { "good", "revoked", "unknown" };
enum { STATES = 3 };

typedef struct metrics {
    md_lines *of[FAMILIES];
    int certs[STATES], staples[STATES];
    apr_time_t now;
    apr_pool_t *p; /* of the sample at hand */
} metrics;

static void put_label(md_lines *lines, const char *name, const char *value, apr_pool_t *p)
{
    char *escaped = apr_palloc(p, 2 * strlen(value) + 1), *to = escaped;

    for (; *value; ++value) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            *to++ = '\\';
        *to++ = *value == '\n' ? 'n' : *value;
    }
    *to = '\0';
    md_lines_put(lines, name);
    md_lines_put(lines, "=\"");
    md_lines_put(lines, escaped);
    md_lines_put(lines, "\"");
}

typedef struct label {
    const char *name, *value;
} label;
/* Pairs of name and value. */
#define LABELS(...) ((const label[]){ __VA_ARGS__, { NULL, NULL } })
#define NO_LABELS   ((const label[]){ { NULL, NULL } })

/** One sample. */
static void put(metrics *m, family which, const char *suffix, apr_int64_t value, const label *labels)
{
    md_lines *lines = m->of[which];
    const char *before = "{";

    md_lines_put(lines, families[which].name);
    md_lines_put(lines, suffix);
    for (; labels->name; ++labels) {
        md_lines_put(lines, before);
        put_label(lines, labels->name, labels->value ? labels->value : "", m->p);
        before = ",";
    }
    md_lines_put(lines, *before == ',' ? "} " : " ");
    md_lines_number(lines, value);
    md_lines_put(lines, "\n");
}

static int state_of(const char *const states[STATES], const char *state)
{
    int i = 0;

    while (i < STATES - 1 && (!state || strcmp(states[i], state) != 0))
        ++i;
    return i;
}

static void put_staple(metrics *m, const char *domain, const char *key, const json_t *ocsp)
{
    const md_period valid = { md_json_date(ocsp, "valid.from"), md_json_date(ocsp, "valid.until") };

    ++m->staples[state_of(staple_states, md_json_text(ocsp, "status"))];
    if (!valid.until)
        return;
    put(m, STAPLE_FROM, "", apr_time_sec(valid.from), LABELS({ "domain", domain }, { "key", key }));
    put(m, STAPLE_UNTIL, "", apr_time_sec(valid.until), LABELS({ "domain", domain }, { "key", key }));
}

static void put_certs(metrics *m, const json_t *entry, const char *domain)
{
    const apr_time_t warn_at = md_json_date(entry, "warn-at");
    json_t *certs = json_object_get(entry, "cert"), *cert, *ocsp;
    const char *key;

    json_object_foreach(certs, key, cert)
    {
        const apr_time_t until = md_json_date(cert, "valid.until");

        if (!until)
            continue;
        ++m->certs[until <= m->now ? 2 : warn_at && warn_at <= m->now ? 1 : 0];
        put(m, EXPIRY, "", apr_time_sec(until), LABELS({ "domain", domain }, { "key", key }));
        ocsp = json_object_get(cert, "ocsp");
        if (ocsp)
            put_staple(m, domain, key, ocsp);
    }
}

static void put_entry(metrics *m, const json_t *entry)
{
    const char *domain = md_json_text(entry, "name");
    const apr_time_t renew_at = md_json_date(entry, "renew-at");
    const apr_time_t next_run = md_json_date(entry, "renewal.next-run");
    const json_int_t errors = md_json_int(entry, "renewal.errors", 0);

    put_certs(m, entry, domain);
    if (renew_at)
        put(m, RENEW_AT, "", apr_time_sec(renew_at), LABELS({ "domain", domain }));
    if (!errors)
        return;
    put(m, FAILING, "", errors,
        LABELS({ "domain", domain }, { "problem", md_json_text(entry, "renewal.last.problem") }));
    if (next_run)
        put(m, NEXT_RUN, "", apr_time_sec(next_run), LABELS({ "domain", domain }));
}

static void put_duration(metrics *m, const json_t *seconds)
{
    apr_int64_t below = 0;

    for (int i = 0; i < MD_COUNT_BOUNDS; ++i) {
        const char *bound = apr_itoa(m->p, md_count_bounds[i]);

        below += md_json_int(seconds, bound, 0);
        put(m, DURATION, "_bucket", below, LABELS({ "le", apr_pstrcat(m->p, bound, ".0", NULL) }));
    }
    put(m, DURATION, "_bucket", md_json_int(seconds, "count", 0), LABELS({ "le", "+Inf" }));
    put(m, DURATION, "_count", md_json_int(seconds, "count", 0), NO_LABELS);
    put(m, DURATION, "_sum", md_json_int(seconds, "sum", 0), NO_LABELS);
}

static void put_errors(metrics *m, const char *ca, json_t *problems)
{
    const char *problem;
    json_t *value;

    json_object_foreach(problems, problem, value)
    {
        put(m, ERRORS, "_total", json_integer_value(value), LABELS({ "ca", ca }, { "problem", problem }));
    }
}

static void put_counts(metrics *m, json_t *counts)
{
    json_t *by_ca = json_object_get(counts, "renewals"), *value;
    const char *ca;

    json_object_foreach(by_ca, ca, value)
    {
        put(m, RENEWALS, "_total", json_integer_value(value), LABELS({ "ca", ca }));
    }
    by_ca = json_object_get(counts, "errors");
    json_object_foreach(by_ca, ca, value)
    {
        put_errors(m, ca, value);
    }
    put(m, ACTIVATIONS, "_total", md_json_int(counts, "activations", 0), NO_LABELS);
    put_duration(m, json_object_get(counts, "order-seconds"));
}

static void put_whole(metrics *m, const md_core *core, const md_summary *summary)
{
    md_load load = { 0 };

    put(m, BUILD, "_info", 1, LABELS({ "version", MD_VERSION }));
    for (int i = 0; i < MD_CONDITIONS; ++i)
        put(m, DOMAINS, "", summary->worst[i], LABELS({ "state", md_condition_names[i] }));
    put(m, ATTENTION, "", summary->attention, NO_LABELS);
    if (core->load)
        core->load(core->self, &load);
    put(m, IN_PROGRESS, "", load.in_progress, NO_LABELS);
    put(m, QUEUED, "", load.queued, NO_LABELS);
    if (load.beat)
        put(m, BEAT, "", apr_time_sec(load.beat), NO_LABELS);
}

static md_bytes join(const metrics *m, md_metrics_form form, apr_pool_t *p)
{
    const int open = form == MD_OPENMETRICS;
    md_lines *all = md_lines_make(p);

    for (int i = 0; i < FAMILIES; ++i) {
        const char *name = families[i].name, *type = families[i].type;

        if (!open && !strcmp(type, "counter"))
            name = apr_pstrcat(p, name, "_total", NULL);
        if (!open && !strcmp(type, "info")) {
            name = apr_pstrcat(p, name, "_info", NULL);
            type = "gauge";
        }
        md_lines_put(all, apr_pstrcat(p, "# TYPE ", name, " ", type, "\n", NULL));
        if (open && families[i].unit)
            md_lines_put(all, apr_pstrcat(p, "# UNIT ", name, " ", families[i].unit, "\n", NULL));
        md_lines_put(all, apr_pstrcat(p, "# HELP ", name, " ", families[i].help, "\n", NULL));
        md_lines_put(all, md_lines_bytes(m->of[i]).data);
    }
    if (open)
        md_lines_put(all, "# EOF\n");
    return md_lines_bytes(all);
}

md_bytes md_print_metrics(const md_core *core, const md_found *found, md_metrics_form form, apr_pool_t *p)
{
    metrics m = { .now = md_now(core->clock) };
    json_t *entry;
    size_t k;

    for (int i = 0; i < FAMILIES; ++i)
        m.of[i] = md_lines_make(p);
    apr_pool_create(&m.p, p);
    put_whole(&m, core, &found->summary);
    for (int i = 0; i < found->each->nelts; ++i) {
        apr_pool_clear(m.p);
        if (!md_json_read(APR_ARRAY_IDX(found->each, i, md_bytes), m.p, &entry))
            put_entry(&m, entry);
    }
    apr_pool_clear(m.p);
    json_array_foreach(found->others, k, entry)
    {
        put_staple(&m, md_json_text(entry, "domain"), md_json_text(entry, "id"), entry);
    }
    for (int i = 0; i < STATES; ++i) {
        put(&m, CERTIFICATES, "", m.certs[i], LABELS({ "state", cert_states[i] }));
        put(&m, STAPLES, "", m.staples[i], LABELS({ "status", staple_states[i] }));
    }
    put_counts(&m, md_counts_load(core->store, m.p));
    apr_pool_destroy(m.p);
    return join(&m, form, p);
}

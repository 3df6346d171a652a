/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and texts are those that administrators and their programs know.
 */
#include "status/columns.h"

#include <apr_strings.h>
#include <string.h>

#define NEAR apr_time_from_sec(4 * 24 * 3600)
enum { DAY_SIZE = 16 };

static void add(md_cells *out, md_cell cell)
{
    APR_ARRAY_PUSH(out->each, md_cell) = cell;
}

static void add_text(md_cells *out, const char *text)
{
    add(out, (md_cell){ .text = text });
}

static void add_value(md_cells *out, const char *key, const char *value)
{
    add(out, (md_cell){ .key = key, .value = value });
}

static void add_both(md_cells *out, const char *key, const char *value)
{
    add(out, (md_cell){ .text = value, .key = key, .value = value });
}

/** "2026-11-24" */
static const char *day_of(apr_time_t at, apr_pool_t *p)
{
    apr_time_exp_t parts;
    apr_size_t size;
    char day[DAY_SIZE];

    apr_time_exp_gmt(&parts, at);
    apr_strftime(day, &size, sizeof(day), "%Y-%m-%d", &parts);
    return apr_pstrdup(p, day);
}

/** What is far away as a day, what is near as a distance. */
static void add_time(md_cells *out, apr_time_t at)
{
    const apr_interval_time_t far = at > out->now ? at - out->now : out->now - at;
    const char *words = md_duration_words(far, out->p);

    add(out, (md_cell){ .text = far >= NEAR     ? day_of(at, out->p)
                                : at > out->now ? apr_pstrcat(out->p, "in ~", words, NULL)
                                                : apr_pstrcat(out->p, "~", words, " ago", NULL),
                        .tip = md_date_text(at, out->p) });
}

static void add_seconds(md_cells *out, const char *key, apr_time_t at)
{
    add_value(out, key, apr_psprintf(out->p, "%" APR_INT64_T_FMT, (apr_int64_t)apr_time_sec(at - out->now)));
}

/** A period: its beginning as long as that is to come, and its end. */
static void add_period(md_cells *out, const json_t *valid, const char *from_key, const char *until_key)
{
    const apr_time_t from = md_json_date(valid, "from"), until = md_json_date(valid, "until");
    const char *tip =
        apr_pstrcat(out->p, md_date_text(from, out->p), " - ", md_date_text(until, out->p), NULL);
    const char *day = day_of(from, out->p);

    if (!until)
        return;
    if (from > out->now) {
        add_text(out, "from ");
        add(out, (md_cell){ .text = day, .tip = tip, .key = from_key, .value = day });
        add_text(out, " ");
    }
    day = day_of(until, out->p);
    add_text(out, "until ");
    add(out, (md_cell){ .text = day, .tip = tip, .key = until_key, .value = day });
}

static void show_name(const json_t *row, md_cells *out)
{
    add_both(out, "Domain", md_json_text(row, "name"));
}

static void show_names(const json_t *row, md_cells *out)
{
    const json_t *names = json_object_get(row, "domains");

    for (size_t i = 0; i < json_array_size(names); ++i) {
        if (i)
            add_text(out, " ");
        add_both(out, apr_psprintf(out->p, "Names[%d]", (int)i), json_string_value(json_array_get(names, i)));
    }
}

static void show_status(const json_t *row, md_cells *out)
{
    add_both(out, "Status", md_json_text(row, "status"));
}

static void show_valid(const json_t *row, md_cells *out)
{
    add_period(out, md_json_at(row, "cert.valid"), "ValidFrom", "ValidUntil");
}

static void show_ca(const json_t *row, md_cells *out)
{
    const json_t *list = json_object_get(row, "authorities");

    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *each = json_array_get(list, i);
        const char *number = i ? apr_itoa(out->p, (int)i) : "";

        if (i)
            add_text(out, " ");
        add(out, (md_cell){ .text = md_json_text(each, "name"),
                            .link = md_json_text(each, "url"),
                            .key = apr_pstrcat(out->p, "CAName", number, NULL),
                            .value = md_json_text(each, "name") });
        add_value(out, apr_pstrcat(out->p, "CAURL", number, NULL), md_json_text(each, "url"));
    }
}

static void show_stapling(const json_t *row, md_cells *out)
{
    if (md_json_flag(row, "stapling", 0))
        add_both(out, "Stapling", "on");
}

static void show_check(const json_t *row, md_cells *out)
{
    json_t *certs = json_object_get(row, "cert"), *cert;
    const char *key, *between = "";

    json_object_foreach(certs, key, cert)
    {
        const char *name = md_json_text(cert, "check.name"), *url = md_json_text(cert, "check.url");

        if (!name || !url)
            continue;
        add_text(out, between);
        between = " ";
        add(out, (md_cell){ .text = apr_pstrcat(out->p, name, "[", key, "]", NULL),
                            .link = url,
                            .key = "CheckAtType",
                            .value = key });
        add_value(out, "CheckAtName", name);
        add_value(out, "CheckAtURL", url);
        add_value(out, "CheckAtFingerprint", md_json_text(cert, "sha256-fingerprint"));
    }
}

static void add_failure(const json_t *job, md_cells *out)
{
    const json_t *last = json_object_get(job, "last");
    const char *problem = md_json_text(last, "problem"), *what = md_json_text(last, "status-description");

    if (!md_json_int(last, "status", 0))
        return;
    add_value(out, "ActivityLastStatus", what);
    add_value(out, "ActivityLastProblem", problem);
    add_text(out, apr_pstrcat(out->p, "Error[", problem ? problem : what, "]: ", NULL));
}

/** How many certificates a finished job has brought. */
static int count_staged(const json_t *job)
{
    json_t *certs = json_object_get(job, "cert"), *cert;
    const char *key;
    int count = 0;

    json_object_foreach(certs, key, cert) count += md_json_text(cert, "serial") != NULL;
    return count;
}

static void add_outcome(const json_t *row, const json_t *job, md_cells *out)
{
    const int finished = md_json_flag(job, "finished", 0), staged = count_staged(job);
    const char *detail = md_json_text(job, "last.detail"), *advice = md_json_text(job, "last.advice");

    add_value(out, "ActivityFinished", finished ? "yes" : "no");
    if (finished) {
        add_value(out, "ActivityNewStaged", apr_itoa(out->p, staged));
        add_text(out, apr_psprintf(out->p, "finished, %d new certificate(s) staged. ", staged));
        if (md_json_text(row, "attention.reason"))
            add_text(out, apr_pstrcat(out->p, md_json_text(row, "attention.reason"), ". ", NULL));
        return;
    }
    add_value(out, "ActivityLastDetail", detail);
    if (detail)
        add_text(out, apr_pstrcat(out->p, detail, ". ", NULL));
    if (advice && md_json_at(row, "attention"))
        add_text(out, apr_pstrcat(out->p, advice, ". ", NULL));
}

static void add_job(const json_t *row, const json_t *job, md_cells *out)
{
    const apr_time_t next = md_json_date(job, "next-run");
    const char *doing = md_json_text(row, "progress.doing");

    add_failure(job, out);
    add_outcome(row, job, out);
    if (next) {
        add_text(out, "Next run ");
        add_time(out, next);
        add_seconds(out, "ActivityNextRun", next);
    } else if (!md_json_flag(job, "finished", 0)) {
        add(out,
            (md_cell){ .text = doing ? apr_pstrcat(out->p, "Ongoing: ", doing, "...", NULL) : "Ongoing...",
                       .key = "Activity",
                       .value = "Ongoing" });
    }
}

static void show_activity(const json_t *row, md_cells *out)
{
    const json_t *job = json_object_get(row, "renewal");
    const apr_time_t renew_at = md_json_date(row, "renew-at");

    if (job) {
        add_job(row, job, out);
    } else if (renew_at > out->now) {
        add_text(out, "Renew ");
        add_time(out, renew_at);
        add_seconds(out, "ActivityRenew", renew_at);
    } else {
        add_both(out, "Activity", renew_at ? "Pending" : "Manual renew");
    }
}

static void show_staple_domain(const json_t *row, md_cells *out)
{
    add_both(out, "Domain", md_json_text(row, "domain"));
}

static void show_staple_id(const json_t *row, md_cells *out)
{
    add_both(out, "CertificateID", md_json_text(row, "id"));
}

static void show_staple_status(const json_t *row, md_cells *out)
{
    add_both(out, "OCSPStatus", md_json_text(row, "status"));
}

static void show_staple_valid(const json_t *row, md_cells *out)
{
    add_period(out, json_object_get(row, "valid"), "StaplingValidFrom", "StaplingValidUntil");
}

static void show_responder(const json_t *row, md_cells *out)
{
    const char *url = md_json_text(row, "responder"), *name = url ? strstr(url, "://") : NULL;

    name = name ? apr_pstrmemdup(out->p, name + 3, strcspn(name + 3, "/:?#")) : url;
    add(out, (md_cell){ .text = name, .link = url, .key = "ResponderName", .value = name });
    add_value(out, "ResponderURL", url);
}

static void show_staple_activity(const json_t *row, md_cells *out)
{
    const json_t *job = json_object_get(row, "renewal");
    const apr_time_t refresh = md_json_date(row, "refresh-at");

    if (refresh) {
        add_text(out, "Refresh ");
        add_time(out, refresh);
        add_text(out, " ");
        add_seconds(out, "ActivityRefresh", refresh);
    }
    if (job && (refresh <= out->now || !md_json_at(row, "valid")))
        add_job(row, job, out);
}

static const md_column certificate_columns[] = {
    { "Domain", 0, show_name },
    { "Names", 1, show_names },
    { "Status", 0, show_status },
    { "Valid", 0, show_valid },
    { "CA", 0, show_ca },
    { "Stapling", 0, show_stapling },
    { "CheckAt", 0, show_check },
    { "Activity", 0, show_activity },
    { NULL, 0, NULL },
};
static const md_column stapling_columns[] = {
    { "Domain", 0, show_staple_domain },
    { "CertificateID", 0, show_staple_id },
    { "OCSPStatus", 0, show_staple_status },
    { "StaplingValid", 0, show_staple_valid },
    { "Responder", 0, show_responder },
    { "Activity", 0, show_staple_activity },
    { NULL, 0, NULL },
};

const md_table md_table_certificates = { "Managed Certificates", "md_status", "ManagedDomain",
                                         certificate_columns };
const md_table md_table_staplings = { "Managed Staplings", "md_ocsp_status", "ManagedStapling",
                                      stapling_columns };

void md_staple_rows(const json_t *entry, json_t *rows)
{
    json_t *certs = json_object_get(entry, "cert"), *cert;
    const char *key;

    json_object_foreach(certs, key, cert)
    {
        json_t *row = json_copy(json_object_get(cert, "ocsp"));

        if (!row)
            continue;
        json_object_set(row, "domain", json_object_get(entry, "name"));
        json_array_append_new(rows, row);
    }
}

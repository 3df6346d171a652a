/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does configuration, store and certificate fit; and with --online, what does the world see?
 */
#include <apr_hash.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "jobs/activate.h"
#include "jobs/kind_renew.h"
#include "plan/due.h"
#include "plan/limits.h"
#include "store/audit.h"
#include "store/creds.h"
#include "store/lock.h"

enum { OPTION_HTTP = 1000, OPTION_HTTPS };

static const struct {
    const char *word, *colour;
} levels[] = {
    [MD_CHECK_OK] = { "ok", "\033[32m" },
    [MD_CHECK_WARN] = { "warning", "\033[33m" },
    [MD_CHECK_BAD] = { "PROBLEM", "\033[31m" },
};

void md_check_add(apr_array_header_t *checks, md_check_level level, const char *about, const char *mend,
                  const char *fmt, ...)
{
    md_check *check = apr_array_push(checks);
    va_list args;

    va_start(args, fmt);
    *check = (md_check){ level, about, apr_pvsprintf(checks->pool, fmt, args), mend };
    va_end(args);
}

/** Shows the findings about a domain or the store; the number of problems. */
static int show(md_cli *cli, const char *name, const apr_array_header_t *checks)
{
    const int colours = md_cli_colours();
    json_t *entry = md_json_object(cli->p), *list = md_own_json(cli->p, json_array());
    int problems = 0;

    if (!cli->json)
        printf("%s\n", name);
    for (int i = 0; i < checks->nelts; ++i) {
        const md_check *check = &APR_ARRAY_IDX(checks, i, md_check);
        json_t *doc = md_json_object(cli->p);

        problems += check->level == MD_CHECK_BAD;
        md_json_set_text(doc, "level", levels[check->level].word);
        md_json_set_text(doc, "about", check->about);
        md_json_set_text(doc, "text", check->text);
        md_json_set_text(doc, "mend", check->mend);
        json_array_append(list, doc);
        if (cli->json)
            continue;
        printf("  %s%-7s%s  %s: %s\n", colours ? levels[check->level].colour : "", levels[check->level].word,
               colours ? "\033[0m" : "", check->about, check->text);
        if (check->mend)
            printf("           %s\n", check->mend);
    }
    md_json_set_text(entry, "name", name);
    json_object_set(entry, "checks", list);
    json_array_append(cli->output, entry);
    return problems;
}

static int check_store(md_cli *cli)
{
    apr_array_header_t *checks = apr_array_make(cli->p, 8, sizeof(md_check)), *findings;
    const long server = md_store_occupant(cli->store, cli->p);
    const md_audit_options options = { .base = cli->base, .uid = md_cli_user(cli) };

    findings = md_store_audit(&options, cli->p);
    for (int i = 0; i < findings->nelts; ++i) {
        const md_finding *finding = &APR_ARRAY_IDX(findings, i, md_finding);

        md_check_add(checks, MD_CHECK_BAD, "files", finding->mend, "%s", finding->what);
    }
    if (!findings->nelts)
        md_check_add(checks, MD_CHECK_OK, "files", NULL, "owners and modes of %s are as they should be",
                     cli->base);
    if (server)
        md_check_add(checks, MD_CHECK_OK, "server", NULL, "process %ld works with this store", server);
    else
        md_check_add(checks, MD_CHECK_WARN, "server", "start it, or renew by 'a2md drive'",
                     "no server works with this store: nothing is renewed");
    return show(cli, "store", checks);
}

static void check_settings(const md_core *core, const md_domain *domain, apr_array_header_t *checks)
{
    const md_names *limits = md_limits_of(domain, checks->pool);
    md_err *err = md_domain_renews(domain) ? md_renew_preview(core, domain, checks->pool) : NULL;

    if (err)
        md_check_add(checks, MD_CHECK_BAD, "settings", md_err_advice(err), "%s",
                     md_err_text(err, checks->pool));
    for (int i = 0; i < limits->nelts; ++i)
        md_check_add(checks, MD_CHECK_WARN, "settings", NULL, "it %s", MD_NAME(limits, i));
    if (!err && !limits->nelts)
        md_check_add(checks, MD_CHECK_OK, "settings", NULL, "%d name(s), renewed by %s", domain->names->nelts,
                     md_ca_shown(md_domain_ca_url(domain), checks->pool));
}

/** Key, certificate and chain fit together. */
static int pairs_fit(const md_core *core, const md_domain *domain, apr_array_header_t *checks)
{
    const md_key_specs *specs = domain->policy.keys;
    int good = 1;

    for (int i = 0; i < specs->nelts; ++i) {
        md_creds *creds;
        md_err *err = md_creds_load(core->store, MD_GROUP_DOMAINS, domain->name, MD_SPEC(specs, i),
                                    checks->pool, &creds);

        if (!err && creds)
            err = md_chain_check_links(creds->chain, checks->pool);
        if (err)
            md_check_add(checks, MD_CHECK_BAD, "certificate", md_err_advice(err), "%s",
                         md_err_text(err, checks->pool));
        good &= !err;
    }
    return good;
}

static const char *who_renews(const md_domain *domain, apr_pool_t *p)
{
    if (md_domain_renews(domain))
        return apr_psprintf(p, "it is renewed by the server, or by: a2md renew %s", domain->name);
    return domain->used || md_domain_is_static(domain)
               ? "the server does not renew it: bring a new certificate, or set 'MDRenewMode always'"
               : "no virtual host uses it, so that the server does not renew it: add one, or set "
                 "'MDRenewMode always'";
}

static void check_certificate(const md_core *core, const md_domain *domain, apr_array_header_t *checks)
{
    const apr_time_t now = md_now(core->clock);
    apr_pool_t *p = checks->pool;
    apr_array_header_t *facts;
    md_period valid;
    md_due due;

    if (!pairs_fit(core, domain, checks))
        return;
    if (md_core_facts(core, domain, p, &facts))
        return; /* said above */
    due = md_due_of(domain, (const md_cert_fact *)facts->elts, facts->nelts, now, p);
    valid = md_facts_period(facts);
    if (due.state == MD_STATE_COMPLETE && valid.until > now)
        md_check_add(checks, MD_CHECK_OK, "certificate", NULL, "valid until %s%s%s",
                     md_date_text(valid.until, p), due.renew_at ? ", to be renewed from " : "",
                     due.renew_at ? md_date_text(due.renew_at, p) : "");
    else
        md_check_add(checks, valid.until && valid.until <= now ? MD_CHECK_BAD : MD_CHECK_WARN, "certificate",
                     who_renews(domain, p), "%s", due.why);
}

static void check_job(const md_core *core, const md_domain *domain, apr_array_header_t *checks)
{
    apr_pool_t *p = checks->pool;
    md_job *job;
    md_err *err = md_job_load(core->store, MD_GROUP_STAGING, domain->name, p, &job);
    const char *detail = err ? NULL : md_json_text(job->last, "detail");

    if (err)
        md_check_add(checks, MD_CHECK_BAD, "renewal", md_err_advice(err), "%s", md_err_text(err, p));
    else if (job->errors)
        md_check_add(checks, MD_CHECK_BAD, "renewal", apr_pstrdup(p, md_json_text(job->last, "advice")),
                     "%d error(s) in a row, the last: %s; next try %s", job->errors,
                     detail ? apr_pstrdup(p, detail) : "not known",
                     job->next_run ? md_date_text(job->next_run, p) : "at once");
    else if (job->finished)
        md_check_add(checks, MD_CHECK_OK, "renewal", NULL, "a new certificate is about to be activated");
}

static md_err *read_options(md_cli *cli, int argc, char **argv, md_online *how, int *online)
{
    static const struct option options[] = { { "online", no_argument, NULL, 'o' },
                                             { "resolver", required_argument, NULL, 'r' },
                                             { "http-port", required_argument, NULL, OPTION_HTTP },
                                             { "https-port", required_argument, NULL, OPTION_HTTPS },
                                             { NULL, 0, NULL, 0 } };
    int option;

    while ((option = md_cli_option(argc, argv, "+or:", options)) != 0) {
        switch (option) {
        case 'o': *online = 1; break;
        case 'r': how->resolver = optarg; break;
        case OPTION_HTTP: how->http_port = atoi(optarg); break;
        case OPTION_HTTPS: how->https_port = atoi(optarg); break;
        default:
            return md_usage(cli, "check takes --online, --resolver, --http-port, --https-port and names of "
                                 "managed domains");
        }
    }
    if (how->http_port < 1 || how->http_port > 65535 || how->https_port < 1 || how->https_port > 65535)
        return md_usage(cli, "a port is a number from 1 to 65535");
    return NULL;
}

md_err *md_cmd_check(md_cli *cli, int argc, char **argv)
{
    md_core core = {
        .store = cli->store, .plan = cli->plan, .clock = &md_clock_system, .facts = md_cli_facts
    };
    md_online how = { .http_port = 80, .https_port = 443, .cas = apr_hash_make(cli->p) };
    apr_array_header_t *domains;
    int problems, online = 0;

    core.self = &core;
    MD_TRY(read_options(cli, argc, argv, &how, &online));
    if (online)
        MD_TRY(md_cli_open(cli, 1)); /* answers of challenges are tried */
    md_cli_learn_hosts(cli);
    MD_TRY(md_cli_domains(cli, argc - optind, argv + optind, &domains));
    problems = check_store(cli);
    for (int i = 0; i < domains->nelts; ++i) {
        const md_domain *domain = APR_ARRAY_IDX(domains, i, const md_domain *);
        apr_array_header_t *checks = apr_array_make(cli->p, 8, sizeof(md_check));

        check_settings(&core, domain, checks);
        check_certificate(&core, domain, checks);
        check_job(&core, domain, checks);
        if (online)
            MD_TRY(md_check_online(cli, &how, domain, checks));
        problems += show(cli, domain->name, checks);
    }
    return problems ? md_cli_fail(cli, APR_EGENERAL, "%d problem(s) found", problems) : NULL;
}

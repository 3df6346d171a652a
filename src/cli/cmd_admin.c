/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What administrators do by hand: renew now, copy keys and certificates.
 */
#include <apr_file_info.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "cli/a2md.h"
#include "jobs/asked.h"
#include "jobs/export.h"
#include "store/lock.h"

#define LOOK_EACH apr_time_from_msec(200)
#define WAIT_MAX  apr_time_from_sec(600)
#define QUIET_MAX apr_time_from_sec(10)

/** Shows what the server's job does, once each; the failure is the job's. */
static md_err *look(md_cli *cli, const md_domain *domain, apr_time_t asked, const char **shown, apr_pool_t *p)
{
    const char *doing, *detail;
    md_job *job;

    MD_TRY(md_job_load(cli->store, MD_GROUP_STAGING, domain->name, p, &job));
    if (job->errors && job->last_run >= asked)
        return md_cli_fail(cli, APR_EGENERAL, "%s: %s; the server tries again by itself", domain->name,
                           md_json_text(job->last, "detail"));
    doing = md_json_text(job->last, "activity");
    detail = md_json_text(job->last, "detail");
    if (!doing || (*shown && !strcmp(doing, *shown)))
        return NULL;
    *shown = apr_pstrdup(cli->p, doing);
    md_log(MD_LOG_INFO, 0, "%s: %s%s%s", domain->name, doing, detail ? ": " : "", detail ? detail : "");
    return NULL;
}

/** Waits until the server has what was asked for. Who interrupts this leaves the server's job alone. */
static md_err *wait_for(md_cli *cli, const md_domain *domain, apr_time_t asked)
{
    const apr_time_t end = apr_time_now() + WAIT_MAX;
    const apr_time_t quiet_until = apr_time_now() + QUIET_MAX;
    const char *shown = NULL;
    md_err *err = NULL;
    apr_pool_t *p;

    apr_pool_create(&p, cli->p);
    while (!err && md_asked(cli->store, domain->name, p) && apr_time_now() < end) {
        apr_pool_clear(p);
        err = look(cli, domain, asked, &shown, p);
        if (!err && !shown && apr_time_now() > quiet_until) {
            shown = "";
            md_log(MD_LOG_INFO, 0, "%s: no news from the server so far; its error log has more",
                   domain->name);
        }
        if (!err)
            apr_sleep(LOOK_EACH);
    }
    if (!err && md_asked(cli->store, domain->name, p))
        err = md_cli_fail(cli, APR_TIMEUP, "%s: the server has not finished after %s; it goes on",
                          domain->name, md_duration_words(WAIT_MAX, cli->p));
    if (!err)
        md_log(MD_LOG_INFO, 0, "%s: has a new certificate", domain->name);
    return err;
}

md_err *md_cli_renew(md_cli *cli, md_domain *domain)
{
    const apr_time_t now = apr_time_now();

    if (!md_store_occupant(cli->store, cli->p))
        return md_cli_drive(cli, domain);
    MD_TRY(md_ask_for(cli->store, domain->name, now, cli->p));
    return wait_for(cli, domain, apr_time_sec(now) * APR_USEC_PER_SEC);
}

md_err *md_cmd_renew(md_cli *cli, int argc, char **argv)
{
    const long server = md_store_occupant(cli->store, cli->p);
    const apr_time_t now = apr_time_now();
    apr_array_header_t *domains;

    if (argc < 2)
        return md_usage(cli, "'renew' needs the name of a managed domain");
    MD_TRY(md_cli_domains(cli, argc - 1, argv + 1, &domains));
    if (server)
        md_log(MD_LOG_INFO, 0, "asking the server that runs (process %ld)", server);
    for (int i = 0; server && i < domains->nelts; ++i)
        MD_TRY(md_ask_for(cli->store, APR_ARRAY_IDX(domains, i, const md_domain *)->name, now, cli->p));
    for (int i = 0; i < domains->nelts; ++i) {
        md_domain *domain = APR_ARRAY_IDX(domains, i, md_domain *);

        MD_TRY(server ? wait_for(cli, domain, apr_time_sec(now) * APR_USEC_PER_SEC)
                      : md_cli_drive(cli, domain));
        md_cli_show_now(cli, domain);
    }
    return NULL;
}

md_err *md_cmd_export(md_cli *cli, int argc, char **argv)
{
    md_export_to to = { .user = -1, .group = -1, .mode = 0600 };
    apr_array_header_t *creds;
    md_domain *domain;
    char *dir = NULL;
    int wrote = 0;

    if (argc != 3)
        return md_usage(cli, "'export' needs the name of a managed domain and a folder");
    MD_TRY(md_cli_domain(cli, argv[1], &domain));
    if (apr_filepath_merge(&dir, NULL, argv[2], 0, cli->p) != APR_SUCCESS)
        return md_usage(cli, "'%s' is not a usable path", argv[2]);
    to.dir = dir;
    MD_TRY(md_export_creds(cli->store, domain, cli->p, &creds));
    if (!creds)
        return md_cli_fail(cli, APR_ENOENT, "%s has no certificate yet", domain->name);
    MD_TRY(md_export_to_folder(&to, creds, cli->p, &wrote));
    if (!cli->json)
        printf("%s: %s\n", domain->name, wrote ? dir : apr_pstrcat(cli->p, dir, " is up to date", NULL));
    return NULL;
}

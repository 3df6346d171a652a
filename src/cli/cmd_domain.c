/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on managed domains: list them, renew them now.
 */
#include <getopt.h>
#include <string.h>

#include "cli/a2md.h"
#include "jobs/activate.h"
#include "jobs/engine.h"
#include "jobs/joblog.h"
#include "jobs/kind_renew.h"
#include "plan/due.h"

static md_err *read_facts(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    return md_core_facts(self, domain, p, facts);
}

/** With --force: as if the domain had no certificate at all. */
static md_err *no_facts(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    (void)self;
    *facts = apr_array_make(p, domain->policy.keys->nelts, sizeof(md_cert_fact));
    for (int i = 0; i < domain->policy.keys->nelts; ++i)
        *(md_cert_fact *)apr_array_push(*facts) = (md_cert_fact){ .cert = NULL };
    return NULL;
}

static md_domain *find(md_cli *cli, const char *name)
{
    md_domain *domain = md_plan_named(cli->plan, name);

    return domain ? domain : md_plan_find(cli->plan, name);
}

/** The named domains, or all when no name is given. */
static md_err *chosen(md_cli *cli, int argc, char **argv, apr_array_header_t **out)
{
    *out = apr_array_copy(cli->p, cli->plan->domains);
    if (!argc)
        return NULL;
    apr_array_clear(*out);
    for (int i = 0; i < argc; ++i) {
        md_domain *domain = find(cli, argv[i]);

        if (!domain)
            return md_fail(cli->p, MD_FAULT_CONFIG, "md:unknown-domain", "no managed domain has the name %s",
                           argv[i]);
        APR_ARRAY_PUSH(*out, md_domain *) = domain;
    }
    return NULL;
}

static int is_due(md_core *core, const md_domain *domain, apr_pool_t *p)
{
    apr_array_header_t *facts;
    apr_time_t now = md_now(core->clock);
    md_err *err = md_core_facts(core, domain, p, &facts);
    md_due due;

    if (err)
        return 1;
    due = md_due_of(domain, (const md_cert_fact *)facts->elts, facts->nelts, now, p);
    return due.renew_at && due.renew_at <= now;
}

md_err *md_cmd_list(md_cli *cli, int argc, char **argv)
{
    md_core core = { .store = cli->store, .plan = cli->plan, .clock = &md_clock_system };
    apr_array_header_t *domains;

    MD_TRY(chosen(cli, argc - 1, argv + 1, &domains));
    for (int i = 0; i < domains->nelts; ++i) {
        const md_domain *domain = APR_ARRAY_IDX(domains, i, const md_domain *);

        md_cli_show(cli, domain, is_due(&core, domain, cli->p));
    }
    return NULL;
}

typedef struct drive {
    int force, reset;
    const char *challenge;
} drive;

static void apply_options(const md_cli *cli, const drive *how, md_domain *domain)
{
    md_policy *policy = &domain->policy;

    policy->renew_mode = MD_RENEW_ALWAYS;
    if (cli->terms)
        policy->agreement = cli->terms;
    if (cli->ca_file)
        policy->ca_file = cli->ca_file;
    if (cli->proxy_url)
        policy->proxy_url = cli->proxy_url;
    if (cli->ca_url) {
        policy->ca_urls.list = md_names_make(cli->p);
        md_names_add(policy->ca_urls.list, cli->ca_url);
        policy->set |= APR_UINT64_C(1) << MD_FIELD_ca_urls;
    }
    if (how->challenge) {
        policy->challenges = md_names_make(cli->p);
        md_names_add(policy->challenges, how->challenge);
    }
}

/** Renews one domain to the end or to its first failure, then activates. */
static md_err *drive_one(md_cli *cli, const md_core *core, md_domain *domain)
{
    md_activation outcome;

    MD_TRY(md_engine_drive(core, &md_kind_renew, domain, cli->p));
    return md_activate(cli->store, domain, 0, md_now(core->clock), cli->p, &outcome);
}

static md_err *read_drive(md_cli *cli, int argc, char **argv, drive *how)
{
    static const struct option options[] = { { "challenge", required_argument, NULL, 'c' },
                                             { "force", no_argument, NULL, 'f' },
                                             { "reset", no_argument, NULL, 'r' },
                                             { NULL, 0, NULL, 0 } };
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "+c:fr", options, NULL)) != -1) {
        switch (option) {
        case 'c': how->challenge = optarg; break;
        case 'f': how->force = 1; break;
        case 'r': how->reset = 1; break;
        default: return md_usage(cli, "drive takes -c TYPE, -f, -r and names of managed domains");
        }
    }
    return NULL;
}

md_err *md_cmd_drive(md_cli *cli, int argc, char **argv)
{
    md_http_options http = { .user_agent = "apachemd/" MD_VERSION " mod_md/" MD_VERSION };
    md_core core = { .store = cli->store,
                     .plan = cli->plan,
                     .clock = &md_clock_system,
                     .events = &md_joblog_only,
                     .http = &http };
    apr_array_header_t *domains;
    drive how = { 0, 0, NULL };

    MD_TRY(read_drive(cli, argc, argv, &how));
    MD_TRY(chosen(cli, argc - optind, argv + optind, &domains));
    core.self = &core;
    core.facts = how.force ? no_facts : read_facts;
    for (int i = 0; i < domains->nelts; ++i) {
        md_domain *domain = APR_ARRAY_IDX(domains, i, md_domain *);

        apply_options(cli, &how, domain);
        if (how.reset)
            MD_TRY(md_store_drop(cli->store, MD_PLACE(MD_GROUP_STAGING, domain->name, NULL), cli->p));
        if (how.force || is_due(&core, domain, cli->p))
            MD_TRY(drive_one(cli, &core, domain));
        md_cli_show(cli, domain, is_due(&core, domain, cli->p));
    }
    return NULL;
}

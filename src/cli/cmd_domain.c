/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on managed domains as they are planned: add, list, update, renew now.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "cli/a2md.h"
#include "jobs/activate.h"
#include "jobs/engine.h"
#include "jobs/joblog.h"
#include "jobs/kind_renew.h"
#include "plan/due.h"

/** With --force: as if the domain had no certificate at all. */
static md_err *no_facts(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    (void)self;
    *facts = apr_array_make(p, domain->policy.keys->nelts, sizeof(md_cert_fact));
    for (int i = 0; i < domain->policy.keys->nelts; ++i)
        *(md_cert_fact *)apr_array_push(*facts) = (md_cert_fact){ .cert = NULL };
    return NULL;
}

/** Is something to be done for it now? *state: how it stands, as far as that can be seen. */
static int is_due(md_cli *cli, const md_domain *domain, int *state)
{
    const md_core core = { .store = cli->store, .plan = cli->plan, .clock = &md_clock_system };
    apr_time_t now = md_now(core.clock);
    apr_array_header_t *facts;
    md_err *err = md_core_facts(&core, domain, cli->p, &facts);
    md_due due;

    if (err)
        return 1;
    due = md_due_of(domain, (const md_cert_fact *)facts->elts, facts->nelts, now, cli->p);
    *state = (int)due.state;
    return due.renew_at && due.renew_at <= now;
}

void md_cli_show_now(md_cli *cli, const md_domain *domain)
{
    md_domain shown = *domain;
    const int renew = is_due(cli, domain, &shown.stored_state);

    md_cli_show(cli, &shown, renew);
}

md_err *md_cmd_list(md_cli *cli, int argc, char **argv)
{
    apr_array_header_t *domains;

    MD_TRY(md_cli_domains(cli, argc - 1, argv + 1, &domains));
    for (int i = 0; i < domains->nelts; ++i)
        md_cli_show_now(cli, APR_ARRAY_IDX(domains, i, const md_domain *));
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
    policy->preflight = MD_PREFLIGHT_OFF; /* where the server listens is not known here */
    if (cli->terms)
        policy->agreement = cli->terms;
    if (cli->ca_file)
        policy->ca_file = cli->ca_file;
    if (cli->proxy_url)
        policy->proxy_url = cli->proxy_url;
    md_cli_set_ca(cli, domain, NULL);
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

    while ((option = md_cli_option(argc, argv, "+c:fr", options)) != 0) {
        switch (option) {
        case 'c': how->challenge = optarg; break;
        case 'f': how->force = 1; break;
        case 'r': how->reset = 1; break;
        default: return md_usage(cli, "drive takes -c TYPE, -f, -r and names of managed domains");
        }
    }
    return NULL;
}

/** What driving works with; `core.self` is the core. */
static md_core *core_of(const md_cli *cli, int force)
{
    md_http_options *http = apr_pcalloc(cli->p, sizeof(*http));
    md_core *core = apr_pcalloc(cli->p, sizeof(*core));

    http->user_agent = MD_CLI_AGENT;
    *core = (md_core){ .store = cli->store,
                       .plan = cli->plan,
                       .clock = &md_clock_system,
                       .events = &md_joblog_only,
                       .http = http,
                       .facts = force ? no_facts : md_cli_facts,
                       .self = core };
    return core;
}

md_err *md_cli_drive(md_cli *cli, md_domain *domain)
{
    static const drive how = { 1, 0, NULL };

    apply_options(cli, &how, domain);
    return drive_one(cli, core_of(cli, 1), domain);
}

md_err *md_cmd_drive(md_cli *cli, int argc, char **argv)
{
    apr_array_header_t *domains;
    drive how = { 0, 0, NULL };
    const md_core *core;

    MD_TRY(read_drive(cli, argc, argv, &how));
    MD_TRY(md_cli_domains(cli, argc - optind, argv + optind, &domains));
    core = core_of(cli, how.force);
    for (int i = 0; i < domains->nelts; ++i) {
        md_domain *domain = APR_ARRAY_IDX(domains, i, md_domain *);
        int state;

        apply_options(cli, &how, domain);
        if (how.reset)
            MD_TRY(md_store_drop(cli->store, MD_PLACE(MD_GROUP_STAGING, domain->name, NULL), cli->p));
        if (how.force || is_due(cli, domain, &state))
            MD_TRY(drive_one(cli, core, domain));
        md_cli_show_now(cli, domain);
    }
    return NULL;
}

md_err *md_cli_names(md_cli *cli, int argc, char **argv, md_names **out)
{
    md_names *names = md_names_make(cli->p);

    for (int i = 0; i < argc; ++i)
        md_names_add_new(names, md_name_text(argv[i], cli->p));
    *out = names;
    return names->nelts ? NULL : md_cli_fail(cli, APR_EINVAL, "at least one DNS name is needed");
}

/** Names that a CA can certify: at least two labels. */
static md_err *check_names(md_cli *cli, const md_names *names)
{
    for (int i = 0; i < names->nelts; ++i) {
        const char *why = md_name_reason(MD_NAME(names, i));

        if (!why &&
            !strchr(md_is_wildcard(MD_NAME(names, i)) ? MD_NAME(names, i) + 2 : MD_NAME(names, i), '.'))
            why = "it has no dot";
        if (why)
            return md_cli_fail(cli, APR_EINVAL, "'%s' is not a fully qualified domain name: %s",
                               MD_NAME(names, i), why);
    }
    return NULL;
}

/** No name may belong to another domain. */
static md_err *check_overlap(md_cli *cli, const md_domain *changed)
{
    md_plan *others = md_plan_make(cli->p);
    md_domain *last = apr_pmemdup(cli->p, changed, sizeof(*changed));
    md_err *err;

    for (int i = 0; i < cli->plan->domains->nelts; ++i) {
        const md_domain *each = MD_DOMAIN(cli->plan, i);

        if (strcmp(each->name, changed->name) != 0)
            MD_TRY(md_plan_add(others, apr_pmemdup(cli->p, each, sizeof(*each)), 1, cli->p));
    }
    err = md_plan_add(others, last, 0, cli->p);
    return err ? md_cli_fail(cli, APR_EINVAL, "%s", md_err_text(err, cli->p)) : NULL;
}

md_err *md_cli_save(md_cli *cli, const md_domain *domain)
{
    return md_store_save_json(cli->store, MD_PLACE(MD_GROUP_DOMAINS, domain->name, "md.json"),
                              md_domain_to_json(domain, domain->stored_state, cli->p), cli->p);
}

md_err *md_cli_is_new(md_cli *cli, const char *name)
{
    md_bytes stored;

    MD_TRY(md_store_load(cli->store, MD_PLACE(MD_GROUP_DOMAINS, name, "md.json"), cli->p, &stored));
    return stored.data ? md_cli_fail(cli, APR_EEXIST, "%s is stored already", name) : NULL;
}

md_err *md_cmd_add(md_cli *cli, int argc, char **argv)
{
    md_names *names;
    md_domain *domain;

    if (argc < 2)
        return md_usage(cli, "'add' needs at least one domain name");
    MD_TRY(md_cli_names(cli, argc - 1, argv + 1, &names));
    MD_TRY(check_names(cli, names));
    domain = md_domain_make(names, cli->p);
    MD_TRY(md_cli_is_new(cli, domain->name));
    MD_TRY(check_overlap(cli, domain));
    domain->stored_state = MD_STATE_INCOMPLETE;
    md_cli_set_ca(cli, domain, NULL);
    MD_TRY(md_cli_save(cli, domain));
    md_cli_show(cli, domain, 1);
    return NULL;
}

static md_err *set_domains(md_cli *cli, md_domain *domain, int argc, char **argv)
{
    MD_TRY(md_cli_names(cli, argc, argv, &domain->names));
    MD_TRY(check_names(cli, domain->names));
    return check_overlap(cli, domain);
}

static md_err *set_ca(md_cli *cli, md_domain *domain, int argc, char **argv)
{
    MD_TRY(md_cli_check_ca(cli, argv[0]));
    if (argc > 1 && strcmp(argv[1], "ACME") != 0)
        return md_cli_fail(cli, APR_ENOTIMPL, "there is no protocol '%s'; only ACME is spoken", argv[1]);
    md_cli_set_ca(cli, domain, argv[0]);
    return NULL;
}

static md_err *set_account(md_cli *cli, md_domain *domain, int argc, char **argv)
{
    md_bytes record;

    (void)argc;
    MD_TRY(md_store_load(cli->store, MD_PLACE(MD_GROUP_ACCOUNTS, argv[0], "account.json"), cli->p, &record));
    if (!record.data)
        return md_cli_fail(cli, APR_ENOENT, "there is no account %s", argv[0]);
    domain->ca_account = argv[0];
    return NULL;
}

static md_err *set_contacts(md_cli *cli, md_domain *domain, int argc, char **argv)
{
    domain->contacts = md_names_make(cli->p);
    for (int i = 0; i < argc; ++i)
        md_names_add_new(domain->contacts, md_contact_uri(argv[i], cli->p));
    return NULL;
}

static md_err *set_agreement(md_cli *cli, md_domain *domain, int argc, char **argv)
{
    (void)cli;
    (void)argc;
    domain->policy.agreement = argv[0];
    domain->policy.set |= MD_SET_BIT(MD_FIELD_agreement);
    return NULL;
}

static const struct {
    const char *name;
    int values_max; /* one is needed at least */
    md_err *(*set)(md_cli *cli, md_domain *domain, int argc, char **argv);
} aspects[] = {
    { "domains", 1000, set_domains },  { "ca", 2, set_ca },
    { "account", 1, set_account },     { "contacts", 100, set_contacts },
    { "agreement", 1, set_agreement },
};

static md_err *apply_aspect(md_cli *cli, md_domain *domain, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(aspects) / sizeof(aspects[0]); ++i) {
        if (strcmp(aspects[i].name, argv[0]) != 0)
            continue;
        if (argc < 2 || argc - 1 > aspects[i].values_max)
            return md_usage(cli, "'%s' has %s values", argv[0], argc < 2 ? "no" : "too many");
        return aspects[i].set(cli, domain, argc - 1, argv + 1);
    }
    return md_cli_fail(cli, APR_ENOTIMPL,
                       "there is no aspect '%s'; there are domains, ca, account, contacts and agreement",
                       argv[0]);
}

md_err *md_cmd_update(md_cli *cli, int argc, char **argv)
{
    md_domain *domain, changed;
    json_t *before, *after;

    if (argc < 2)
        return md_usage(cli, "'update' needs the name of a managed domain");
    MD_TRY(md_cli_domain(cli, argv[1], &domain));
    before = md_domain_to_json(domain, 0, cli->p);
    changed = *domain;
    if (argc > 2)
        MD_TRY(apply_aspect(cli, &changed, argc - 2, argv + 2));
    md_cli_set_ca(cli, &changed, NULL);
    after = md_domain_to_json(&changed, 0, cli->p);
    if (json_equal(before, after))
        md_log(MD_LOG_INFO, 0, "no changes");
    else
        MD_TRY(md_cli_save(cli, &changed));
    md_cli_show(cli, &changed, -1);
    return NULL;
}

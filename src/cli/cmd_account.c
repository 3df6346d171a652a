/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on the accounts of a store: what there is, and what the CA is to change about it.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "acme/rollover.h"
#include "cli/a2md.h"

/** Does the domain use the account: as its record says, else because it is at the domain's CA? */
static int is_user(const md_domain *domain, const char *id, const md_account *account)
{
    const md_binding *binding = md_policy_binding(&domain->policy, account->ca_url);

    if (domain->ca_account)
        return !strcmp(domain->ca_account, id);
    return md_text_equal(account->status, "valid") && !strcmp(md_domain_ca_url(domain), account->ca_url) &&
           md_text_equal(binding ? binding->kid : NULL, account->eab_kid);
}

static md_names *users_of(const md_cli *cli, const char *id, const md_account *account)
{
    md_names *names = md_names_make(cli->p);

    for (int i = 0; i < cli->plan->domains->nelts; ++i)
        if (is_user(MD_DOMAIN(cli->plan, i), id, account))
            md_names_add(names, MD_DOMAIN(cli->plan, i)->name);
    return names;
}

static void show(md_cli *cli, const char *id, const md_account *account)
{
    md_names *users = users_of(cli, id, account);
    json_t *entry;

    if (!cli->json) {
        printf("%s  %s  %s\n  contacts: %s\n  used by:  %s\n", id,
               account->status ? account->status : "not usable", md_ca_shown(account->ca_url, cli->p),
               account->contacts ? md_names_join(account->contacts, ", ", cli->p) : "none",
               users->nelts ? md_names_join(users, ", ", cli->p) : "no domain");
        return;
    }
    entry = md_account_to_json(account, cli->p);
    json_object_del(entry, "eab"); /* has a secret */
    md_json_set_text(entry, "id", id);
    md_json_set_names(entry, "managed-domains", users);
    json_array_append(cli->output, entry);
}

md_err *md_cmd_account_list(md_cli *cli, int argc, char **argv)
{
    md_names *ids;

    (void)argv;
    if (argc > 1)
        return md_usage(cli, "'account list' takes no arguments");
    MD_TRY(md_store_list(cli->store, MD_GROUP_ACCOUNTS, NULL, cli->p, &ids));
    for (int i = 0; i < ids->nelts; ++i) {
        md_account *account;
        md_err *err = md_account_load(cli->store, MD_NAME(ids, i), cli->p, &account);

        if (err)
            md_log_err(MD_LOG_WARN, 0, NULL, "reading an account", err, "%s is left out:", MD_NAME(ids, i));
        else if (account)
            show(cli, MD_NAME(ids, i), account);
    }
    return NULL;
}

md_err *md_cli_account(md_cli *cli, const char *id, md_account **account, md_call *call)
{
    MD_TRY(md_account_load(cli->store, id, cli->p, account));
    if (!*account)
        return md_cli_fail(cli, APR_ENOENT, "unknown account: %s", id);
    return md_cli_call(cli, (*account)->ca_url, (*account)->eab_kid, call);
}

md_err *md_cmd_account_update(md_cli *cli, int argc, char **argv)
{
    json_t *members = md_json_object(cli->p);
    md_names *contacts = md_names_make(cli->p);
    md_account *account;
    md_call call;

    if (argc < 3)
        return md_usage(cli, "'account update' needs the name of an account and its contacts");
    for (int i = 2; i < argc; ++i)
        md_names_add_new(contacts, md_contact_uri(argv[i], cli->p));
    MD_TRY(md_cli_account(cli, argv[1], &account, &call));
    md_json_set_names(members, "contact", contacts);
    MD_TRY(md_account_change(&call, account, members, "changing the contacts of the account", cli->p));
    account->contacts = contacts; /* some CAs do not tell them back */
    MD_TRY(md_account_save(cli->store, account, cli->p));
    show(cli, argv[1], account);
    return NULL;
}

md_err *md_cmd_account_rollover(md_cli *cli, int argc, char **argv)
{
    if (argc < 2)
        return md_usage(cli, "'account rollover' needs the name of an account");
    for (int i = 1; i < argc; ++i) {
        md_account *account;
        md_call call;

        MD_TRY(md_cli_account(cli, argv[i], &account, &call));
        MD_TRY(md_account_roll_over(&call, cli->store, account, cli->p));
        md_log(MD_LOG_INFO, 0, "%s: has a new key", argv[i]);
        show(cli, argv[i], account);
    }
    return NULL;
}

md_err *md_cmd_account_deactivate(md_cli *cli, int argc, char **argv)
{
    static const struct option options[] = { { "yes", no_argument, NULL, 'y' }, { NULL, 0, NULL, 0 } };
    int option, yes = 0;

    while ((option = md_cli_option(argc, argv, "+y", options)) != 0) {
        if (option < 0)
            return md_usage(cli, "account deactivate takes --yes and names of accounts");
        yes = 1;
    }
    if (optind >= argc)
        return md_usage(cli, "'account deactivate' needs the name of an account");
    for (int i = optind; i < argc; ++i) {
        json_t *members = md_json_object(cli->p);
        md_account *account;
        md_call call;

        MD_TRY(md_cli_account(cli, argv[i], &account, &call));
        if (!yes &&
            !md_cli_agreed("Deactivate %s at %s for good?", argv[i], md_ca_shown(account->ca_url, cli->p)))
            continue;
        md_json_set_text(members, "status", "deactivated");
        MD_TRY(md_account_change(&call, account, members, "deactivating the account", cli->p));
        MD_TRY(md_account_save(cli->store, account, cli->p));
        show(cli, argv[i], account);
    }
    return NULL;
}

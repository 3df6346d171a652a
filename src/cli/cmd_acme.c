/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on accounts, as they have been known for long.
 */
#include <stdio.h>
#include <string.h>

#include "acme/account.h"
#include "cli/a2md.h"

/* Where a new account waits for its folder: no domain has this name. */
#define WAITING "a2md"

md_err *md_cmd_acme_newreg(md_cli *cli, int argc, char **argv)
{
    md_account_wish wish = { .ca_url = cli->ca_url, .agreement = cli->terms, .domain = WAITING };
    md_names *contacts = md_names_make(cli->p);
    md_account *account;
    const char *id;
    md_call call;
    int usable;

    if (!cli->ca_url)
        return md_usage(cli, "'acme newreg' needs the CA's directory: -a URL");
    if (argc < 2)
        return md_usage(cli, "'acme newreg' needs a contact, like an email address");
    for (int i = 1; i < argc; ++i)
        md_names_add_new(contacts, md_contact_uri(argv[i], cli->p));
    wish.contacts = contacts;
    MD_TRY(md_cli_call(cli, cli->ca_url, NULL, &call));
    MD_TRY(md_account_register(&call, cli->store, &wish, cli->p, &account));
    MD_TRY(md_account_check(&call, cli->store, account, &wish, cli->p, &usable));
    if (!usable)
        return md_cli_fail(cli, APR_EGENERAL, "the CA registered the account %s, but does not accept it",
                           account->url);
    MD_TRY(md_account_promote(cli->store, WAITING, cli->p, &id));
    MD_TRY(md_store_drop(cli->store, MD_PLACE(MD_GROUP_STAGING, WAITING, NULL), cli->p));
    printf("registered: %s\n", id);
    return NULL;
}

md_err *md_cmd_acme_validate(md_cli *cli, int argc, char **argv)
{
    if (argc < 2)
        return md_usage(cli, "'acme validate' needs the name of an account");
    for (int i = 1; i < argc; ++i) {
        md_account_wish wish = { .ca_url = NULL };
        md_account *account = NULL;
        md_call call = { NULL, NULL, NULL, NULL, NULL };
        int usable;

        MD_TRY(md_cli_account(cli, argv[i], &account, &call));
        MD_TRY(md_account_check(&call, cli->store, account, &wish, cli->p, &usable));
        if (!usable)
            return md_cli_fail(cli, APR_EACCES, "the CA does not accept the account %s any more: %s", argv[i],
                               account->status ? account->status : "it is unknown there");
        printf("account valid: %s\n", argv[i]);
    }
    return NULL;
}

md_err *md_cmd_acme_agree(md_cli *cli, int argc, char **argv)
{
    if (argc < 2)
        return md_usage(cli, "'acme agree' needs the name of an account");
    if (!cli->terms)
        return md_usage(cli, "to agree, say so: -t accepted");
    for (int i = 1; i < argc; ++i) {
        json_t *members = md_json_object(cli->p);
        const md_directory *directory;
        md_account *account = NULL;
        md_call call = { NULL, NULL, NULL, NULL, NULL };

        MD_TRY(md_cli_account(cli, argv[i], &account, &call));
        directory = md_ca_directory(call.ca, md_now(call.clock));
        if (!directory || !directory->terms)
            return md_cli_fail(cli, APR_ENOENT, "the CA of the account %s has no terms of service", argv[i]);
        md_json_set_flag(members, "termsOfServiceAgreed", 1);
        md_json_set_names(members, "contact",
                          account->contacts); /* some CAs take nothing else for a change */
        MD_TRY(md_account_change(&call, account, members, "agreeing to the terms of service", cli->p));
        account->agreement = directory->terms;
        MD_TRY(md_account_save(cli->store, account, cli->p));
        printf("agreed terms-of-service: %s\n", directory->terms);
    }
    return NULL;
}

/** What cannot be deactivated is said and no reason to keep it here. */
static md_err *deactivate(md_cli *cli, const char *id)
{
    json_t *members = md_json_object(cli->p);
    md_account *account = NULL;
    md_call call;

    MD_TRY(md_cli_account(cli, id, &account, &call));
    md_json_set_text(members, "status", "deactivated");
    return md_account_change(&call, account, members, "deactivating the account", cli->p);
}

md_err *md_cmd_acme_delreg(md_cli *cli, int argc, char **argv)
{
    if (argc < 2)
        return md_usage(cli, "'acme delreg' needs the name of an account");
    for (int i = 1; i < argc; ++i) {
        md_err *err = deactivate(cli, argv[i]);

        if (!err)
            md_log(MD_LOG_INFO, 0, "%s: deactivated at the CA", argv[i]);
        else if (!APR_STATUS_IS_ENOENT(err->status))
            md_log_err(MD_LOG_WARN, 0, NULL, "deactivating the account", err,
                       "%s is removed here only:", argv[i]);
        MD_TRY(md_store_drop(cli->store, MD_PLACE(MD_GROUP_ACCOUNTS, argv[i], NULL), cli->p));
    }
    return NULL;
}

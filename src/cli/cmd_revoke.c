/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking back what was issued.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "acme/account.h"
#include "acme/revoke.h"
#include "cli/a2md.h"
#include "jobs/export.h"

typedef struct revocation {
    int reason, replace, yes;
} revocation;

static md_err *read_options(md_cli *cli, int argc, char **argv, revocation *how)
{
    static const struct option options[] = { { "reason", required_argument, NULL, 'r' },
                                             { "replace", no_argument, NULL, 'n' },
                                             { "yes", no_argument, NULL, 'y' },
                                             { NULL, 0, NULL, 0 } };
    int option;

    while ((option = md_cli_option(argc, argv, "+r:y", options)) != 0) {
        switch (option) {
        case 'r': how->reason = md_revoke_reason(optarg); break;
        case 'n': how->replace = 1; break;
        case 'y': how->yes = 1; break;
        default:
            return md_usage(cli, "revoke takes --reason, --replace, --yes and the name of a managed domain");
        }
        if (how->reason < 0)
            return md_usage(cli, "'%s' is no reason; there are: %s", optarg, md_revoke_reasons(cli->p));
    }
    return optind + 1 == argc ? NULL : md_usage(cli, "'revoke' needs the name of one managed domain");
}

/** The way to the domain's CA, with its account if there is one: without, the certificate's key does. */
static md_err *open_call(md_cli *cli, const md_domain *domain, md_call *call)
{
    const char *ca_url = cli->ca_url ? cli->ca_url : md_domain_ca_url(domain);
    const md_binding *binding = md_policy_binding(&domain->policy, ca_url);
    const char *kid = binding ? binding->kid : NULL;
    md_account_wish wish = { .ca_url = ca_url,
                             .eab_kid = kid,
                             .eab_hmac = binding ? binding->hmac : NULL,
                             .domain = domain->name,
                             .preferred = domain->ca_account };
    md_account *account;

    MD_TRY(md_cli_call(cli, wish.ca_url, kid, call));
    MD_TRY(md_account_find(cli->store, &wish, cli->p, &account));
    if (!account)
        return NULL;
    md_ca_use_account(call->ca, account->url, account->name, account->key);
    call->account = md_ca_account(call->ca, cli->p);
    return NULL;
}

static md_err *revoke_all(md_cli *cli, const md_domain *domain, const apr_array_header_t *creds, int reason)
{
    md_call call;

    MD_TRY(open_call(cli, domain, &call));
    for (int i = 0; i < creds->nelts; ++i) {
        const md_creds *each = APR_ARRAY_IDX(creds, i, const md_creds *);
        int already;

        MD_TRY(md_revoke(&call, each, reason, cli->p, &already));
        if (!cli->json)
            printf("%s: %s: serial %s\n", domain->name, already ? "was revoked already" : "revoked",
                   each->facts.serial);
        json_array_append(cli->output, md_status_cert(&each->facts, 1, cli->p));
    }
    return NULL;
}

md_err *md_cmd_revoke(md_cli *cli, int argc, char **argv)
{
    revocation how = { 0, 0, 0 };
    apr_array_header_t *creds;
    md_domain *domain;

    MD_TRY(read_options(cli, argc, argv, &how));
    MD_TRY(md_cli_domain(cli, argv[optind], &domain));
    MD_TRY(md_export_creds(cli->store, domain, cli->p, &creds));
    if (!creds)
        return md_cli_fail(cli, APR_ENOENT, "%s has no certificate that could be revoked", domain->name);
    if (!how.yes && !md_cli_agreed("Revoke %d certificate(s) of %s for good%s?", creds->nelts, domain->name,
                                   how.replace ? ", after getting new ones" : ""))
        return NULL;
    if (how.replace)
        MD_TRY(md_cli_renew(cli, domain)); /* first, so that the host is never without */
    MD_TRY(revoke_all(cli, domain, creds, how.reason));
    if (!how.replace)
        md_log(MD_LOG_NOTICE, 0, "%s goes on with a revoked certificate until it is renewed: a2md renew %s",
               domain->name, domain->name);
    return NULL;
}

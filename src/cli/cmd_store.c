/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on the store as it is, without checks of the plan.
 */
#include "cli/a2md.h"
#include "plan/due.h"

md_err *md_cmd_store_list(md_cli *cli, int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return md_usage(cli, "'store list' takes no arguments");
    for (int i = 0; i < cli->plan->domains->nelts; ++i)
        md_cli_show(cli, MD_DOMAIN(cli->plan, i), -1);
    return NULL;
}

md_err *md_cmd_store_add(md_cli *cli, int argc, char **argv)
{
    md_names *names = md_names_make(cli->p);
    md_place place;
    md_domain *domain;
    md_bytes stored;

    for (int i = 1; i < argc; ++i)
        md_names_add_new(names, argv[i]);
    if (!names->nelts)
        return md_usage(cli, "'store add' needs at least one DNS name");
    domain = md_domain_make(names, cli->p);
    place = MD_PLACE(MD_GROUP_DOMAINS, domain->name, "md.json");
    MD_TRY(md_store_load(cli->store, place, cli->p, &stored));
    if (stored.data) {
        md_err *err = md_fail(cli->p, MD_FAULT_CONFIG, "md:exists", "%s is stored already", domain->name);

        err->status = APR_EEXIST;
        return err;
    }
    if (cli->ca_url) {
        domain->policy.ca_urls.list = md_names_make(cli->p);
        md_names_add(domain->policy.ca_urls.list, cli->ca_url);
        domain->policy.set |= APR_UINT64_C(1) << MD_FIELD_ca_urls;
    }
    MD_TRY(md_store_save_json(cli->store, place, md_domain_to_json(domain, MD_STATE_INCOMPLETE, cli->p),
                              cli->p));
    md_cli_show(cli, domain, -1);
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on the store as it is, without checks of the plan.
 */
#include <string.h>

#include "cli/a2md.h"

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
    md_names *names;
    md_domain *domain;

    if (argc < 2)
        return md_usage(cli, "'store add' needs at least one DNS name");
    MD_TRY(md_cli_names(cli, argc - 1, argv + 1, &names));
    domain = md_domain_make(names, cli->p);
    MD_TRY(md_cli_is_new(cli, domain->name));
    domain->stored_state = MD_STATE_INCOMPLETE;
    md_cli_set_ca(cli, domain, NULL);
    MD_TRY(md_cli_save(cli, domain));
    md_cli_show(cli, domain, -1);
    return NULL;
}

/** An empty set takes the folder's place, which sends that to the archive; then the empty one goes. */
static md_err *archive(md_cli *cli, const char *name)
{
    const apr_array_header_t *nothing = apr_array_make(cli->p, 1, sizeof(md_file));

    MD_TRY(md_store_save_set(cli->store, MD_GROUP_DOMAINS, name, nothing, 1, cli->p));
    MD_TRY(md_store_drop(cli->store, MD_PLACE(MD_GROUP_DOMAINS, name, NULL), cli->p));
    return md_store_drop(cli->store, MD_PLACE(MD_GROUP_STAGING, name, NULL), cli->p);
}

md_err *md_cmd_store_remove(md_cli *cli, int argc, char **argv)
{
    static const struct option options[] = { { "force", no_argument, NULL, 'f' }, { NULL, 0, NULL, 0 } };
    int option, force = 0;

    while ((option = md_cli_option(argc, argv, "+f", options)) != 0) {
        if (option != 'f')
            return md_usage(cli, "'store remove' takes -f and names of managed domains");
        force = 1;
    }
    if (optind >= argc)
        return md_usage(cli, "'store remove' needs the name of a managed domain");
    for (; optind < argc; ++optind) {
        md_names *files;

        MD_TRY(md_store_list(cli->store, MD_GROUP_DOMAINS, argv[optind], cli->p, &files));
        if (!files->nelts && !force)
            return md_cli_fail(cli, APR_ENOENT, "no managed domain has the name %s", argv[optind]);
        if (files->nelts)
            MD_TRY(archive(cli, argv[optind]));
    }
    return NULL;
}

md_err *md_cmd_store_update(md_cli *cli, int argc, char **argv)
{
    md_domain *domain;

    if (argc < 2)
        return md_usage(cli, "'store update' needs the name of a managed domain");
    domain = md_plan_named(cli->plan, argv[1]);
    if (!domain)
        return md_cli_fail(cli, APR_ENOENT, "no managed domain has the name %s", argv[1]);
    if (argc > 2 && strcmp(argv[2], "domains") != 0)
        return md_cli_fail(cli, APR_ENOTIMPL, "there is no aspect '%s'; there is domains", argv[2]);
    if (argc > 2)
        MD_TRY(md_cli_names(cli, argc - 3, argv + 3, &domain->names));
    md_cli_set_ca(cli, domain, NULL);
    MD_TRY(md_cli_save(cli, domain));
    md_cli_show(cli, domain, -1);
    return NULL;
}

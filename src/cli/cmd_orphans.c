/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nothing refers to any more. Which domains are configured is the server's word; everything else follows
 * from their records.
 */
#include <apr_hash.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/a2md.h"

/** A search. */
typedef struct search {
    md_cli *cli;
    apr_hash_t *configured;    /* names of domains */
    apr_hash_t *cas;           /* URLs of their CAs */
    apr_array_header_t *found; /* of md_place */
} search;

static int is_known(apr_hash_t *set, const char *name)
{
    return apr_hash_get(set, name, APR_HASH_KEY_STRING) != NULL;
}

/** Which domains the server has, and at which CAs they may have accounts. */
static md_err *learn(search *in)
{
    const md_cli *cli = in->cli;
    md_names *names;
    json_t *doc;

    MD_TRY(md_store_load_json(cli->store, MD_PLACE(MD_GROUP_ROOT, NULL, MD_PLAN_FILE), cli->p, &doc));
    if (!doc)
        return md_cli_fail(
            in->cli, APR_ENOENT,
            "no server has noted its domains here yet; start it once, then what is left over can be "
            "told");
    names = md_json_names(doc, "domains", cli->p);
    for (int i = 0; i < names->nelts; ++i) {
        const md_domain *domain = md_plan_named(cli->plan, MD_NAME(names, i));
        const md_names *urls = domain ? domain->policy.ca_urls.list : NULL;

        apr_hash_set(in->configured, MD_NAME(names, i), APR_HASH_KEY_STRING, "");
        for (int k = 0; urls && k < urls->nelts; ++k)
            apr_hash_set(in->cas, MD_NAME(urls, k), APR_HASH_KEY_STRING, "");
        if (domain)
            apr_hash_set(in->cas, md_domain_ca_url(domain), APR_HASH_KEY_STRING, "");
    }
    return NULL;
}

static int is_domains(const search *in, const char *name)
{
    return is_known(in->configured, name);
}

/** "example.org.3" */
static int is_archived(const search *in, const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && is_known(in->configured, apr_pstrmemdup(in->cli->p, name, (apr_size_t)(dot - name)));
}

static int is_staple(const search *in, const char *name)
{
    return !strcmp(name, "other") || is_known(in->configured, name);
}

/** A name that a configured domain has. */
static int is_managed(const search *in, const char *name)
{
    const md_domain *domain = md_plan_find(in->cli->plan, name);

    return domain && is_known(in->configured, domain->name);
}

/** Of a CA that some domain uses; what cannot be read is left alone. */
static int is_account(const search *in, const char *name)
{
    const md_cli *cli = in->cli;
    const char *url;
    json_t *doc;
    md_err *err =
        md_store_load_json(cli->store, MD_PLACE(MD_GROUP_ACCOUNTS, name, "account.json"), cli->p, &doc);

    url = err || !doc ? NULL : md_json_text(doc, "ca-url");
    return !url || is_known(in->cas, url);
}

static const struct {
    md_group group;
    int (*is_used)(const search *in, const char *name);
} groups[] = {
    { MD_GROUP_DOMAINS, is_domains },  { MD_GROUP_STAGING, is_domains }, { MD_GROUP_LIVE, is_domains },
    { MD_GROUP_ARCHIVE, is_archived }, { MD_GROUP_OCSP, is_staple },     { MD_GROUP_CHALLENGES, is_managed },
    { MD_GROUP_ACCOUNTS, is_account },
};

static md_err *find_orphans(search *in)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); ++i) {
        md_names *names;

        MD_TRY(md_store_list(in->cli->store, groups[i].group, NULL, in->cli->p, &names));
        for (int k = 0; k < names->nelts; ++k)
            if (!groups[i].is_used(in, MD_NAME(names, k)))
                APR_ARRAY_PUSH(in->found, md_place) = MD_PLACE(groups[i].group, MD_NAME(names, k), NULL);
    }
    return NULL;
}

static void show(const search *in)
{
    for (int i = 0; i < in->found->nelts; ++i) {
        const char *text = md_place_text(APR_ARRAY_IDX(in->found, i, md_place), in->cli->p);

        if (in->cli->json)
            json_array_append_new(in->cli->output, json_string(text));
        else
            puts(text);
    }
}

md_err *md_cmd_orphans(md_cli *cli, int argc, char **argv)
{
    static const struct option options[] = { { "remove", no_argument, NULL, 'r' },
                                             { "yes", no_argument, NULL, 'y' },
                                             { NULL, 0, NULL, 0 } };
    search in = { .cli = cli,
                  .configured = apr_hash_make(cli->p),
                  .cas = apr_hash_make(cli->p),
                  .found = apr_array_make(cli->p, 8, sizeof(md_place)) };
    int option, remove = 0, yes = 0;

    while ((option = md_cli_option(argc, argv, "+ry", options)) != 0) {
        if (option < 0)
            return md_usage(cli, "orphans takes --remove and --yes");
        remove |= option == 'r';
        yes |= option == 'y';
    }
    MD_TRY(learn(&in));
    MD_TRY(find_orphans(&in));
    show(&in);
    if (!remove || !in.found->nelts ||
        (!yes && !md_cli_agreed("Remove %d folder(s) for good? Keys in them are lost.", in.found->nelts)))
        return NULL;
    for (int i = 0; i < in.found->nelts; ++i)
        MD_TRY(md_store_drop(cli->store, APR_ARRAY_IDX(in.found, i, md_place), cli->p));
    md_log(MD_LOG_INFO, 0, "removed %d folder(s)", in.found->nelts);
    return NULL;
}

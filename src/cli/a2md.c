/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a2md: looks at and works on a store from the command line. A table of commands; options stand before the
 * command.
 */
#include "cli/a2md.h"

#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_fs.h"

enum { EXIT_USAGE = 2 };

/* clang-format off */
static const md_command commands[] = {
    { "list",       "[name...]",                           "show all managed domains, or the named ones",               0, md_cmd_list },
    { "drive",      "[-c type] [-f] [-r] [name...]",       "renew what is due (-f: even if not) and activate it",        1, md_cmd_drive },
    { "store list", "",                                    "show all managed domains as they are stored",               0, md_cmd_store_list },
    { "store add",  "dns...",                              "store a managed domain without checks",                     1, md_cmd_store_add },
};

static const struct option long_options[] = {
    { "acme",    required_argument, NULL, 'a' }, { "cafile",  required_argument, NULL, 'C' },
    { "dir",     required_argument, NULL, 'd' }, { "help",    no_argument,       NULL, 'h' },
    { "json",    no_argument,       NULL, 'j' }, { "proxy",   required_argument, NULL, 'p' },
    { "quiet",   no_argument,       NULL, 'q' }, { "terms",   required_argument, NULL, 't' },
    { "verbose", no_argument,       NULL, 'v' }, { "version", no_argument,       NULL, 'V' },
    { NULL, 0, NULL, 0 }
};
/* clang-format on */

static void print_usage(void)
{
    fputs("usage: a2md [options] command [arguments]\n\noptions:\n"
          "  -a, --acme URL      directory of the certificate authority\n"
          "  -C, --cafile FILE   PEM roots that its server is checked against\n"
          "  -d, --dir DIR       folder of the store (MDStoreDir)\n"
          "  -h, --help          show this\n"
          "  -j, --json          print JSON\n"
          "  -p, --proxy URL     HTTP proxy\n"
          "  -q, --quiet         say less (repeatable)\n"
          "  -t, --terms TEXT    'accepted': agree to the terms of service\n"
          "  -v, --verbose       say more (repeatable)\n"
          "  -V, --version       show the version\n\ncommands:\n",
          stderr);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); ++i)
        fprintf(stderr, "  %-10s %-32s %s\n", commands[i].words, commands[i].arguments, commands[i].help);
}

md_err *md_usage(md_cli *cli, const char *fmt, ...)
{
    va_list args;
    const char *text;

    va_start(args, fmt);
    text = apr_pvsprintf(cli->p, fmt, args);
    va_end(args);
    return md_fail(cli->p, MD_FAULT_CONFIG, "md:usage", "%s", text);
}

void md_cli_show(md_cli *cli, const md_domain *domain, int renew)
{
    json_t *doc;

    if (!cli->json) {
        printf("md: %s [%s]\n", domain->name, md_names_join(domain->names, ", ", cli->p));
        return;
    }
    doc = md_domain_to_json(domain, 0, cli->p);
    if (md_json_at(doc, "eab.hmac"))
        md_json_set_text(doc, "eab.hmac", "***");
    if (renew >= 0)
        md_json_set_flag(doc, "renew", renew);
    json_array_append(cli->output, doc);
}

static int log_wanted(void *self, md_level level)
{
    return level <= ((md_cli *)self)->level;
}

static void log_line(void *self, md_level level, int id, const char *line)
{
    (void)self;
    (void)level;
    if (id)
        fprintf(stderr, "AH%05d: ", id);
    fprintf(stderr, "%s\n", line);
}

/** Reads every stored domain; a damaged md.json is set aside and leaves the others alone. */
static md_err *read_plan(md_cli *cli)
{
    md_names *names;
    json_t *reach;

    cli->plan = md_plan_make(cli->p);
    MD_TRY(md_store_load_json(cli->store, MD_PLACE(MD_GROUP_ROOT, NULL, "httpd.json"), cli->p, &reach));
    cli->plan->can_http = md_json_flag(reach, "proto.http", 1);
    cli->plan->can_https = md_json_flag(reach, "proto.https", 1);
    MD_TRY(md_store_list(cli->store, MD_GROUP_DOMAINS, NULL, cli->p, &names));
    for (int i = 0; i < names->nelts; ++i) {
        md_domain *domain;
        json_t *doc;
        md_err *err = md_store_load_json(cli->store, MD_PLACE(MD_GROUP_DOMAINS, MD_NAME(names, i), "md.json"),
                                         cli->p, &doc);

        if (err)
            md_log_err(MD_LOG_WARN, 0, MD_NAME(names, i), "reading the store", err,
                       "this domain is left out:");
        domain = err || !doc ? NULL : md_domain_from_json(doc, cli->p);
        if (!domain)
            continue;
        md_policy_defaults(&domain->policy, cli->p);
        MD_TRY(md_plan_add(cli->plan, domain, 1, cli->p));
    }
    return NULL;
}

static md_err *open_store(md_cli *cli, int writes)
{
    md_store_fs_options options = { .base = NULL, .uid = -1, .read_only = !writes };
    char *base = NULL;
    apr_finfo_t found;

    if (!cli->store_dir)
        return md_usage(cli, "this command needs the folder of the store: -d DIR");
    if (apr_filepath_merge(&base, NULL, cli->store_dir, 0, cli->p) != APR_SUCCESS)
        return md_usage(cli, "-d %s is not a usable path", cli->store_dir);
    options.base = base;
    if (!writes && apr_stat(&found, base, APR_FINFO_TYPE, cli->p) != APR_SUCCESS)
        md_log(MD_LOG_WARN, 0, "there is no store at %s", base);
    MD_TRY(md_store_fs_open(&options, cli->p, &cli->store));
    return read_plan(cli);
}

/** The command whose words start `argv`; *used is how many words those are. */
static const md_command *find_command(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); ++i) {
        char first[16] = "", second[16] = "";
        int words = sscanf(commands[i].words, "%15s %15s", first, second);

        if (argc < words || strcmp(argv[0], first) != 0 || (words == 2 && strcmp(argv[1], second) != 0))
            continue;
        *used = words;
        return &commands[i];
    }
    return NULL;
}

/** Reads the options; returns the exit code to leave with, or -1 to go on. */
static int read_options(md_cli *cli, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "+a:C:d:hjp:qt:vV", long_options, NULL)) != -1) {
        switch (option) {
        case 'a': cli->ca_url = optarg; break;
        case 'C': cli->ca_file = optarg; break;
        case 'd': cli->store_dir = optarg; break;
        case 'j': cli->json = 1; break;
        case 'p': cli->proxy_url = optarg; break;
        case 'q': cli->level -= cli->level > MD_LOG_CRIT; break;
        case 't': cli->terms = optarg; break;
        case 'v': cli->level += cli->level < MD_LOG_TRACE1; break;
        case 'V': puts("version: " MD_VERSION); return EXIT_SUCCESS;
        default: print_usage(); return EXIT_USAGE;
        }
    }
    return -1;
}

static md_err *run(md_cli *cli, int argc, char **argv)
{
    int used = 0;
    const md_command *command = argc ? find_command(argc, argv, &used) : NULL;

    if (!command)
        return argc ? md_usage(cli, "there is no command '%s'", argv[0])
                    : md_usage(cli, "a command is missing");
    MD_TRY(open_store(cli, command->writes));
    return command->run(cli, argc - used + 1, argv + used - 1);
}

static int finish(md_cli *cli, const md_err *err)
{
    if (cli->json) {
        json_t *doc = md_json_object(cli->p);

        json_object_set(doc, "output", cli->output);
        md_json_set_int(doc, "status", err ? err->status : 0);
        md_json_set_text(doc, "description", err ? md_err_text(err, cli->p) : NULL);
        puts(md_json_text_of(doc, cli->p));
    }
    if (!err)
        return EXIT_SUCCESS;
    fprintf(stderr, "a2md: %s\n", md_err_text(err, cli->p));
    if (strcmp(err->type, "md:usage") == 0)
        print_usage();
    else
        fprintf(stderr, "a2md: %s\n", md_err_advice(err));
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    md_cli cli = { .level = MD_LOG_INFO };
    int code;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&cli.p, NULL);
    code = read_options(&cli, argc, argv);
    if (code >= 0)
        return code;
    md_http_global_init();
    md_log_to(log_line, log_wanted, &cli);
    cli.output = md_own_json(cli.p, json_array());
    return finish(&cli, run(&cli, argc - optind, argv + optind));
}

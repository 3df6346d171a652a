/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of a2md share: the options before the command, the store and plan, the output.
 */
#ifndef MD_CLI_A2MD_H
#define MD_CLI_A2MD_H

#include "base/log.h"
#include "jobs/core.h"

typedef struct md_cli {
    apr_pool_t *p;
    const char *ca_url, *ca_file, *store_dir, *proxy_url, *terms;
    int json;
    md_level level;
    md_store *store; /* opened for commands that need it */
    md_plan *plan;   /* what the store's domains ask for */
    json_t *output;  /* array of what the command shows */
} md_cli;

/** One command: its words ("store list"), arguments for the usage line, what it does, whether it changes the
 * store. */
typedef struct md_command {
    const char *words, *arguments, *help;
    int writes;
    md_err *(*run)(md_cli *cli, int argc, char **argv);
} md_command;

md_err *md_cmd_list(md_cli *cli, int argc, char **argv);
md_err *md_cmd_drive(md_cli *cli, int argc, char **argv);
md_err *md_cmd_store_list(md_cli *cli, int argc, char **argv);
md_err *md_cmd_store_add(md_cli *cli, int argc, char **argv);

/** Wrong arguments: the usage is shown, exit code 1. */
MD_MUST md_err *md_usage(md_cli *cli, const char *fmt, ...) MD_PRINTF(2, 3);
/** Adds a domain to the output; plain form is printed at once. */
void md_cli_show(md_cli *cli, const md_domain *domain, int renew);

#endif

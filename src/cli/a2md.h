/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of a2md share: the options before the command, the store and plan, the output, the way to
 * a CA.
 */
#ifndef MD_CLI_A2MD_H
#define MD_CLI_A2MD_H

#include <getopt.h>

#include "acme/account.h"
#include "base/log.h"
#include "jobs/core.h"
#include "status/status.h"

typedef struct md_cli {
    apr_pool_t *p;
    const char *ca_url, *ca_file, *store_dir, *proxy_url, *terms;
    const char *base; /* the store's absolute path */
    int json;
    md_level level;
    const struct md_command *command; /* that runs */
    md_store *store;                  /* opened for commands that need it */
    md_plan *plan;                    /* what the store's domains ask for */
    json_t *output;                   /* array of what the command shows */
} md_cli;

typedef enum md_command_store { MD_STORE_NOT, MD_STORE_READ, MD_STORE_WRITE } md_command_store;

/** One command: its words ("store list"), arguments for the usage line, what it does, an example. */
typedef struct md_command {
    const char *words, *arguments, *help, *example;
    md_command_store store; /* what it does with the store */
    /** argv[0] is the command's last word, as getopt wants it. */
    md_err *(*run)(md_cli *cli, int argc, char **argv);
} md_command;

md_err *md_cmd_add(md_cli *cli, int argc, char **argv);
md_err *md_cmd_list(md_cli *cli, int argc, char **argv);
md_err *md_cmd_update(md_cli *cli, int argc, char **argv);
md_err *md_cmd_status(md_cli *cli, int argc, char **argv);
md_err *md_cmd_check(md_cli *cli, int argc, char **argv);
md_err *md_cmd_renew(md_cli *cli, int argc, char **argv);
md_err *md_cmd_export(md_cli *cli, int argc, char **argv);
md_err *md_cmd_orphans(md_cli *cli, int argc, char **argv);
md_err *md_cmd_revoke(md_cli *cli, int argc, char **argv);
md_err *md_cmd_account_list(md_cli *cli, int argc, char **argv);
md_err *md_cmd_account_update(md_cli *cli, int argc, char **argv);
md_err *md_cmd_account_rollover(md_cli *cli, int argc, char **argv);
md_err *md_cmd_account_deactivate(md_cli *cli, int argc, char **argv);
md_err *md_cmd_drive(md_cli *cli, int argc, char **argv);
md_err *md_cmd_store_list(md_cli *cli, int argc, char **argv);
md_err *md_cmd_store_add(md_cli *cli, int argc, char **argv);
md_err *md_cmd_store_remove(md_cli *cli, int argc, char **argv);
md_err *md_cmd_store_update(md_cli *cli, int argc, char **argv);
md_err *md_cmd_acme_newreg(md_cli *cli, int argc, char **argv);
md_err *md_cmd_acme_validate(md_cli *cli, int argc, char **argv);
md_err *md_cmd_acme_agree(md_cli *cli, int argc, char **argv);
md_err *md_cmd_acme_delreg(md_cli *cli, int argc, char **argv);

/** Wrong arguments: the usage is shown, exit code 1. */
MD_MUST md_err *md_usage(md_cli *cli, const char *fmt, ...) MD_PRINTF(2, 3);
/** A failure with the number that JSON output shows. */
MD_MUST md_err *md_cli_fail(md_cli *cli, apr_status_t status, const char *fmt, ...) MD_PRINTF(3, 4);
/** Reads one more option of the command: its letter, 0 after the last, -1 when it has no such option. */
int md_cli_option(int argc, char **argv, const char *letters, const struct option *options);

/** Opens the store of -d and reads its domains; once more for writing is fine. */
MD_MUST md_err *md_cli_open(md_cli *cli, int writes);
/** The domain with this name, else the one that has this DNS name; unknown is a failure. */
MD_MUST md_err *md_cli_domain(md_cli *cli, const char *name, md_domain **out);
/** The named domains, or all by name when no name is given. */
MD_MUST md_err *md_cli_domains(md_cli *cli, int argc, char **argv, apr_array_header_t **out);
/** DNS names from the command line, lowercase, once each; at least one. */
MD_MUST md_err *md_cli_names(md_cli *cli, int argc, char **argv, md_names **out);
/** Is nothing stored under this name? */
MD_MUST md_err *md_cli_is_new(md_cli *cli, const char *name);
/** Saves md.json; the state in it stays, for the server knows it when it starts. */
MD_MUST md_err *md_cli_save(md_cli *cli, const md_domain *domain);
/** Finds out which domains no virtual host uses, as the server noted at its last start. Commands that renew
 * take all domains as used. */
void md_cli_learn_hosts(md_cli *cli);
/** A plain URL: names of CAs are the configuration's. */
MD_MUST md_err *md_cli_check_ca(md_cli *cli, const char *url);
/** Makes a CA the domain's only one, or with `url` NULL the one of -a if there is such. */
void md_cli_set_ca(const md_cli *cli, md_domain *domain, const char *url);
/** Adds a domain to the output, with the state that is stored; plain form is printed at once. `renew` -1: not
 * said. */
void md_cli_show(md_cli *cli, const md_domain *domain, int renew);
/** The same, with what its certificates say now: the state, and whether it is to be renewed. */
void md_cli_show_now(md_cli *cli, const md_domain *domain);

/** Renews a domain now: asks the server that runs and waits, else does it in this process. */
MD_MUST md_err *md_cli_renew(md_cli *cli, md_domain *domain);
/** Renews a domain in this process, whether it is due or not, and activates the result. */
MD_MUST md_err *md_cli_drive(md_cli *cli, md_domain *domain);
/** For md_core.facts: read from the store; `self` is the core. */
md_err *md_cli_facts(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts);
/** The user of the server's children, as far as the store tells: what we make for them must be theirs. -1:
 * not known. */
long md_cli_user(const md_cli *cli);
/** May output be coloured: a terminal, and nobody against it (NO_COLOR)? */
int md_cli_colours(void);

/** Asks a question on the terminal; only a clear yes is one. */
int md_cli_agreed(const char *fmt, ...) MD_PRINTF(1, 2);

/** The account with this id, and the way to its CA; unknown is a failure. */
MD_MUST md_err *md_cli_account(md_cli *cli, const char *id, md_account **account, md_call *call);
/** Opens the way to a CA and reads its directory. All ends with the pool. */
MD_MUST md_err *md_cli_call(md_cli *cli, const char *ca_url, const char *eab_kid, md_call *call);
/** Who we say we are to CAs. */
#define MD_CLI_AGENT "apachemd/" MD_VERSION " mod_md/" MD_VERSION

#endif

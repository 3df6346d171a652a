/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a2md: looks at and works on a store from the command line. A table of commands; options stand before the
 * command they belong to.
 */
#include "cli/a2md.h"

#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/typo.h"
#include "store/store_fs.h"

enum { EXIT_USAGE = 2, STEP_ID = 10052 };

/* clang-format off */
static const md_command commands[] = {
    { "status",        "[name...]",                  "show how things stand: state, expiry, what comes next, last problem",
      "a2md -d /etc/apache2/md status", MD_STORE_READ, md_cmd_status },
    { "check",         "[--online] [--resolver ADDRESS[:PORT]] [--http-port N] [--https-port N] [name...]",
      "find what is wrong, offline or also as the world sees it", "a2md -d /etc/apache2/md check --online example.org",
      MD_STORE_READ, md_cmd_check },
    { "renew",         "name...",                    "renew now: by the server that runs, else by itself",
      "a2md -d /etc/apache2/md renew example.org", MD_STORE_WRITE, md_cmd_renew },
    { "export",        "name folder",                "copy key, certificate, chain and fullchain to a folder",
      "a2md -d /etc/apache2/md export example.org /root/example.org", MD_STORE_READ, md_cmd_export },
    { "revoke",        "[--reason R] [--replace] [--yes] name", "have the CA revoke the certificates of a domain",
      "a2md -d /etc/apache2/md revoke --reason keyCompromise --replace example.org", MD_STORE_WRITE, md_cmd_revoke },
    { "orphans",       "[--remove] [--yes]",         "list what nothing refers to any more; remove it after asking",
      "a2md -d /etc/apache2/md orphans --remove", MD_STORE_WRITE, md_cmd_orphans },
    { "add",           "domain...",                  "store a new managed domain, after checks",
      "a2md -d /etc/apache2/md add example.org www.example.org", MD_STORE_WRITE, md_cmd_add },
    { "list",          "[name...]",                  "show all managed domains, or the named ones",
      "a2md -d /etc/apache2/md list", MD_STORE_READ, md_cmd_list },
    { "update",        "name [aspect value...]",     "change a managed domain: domains, ca, account, contacts or agreement",
      "a2md -d /etc/apache2/md update example.org contacts you@example.org", MD_STORE_WRITE, md_cmd_update },
    { "drive",         "[-c type] [-f] [-r] [name...]", "renew what is due (-f: even if not) and activate it",
      "a2md -d /etc/apache2/md -t accepted drive example.org", MD_STORE_WRITE, md_cmd_drive },
    { "store add",     "dns...",                     "store a managed domain without checks",
      "a2md -d /etc/apache2/md store add example.org", MD_STORE_WRITE, md_cmd_store_add },
    { "store remove",  "[-f] name...",               "move managed domains to the archive (-f: missing ones are fine)",
      "a2md -d /etc/apache2/md store remove example.org", MD_STORE_WRITE, md_cmd_store_remove },
    { "store list",    "",                           "show all managed domains as they are stored",
      "a2md -d /etc/apache2/md store list", MD_STORE_READ, md_cmd_store_list },
    { "store update",  "name [domains dns...]",      "change a stored domain without checks",
      "a2md -d /etc/apache2/md store update example.org domains example.org", MD_STORE_WRITE, md_cmd_store_update },
    { "account list",  "",                           "show the accounts at certificate authorities",
      "a2md -d /etc/apache2/md account list", MD_STORE_READ, md_cmd_account_list },
    { "account update", "account contact...",        "change the contacts of an account at its CA",
      "a2md -d /etc/apache2/md account update ACMEv2-ca.example-0000 you@example.org", MD_STORE_WRITE, md_cmd_account_update },
    { "account rollover", "account...",              "give accounts a new key",
      "a2md -d /etc/apache2/md account rollover ACMEv2-ca.example-0000", MD_STORE_WRITE, md_cmd_account_rollover },
    { "account deactivate", "[--yes] account...",    "end accounts at their CA, for good",
      "a2md -d /etc/apache2/md account deactivate ACMEv2-ca.example-0000", MD_STORE_WRITE, md_cmd_account_deactivate },
    { "acme newreg",   "contact...",                 "register an account at the CA of -a",
      "a2md -d /etc/apache2/md -a https://ca.example/dir -t accepted acme newreg you@example.org", MD_STORE_WRITE, md_cmd_acme_newreg },
    { "acme validate", "account...",                 "ask the CA whether it knows these accounts",
      "a2md -d /etc/apache2/md acme validate ACMEv2-ca.example-0000", MD_STORE_WRITE, md_cmd_acme_validate },
    { "acme agree",    "account...",                 "agree to the CA's present terms of service",
      "a2md -d /etc/apache2/md -t accepted acme agree ACMEv2-ca.example-0000", MD_STORE_WRITE, md_cmd_acme_agree },
    { "acme delreg",   "account...",                 "deactivate accounts at the CA and remove them here",
      "a2md -d /etc/apache2/md acme delreg ACMEv2-ca.example-0000", MD_STORE_WRITE, md_cmd_acme_delreg },
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct option long_options[] = {
    { "acme",    required_argument, NULL, 'a' }, { "cafile",  required_argument, NULL, 'C' },
    { "dir",     required_argument, NULL, 'd' }, { "help",    no_argument,       NULL, 'h' },
    { "json",    no_argument,       NULL, 'j' }, { "proxy",   required_argument, NULL, 'p' },
    { "quiet",   no_argument,       NULL, 'q' }, { "terms",   required_argument, NULL, 't' },
    { "verbose", no_argument,       NULL, 'v' }, { "version", no_argument,       NULL, 'V' },
    { NULL, 0, NULL, 0 }
};
/* clang-format on */

/** Does the command belong to what `words` begin: all for "", a group for "store"? */
static int belongs(const md_command *command, const char *words)
{
    const size_t length = strlen(words);

    return !length || (!strncmp(command->words, words, length) &&
                       (!command->words[length] || command->words[length] == ' '));
}

static void print_commands(const char *words)
{
    fputs("\ncommands:\n", stderr);
    for (size_t i = 0; i < COMMANDS; ++i)
        if (belongs(&commands[i], words))
            fprintf(stderr, "  %-18s  %s\n", commands[i].words, commands[i].help);
    fputs("\n'a2md COMMAND --help' tells more about one.\n", stderr);
}

static void print_usage(void)
{
    fputs("usage: a2md [options] command [command options] [arguments]\n\n"
          "Looks at and works on the store of Apache's mod_md.\n\noptions:\n"
          "  -a, --acme URL      directory of the certificate authority\n"
          "  -C, --cafile FILE   PEM roots that its server is checked against\n"
          "  -d, --dir DIR       folder of the store (MDStoreDir)\n"
          "  -h, --help          show this\n"
          "  -j, --json          print JSON\n"
          "  -p, --proxy URL     HTTP proxy\n"
          "  -q, --quiet         say less (repeatable)\n"
          "  -t, --terms TEXT    'accepted': agree to the terms of service\n"
          "  -v, --verbose       say more (repeatable)\n"
          "  -V, --version       show the version\n",
          stderr);
    print_commands("");
}

static void print_command(const md_command *command)
{
    fprintf(stderr, "usage: a2md [options] %s %s\n\n%s.\n\nexample:\n  %s\n", command->words,
            command->arguments, command->help, command->example);
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

md_err *md_cli_fail(md_cli *cli, apr_status_t status, const char *fmt, ...)
{
    va_list args;
    const char *text;
    md_err *err;

    va_start(args, fmt);
    text = apr_pvsprintf(cli->p, fmt, args);
    va_end(args);
    err = md_fail(cli->p, MD_FAULT_CONFIG, "md:command-line", "%s", text);
    err->status = status;
    return err;
}

int md_cli_option(int argc, char **argv, const char *letters, const struct option *options)
{
    const int option = getopt_long(argc, argv, letters, options, NULL);

    return option == -1 ? 0 : option == '?' ? -1 : option;
}

md_err *md_cli_domain(md_cli *cli, const char *name, md_domain **out)
{
    *out = md_plan_named(cli->plan, name);
    if (!*out)
        *out = md_plan_find(cli->plan, name);
    return *out ? NULL : md_cli_fail(cli, APR_ENOENT, "no managed domain has the name %s", name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const md_domain *const *)a)->name, (*(const md_domain *const *)b)->name);
}

md_err *md_cli_domains(md_cli *cli, int argc, char **argv, apr_array_header_t **out)
{
    *out = apr_array_copy(cli->p, cli->plan->domains);
    qsort((*out)->elts, (size_t)(*out)->nelts, (size_t)(*out)->elt_size, by_name);
    if (!argc)
        return NULL;
    apr_array_clear(*out);
    for (int i = 0; i < argc; ++i) {
        md_domain *domain;

        if (*argv[i] == '-')
            return md_usage(cli, "this command has no option %s", argv[i]);
        MD_TRY(md_cli_domain(cli, argv[i], &domain));
        APR_ARRAY_PUSH(*out, md_domain *) = domain;
    }
    return NULL;
}

md_err *md_cli_check_ca(md_cli *cli, const char *url)
{
    const char *why = md_url_reason(url);

    if (why)
        return md_cli_fail(cli, APR_EINVAL, "%s is not the URL of a CA's directory: %s", url, why);
    return NULL;
}

void md_cli_set_ca(const md_cli *cli, md_domain *domain, const char *url)
{
    url = url ? url : cli->ca_url;
    if (!url)
        return;
    domain->policy.ca_urls.list = md_names_make(cli->p);
    md_names_add(domain->policy.ca_urls.list, url);
    domain->policy.set |= MD_SET_BIT(MD_FIELD_ca_urls);
    domain->ca_url = NULL;
}

void md_cli_show(md_cli *cli, const md_domain *domain, int renew)
{
    json_t *doc;

    if (!cli->json) {
        printf("md: %s [%s]\n", domain->name, md_names_join(domain->names, ", ", cli->p));
        return;
    }
    doc = md_domain_to_json(domain, domain->stored_state, cli->p);
    md_policy_hide_secrets(doc, cli->p);
    if (renew >= 0)
        md_json_set_flag(doc, "renew", renew);
    json_array_append(cli->output, doc);
}

int md_cli_agreed(const char *fmt, ...)
{
    char answer[8] = "";
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputs(" [y/N] ", stderr);
    return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

/** What a way to a CA is made of. */
typedef struct way {
    md_cas *cas;
    md_http *http;
    md_http_options options;
    md_http_route route;
} way;

static apr_status_t close_way(void *data)
{
    way *open = data;

    md_http_close(open->http);
    md_cas_close(open->cas);
    return APR_SUCCESS;
}

md_err *md_cli_call(md_cli *cli, const char *ca_url, const char *eab_kid, md_call *call)
{
    way *open = apr_pcalloc(cli->p, sizeof(*open));

    open->options.user_agent = MD_CLI_AGENT;
    open->route = (md_http_route){ .proxy_url = cli->proxy_url, .ca_file = cli->ca_file };
    open->cas = md_cas_open();
    open->http = md_http_open(&open->options);
    apr_pool_cleanup_register(cli->p, open, close_way, apr_pool_cleanup_null);
    *call = (md_call){ .ca = md_cas_gate(open->cas, ca_url, eab_kid),
                       .http = open->http,
                       .route = &open->route,
                       .clock = &md_clock_system };
    return md_call_directory(call, cli->p);
}

/** The steps of a renewal are wanted too: they show that something is done. */
static int log_wanted(void *self, md_level level)
{
    const md_cli *cli = self;

    return level <= cli->level || (level == MD_LOG_DEBUG && cli->level == MD_LOG_INFO);
}

static void log_line(void *self, md_level level, int id, const char *line)
{
    const md_cli *cli = self;

    if (level > cli->level && id != STEP_ID)
        return;
    if (id && cli->level > MD_LOG_INFO)
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
        domain->used = 1; /* only the server knows its hosts */
        MD_TRY(md_plan_add(cli->plan, domain, 1, cli->p));
    }
    return NULL;
}

void md_cli_learn_hosts(md_cli *cli)
{
    const md_names *unused;
    json_t *doc = NULL;
    md_err *err = md_store_load_json(cli->store, MD_PLACE(MD_GROUP_ROOT, NULL, MD_PLAN_FILE), cli->p, &doc);

    if (err)
        md_log_err(MD_LOG_WARN, 0, NULL, "reading the store", err, "all domains count as used by a host:");
    unused = doc ? md_json_names(doc, "unused", cli->p) : NULL;
    for (int i = 0; unused && i < unused->nelts; ++i) {
        md_domain *domain = md_plan_named(cli->plan, MD_NAME(unused, i));

        if (domain)
            domain->used = 0;
    }
}

long md_cli_user(const md_cli *cli)
{
    const char *staging = apr_pstrcat(cli->p, cli->base, "/staging", NULL);
    apr_finfo_t found;

    if (apr_stat(&found, staging, APR_FINFO_USER, cli->p) != APR_SUCCESS)
        return -1;
    return (long)found.user;
}

md_err *md_cli_open(md_cli *cli, int writes)
{
    md_store_fs_options options = { .base = NULL, .uid = -1, .read_only = !writes };
    char *base = NULL;
    apr_finfo_t found;

    if (!cli->store_dir)
        return md_usage(cli, "this command needs the folder of the store: -d DIR");
    if (apr_filepath_merge(&base, NULL, cli->store_dir, 0, cli->p) != APR_SUCCESS)
        return md_usage(cli, "-d %s is not a usable path", cli->store_dir);
    options.base = cli->base = base;
    options.uid = md_cli_user(cli);
    if (!writes && apr_stat(&found, base, APR_FINFO_TYPE, cli->p) != APR_SUCCESS)
        md_log(MD_LOG_WARN, 0, "there is no store at %s", base);
    MD_TRY(md_store_fs_open(&options, cli->p, &cli->store));
    return read_plan(cli);
}

/** The command whose words start `argv`; *used is how many words those are. */
static const md_command *find_command(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < COMMANDS; ++i) {
        char first[16] = "", second[16] = "";
        int words = sscanf(commands[i].words, "%15s %15s", first, second);

        if (argc < words || strcmp(argv[0], first) != 0 || (words == 2 && strcmp(argv[1], second) != 0))
            continue;
        *used = words;
        return &commands[i];
    }
    return NULL;
}

static int is_group(const char *word)
{
    for (size_t i = 0; i < COMMANDS; ++i)
        if (belongs(&commands[i], word))
            return 1;
    return 0;
}

/** What somebody may have meant by words that are no command, or NULL. */
static const char *meant(const char *words)
{
    const char *texts[COMMANDS + 1];

    for (size_t i = 0; i < COMMANDS; ++i)
        texts[i] = commands[i].words;
    texts[COMMANDS] = NULL;
    return md_typo_of(words, texts);
}

static md_err *unknown(md_cli *cli, int argc, char **argv)
{
    const char *words, *better;

    if (!argc)
        return md_usage(cli, "a command is missing");
    if (argc == 1 && is_group(argv[0]))
        return md_usage(cli, "'%s' needs one more word", argv[0]);
    words = argc > 1 && is_group(argv[0]) ? apr_pstrcat(cli->p, argv[0], " ", argv[1], NULL) : argv[0];
    better = meant(words);
    return better ? md_usage(cli, "there is no command '%s'; did you mean '%s'?", words, better)
                  : md_usage(cli, "there is no command '%s'", words);
}

/** An option that is only about the output? Then it is taken. */
static int take_output(md_cli *cli, int option)
{
    switch (option) {
    case 'j': cli->json = 1; return 1;
    case 'q': cli->level -= cli->level > MD_LOG_CRIT; return 1;
    case 'v': cli->level += cli->level < MD_LOG_TRACE1; return 1;
    default: return 0;
    }
}

/** Reads the options; returns the exit code to leave with, or -1 to go on. */
static int read_options(md_cli *cli, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "+a:C:d:hjp:qt:vV", long_options, NULL)) != -1) {
        if (take_output(cli, option))
            continue;
        switch (option) {
        case 'a': cli->ca_url = optarg; break;
        case 'C': cli->ca_file = optarg; break;
        case 'd': cli->store_dir = optarg; break;
        case 'p': cli->proxy_url = optarg; break;
        case 't': cli->terms = optarg; break;
        case 'V': puts("version: " MD_VERSION); return EXIT_SUCCESS;
        default: print_usage(); return EXIT_USAGE;
        }
    }
    return -1;
}

/** The letter of an option in either spelling; 0: it is none. */
static int letter_of(const char *word)
{
    for (const struct option *each = long_options; each->name; ++each) {
        const char letter[] = { '-', (char)each->val, '\0' };

        if (!strcmp(word, letter) || (!strncmp(word, "--", 2) && !strcmp(word + 2, each->name)))
            return each->val;
    }
    return 0;
}

/** What is about the output may stand behind the command, too: no command has such options of its own. Takes
 * it out of the words; returns how many are left. */
static int take_common(md_cli *cli, int argc, char **argv)
{
    int left = 0, i = 0;

    for (; i < argc && strcmp(argv[i], "--") != 0; ++i)
        if (!take_output(cli, letter_of(argv[i])))
            argv[left++] = argv[i];
    for (; i < argc; ++i)
        argv[left++] = argv[i];
    argv[left] = NULL;
    return left;
}

static int is_help(const char *word)
{
    return word && (!strcmp(word, "-h") || !strcmp(word, "--help"));
}

static md_err *run(md_cli *cli, int argc, char **argv, int used)
{
    if (cli->ca_url)
        MD_TRY(md_cli_check_ca(cli, cli->ca_url));
    if (cli->command->store)
        MD_TRY(md_cli_open(cli, cli->command->store == MD_STORE_WRITE));
    optind = 1;
    return cli->command->run(cli, argc - used + 1, argv + used - 1);
}

static int finish(md_cli *cli, const md_err *err)
{
    const int usage = err && !strcmp(err->type, "md:usage");

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
    if (usage && cli->command)
        print_command(cli->command);
    else if (usage)
        print_usage();
    else if (strcmp(err->type, "md:command-line") != 0)
        fprintf(stderr, "a2md: %s\n", md_err_advice(err));
    return EXIT_FAILURE;
}

/** Help for a command or a group of them, when that is asked for. */
static int helped(int argc, char **argv, int used, const md_command *command)
{
    if (command && is_help(argc > used ? argv[used] : NULL)) {
        print_command(command);
        return 1;
    }
    if (command || argc < 2 || !is_help(argv[1]) || !is_group(argv[0]))
        return 0;
    fprintf(stderr, "usage: a2md [options] %s command [arguments]\n", argv[0]);
    print_commands(argv[0]);
    return 1;
}

int main(int argc, char **argv)
{
    md_cli cli = { .level = MD_LOG_INFO };
    int code, used = 0;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&cli.p, NULL);
    code = read_options(&cli, argc, argv);
    if (code >= 0)
        return code;
    argc -= optind;
    argv += optind;
    argc = take_common(&cli, argc, argv);
    md_http_global_init();
    md_log_to(log_line, log_wanted, &cli);
    cli.output = md_own_json(cli.p, json_array());
    cli.command = argc ? find_command(argc, argv, &used) : NULL;
    if (helped(argc, argv, used, cli.command))
        return EXIT_USAGE;
    return finish(&cli, cli.command ? run(&cli, argc, argv, used) : unknown(&cli, argc, argv));
}

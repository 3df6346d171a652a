/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands is made from the rows of plan/fields.h. One function sets all of them; what is
 * special about a row happens to its words before they are read. <MDomain> and MDomain, which declare
 * domains, are no settings and have functions of their own.
 */
#include "httpd/directives.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>
#include <mpm_common.h>
#include <string.h>
#include <strings.h>

#include "acme/ca.h"
#include "acme/solver.h"
#include "net/dns.h"
#include "net/dns_update.h"
#include "tls/jws.h"

#define SECTION        "<MDomain"
#define SECTION_OLD    "<MDomainSet"
#define SMALL_FILE_MAX ((apr_size_t)65536)

md_server_conf *md_conf_of(const server_rec *server)
{
    return ap_get_module_config(server->module_config, &md_module);
}

md_domain *md_conf_domain(const server_rec *server)
{
    const md_server_conf *conf = md_conf_of(server);

    return conf && conf->domains ? APR_ARRAY_IDX(conf->domains, 0, md_domain *) : NULL;
}

void *md_conf_create_server(apr_pool_t *p, server_rec *server)
{
    md_server_conf *conf = apr_pcalloc(p, sizeof(*conf));

    conf->policy = apr_pcalloc(p, sizeof(*conf->policy));
    if (!server->is_virtual) {
        conf->declared = apr_array_make(p, 16, sizeof(md_domain *));
        conf->remarks = md_names_make(p);
    }
    return conf;
}

void *md_conf_merge_server(apr_pool_t *p, void *base, void *over)
{
    const md_server_conf *base_conf = base, *over_conf = over;
    md_server_conf *conf = apr_pcalloc(p, sizeof(*conf));

    conf->policy = over_conf->policy; /* nobody else has it: filled in place */
    md_policy_merge(conf->policy, base_conf->policy, over_conf->policy);
    return conf;
}

/* Where a directive stands. */

static md_server_conf *base_conf_of(const cmd_parms *cmd)
{
    return md_conf_of(ap_server_conf ? ap_server_conf : cmd->server);
}

/** The domain of the section around the directive, or NULL. Each section's directive holds its domain as
 * data. */
static md_domain *section_of(const cmd_parms *cmd)
{
    const ap_directive_t *at = cmd->directive ? cmd->directive->parent : NULL;

    for (; at; at = at->parent)
        if (!strcasecmp(at->directive, SECTION) || !strcasecmp(at->directive, SECTION_OLD))
            return at->data;
    return NULL;
}

/** Why a setting cannot stand here, as a clause; NULL if it can. */
static const char *misplaced(const cmd_parms *cmd, const md_field *field)
{
    int inside = section_of(cmd) != NULL;

    if (inside && field->where == MD_WHERE_GLOBAL)
        return "is not allowed inside " SECTION ">, there is one value for the whole server";
    if (!inside && field->where == MD_WHERE_DOMAIN)
        return "is only valid inside " SECTION ">";
    if (inside && field->where == MD_WHERE_HOST)
        return "is not allowed inside " SECTION ">, it is about a virtual host";
    if (field->where == MD_WHERE_HOST && !cmd->server->is_virtual)
        return "is only valid inside <VirtualHost>: the server outside of all is managed only with "
               "MDBaseServer on";
    return NULL;
}

/** Where its value goes: to the domain, to this server, or to the one place for what there is one value of.
 */
static md_policy *policy_in_scope(const cmd_parms *cmd, const md_field *field)
{
    md_domain *domain = section_of(cmd);

    if (field->where == MD_WHERE_GLOBAL || field->where == MD_WHERE_SHARED)
        return base_conf_of(cmd)->policy;
    return domain ? &domain->policy : md_conf_of(cmd->server)->policy;
}

static const char *complaint(const cmd_parms *cmd, const char *why)
{
    return why ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", why, NULL) : NULL;
}

/** For what is odd, but no reason not to start. Shown when all is read. */
static void remark(const cmd_parms *cmd, const char *text)
{
    md_names_add(base_conf_of(cmd)->remarks,
                 apr_psprintf(cmd->pool, "%s (%s, line %d) %s", cmd->cmd->name, cmd->directive->filename,
                              cmd->directive->line_num, text));
}

/* What happens to words before they are read. */

/** The first word is a path. */
static const char *use_folder(const cmd_parms *cmd, md_names *words)
{
    const char *path;

    if (!words->nelts || !*MD_NAME(words, 0))
        return NULL; /* the row's own reader has the better words for it */
    path = ap_server_root_relative(cmd->pool, MD_NAME(words, 0));
    if (!path)
        return apr_psprintf(cmd->pool, "'%s' is not a usable path", MD_NAME(words, 0));
    MD_NAME(words, 0) = path;
    return NULL;
}

static const char *use_path(const cmd_parms *cmd, md_names *words)
{
    return words->nelts == 1 && *MD_NAME(words, 0) ? use_folder(cmd, words) : "needs one path";
}

static const char *use_optional_path(const cmd_parms *cmd, const md_field *field, md_names *words)
{
    if (words->nelts == 1 && !strcmp(field->rule, "file|none") && !strcasecmp(MD_NAME(words, 0), "none"))
        return NULL;
    return use_path(cmd, words);
}

/** Known names become their URLs. */
static const char *use_authorities(const cmd_parms *cmd, md_names *words)
{
    for (int i = 0; i < words->nelts; ++i) {
        const char *word = MD_NAME(words, i), *url = md_ca_known_url(word);
        const char *why = url ? NULL : md_setting_url_reason(word, cmd->temp_pool);

        if (why && !strstr(word, ":/"))
            why =
                apr_psprintf(cmd->temp_pool, "The CA name '%s' is not known, and it is no URL either", word);
        if (why)
            return apr_psprintf(cmd->pool, "%s. Known names are %s", why, md_ca_known_names(cmd->temp_pool));
        if (url)
            MD_NAME(words, i) = url;
    }
    return NULL;
}

/** CAs write them in lowercase. */
static const char *use_challenges(const cmd_parms *cmd, md_names *words)
{
    for (int i = 0; i < words->nelts; ++i) {
        const char *type = MD_NAME(words, i) = md_lower(MD_NAME(words, i), cmd->pool);

        if (!md_solver_find(type))
            remark(cmd,
                   apr_psprintf(cmd->temp_pool,
                                "names '%s', which is no challenge type that this module knows and is "
                                "never used; known are %s",
                                type, md_names_join(md_solver_known(cmd->temp_pool), ", ", cmd->temp_pool)));
    }
    return NULL;
}

/** Agreement is said by one word, or by the URL of what is agreed to. */
static const char *use_agreement(const cmd_parms *cmd, md_names *words)
{
    const char *word = words->nelts ? MD_NAME(words, 0) : "";

    if (!strcasecmp(word, "accepted"))
        MD_NAME(words, 0) = "accepted";
    else if (!*word || md_setting_url_reason(word, cmd->temp_pool))
        return apr_psprintf(
            cmd->pool, "expected 'accepted', or the URL of the terms of service that you agree to, not '%s'",
            word);
    return NULL;
}

static md_err *read_small_file(const char *path, apr_pool_t *p, md_bytes *out)
{
    apr_size_t size = SMALL_FILE_MAX;
    char *text = apr_palloc(p, size + 1);
    apr_file_t *file;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, p);

    if (!status) {
        status = apr_file_read_full(file, text, size, &size);
        apr_file_close(file);
    }
    if (status && status != APR_EOF)
        return md_fail_status(p, status, "the file cannot be read");
    text[size] = '\0';
    *out = (md_bytes){ text, size };
    return NULL;
}

static md_err *read_binding(const char *path, apr_pool_t *p, json_t **out)
{
    md_bytes text = md_bytes_of("");

    *out = NULL;
    MD_TRY(read_small_file(path, p, &text));
    return md_json_read(text, p, out);
}

/** The key id and the HMAC in a file {"kid": .., "hmac": ..}. */
static const char *read_pair(const cmd_parms *cmd, const char *file, const char **kid, const char **hmac)
{
    const char *path = ap_server_root_relative(cmd->pool, file);
    json_t *doc;
    md_err *err;

    if (!path)
        return apr_psprintf(cmd->pool, "'%s' is not a usable path", file);
    err = read_binding(path, cmd->temp_pool, &doc);
    if (err)
        return apr_pstrcat(cmd->pool, path, ": ", md_err_text(err, cmd->temp_pool), NULL);
    *kid = md_json_text(doc, "kid");
    *hmac = md_json_text(doc, "hmac");
    if (*kid && **kid && *hmac && **hmac)
        return NULL;
    return apr_psprintf(cmd->pool, "the file %s must have the members \"kid\" and \"hmac\", both texts",
                        path);
}

/** A file becomes the two, and a CA in front of them its URL. */
static const char *use_binding(const cmd_parms *cmd, md_names *words)
{
    const char *first = words->nelts ? MD_NAME(words, 0) : "", *kid = NULL, *hmac = NULL, *why;
    const int has_ca =
        words->nelts > 1 && (words->nelts == 3 || md_ca_known_url(first) || strstr(first, "://"));
    md_names *ca = md_names_make(cmd->temp_pool);

    if (has_ca) {
        md_names_add(ca, first);
        why = use_authorities(cmd, ca);
        if (why)
            return why;
        MD_NAME(words, 0) = MD_NAME(ca, 0);
    }
    if (words->nelts != 1 + has_ca || !strcasecmp(first, "None"))
        return NULL;
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_DUMP) { /* httpd -S works without secrets */
        apr_array_clear(words);
        md_names_add(words, "None");
        return NULL;
    }
    why = read_pair(cmd, MD_NAME(words, has_ca), &kid, &hmac);
    if (why)
        return why;
    words->nelts = has_ca;
    md_names_add(words, kid);
    md_names_add(words, hmac);
    return NULL;
}

/** The secret in a file: base64 text alone, or in a key file of BIND behind the word secret. */
static const char *secret_in(const char *text, apr_pool_t *p)
{
    const char *at = strstr(text, "secret");
    size_t length;

    at = at ? at + strlen("secret") : text;
    at += strspn(at, " \t\r\n\"");
    length = strcspn(at, " \t\r\n\";");
    return apr_pstrmemdup(p, at, length);
}

/** The file with the secret becomes the secret. What cannot be used is found now, not at night. */
static const char *use_update(const cmd_parms *cmd, md_names *words)
{
    enum { SERVER, KEY, ALGORITHM, SECRET };
    md_dns_authority to = { .server = NULL };
    const char *path, *why;
    md_bytes text = md_bytes_of("");
    md_err *err;

    if (words->nelts <= SECRET)
        return NULL;
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_DUMP) { /* httpd -S works without secrets */
        apr_array_clear(words);
        md_names_add(words, "none");
        return NULL;
    }
    path = ap_server_root_relative(cmd->pool, MD_NAME(words, SECRET));
    if (!path)
        return apr_psprintf(cmd->pool, "'%s' is not a usable path", MD_NAME(words, SECRET));
    err = read_small_file(path, cmd->temp_pool, &text);
    if (err)
        return apr_pstrcat(cmd->pool, path, ": ", md_err_text(err, cmd->temp_pool), NULL);
    to.server = MD_NAME(words, SERVER);
    to.key = MD_NAME(words, KEY);
    to.algorithm = MD_NAME(words, ALGORITHM);
    to.secret = MD_NAME(words, SECRET) = secret_in(text.data, cmd->temp_pool);
    explicit_bzero((char *)(apr_uintptr_t)text.data, text.size);
    why = md_dns_authority_reason(&to, cmd->temp_pool);
    return why ? apr_psprintf(cmd->pool, "the key %s of %s: %s", to.key, path, why) : NULL;
}

static apr_status_t cleanse_text(void *text)
{
    explicit_bzero(text, strlen(text));
    return APR_SUCCESS;
}

/** The file becomes its content. */
static const char *use_account_key(const cmd_parms *cmd, md_names *words)
{
    md_bytes text = md_bytes_of("");
    const char *why;
    md_err *err;

    if (words->nelts != 1 || !strcasecmp(MD_NAME(words, 0), "none"))
        return NULL;
    why = use_path(cmd, words);
    if (why || ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_DUMP) { /* httpd -S works without secrets */
        MD_NAME(words, 0) = "none";
        return why;
    }
    err = read_small_file(MD_NAME(words, 0), cmd->temp_pool, &text);
    if (err)
        return apr_pstrcat(cmd->pool, MD_NAME(words, 0), ": ", md_err_text(err, cmd->temp_pool), NULL);
    MD_NAME(words, 0) = text.data;
    apr_pool_cleanup_register(cmd->temp_pool, text.data, cleanse_text, apr_pool_cleanup_null);
    return NULL;
}

static const char *use_name_server(const cmd_parms *cmd, const md_names *words)
{
    return words->nelts ? md_dns_server_reason(MD_NAME(words, 0), cmd->pool) : NULL;
}

static const char *add_name(const cmd_parms *cmd, md_names *names, const char *name)
{
    const size_t length = strlen(name);
    const char *why;

    if (length > 1 && name[length - 1] == '.') /* as DNS writes them */
        name = apr_pstrmemdup(cmd->pool, name, length - 1);
    why = md_domain_name_reason(name);

    if (why)
        return apr_psprintf(cmd->pool, "'%s' cannot be a name of a domain: %s", name, why);
    md_names_add_new(names, md_name_text(name, cmd->pool));
    return NULL;
}

static int is_mode(const char *word)
{
    return !strcasecmp(word, "auto") || !strcasecmp(word, "manual");
}

/** Inside a section, names go to the domain and the mode is what remains. Outside there is only the mode. */
static const char *use_members(const cmd_parms *cmd, md_names *words)
{
    md_domain *domain = section_of(cmd);
    md_names *modes = md_names_make(cmd->temp_pool);

    if (!domain && words->nelts != 1)
        return "names are only valid inside " SECTION ">; for the server, expected 'auto' or 'manual'";
    if (!domain)
        return NULL;
    for (int i = 0; i < words->nelts; ++i) {
        const char *word = MD_NAME(words, i);
        const char *why = NULL;

        if (is_mode(word))
            md_names_add(modes, word);
        else
            why = add_name(cmd, domain->names, word);
        if (why)
            return why;
    }
    if (!words->nelts)
        return "needs a name, 'auto' or 'manual'";
    apr_array_clear(words);
    apr_array_cat(words, modes);
    return NULL;
}

static const char *prepare(const cmd_parms *cmd, const md_field *field, md_names *words)
{
    switch ((md_field_id)(field - md_field_rows)) {
    case MD_FIELD_ca_file:
    case MD_FIELD_proxy_ca_file:
    case MD_FIELD_store_dir: return use_optional_path(cmd, field, words);
    case MD_FIELD_cert_files:
    case MD_FIELD_key_files: return use_path(cmd, words);
    case MD_FIELD_exports: return use_folder(cmd, words);
    case MD_FIELD_ca_urls: return use_authorities(cmd, words);
    case MD_FIELD_agreement: return use_agreement(cmd, words);
    case MD_FIELD_challenges: return use_challenges(cmd, words);
    case MD_FIELD_eab: return use_binding(cmd, words);
    case MD_FIELD_account_key: return use_account_key(cmd, words);
    case MD_FIELD_dns_update: return use_update(cmd, words);
    case MD_FIELD_dns_server: return use_name_server(cmd, words);
    case MD_FIELD_members: return use_members(cmd, words);
    default: return NULL;
    }
}

/* Settings. */

/** A key that cannot be made, or a binding that cannot be signed with. */
static const char *useless(const md_field *field, const md_policy *policy, apr_pool_t *p)
{
    const md_err *err = NULL;

    if (field == &md_field_rows[MD_FIELD_keys])
        for (int i = 0; !err && i < policy->keys->nelts; ++i)
            err = md_key_spec_check(MD_SPEC(policy->keys, i), p);
    if (field == &md_field_rows[MD_FIELD_eab])
        for (int i = 0; !err && policy->eab.bindings && i < policy->eab.bindings->nelts; ++i)
            err = md_jws_check_hmac(APR_ARRAY_IDX(policy->eab.bindings, i, md_binding).hmac, p);
    return err ? apr_pstrcat(p, "cannot be used: ", md_err_text(err, p), NULL) : NULL;
}

/** What was read may be odd. */
static void look_after(const cmd_parms *cmd, const md_field *field)
{
    const char *why = useless(field, policy_in_scope(cmd, field), cmd->temp_pool);

    if (why)
        remark(cmd, why);
    if (field->where == MD_WHERE_ANYWHERE && cmd->server->is_virtual && !section_of(cmd))
        remark(cmd, "has no effect inside <VirtualHost>: put it into the " SECTION
                    "> that it is meant for, or outside all virtual hosts");
}

static const char *set_row(cmd_parms *cmd, md_names *words)
{
    const md_field *field = cmd->info;
    const char *why = ap_check_cmd_context(cmd, NOT_IN_DIR_LOC_FILE);

    if (why)
        return why;
    why = misplaced(cmd, field);
    if (!why)
        why = prepare(cmd, field, words);
    if (!why && field->kind == MD_KIND_MEMBERS && !words->nelts)
        return NULL; /* names only */
    if (!why)
        why = md_field_read(field, words, policy_in_scope(cmd, field), cmd->pool);
    if (!why)
        look_after(cmd, field);
    return complaint(cmd, why);
}

/** httpd's own TAKE_ARGV would lose all words after the 64th, and a domain may have more names. */
static md_names *words_of(const char *args, apr_pool_t *p)
{
    md_names *words = md_names_make(p);

    while (*args) {
        const char *word = ap_getword_conf(p, &args);

        if (*word || *args)
            md_names_add(words, word);
    }
    return words;
}

static const char *set_words(cmd_parms *cmd, void *unused, const char *args)
{
    const md_field *field = cmd->info;
    md_names *words = words_of(args, cmd->pool);

    (void)unused;
    if (words->nelts != 1 && field->kind != MD_KIND_MEMBERS && !md_field_is_list(field))
        return complaint(cmd, "takes one argument");
    return set_row(cmd, words);
}

static const char *set_text(cmd_parms *cmd, void *unused, const char *text)
{
    md_names *words = md_names_make(cmd->temp_pool);

    (void)unused;
    md_names_add(words, apr_pstrdup(cmd->pool, text));
    return set_row(cmd, words);
}

/* Domains. */

static void declare(cmd_parms *cmd, md_domain *domain)
{
    APR_ARRAY_PUSH(base_conf_of(cmd)->declared, md_domain *) = domain;
}

/** A domain of these words: names and, from word number `modes_from` on, 'auto' or 'manual'. */
static const char *make_domain(cmd_parms *cmd, const md_names *words, int modes_from, md_domain **out)
{
    md_names *names = md_names_make(cmd->temp_pool);
    const char *mode = NULL;

    for (int i = 0; i < words->nelts; ++i) {
        const char *word = MD_NAME(words, i), *why = NULL;

        if (i >= modes_from && is_mode(word))
            mode = word;
        else
            why = add_name(cmd, names, word);
        if (why)
            return why;
    }
    if (!names->nelts)
        return "needs at least one name, like example.org";
    *out = md_domain_declare(names, cmd->pool);
    (*out)->file = cmd->directive->filename;
    (*out)->line = (unsigned)cmd->directive->line_num;
    if (!mode)
        return NULL;
    return md_field_read_text(&md_field_rows[MD_FIELD_members], mode, &(*out)->policy, cmd->pool);
}

/** MDomain name... [auto|manual], in any order. */
static const char *set_domain(cmd_parms *cmd, void *unused, const char *args)
{
    const char *why = ap_check_cmd_context(cmd, NOT_IN_DIR_LOC_FILE);
    md_domain *domain;

    (void)unused;
    if (why)
        return why;
    if (section_of(cmd))
        return complaint(cmd, "is not allowed inside " SECTION ">");
    why = make_domain(cmd, words_of(args, cmd->temp_pool), 0, &domain);
    if (!why)
        declare(cmd, domain);
    return complaint(cmd, why);
}

/** The words between the section's name and its '>', NULL if that is missing. */
static md_names *section_words(const cmd_parms *cmd, const char *args)
{
    const char *end = strrchr(args, '>');

    return end ? words_of(apr_pstrmemdup(cmd->temp_pool, args, (apr_size_t)(end - args)), cmd->temp_pool)
               : NULL;
}

/** <MDomain name [name...] [auto|manual]>: the first word is a name in any case. */
static const char *open_section(cmd_parms *cmd, void *unused, const char *args)
{
    const char *why = ap_check_cmd_context(cmd, NOT_IN_DIR_LOC_FILE);
    ap_directive_t *here = cmd->directive;
    md_names *words;
    md_domain *domain;

    (void)unused;
    if (why)
        return why;
    if (section_of(cmd))
        return apr_pstrcat(cmd->pool, cmd->cmd->name, "> is not allowed inside " SECTION ">", NULL);
    words = section_words(cmd, args);
    if (!words)
        return apr_pstrcat(cmd->pool, cmd->cmd->name, "> is missing its closing '>'", NULL);
    why = make_domain(cmd, words, 1, &domain);
    if (why)
        return apr_pstrcat(cmd->pool, cmd->cmd->name, "> ", why, NULL);
    here->data = domain;
    why = ap_walk_config(here->first_child, cmd, cmd->context);
    if (!why)
        declare(cmd, domain);
    return why;
}

/* The table. */

/* clang-format off */
#define MD_ROW(id) ((void *)&md_field_rows[MD_FIELD_##id])
#define MD_ONE(name, id, help)  AP_INIT_TAKE1(name, set_text, MD_ROW(id), RSRC_CONF, help)
#define MD_LIST(name, id, help) AP_INIT_RAW_ARGS(name, set_words, MD_ROW(id), RSRC_CONF, help)
#define MD_LINE(name, id, help) AP_INIT_RAW_ARGS(name, set_text, MD_ROW(id), RSRC_CONF, help)

#define MD_COMMAND_FLAG(name, id, help)     MD_ONE(name, id, help)
#define MD_COMMAND_TEXT(name, id, help)     MD_ONE(name, id, help)
#define MD_COMMAND_PATH(name, id, help)     MD_ONE(name, id, help)
#define MD_COMMAND_URL(name, id, help)      MD_ONE(name, id, help)
#define MD_COMMAND_COMMAND(name, id, help)  MD_LINE(name, id, help)
#define MD_COMMAND_WORDS(name, id, help)    MD_LIST(name, id, help)
#define MD_COMMAND_DURATION(name, id, help) MD_ONE(name, id, help)
#define MD_COMMAND_SLICE(name, id, help)    MD_ONE(name, id, help)
#define MD_COMMAND_KEYWORD(name, id, help)  MD_ONE(name, id, help)
#define MD_COMMAND_WORD(name, id, help)     MD_ONE(name, id, help)
#define MD_COMMAND_MEMBERS(name, id, help)  MD_LIST(name, id, help)
#define MD_COMMAND_COUNT(name, id, help)    MD_ONE(name, id, help)
#define MD_COMMAND_KEYS(name, id, help)     MD_LIST(name, id, help)
#define MD_COMMAND_ODD(name, id, help)      MD_LIST(name, id, help)

#define MD_ROW_COMMAND(id, kind, directive, json_key, otherwise, where, rule, help) MD_COMMAND_##kind(directive, id, help),
#define MD_ROW_ALIAS(directive, id) MD_LIST(directive, id, "Another name of a newer directive."),

const command_rec md_commands[] = {
    AP_INIT_RAW_ARGS("MDomain", set_domain, NULL, RSRC_CONF,
                     "Names of a managed domain, the first is its own; and 'auto' or 'manual'."),
    AP_INIT_RAW_ARGS(SECTION, open_section, NULL, RSRC_CONF, "A managed domain with settings of its own."),
    AP_INIT_RAW_ARGS(SECTION_OLD, open_section, NULL, RSRC_CONF, "Another name of <MDomain>."),
    MD_FIELDS(MD_ROW_COMMAND)
    MD_FIELD_ALIASES(MD_ROW_ALIAS)
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};
/* clang-format on */

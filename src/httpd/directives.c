/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands is made from the rows of plan/fields.h. One function sets all of them; what is
 * special about a row happens to its words before they are read. <MDomain> and MDomain, which declare
 * domains, are no settings and have functions of their own.
 */
#include "httpd/directives.h"

#include <apr_strings.h>
#include <http_core.h>
#include <string.h>
#include <strings.h>

#include "httpd/words.h"
#include "tls/jws.h"

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

/** Why a setting cannot stand here, as a clause; NULL if it can. */
static const char *misplaced(const cmd_parms *cmd, const md_field *field)
{
    int inside = md_section_of(cmd) != NULL;

    if (inside && field->where == MD_WHERE_GLOBAL)
        return "is not allowed inside " MD_SECTION ">, there is one value for the whole server";
    if (!inside && field->where == MD_WHERE_DOMAIN)
        return "is only valid inside " MD_SECTION ">";
    if (inside && field->where == MD_WHERE_HOST)
        return "is not allowed inside " MD_SECTION ">, it is about a virtual host";
    if (field->where == MD_WHERE_HOST && !cmd->server->is_virtual)
        return "is only valid inside <VirtualHost>: the server outside of all is managed only with "
               "MDBaseServer on";
    return NULL;
}

/** Where its value goes: to the domain, to this server, or to the one place for what there is one value of.
 */
static md_policy *policy_in_scope(const cmd_parms *cmd, const md_field *field)
{
    md_domain *domain = md_section_of(cmd);

    if (field->where == MD_WHERE_GLOBAL || field->where == MD_WHERE_SHARED)
        return md_base_conf_of(cmd)->policy;
    return domain ? &domain->policy : md_conf_of(cmd->server)->policy;
}

static const char *complaint(const cmd_parms *cmd, const char *why)
{
    return why ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", why, NULL) : NULL;
}

/* Settings. */

/** A key that cannot be made, or a binding that cannot be signed with. */
static const char *useless(const md_field *field, const md_policy *policy, apr_pool_t *p)
{
    const md_err *err = NULL;

    if (field == &md_field_rows[MD_FIELD_keys])
        err = md_key_specs_check(policy->keys, p);
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
        md_remark(cmd, why);
    if (field->where == MD_WHERE_ANYWHERE && cmd->server->is_virtual && !md_section_of(cmd))
        md_remark(cmd, "has no effect inside <VirtualHost>: put it into the " MD_SECTION
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
        why = md_words_prepare(cmd, field, words);
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
    APR_ARRAY_PUSH(md_base_conf_of(cmd)->declared, md_domain *) = domain;
}

/** A domain of these words: names and, from word number `modes_from` on, 'auto' or 'manual'. */
static const char *make_domain(cmd_parms *cmd, const md_names *words, int modes_from, md_domain **out)
{
    md_names *names = md_names_make(cmd->temp_pool);
    const char *mode = NULL;

    for (int i = 0; i < words->nelts; ++i) {
        const char *word = MD_NAME(words, i), *why = NULL;

        if (i >= modes_from && md_words_is_mode(word))
            mode = word;
        else
            why = md_words_add_name(cmd, names, word);
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
    if (md_section_of(cmd))
        return complaint(cmd, "is not allowed inside " MD_SECTION ">");
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
    if (md_section_of(cmd))
        return apr_pstrcat(cmd->pool, cmd->cmd->name, "> is not allowed inside " MD_SECTION ">", NULL);
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
    AP_INIT_RAW_ARGS(MD_SECTION, open_section, NULL, RSRC_CONF, "A managed domain with settings of its own."),
    AP_INIT_RAW_ARGS(MD_SECTION_OLD, open_section, NULL, RSRC_CONF, "Another name of <MDomain>."),
    MD_FIELDS(MD_ROW_COMMAND)
    MD_FIELD_ALIASES(MD_ROW_ALIAS)
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};
/* clang-format on */

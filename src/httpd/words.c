/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is special about a row of the table of settings happens to its words here, before they are read: paths
 * become absolute, names of CAs their URLs, files with secrets what is in them.
 */
#include "httpd/words.h"

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

#define SMALL_FILE_MAX ((apr_size_t)65536)

md_server_conf *md_base_conf_of(const cmd_parms *cmd)
{
    return md_conf_of(ap_server_conf ? ap_server_conf : cmd->server);
}

/* Each section's directive holds its domain as data. */
md_domain *md_section_of(const cmd_parms *cmd)
{
    const ap_directive_t *at = cmd->directive ? cmd->directive->parent : NULL;

    for (; at; at = at->parent)
        if (!strcasecmp(at->directive, MD_SECTION) || !strcasecmp(at->directive, MD_SECTION_OLD))
            return at->data;
    return NULL;
}

void md_remark(const cmd_parms *cmd, const char *text)
{
    md_names_add(md_base_conf_of(cmd)->remarks,
                 apr_psprintf(cmd->pool, "%s (%s, line %d) %s", cmd->cmd->name, cmd->directive->filename,
                              cmd->directive->line_num, text));
}

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
            md_remark(cmd, apr_psprintf(
                               cmd->temp_pool,
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

const char *md_words_add_name(const cmd_parms *cmd, md_names *names, const char *name)
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

int md_words_is_mode(const char *word)
{
    return !strcasecmp(word, "auto") || !strcasecmp(word, "manual");
}

/** Inside a section, names go to the domain and the mode is what remains. Outside there is only the mode. */
static const char *use_members(const cmd_parms *cmd, md_names *words)
{
    md_domain *domain = md_section_of(cmd);
    md_names *modes = md_names_make(cmd->temp_pool);

    if (!domain && words->nelts != 1)
        return "names are only valid inside " MD_SECTION ">; for the server, expected 'auto' or 'manual'";
    if (!domain)
        return NULL;
    for (int i = 0; i < words->nelts; ++i) {
        const char *word = MD_NAME(words, i);
        const char *why = NULL;

        if (md_words_is_mode(word))
            md_names_add(modes, word);
        else
            why = md_words_add_name(cmd, domain->names, word);
        if (why)
            return why;
    }
    if (!words->nelts)
        return "needs a name, 'auto' or 'manual'";
    apr_array_clear(words);
    apr_array_cat(words, modes);
    return NULL;
}

const char *md_words_prepare(const cmd_parms *cmd, const md_field *field, md_names *words)
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

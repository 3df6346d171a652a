/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic functions over the rows of fields.h: one reader per kind, defaults, merge. JSON is in
 * policy_json.c.
 */
#include "plan/policy.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/exec.h"
#include "plan/odd.h"

/* clang-format off */
#define MD_ROW_FIELD(member, kind, directive, json_key, otherwise, where, rule, help) \
    { #member, MD_KIND_##kind, directive, json_key, otherwise, MD_WHERE_##where, rule, help, offsetof(md_policy, member) },
/* clang-format on */
const md_field md_field_rows[MD_FIELD_COUNT] = { MD_FIELDS(MD_ROW_FIELD) };
#undef MD_ROW_FIELD

/** One "word=value" of a rule. */
typedef struct choice {
    const char *word;
    size_t length;
    int value;
} choice;

/** Steps through the choices of a rule: the next one, and what follows it; NULL at the end. */
static const char *next_choice(const char *rule, choice *out)
{
    size_t all = strcspn(rule, "|");

    if (!all)
        return NULL;
    out->word = rule;
    out->length = strcspn(rule, "=");
    out->value = atoi(rule + out->length + 1);
    return rule + all + (rule[all] == '|');
}

const char *md_field_word(const md_field *field, int value, apr_pool_t *p)
{
    const char *rule = field->rule;
    choice each;

    while ((rule = next_choice(rule, &each)))
        if (each.value == value)
            return apr_pstrmemdup(p, each.word, each.length);
    return NULL;
}

/** The names of all values: "'manual', 'auto' and 'always'". A value's further words are old spellings. */
static const char *choices_text(const char *rule, apr_pool_t *p)
{
    md_names *names = md_names_make(p);
    const char *last;
    choice each;
    int before = -1;

    while ((rule = next_choice(rule, &each))) {
        if (each.value != before)
            md_names_add(names, apr_psprintf(p, "'%.*s'", (int)each.length, each.word));
        before = each.value;
    }
    last = *(const char **)apr_array_pop(names);
    return apr_psprintf(p, "%s and %s", md_names_join(names, ", ", p), last);
}

static const char *read_choice(const char *rule, const char *text, int *out, apr_pool_t *p)
{
    const char *all = rule;
    choice each;

    while ((rule = next_choice(rule, &each)))
        if (strlen(text) == each.length && strncasecmp(each.word, text, each.length) == 0) {
            *out = each.value;
            return NULL;
        }
    return apr_psprintf(p, "must be one of %s, not '%s'", choices_text(all, p), text);
}

static const char *read_count(const char *rule, const char *text, int *out, apr_pool_t *p)
{
    char *end;
    apr_int64_t least = apr_strtoi64(rule, &end, 10), most = apr_strtoi64(end + 2, NULL, 10);
    apr_int64_t number = apr_strtoi64(text, &end, 10);

    if (end == text || *end || number < least || number > most)
        return apr_psprintf(p, "must be a number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT ", not '%s'",
                            least, most, text);
    *out = (int)number;
    return NULL;
}

static const char *read_duration(const char *rule, const char *text, apr_interval_time_t *out, apr_pool_t *p)
{
    size_t unit = strcspn(rule, ">");
    const char *why = md_duration_read(text, apr_pstrmemdup(p, rule, unit), out);

    if (why)
        return apr_psprintf(p, "'%s' %s", text, why);
    if (!strcmp(rule + unit, ">0") && *out <= 0)
        return apr_psprintf(p, "must be longer than 0, not '%s'", text);
    if (!strcmp(rule + unit, ">=0") && *out < 0)
        return apr_psprintf(p, "must be 0 or longer, not '%s'", text);
    if (!strcmp(rule + unit, ">=1") && *out < apr_time_from_sec(1))
        return apr_psprintf(p, "must be one second or longer, not '%s'", text);
    return NULL;
}

static const char *read_slice(const char *rule, const char *text, md_slice *out, apr_pool_t *p)
{
    const char *why = md_slice_read(text, rule != NULL, out);

    if (why)
        return apr_psprintf(p, "'%s' %s", text, why);
    if (out->length < 0)
        return apr_psprintf(p, "must be 0 or longer, not '%s'", text);
    return NULL;
}

const char *md_setting_url_reason(const char *url, apr_pool_t *p)
{
    apr_uri_t uri;
    int bad_port = apr_uri_parse(p, url, &uri) != APR_SUCCESS;

    if (!uri.scheme)
        return apr_psprintf(p, "'%s' is not a URL, it has no scheme like https:", url);
    if (strcasecmp(uri.scheme, "http") && strcasecmp(uri.scheme, "https"))
        return apr_psprintf(p, "the URL scheme must be http or https, not '%s'", uri.scheme);
    if (uri.port_str && *uri.port_str) {
        size_t digits = strspn(uri.port_str, "0123456789");

        bad_port = uri.port_str[digits] || digits > 5 || atoi(uri.port_str) < 1 || atoi(uri.port_str) > 65535;
    }
    if (bad_port)
        return apr_psprintf(p, "'%s' has an invalid port", url);
    if (!uri.hostname || !*uri.hostname)
        return apr_psprintf(p, "the URL '%s' has no host name", url);
    return NULL;
}

/** "none" ends what is inherited. */
static const char *read_url(const char *text, const char **out, apr_pool_t *p)
{
    const int none = !strcasecmp(text, "none");
    const char *why = none ? NULL : md_setting_url_reason(text, p);

    if (!why)
        *out = none ? NULL : text;
    return why;
}

/** What cannot be split into words would fail each time it is run. */
static const char *read_command(const char *text, const char **out, apr_pool_t *p)
{
    md_names *words;
    const md_err *err;

    if (!text[strspn(text, " \t")])
        return "needs a program, and may have arguments for it";
    err = md_command_words(text, p, &words);
    if (err)
        return err->detail;
    *out = text;
    return NULL;
}

static const char *read_text(const md_field *field, const char *text, const char **out)
{
    int may_be_none = field->kind == MD_KIND_PATH && !strcmp(field->rule, "file|none");

    if (!*text)
        return "must not be empty";
    *out = may_be_none && !strcasecmp(text, "none") ? NULL : text;
    return NULL;
}

/** Kinds of one value. */
static const char *read_one(const md_field *field, const char *text, md_policy *policy, apr_pool_t *p)
{
    switch (field->kind) {
    case MD_KIND_FLAG: return read_choice("on=1|off=0", text, &MD_MEMBER(int, policy, field), p);
    case MD_KIND_KEYWORD:
    case MD_KIND_WORD:
    case MD_KIND_MEMBERS: return read_choice(field->rule, text, &MD_MEMBER(int, policy, field), p);
    case MD_KIND_COUNT: return read_count(field->rule, text, &MD_MEMBER(int, policy, field), p);
    case MD_KIND_DURATION:
        return read_duration(field->rule, text, &MD_MEMBER(apr_interval_time_t, policy, field), p);
    case MD_KIND_SLICE: return read_slice(field->rule, text, &MD_MEMBER(md_slice, policy, field), p);
    case MD_KIND_URL: return read_url(text, &MD_MEMBER(const char *, policy, field), p);
    case MD_KIND_COMMAND: return read_command(text, &MD_MEMBER(const char *, policy, field), p);
    default: return read_text(field, text, &MD_MEMBER(const char *, policy, field));
    }
}

static const char *read_words(const md_field *field, const md_names *words, md_policy *policy, apr_pool_t *p)
{
    md_field_id id = (md_field_id)(field - md_field_rows);

    switch (field->kind) {
    case MD_KIND_WORDS:
        MD_MEMBER(md_names *, policy, field) = words->nelts ? md_names_copy(words, p) : NULL;
        return NULL;
    case MD_KIND_KEYS: return md_key_specs_read(words, p, &MD_MEMBER(md_key_specs *, policy, field));
    case MD_KIND_ODD:
        return md_odd_read(id, words, md_is_set(policy, id), &MD_MEMBER(md_odd, policy, field), p);
    default:
        if (!words->nelts)
            return "needs a value";
        return read_one(field, MD_NAME(words, 0), policy, p);
    }
}

const char *md_field_read(const md_field *field, const md_names *words, md_policy *policy, apr_pool_t *p)
{
    const char *why = read_words(field, words, policy, p);

    if (!why)
        policy->set |= MD_SET_BIT(field - md_field_rows);
    return why;
}

int md_field_is_list(const md_field *field)
{
    return field->kind == MD_KIND_WORDS || field->kind == MD_KIND_KEYS || field->kind == MD_KIND_ODD;
}

const char *md_field_read_text(const md_field *field, const char *text, md_policy *policy, apr_pool_t *p)
{
    md_names *words = md_field_is_list(field) ? md_words(text, p) : md_names_make(p);

    if (!md_field_is_list(field))
        md_names_add(words, text);
    return md_field_read(field, words, policy, p);
}

const md_field *md_field_find(const char *directive)
{
#define MD_ROW_ALIAS(other, member)        \
    if (strcasecmp(other, directive) == 0) \
        return &md_field_rows[MD_FIELD_##member];
    MD_FIELD_ALIASES(MD_ROW_ALIAS)
#undef MD_ROW_ALIAS

    for (int i = 0; i < MD_FIELD_COUNT; ++i)
        if (strcasecmp(md_field_rows[i].directive, directive) == 0)
            return &md_field_rows[i];
    return NULL;
}

#define MD_ROW_MERGE(member, ...)           \
    if (md_is_set(over, MD_FIELD_##member)) \
        merged.member = over->member;

const md_binding *md_policy_binding(const md_policy *policy, const char *ca_url)
{
    const apr_array_header_t *all = policy->eab.bindings;
    const md_binding *found = NULL;

    for (int i = 0; all && i < all->nelts; ++i) {
        const md_binding *each = &APR_ARRAY_IDX(all, i, md_binding);

        if (each->ca_url ? !strcmp(each->ca_url, ca_url) : !found)
            found = each;
        if (found && found->ca_url)
            return found;
    }
    return found;
}

void md_policy_merge(md_policy *into, const md_policy *base, const md_policy *over)
{
    md_policy merged = *base;

    MD_FIELDS(MD_ROW_MERGE)
    merged.set |= over->set;
    *into = merged;
}

void md_policy_defaults(md_policy *policy, apr_pool_t *p)
{
    md_policy *defaults = apr_pcalloc(p, sizeof(*defaults));

    for (int i = 0; i < MD_FIELD_COUNT; ++i)
        if (md_field_rows[i].otherwise)
            md_field_read_text(&md_field_rows[i], md_field_rows[i].otherwise, defaults, p);
    defaults->set = 0;
    md_policy_merge(policy, defaults, policy);
}

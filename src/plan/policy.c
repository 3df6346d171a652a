/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic functions over the rows of fields.h: one reader, one JSON reader and one JSON writer per kind.
 */
#include "plan/policy.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MD_ROW_FIELD(member, kind, directive, json_key, otherwise, where, rule, help) \
    { #member,  MD_KIND_##kind, directive,                                            \
      json_key, otherwise,      MD_WHERE_##where,                                     \
      rule,     help,           offsetof(md_policy, member) },
const md_field md_field_rows[MD_FIELD_COUNT] = { MD_FIELDS(MD_ROW_FIELD) };
#undef MD_ROW_FIELD

/* A member by its row; the kind says which type it has. */
#define MEMBER(type, policy, field) (*(type *)(void *)((char *)(policy) + (field)->offset))
#define MEMBER_OF(type, policy, field) \
    (*(const type *)(const void *)((const char *)(policy) + (field)->offset))

static void mark(md_policy *policy, const md_field *field)
{
    policy->set |= APR_UINT64_C(1) << (field - md_field_rows);
}

static const char *read_flag(const char *text, int *out, apr_pool_t *p)
{
    if (strcasecmp(text, "on") && strcasecmp(text, "off"))
        return apr_psprintf(p, "supported parameter values are 'on' and 'off', not '%s'", text);
    *out = !strcasecmp(text, "on");
    return NULL;
}

/** The words of a KEYWORD rule ("auto=1|manual=0") as "'auto' and 'manual'". */
static const char *rule_words(const char *rule, apr_pool_t *p)
{
    const char *out = "";

    while (*rule) {
        size_t word = strcspn(rule, "="), all = strcspn(rule, "|");
        const char *between = !*out ? "" : rule[all] ? ", " : " and ";

        out = apr_psprintf(p, "%s%s'%.*s'", out, between, (int)word, rule);
        rule += all + (rule[all] == '|');
    }
    return out;
}

static const char *read_keyword(const md_field *field, const char *text, int *out, apr_pool_t *p)
{
    for (const char *rule = field->rule; *rule;) {
        size_t word = strcspn(rule, "="), all = strcspn(rule, "|");

        if (strlen(text) == word && strncasecmp(rule, text, word) == 0) {
            *out = atoi(rule + word + 1);
            return NULL;
        }
        rule += all + (rule[all] == '|');
    }
    return apr_psprintf(p, "supported parameter values are %s, not '%s'", rule_words(field->rule, p), text);
}

static const char *read_count(const md_field *field, const char *text, int *out, apr_pool_t *p)
{
    char *end;
    apr_int64_t least = apr_strtoi64(field->rule, &end, 10), most = apr_strtoi64(end + 2, NULL, 10);
    apr_int64_t number = apr_strtoi64(text, &end, 10);

    if (!*text || *end || number < least || number > most)
        return apr_psprintf(p,
                            "expected a number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT ", not '%s'",
                            least, most, text);
    *out = (int)number;
    return NULL;
}

/** Rule: default unit, then nothing, ">0", ">=0" or ">=1" (in seconds). */
static const char *read_duration(const md_field *field, const char *text, apr_interval_time_t *out,
                                 apr_pool_t *p)
{
    size_t unit_length = strcspn(field->rule, "<>=");
    const char *bound = field->rule + unit_length;
    const char *why = md_duration_read(text, apr_pstrmemdup(p, field->rule, unit_length), out);

    if (why)
        return apr_psprintf(p, "'%s' %s", text, why);
    if (!strcmp(bound, ">0") && *out <= 0)
        return apr_psprintf(p, "must be longer than 0, not '%s'", text);
    if (!strcmp(bound, ">=0") && *out < 0)
        return apr_psprintf(p, "must not be negative, not '%s'", text);
    if (!strcmp(bound, ">=1") && *out < apr_time_from_sec(1))
        return apr_psprintf(p, "must be one second or longer, not '%s'", text);
    return NULL;
}

static const char *read_slice(const md_field *field, const char *text, md_slice *out, apr_pool_t *p)
{
    const char *why = md_slice_read(text, field->rule != NULL, out);

    return why ? apr_psprintf(p, "'%s' %s", text, why) : NULL;
}

static const char *read_url(const char *text, const char **out, apr_pool_t *p)
{
    apr_uri_t uri;

    if (apr_uri_parse(p, text, &uri) != APR_SUCCESS || !uri.scheme)
        return apr_psprintf(p, "'%s' is not a URL", text);
    if (strcasecmp(uri.scheme, "http") && strcasecmp(uri.scheme, "https"))
        return apr_psprintf(p, "scheme must be http or https, not '%s'", uri.scheme);
    if (!uri.hostname || !*uri.hostname)
        return "has no host name";
    if (uri.port_str && (uri.port == 0 || atoi(uri.port_str) > 65535))
        return apr_psprintf(p, "has an invalid port '%s'", uri.port_str);
    *out = apr_pstrdup(p, text);
    return NULL;
}

/** PATH with the rule "none": that word stands for no file. */
static const char *read_text(const md_field *field, const char *text, const char **out, apr_pool_t *p)
{
    int none = field->rule && !strcasecmp(field->rule, text);

    if (!*text)
        return "must not be empty";
    *out = none ? NULL : apr_pstrdup(p, text);
    return NULL;
}

static const char *read_value(const md_field *field, const char *text, md_policy *policy, apr_pool_t *p)
{
    switch (field->kind) {
    case MD_KIND_FLAG: return read_flag(text, &MEMBER(int, policy, field), p);
    case MD_KIND_KEYWORD: return read_keyword(field, text, &MEMBER(int, policy, field), p);
    case MD_KIND_COUNT: return read_count(field, text, &MEMBER(int, policy, field), p);
    case MD_KIND_DURATION: return read_duration(field, text, &MEMBER(apr_interval_time_t, policy, field), p);
    case MD_KIND_SLICE: return read_slice(field, text, &MEMBER(md_slice, policy, field), p);
    case MD_KIND_URL: return read_url(text, &MEMBER(const char *, policy, field), p);
    case MD_KIND_TEXT:
    case MD_KIND_PATH:
    case MD_KIND_COMMAND: return read_text(field, text, &MEMBER(const char *, policy, field), p);
    case MD_KIND_WORDS: MEMBER(md_names *, policy, field) = md_words(text, p); return NULL;
    case MD_KIND_KEYS: return md_key_specs_read(md_words(text, p), p, &MEMBER(md_key_specs *, policy, field));
    default: return "cannot be read this way";
    }
}

const char *md_field_read(const md_field *field, const char *text, md_policy *policy, apr_pool_t *p)
{
    const char *why = read_value(field, text, policy, p);

    if (!why)
        mark(policy, field);
    return why;
}

const md_field *md_field_find(const char *directive)
{
#define MD_ROW_ALIAS(other, name) { other, name },
    static const char *const aliases[][2] = { MD_FIELD_ALIASES(MD_ROW_ALIAS) };
#undef MD_ROW_ALIAS

    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); ++i)
        if (strcasecmp(aliases[i][0], directive) == 0)
            directive = aliases[i][1];
    for (int i = 0; i < MD_FIELD_COUNT; ++i)
        if (strcasecmp(md_field_rows[i].directive, directive) == 0)
            return &md_field_rows[i];
    return NULL;
}

#define MD_ROW_MERGE(member, ...)           \
    if (md_is_set(over, MD_FIELD_##member)) \
        merged.member = over->member;

void md_policy_merge(md_policy *into, const md_policy *base, const md_policy *over)
{
    md_policy merged = *base;

    MD_FIELDS(MD_ROW_MERGE)
    merged.set |= over->set;
    *into = merged;
}

#define MD_ROW_DEFAULT(member, ...)            \
    if (!md_is_set(policy, MD_FIELD_##member)) \
        policy->member = defaults->member;

/** The defaults as a policy of their own, read from their texts. */
static md_policy *make_defaults(apr_pool_t *p)
{
    md_policy *defaults = apr_pcalloc(p, sizeof(*defaults));

    for (int i = 0; i < MD_FIELD_COUNT; ++i)
        if (md_field_rows[i].otherwise && md_field_rows[i].kind != MD_KIND_ODD)
            read_value(&md_field_rows[i], md_field_rows[i].otherwise, defaults, p);
    defaults->port_map.http_port = 80;
    defaults->port_map.https_port = 443;
    defaults->check_name.first = "crt.sh";
    defaults->check_name.second = "https://crt.sh?q=";
    return defaults;
}

void md_policy_defaults(md_policy *policy, apr_pool_t *p)
{
    md_policy_fill(policy, make_defaults(p));
}

md_policy *md_policy_make_defaults(apr_pool_t *p)
{
    return make_defaults(p);
}

void md_policy_fill(md_policy *policy, const md_policy *defaults)
{
    MD_FIELDS(MD_ROW_DEFAULT)
}

/** New value of a row as md.json has it, or NULL when it is left out. */
static json_t *value_to_json(const md_field *field, const md_policy *policy, apr_pool_t *p)
{
    const char *text;
    json_t *holder = md_json_object(p);

    switch (field->kind) {
    case MD_KIND_FLAG: return json_boolean(MEMBER_OF(int, policy, field));
    case MD_KIND_COUNT:
    case MD_KIND_KEYWORD: return json_integer(MEMBER_OF(int, policy, field));
    case MD_KIND_DURATION:
        return json_string(md_duration_text(MEMBER_OF(apr_interval_time_t, policy, field), p));
    case MD_KIND_SLICE: return json_string(md_slice_text(MEMBER_OF(md_slice, policy, field), p));
    case MD_KIND_KEYS: return md_key_specs_to_json(MEMBER_OF(md_key_specs *, policy, field));
    case MD_KIND_WORDS: md_json_set_names(holder, "v", MEMBER_OF(md_names *, policy, field)); break;
    case MD_KIND_ODD: md_json_set_names(holder, "v", MEMBER_OF(md_odd, policy, field).list); break;
    default: text = MEMBER_OF(const char *, policy, field); return text ? json_string(text) : NULL;
    }
    return json_incref(json_object_get(holder, "v"));
}

void md_policy_row_to_json(const md_policy *policy, md_field_id id, json_t *doc, apr_pool_t *p)
{
    const md_field *field = &md_field_rows[id];

    if (id == MD_FIELD_require_https) {
        static const char *const words[] = { NULL, "temporary", "permanent" };

        md_json_set_text(doc, field->json_key, words[policy->require_https]);
        return;
    }
    md_json_set(doc, field->json_key, value_to_json(field, policy, p));
}

void md_policy_to_json(const md_policy *policy, json_t *doc, apr_pool_t *p)
{
    for (int i = 0; i < MD_FIELD_COUNT; ++i)
        if (md_field_rows[i].json_key)
            md_policy_row_to_json(policy, (md_field_id)i, doc, p);
}

/** Old stores have windows as integer seconds. */
static int slice_from_json(const json_t *value, const md_field *field, md_slice *out)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) < APR_INT64_C(31557600000)) {
        *out = (md_slice){ 0, apr_time_from_sec(json_integer_value(value)) };
        return 1;
    }
    return json_is_string(value) && !md_slice_read(json_string_value(value), field->rule != NULL, out);
}

/** True when the value could be used. */
static int value_from_json(const md_field *field, const json_t *value, md_policy *policy, apr_pool_t *p)
{
    const json_t *holder = md_own_json(p, json_pack("{s:O}", "v", value));

    switch (field->kind) {
    case MD_KIND_FLAG: MEMBER(int, policy, field) = json_is_true(value); return json_is_boolean(value);
    case MD_KIND_KEYWORD:
        if (json_is_string(value))
            return !read_keyword(field, json_string_value(value), &MEMBER(int, policy, field), p);
        MEMBER(int, policy, field) = (int)json_integer_value(value);
        return json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 2;
    case MD_KIND_SLICE: return slice_from_json(value, field, &MEMBER(md_slice, policy, field));
    case MD_KIND_KEYS: MEMBER(md_key_specs *, policy, field) = md_key_specs_from_json(value, p); return 1;
    case MD_KIND_WORDS: return (MEMBER(md_names *, policy, field) = md_json_names(holder, "v", p)) != NULL;
    case MD_KIND_ODD: return (MEMBER(md_odd, policy, field).list = md_json_names(holder, "v", p)) != NULL;
    default: return json_is_string(value) && !read_value(field, json_string_value(value), policy, p);
    }
}

void md_policy_from_json(md_policy *policy, const json_t *doc, apr_pool_t *p)
{
    for (int i = 0; i < MD_FIELD_COUNT; ++i) {
        const md_field *field = &md_field_rows[i];
        const json_t *value = field->json_key ? md_json_at(doc, field->json_key) : NULL;

        if (value && value_from_json(field, value, policy, p))
            mark(policy, field);
    }
}

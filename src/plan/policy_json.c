/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings in md.json. What is read may come from any version, or be damaged: a value that does not fit is as
 * good as absent.
 */
#include <apr_strings.h>

#include "plan/policy.h"

/* Windows of the first stores were integer seconds. */
#define SECONDS_MAX APR_INT64_C(31557600000)

static void odd_to_json(const md_field *field, const md_odd *value, json_t *doc, apr_pool_t *p)
{
    if (value->list)
        md_json_set_names(doc, field->json_key, value->list);
    if (!value->first)
        return;
    md_json_set_text(doc, apr_pstrcat(p, field->json_key, ".kid", NULL), value->first);
    md_json_set_text(doc, apr_pstrcat(p, field->json_key, ".hmac", NULL), value->second);
}

static void row_to_json(const md_field *field, const md_policy *policy, json_t *doc, apr_pool_t *p)
{
    const char *key = field->json_key;
    int number;

    switch (field->kind) {
    case MD_KIND_FLAG: md_json_set_flag(doc, key, MD_MEMBER_OF(int, policy, field)); break;
    case MD_KIND_COUNT:
    case MD_KIND_MEMBERS:
    case MD_KIND_KEYWORD: md_json_set_int(doc, key, MD_MEMBER_OF(int, policy, field)); break;
    case MD_KIND_WORD:
        number = MD_MEMBER_OF(int, policy, field);
        md_json_set_text(doc, key, number ? md_field_word(field, number, p) : NULL);
        break;
    case MD_KIND_DURATION:
        md_json_set_text(doc, key, md_duration_text(MD_MEMBER_OF(apr_interval_time_t, policy, field), p));
        break;
    case MD_KIND_SLICE:
        md_json_set_text(doc, key, md_slice_text(MD_MEMBER_OF(md_slice, policy, field), p));
        break;
    case MD_KIND_KEYS:
        md_json_set(doc, key, md_key_specs_to_json(MD_MEMBER_OF(md_key_specs *, policy, field)));
        break;
    case MD_KIND_WORDS: md_json_set_names(doc, key, MD_MEMBER_OF(md_names *, policy, field)); break;
    case MD_KIND_ODD: odd_to_json(field, &MD_MEMBER_OF(md_odd, policy, field), doc, p); break;
    default: md_json_set_text(doc, key, MD_MEMBER_OF(char *, policy, field)); break;
    }
}

void md_policy_to_json(const md_policy *policy, json_t *doc, apr_pool_t *p)
{
    for (int i = 0; i < MD_FIELD_COUNT; ++i)
        if (md_field_rows[i].json_key)
            row_to_json(&md_field_rows[i], policy, doc, p);
}

/* Readers: true when the value could be used. */

static int slice_from_json(const json_t *value, md_slice *out)
{
    if (json_is_string(value))
        return !md_slice_read(json_string_value(value), 0, out) && out->length >= 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > SECONDS_MAX)
        return 0;
    *out = (md_slice){ .length = apr_time_from_sec(json_integer_value(value)) };
    return 1;
}

static int choice_from_json(const md_field *field, const json_t *value, int *out, apr_pool_t *p)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < 0 || number > 99 || !md_field_word(field, (int)number, p))
        return 0;
    *out = (int)number;
    return 1;
}

static int odd_from_json(const json_t *value, md_odd *out, apr_pool_t *p)
{
    json_t *holder = md_json_object(p);

    json_object_set(holder, "list", (json_t *)value);
    *out = (md_odd){ .list = md_json_names(holder, "list", p),
                     .first = apr_pstrdup(p, md_json_text(value, "kid")),
                     .second = apr_pstrdup(p, md_json_text(value, "hmac")) };
    return (out->list && out->list->nelts) || (out->first && out->second);
}

static int words_from_json(const json_t *doc, const char *key, md_names **out, apr_pool_t *p)
{
    *out = md_json_names(doc, key, p);
    return *out != NULL;
}

static int keys_from_json(const json_t *value, md_key_specs **out, apr_pool_t *p)
{
    *out = md_key_specs_from_json(value, p);
    return 1;
}

/** A text is read as a directive's would be. */
static int text_from_json(const md_field *field, const json_t *value, md_policy *policy, apr_pool_t *p)
{
    const char *text = json_string_value(value);

    return text && !md_field_read_text(field, apr_pstrdup(p, text), policy, p);
}

static int row_from_json(const md_field *field, const json_t *doc, md_policy *policy, apr_pool_t *p)
{
    const json_t *value = md_json_at(doc, field->json_key);

    if (!value)
        return 0;
    switch (field->kind) {
    case MD_KIND_FLAG: MD_MEMBER(int, policy, field) = json_is_true(value); return json_is_boolean(value);
    case MD_KIND_MEMBERS:
    case MD_KIND_KEYWORD: return choice_from_json(field, value, &MD_MEMBER(int, policy, field), p);
    case MD_KIND_SLICE: return slice_from_json(value, &MD_MEMBER(md_slice, policy, field));
    case MD_KIND_KEYS: return keys_from_json(value, &MD_MEMBER(md_key_specs *, policy, field), p);
    case MD_KIND_WORDS:
        return words_from_json(doc, field->json_key, &MD_MEMBER(md_names *, policy, field), p);
    case MD_KIND_ODD: return odd_from_json(value, &MD_MEMBER(md_odd, policy, field), p);
    default: return text_from_json(field, value, policy, p);
    }
}

void md_policy_from_json(md_policy *policy, const json_t *doc, apr_pool_t *p)
{
    for (int i = 0; i < MD_FIELD_COUNT; ++i) {
        const md_field *field = &md_field_rows[i];
        md_policy one = { 0 };

        if (field->json_key && row_from_json(field, doc, &one, p)) {
            one.set = MD_SET_BIT(i);
            md_policy_merge(policy, policy, &one);
        }
    }
}

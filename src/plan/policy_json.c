/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings in md.json. What is read may come from any version, or be damaged: a value that does not fit is as
 * good as absent.
 */
#include <apr_strings.h>
#include <string.h>

#include "plan/policy.h"

#define HIDDEN "***"
enum { BINDINGS_MAX = 64 };

/* Windows of the first stores were integer seconds. */
#define SECONDS_MAX APR_INT64_C(31557600000)

/* The binding for all CAs stands alone, as readers of the store know it, those for some beside it. */
#define BINDINGS_OF_CAS "eab-cas"

static json_t *binding_to_json(const md_binding *binding, apr_pool_t *p)
{
    json_t *out = md_json_object(p);

    md_json_set_text(out, "ca", binding->ca_url);
    md_json_set_text(out, "kid", binding->kid);
    md_json_set_text(out, "hmac", binding->hmac);
    return out;
}

static void bindings_to_json(const md_field *field, const apr_array_header_t *bindings, json_t *doc,
                             apr_pool_t *p)
{
    json_t *of_cas = md_own_json(p, json_array());

    for (int i = 0; i < bindings->nelts; ++i) {
        const md_binding *each = &APR_ARRAY_IDX(bindings, i, md_binding);

        if (each->ca_url)
            json_array_append(of_cas, binding_to_json(each, p));
        else
            md_json_set(doc, field->json_key, json_incref(binding_to_json(each, p)));
    }
    if (json_array_size(of_cas))
        md_json_set(doc, BINDINGS_OF_CAS, json_incref(of_cas));
}

static void odd_to_json(const md_field *field, const md_odd *value, json_t *doc, apr_pool_t *p)
{
    if (value->list)
        md_json_set_names(doc, field->json_key, value->list);
    if (value->bindings)
        bindings_to_json(field, value->bindings, doc, p);
}

/** A URL without who logs in there. */
static const char *without_login(const char *url, apr_pool_t *p)
{
    const char *host = strstr(url, "://"), *end, *at;

    host = host ? host + 3 : url;
    end = host + strcspn(host, "/?#");
    for (at = end; at > host && *at != '@'; --at)
        ;
    return *at == '@' ? apr_pstrcat(p, apr_pstrmemdup(p, url, (apr_size_t)(host - url)), HIDDEN, at, NULL)
                      : url;
}

void md_policy_hide_secrets(json_t *doc, apr_pool_t *p)
{
    static const char *const proxy = "proxy-url";
    json_t *of_cas = json_object_get(doc, BINDINGS_OF_CAS);

    if (md_json_text(doc, proxy))
        md_json_set_text(doc, proxy, without_login(md_json_text(doc, proxy), p));
    if (md_json_at(doc, "eab.hmac"))
        md_json_set_text(doc, "eab.hmac", HIDDEN);
    for (size_t i = 0; i < json_array_size(of_cas); ++i)
        md_json_set_text(json_array_get(of_cas, i), "hmac", HIDDEN);
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

static void add_binding(const json_t *value, apr_array_header_t *to)
{
    const md_binding binding = { apr_pstrdup(to->pool, md_json_text(value, "ca")),
                                 apr_pstrdup(to->pool, md_json_text(value, "kid")),
                                 apr_pstrdup(to->pool, md_json_text(value, "hmac")) };

    if (binding.kid && binding.hmac)
        APR_ARRAY_PUSH(to, md_binding) = binding;
}

static int bindings_from_json(const md_field *field, const json_t *doc, md_odd *out, apr_pool_t *p)
{
    const json_t *of_cas = md_json_at(doc, BINDINGS_OF_CAS);

    out->bindings = apr_array_make(p, 1, sizeof(md_binding));
    add_binding(md_json_at(doc, field->json_key), out->bindings);
    for (size_t i = 0; i < json_array_size(of_cas) && i < BINDINGS_MAX; ++i)
        add_binding(json_array_get(of_cas, i), out->bindings);
    return out->bindings->nelts > 0;
}

static int odd_from_json(const json_t *value, md_odd *out, apr_pool_t *p)
{
    json_t *holder = md_json_object(p);

    json_object_set(holder, "list", (json_t *)value);
    out->list = md_json_names(holder, "list", p);
    return out->list && out->list->nelts;
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

    if (field - md_field_rows == MD_FIELD_eab)
        return bindings_from_json(field, doc, &policy->eab, p);
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

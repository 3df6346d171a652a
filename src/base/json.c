/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed reads and writes over jansson, with dotted paths.
 */
#include "base/json.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 * 1024, STEP_MAX = 128 };

static apr_status_t release(void *doc)
{
    json_decref(doc);
    return APR_SUCCESS;
}

json_t *md_own_json(apr_pool_t *p, json_t *doc)
{
    if (doc)
        apr_pool_cleanup_register(p, doc, release, apr_pool_cleanup_null);
    return doc;
}

json_t *md_json_object(apr_pool_t *p)
{
    return md_own_json(p, json_object());
}

md_err *md_json_read(md_bytes text, apr_pool_t *p, json_t **out)
{
    json_error_t where;

    *out = NULL;
    if (text.size > TEXT_MAX)
        return md_fail(p, MD_FAULT_REMOTE, "md:too-large", "JSON of %" APR_SIZE_T_FMT " bytes is too large",
                       text.size);
    *out = md_own_json(p, json_loadb(text.data ? text.data : "", text.size, JSON_REJECT_DUPLICATES, &where));
    if (!*out)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "not JSON (line %d, column %d: %s)", where.line,
                       where.column, where.text);
    return NULL;
}

/** Measured first, then written: the text never lives outside of the pool. */
static const char *dump(const json_t *doc, size_t flags, apr_pool_t *p)
{
    size_t size = json_dumpb(doc, NULL, 0, flags | JSON_ENCODE_ANY);
    char *text = apr_palloc(p, size + 1);

    text[json_dumpb(doc, text, size, flags | JSON_ENCODE_ANY)] = '\0';
    return text;
}

const char *md_json_text_of(const json_t *doc, apr_pool_t *p)
{
    return dump(doc, JSON_INDENT(2), p);
}

const char *md_json_line(const json_t *doc, apr_pool_t *p)
{
    return dump(doc, JSON_COMPACT, p);
}

/** Copies the first step of `path` and returns what follows it, or NULL at the last one. */
static const char *next_step(const char *path, char step[STEP_MAX])
{
    const char *dot = strchr(path, '.');
    size_t length = dot ? (size_t)(dot - path) : strlen(path);

    if (length >= STEP_MAX)
        length = STEP_MAX - 1;
    memcpy(step, path, length);
    step[length] = '\0';
    return dot ? dot + 1 : NULL;
}

const json_t *md_json_at(const json_t *doc, const char *path)
{
    char step[STEP_MAX];

    while (doc && path) {
        path = next_step(path, step);
        doc = json_object_get(doc, step);
    }
    return doc;
}

const char *md_json_text(const json_t *doc, const char *path)
{
    return json_string_value(md_json_at(doc, path));
}

const char *md_json_copy(const json_t *doc, const char *path, apr_pool_t *p)
{
    return apr_pstrdup(p, md_json_text(doc, path));
}

json_int_t md_json_int(const json_t *doc, const char *path, json_int_t otherwise)
{
    const json_t *value = md_json_at(doc, path);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

int md_json_flag(const json_t *doc, const char *path, int otherwise)
{
    const json_t *value = md_json_at(doc, path);

    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

apr_time_t md_json_date(const json_t *doc, const char *path)
{
    const char *text = md_json_text(doc, path);

    return text ? md_date_read(text) : 0;
}

md_names *md_json_names(const json_t *doc, const char *path, apr_pool_t *p)
{
    const json_t *array = md_json_at(doc, path);
    md_names *names;

    if (!json_is_array(array))
        return NULL;
    names = md_names_make(p);
    for (size_t i = 0; i < json_array_size(array); ++i) {
        const char *text = json_string_value(json_array_get(array, i));

        if (text)
            md_names_add(names, apr_pstrdup(p, text));
    }
    return names;
}

void md_json_set(json_t *doc, const char *path, json_t *value)
{
    char step[STEP_MAX];
    const char *rest = next_step(path, step);

    while (rest) {
        json_t *inner = json_object_get(doc, step);

        if (!json_is_object(inner)) {
            if (!value)
                return;
            inner = json_object();
            json_object_set_new(doc, step, inner);
        }
        doc = inner;
        rest = next_step(rest, step);
    }
    if (value)
        json_object_set_new(doc, step, value);
    else
        json_object_del(doc, step);
}

/** File names and answers need not be UTF-8, JSON has to be: what is not becomes '?'. */
static json_t *text_value(const char *value)
{
    json_t *text = json_string(value);
    char *plain;

    if (text)
        return text;
    plain = strdup(value);
    for (char *at = plain; at && *at; ++at) {
        if (*at & 0x80)
            *at = '?';
    }
    text = json_string(plain ? plain : "");
    free(plain);
    return text;
}

void md_json_set_text(json_t *doc, const char *path, const char *value)
{
    md_json_set(doc, path, value ? text_value(value) : NULL);
}

void md_json_set_int(json_t *doc, const char *path, json_int_t value)
{
    md_json_set(doc, path, json_integer(value));
}

void md_json_set_flag(json_t *doc, const char *path, int value)
{
    md_json_set(doc, path, json_boolean(value));
}

void md_json_set_date(json_t *doc, const char *path, apr_time_t value)
{
    char text[APR_RFC822_DATE_LEN];

    if (value)
        apr_rfc822_date(text, value);
    md_json_set_text(doc, path, value ? text : NULL);
}

void md_json_set_names(json_t *doc, const char *path, const md_names *names)
{
    json_t *array = names ? json_array() : NULL;

    for (int i = 0; names && i < names->nelts; ++i)
        json_array_append_new(array, text_value(MD_NAME(names, i)));
    md_json_set(doc, path, array);
}

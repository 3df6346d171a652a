/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of an answer that say more than text: types and links.
 */
#include "net/http.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

const char *md_http_header(const md_http_response *response, const char *name)
{
    return response->headers ? apr_table_get(response->headers, name) : NULL;
}

int md_http_is_json(const md_http_response *response)
{
    const char *type = md_http_header(response, "Content-Type");
    apr_size_t size = type ? strcspn(type, "; \t") : 0;

    return size >= 5 && (type[size - 5] == '/' || type[size - 5] == '+') &&
           !strncasecmp(type + size - 4, "json", 4);
}

/** One link of a Link header; all point into it. */
typedef struct link_value {
    md_bytes target, relations;
} link_value;

static const char *skip_blanks(const char *c)
{
    while (*c == ' ' || *c == '\t')
        ++c;
    return c;
}

/* A token or a quoted string (RFC 8288 section 3); escapes stay, no relation type has any. */
static const char *read_value(const char *c, md_bytes *out)
{
    if (*c != '"') {
        *out = (md_bytes){ c, strcspn(c, ";, \t") };
        return c + out->size;
    }
    out->data = ++c;
    while (*c && *c != '"')
        c += c[0] == '\\' && c[1] ? 2 : 1;
    out->size = (apr_size_t)(c - out->data);
    return *c ? c + 1 : c;
}

static const char *read_parameter(const char *c, link_value *link)
{
    const char *name = skip_blanks(c);
    const apr_size_t size = strcspn(name, "=;, \t");
    md_bytes value = { NULL, 0 };

    c = skip_blanks(name + size);
    if (*c == '=')
        c = skip_blanks(read_value(skip_blanks(c + 1), &value));
    if (size == 3 && !strncasecmp(name, "rel", 3) && !link->relations.data) /* only the first counts */
        link->relations = value;
    return c + strcspn(c, ";,");
}

/* Reads the link at `c`; returns where the next one begins, NULL at the end. */
static const char *read_link(const char *c, link_value *link)
{
    const char *end;

    *link = (link_value){ { NULL, 0 }, { NULL, 0 } };
    c = strchr(c, '<');
    end = c ? strchr(c, '>') : NULL;
    if (!end)
        return NULL;
    link->target = (md_bytes){ c + 1, (apr_size_t)(end - c - 1) };
    c = skip_blanks(end + 1);
    while (*c == ';')
        c = read_parameter(c + 1, link);
    return c;
}

static int has_relation(md_bytes relations, const char *rel)
{
    const apr_size_t wanted = strlen(rel);
    apr_size_t at = 0;

    while (at < relations.size) {
        const char *word = relations.data + at;
        apr_size_t size = 0;

        while (at + size < relations.size && !apr_isspace(word[size]))
            ++size;
        if (size == wanted && !strncasecmp(word, rel, size))
            return 1;
        at += size + 1;
    }
    return 0;
}

const char *md_http_link(const md_http_response *response, const char *rel, int nth, const char *base,
                         apr_pool_t *p)
{
    const apr_array_header_t *headers = response->headers ? apr_table_elts(response->headers) : NULL;

    for (int i = 0; headers && i < headers->nelts; ++i) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);
        const char *c = strcasecmp(header->key, "Link") ? NULL : header->val;
        link_value link;

        while (c && (c = read_link(c, &link))) {
            if (has_relation(link.relations, rel) && !nth--)
                return md_url_resolve(apr_pstrmemdup(p, link.target.data, link.target.size), base, p);
        }
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search, filter and order of the list.
 */
#include "status/page_ask.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "status/html.h"

/** The weight of one range of an Accept header (RFC 9110 12.5.1), in thousandths. */
static int weight_of(const char *range, apr_size_t length)
{
    for (apr_size_t i = 0; i + 2 < length; ++i) {
        const char *c = range + i;

        if (*c != ';')
            continue;
        c += 1 + strspn(c + 1, " \t");
        if ((*c == 'q' || *c == 'Q') && c[1] == '=')
            return (int)(strtod(c + 2, NULL) * 1000);
    }
    return 1000;
}

/** How much a type is wanted: what the most exact range that fits says. */
static int wanted(const char *accept, const char *type, const char *any)
{
    int found = 0, exactness = 0;

    while (*accept) {
        const char *range = accept + strspn(accept, ", \t");
        const apr_size_t whole = strcspn(range, ","), length = strcspn(range, ";, \t");
        const int fits = length == strlen(type) && !strncasecmp(range, type, length) ? 3
                         : length == strlen(any) && !strncasecmp(range, any, length) ? 2
                         : length == 3 && !strncmp(range, "*/*", length)             ? 1
                                                                                     : 0;

        if (fits > exactness) {
            exactness = fits;
            found = weight_of(range, whole);
        }
        accept = range + whole;
    }
    return found;
}

int md_page_is_wanted(const char *accept)
{
    return accept &&
           wanted(accept, "text/html", "text/*") > wanted(accept, "application/json", "application/*");
}

static const char *const order_words[] = { "urgency", "name", "end", "next" };

const char *md_order_word(md_order order)
{
    return order_words[order];
}

static int group_of(const char *word)
{
    int group = 0;

    while (group < MD_VIEW_GROUPS && strcmp(word, md_view_group_word((md_view_group)group)) != 0)
        ++group;
    return group;
}

static md_order order_of(const char *word)
{
    for (int i = 0; i <= MD_ORDER_NEXT; ++i)
        if (!strcmp(word, order_words[i]))
            return (md_order)i;
    return MD_ORDER_URGENCY;
}

static const char *member(const md_page_ask *ask, const char *name, apr_pool_t *p)
{
    const char *value = md_url_member(ask->query, name, p);

    return value ? value : "";
}

md_list_ask md_list_ask_read(const md_page_ask *ask, apr_pool_t *p)
{
    const char *order = member(ask, "sort", p), *page = member(ask, "page", p);
    md_list_ask out = { .base = ask->base,
                        .search = md_lower(member(ask, "q", p), p),
                        .problem = member(ask, "problem", p),
                        .group = group_of(member(ask, "state", p)),
                        .descending = *order == '-' };
    const apr_int64_t number = apr_atoi64(page);

    out.order = order_of(order + out.descending);
    if (strcmp(page, "all") != 0)
        out.page = number > 0 && number < 100000 ? (int)number : 1;
    return out;
}

const char *md_list_url(const md_list_ask *ask, apr_pool_t *p)
{
    const char *query = "";

    if (*ask->search)
        query = apr_pstrcat(p, query, "&q=", md_url_encode(ask->search, p), NULL);
    if (ask->group != MD_VIEW_GROUPS)
        query = apr_pstrcat(p, query, "&state=", md_view_group_word((md_view_group)ask->group), NULL);
    if (*ask->problem)
        query = apr_pstrcat(p, query, "&problem=", md_url_encode(ask->problem, p), NULL);
    if (ask->order != MD_ORDER_URGENCY || ask->descending)
        query = apr_pstrcat(p, query, "&sort=", ask->descending ? "-" : "", order_words[ask->order], NULL);
    if (!ask->page)
        query = apr_pstrcat(p, query, "&page=all", NULL);
    else if (ask->page > 1)
        query = apr_psprintf(p, "%s&page=%d", query, ask->page);
    return apr_pstrcat(p, *ask->base ? ask->base : "/", *query ? "?" : "", *query ? query + 1 : "", NULL);
}

static int has(const char *text, const char *search, apr_pool_t *p)
{
    return text && strstr(md_lower(text, p), search);
}

static int has_name(const json_t *names, const char *search, apr_pool_t *p)
{
    for (size_t i = 0; i < json_array_size(names); ++i)
        if (has(json_string_value(json_array_get(names, i)), search, p))
            return 1;
    return 0;
}

static int is_found(const md_view *view, const char *search, apr_pool_t *p)
{
    return !*search || has(view->name, search, p) || has(view->ca, search, p) ||
           has(view->label, search, p) || has(view->detail, search, p) ||
           has_name(json_object_get(view->entry, "domains"), search, p);
}

static int by_time(apr_time_t a, apr_time_t b)
{
    return a == b ? 0 : !a ? 1 : !b ? -1 : a < b ? -1 : 1; /* without one: last */
}

static int by_name(const md_view *a, const md_view *b)
{
    return strcmp(a->name, b->name);
}

static int by_urgency(const md_view *a, const md_view *b)
{
    return a->group != b->group ? (int)a->group - (int)b->group : strcmp(a->label, b->label);
}

static int by_end(const md_view *a, const md_view *b)
{
    return by_time(a->valid.until, b->valid.until);
}

static apr_time_t next_of(const md_view *view)
{
    return view->next_run ? view->next_run : view->renew_at;
}

static int by_next(const md_view *a, const md_view *b)
{
    return by_time(next_of(a), next_of(b));
}

#define SORTED_BY(order)                                    \
    static int sorted_##order(const void *a, const void *b) \
    {                                                       \
        const int found = by_##order(a, b);                 \
        return found ? found : by_name(a, b);               \
    }
SORTED_BY(urgency)
SORTED_BY(name)
SORTED_BY(end)
SORTED_BY(next)

static void reverse(apr_array_header_t *views)
{
    for (int i = 0, k = views->nelts - 1; i < k; ++i, --k) {
        const md_view kept = APR_ARRAY_IDX(views, i, md_view);

        APR_ARRAY_IDX(views, i, md_view) = APR_ARRAY_IDX(views, k, md_view);
        APR_ARRAY_IDX(views, k, md_view) = kept;
    }
}

static int is_wanted(const md_view *view, const md_list_ask *ask, apr_pool_t *scratch)
{
    if (ask->group != MD_VIEW_GROUPS && ask->group != (int)view->group)
        return 0;
    if (*ask->problem && !md_text_equal(ask->problem, view->problem))
        return 0;
    return is_found(view, ask->search, scratch);
}

apr_array_header_t *md_list_choose(const apr_array_header_t *views, const md_list_ask *ask, apr_pool_t *p)
{
    static int (*const orders[])(const void *, const void *) = { sorted_urgency, sorted_name, sorted_end,
                                                                 sorted_next };
    apr_array_header_t *out = apr_array_make(p, views->nelts + 1, sizeof(md_view));
    apr_pool_t *scratch;

    apr_pool_create(&scratch, p);
    for (int i = 0; i < views->nelts; ++i) {
        apr_pool_clear(scratch);
        if (is_wanted(&APR_ARRAY_IDX(views, i, md_view), ask, scratch))
            APR_ARRAY_PUSH(out, md_view) = APR_ARRAY_IDX(views, i, md_view);
    }
    apr_pool_destroy(scratch);
    qsort(out->elts, (size_t)out->nelts, (size_t)out->elt_size, orders[ask->order]);
    if (ask->descending)
        reverse(out);
    return out;
}

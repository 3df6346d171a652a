/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts are on the heap, one a domain, replaced when they change; nothing else grows.
 */
#include "status/cache.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "status/staples.h"

#define AGE_MAX   apr_time_from_sec(1) /* of those that are looked at again */
#define SEPARATOR ",\n    "
#define FNV_BASIS APR_UINT64_C(14695981039346656037)
#define FNV_PRIME APR_UINT64_C(1099511628211)

#define OTHERS_AGE apr_time_from_sec(5)

enum { LOOKS = 32, STEPS = 4, RENEWAL_MAX = 64 * 1024 };

typedef struct kept {
    const md_domain *domain;
    char *text; /* NULL: not made yet */
    size_t size;
    apr_uint64_t digest;
    md_glance glance; /* as it was before the text was made */
    apr_time_t made;
    md_entry entry; /* but for its document */
} kept;

struct md_cache {
    const md_core *core;
    int count;
    kept *each;     /* sorted by name */
    int *places;    /* by md_domain.index, into `each` */
    int oldest;     /* where the next look at old ones begins */
    json_t *others; /* NULL: not looked at yet */
    apr_time_t others_made;
    pthread_mutex_t lock;
};

static apr_status_t free_cache(void *data)
{
    md_cache *cache = data;

    for (int i = 0; i < cache->count; ++i)
        free(cache->each[i].text);
    json_decref(cache->others);
    pthread_mutex_destroy(&cache->lock);
    return APR_SUCCESS;
}

md_cache *md_cache_make(const md_core *core, apr_pool_t *p)
{
    const apr_array_header_t *sorted = md_status_order(core->plan, p);
    md_cache *cache = apr_pcalloc(p, sizeof(*cache));

    cache->core = core;
    cache->count = sorted->nelts;
    cache->each = apr_pcalloc(p, (apr_size_t)cache->count * sizeof(kept));
    cache->places = apr_pcalloc(p, (apr_size_t)cache->count * sizeof(int));
    for (int i = 0; i < cache->count; ++i) {
        cache->each[i].domain = APR_ARRAY_IDX(sorted, i, const md_domain *);
        cache->places[cache->each[i].domain->index] = i;
    }
    pthread_mutex_init(&cache->lock, NULL);
    apr_pool_cleanup_register(p, cache, free_cache, apr_pool_cleanup_null);
    return cache;
}

/** Two steps further to the right. JSON has no line breaks within its texts. */
static void indent(kept *into, const char *text)
{
    size_t lines = 0;
    char *at;

    for (const char *c = text; *c; ++c)
        lines += *c == '\n';
    into->size = strlen(text) + lines * STEPS;
    free(into->text);
    at = into->text = malloc(into->size + 1);
    if (!at)
        abort();
    for (; *text; ++text) {
        *at++ = *text;
        if (*text == '\n') {
            memset(at, ' ', STEPS);
            at += STEPS;
        }
    }
    *at = '\0';
}

static apr_uint64_t digest_of(apr_uint64_t digest, md_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; ++i)
        digest = (digest ^ (unsigned char)bytes.data[i]) * FNV_PRIME;
    return digest;
}

/** What a CA or a file of the store can make large is left out of lists: it is shown with the single domain.
 */
static const char *text_of(json_t *entry, apr_pool_t *p)
{
    const json_t *renewal = json_object_get(entry, "renewal");

    if (renewal && json_dumpb(renewal, NULL, 0, JSON_COMPACT) > RENEWAL_MAX)
        json_object_del(entry, "renewal");
    return md_json_text_of(entry, p);
}

static void look_at(const md_cache *cache, kept *each, const md_glance *glance, apr_time_t now,
                    apr_pool_t *scratch)
{
    const char *text;

    apr_pool_clear(scratch);
    md_status_entry(cache->core, each->domain, scratch, &each->entry);
    text = text_of(each->entry.doc, scratch);
    indent(each, text);
    each->entry.doc = NULL;
    each->digest = digest_of(FNV_BASIS, md_bytes_of(text));
    each->glance = *glance;
    each->made = now;
}

static void refresh(const md_cache *cache, kept *each, apr_interval_time_t age, apr_time_t now,
                    apr_pool_t *scratch)
{
    md_glance glance = { .changes = 0 };

    if (cache->core->glance)
        cache->core->glance(cache->core->self, each->domain, &glance);
    if (!each->text || !md_glance_equal(&glance, &each->glance) ||
        (each->entry.until && each->entry.until <= now) || now < each->made ||
        (age && now - each->made >= age))
        look_at(cache, each, &glance, now, scratch);
}

/** There is no sign of changes, so they are looked at again after a while. */
static void refresh_others(md_cache *cache, apr_time_t now, apr_pool_t *p)
{
    json_t *others;
    md_err *err;

    if (cache->others && now >= cache->others_made && now - cache->others_made < OTHERS_AGE)
        return;
    err = md_staples_of_others(cache->core, p, &others);
    if (err)
        md_log_err(MD_LOG_ERROR, 0, NULL, "showing the status", err, "Staples cannot be shown:");
    json_decref(cache->others);
    cache->others = json_incref(others);
    cache->others_made = now;
}

/** Under the lock. */
static void refresh_all(md_cache *cache, apr_pool_t *p)
{
    const apr_time_t now = md_now(cache->core->clock);
    apr_pool_t *scratch;

    apr_pool_create(&scratch, p);
    for (int i = 0; i < LOOKS && i < cache->count; ++i) {
        refresh(cache, &cache->each[cache->oldest], AGE_MAX, now, scratch);
        cache->oldest = (cache->oldest + 1) % cache->count;
    }
    for (int i = 0; i < cache->count; ++i)
        refresh(cache, &cache->each[i], 0, now, scratch);
    refresh_others(cache, now, scratch);
    apr_pool_destroy(scratch);
}

void md_cache_fill(md_cache *cache)
{
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    pthread_mutex_lock(&cache->lock);
    refresh_all(cache, p);
    pthread_mutex_unlock(&cache->lock);
    apr_pool_destroy(p);
}

/** Those that the query is about; under the lock. */
static apr_array_header_t *choose(const md_cache *cache, const md_query *query, apr_pool_t *p, md_found *out)
{
    apr_array_header_t *chosen = apr_array_make(p, query->limit ? 64 : cache->count, sizeof(const kept *));

    for (int i = 0; i < cache->count; ++i) {
        const kept *each = &cache->each[i];

        md_summary_add(&out->summary, &each->entry);
        if ((query->after && strcmp(each->domain->name, query->after) <= 0) ||
            (query->condition >= 0 && !MD_HAS(each->entry.conditions, query->condition)))
            continue;
        if (query->limit && chosen->nelts == query->limit) {
            out->next = APR_ARRAY_IDX(chosen, chosen->nelts - 1, const kept *)->domain->name;
            continue;
        }
        APR_ARRAY_PUSH(chosen, const kept *) = each;
    }
    return chosen;
}

static void copy_texts(const apr_array_header_t *chosen, apr_pool_t *p, md_found *out)
{
    apr_size_t size = 1;
    char *at;

    for (int i = 0; i < chosen->nelts; ++i)
        size += APR_ARRAY_IDX(chosen, i, const kept *)->size + sizeof(SEPARATOR) - 1;
    at = apr_palloc(p, size);
    out->text.data = at;
    for (int i = 0; i < chosen->nelts; ++i) {
        const kept *each = APR_ARRAY_IDX(chosen, i, const kept *);

        if (i) {
            memcpy(at, SEPARATOR, sizeof(SEPARATOR) - 1);
            at += sizeof(SEPARATOR) - 1;
        }
        memcpy(at, each->text, each->size);
        APR_ARRAY_PUSH(out->each, md_bytes) = (md_bytes){ at, each->size };
        at += each->size;
        out->digest = (out->digest ^ each->digest) * FNV_PRIME;
    }
    *at = '\0';
    out->text.size = (apr_size_t)(at - out->text.data);
}

void md_cache_find(md_cache *cache, const md_query *query, apr_pool_t *p, md_found *out)
{
    const apr_array_header_t *chosen;

    memset(out, 0, sizeof(*out));
    out->digest = FNV_BASIS;
    pthread_mutex_lock(&cache->lock);
    refresh_all(cache, p);
    chosen = choose(cache, query, p, out);
    out->each = apr_array_make(p, chosen->nelts, sizeof(md_bytes));
    copy_texts(chosen, p, out);
    out->others = md_own_json(p, json_deep_copy(cache->others));
    pthread_mutex_unlock(&cache->lock);
}

static const char *tag_of(apr_uint64_t digest, apr_pool_t *p)
{
    return apr_psprintf(p, "\"%016" APR_UINT64_T_HEX_FMT "\"", digest);
}

const char *md_cache_tag(md_bytes text, apr_pool_t *p)
{
    return tag_of(digest_of(FNV_BASIS, text), p);
}

md_bytes md_cache_document(md_cache *cache, const md_query *query, apr_pool_t *p, const char **tag)
{
    static const char list[] = ",\n  \"managed-domains\": [\n    ", end[] = "\n  ]\n}\n";
    const char *head;
    md_found found;
    json_t *doc;
    md_bytes all;

    md_cache_find(cache, query, p, &found);
    doc = md_status_head(cache->core, &found.summary, p);
    md_json_set_text(doc, "next", found.next);
    if (json_array_size(found.others))
        json_object_set(doc, "other-staples", found.others);
    head = md_json_text_of(doc, p);
    *tag = tag_of(digest_of(found.digest, md_bytes_of(head)), p);
    if (!found.each->nelts) {
        all.data = apr_pstrcat(p, head, "\n", NULL);
        all.size = strlen(all.data);
        return all;
    }
    head = apr_pstrmemdup(p, head, strlen(head) - 2); /* without the end of the object, "\n}" */
    all.data = apr_pstrcat(p, head, list, found.text.data, end, NULL);
    all.size = strlen(head) + sizeof(list) - 1 + found.text.size + sizeof(end) - 1;
    return all;
}

apr_time_t md_cache_expires(md_cache *cache, const md_domain *domain)
{
    kept *each = &cache->each[cache->places[domain->index]];
    apr_time_t expires;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, NULL);
    pthread_mutex_lock(&cache->lock);
    refresh(cache, each, 0, md_now(cache->core->clock), scratch);
    expires = each->entry.expires;
    pthread_mutex_unlock(&cache->lock);
    apr_pool_destroy(scratch);
    return expires;
}

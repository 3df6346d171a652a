/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts are a JSON object in memory as on disk, so that adding one to the other is a walk over members.
 * Their names come from outside (problems of CAs): their number is bounded.
 */
#include "jobs/count.h"

#include <apr_strings.h>
#include <pthread.h>
#include <string.h>

#include "acme/ca.h"

#define PLACE MD_PLACE(MD_GROUP_CLAIMS, "metrics", "counts.json")
#define OTHER "other"

enum { MEMBERS_MAX = 64, NAME_MAX_SIZE = 128, LEVELS = 2 };

const int md_count_bounds[MD_COUNT_BOUNDS] = { 1, 2, 5, 10, 30, 60, 300, 1800, 7200 };

struct md_counts {
    pthread_mutex_t lock;
    json_t *since; /* the last time it was saved */
};

static apr_status_t free_counts(void *data)
{
    md_counts *counts = data;

    json_decref(counts->since);
    pthread_mutex_destroy(&counts->lock);
    return APR_SUCCESS;
}

md_counts *md_counts_make(apr_pool_t *p)
{
    md_counts *counts = apr_pcalloc(p, sizeof(*counts));

    counts->since = json_object();
    pthread_mutex_init(&counts->lock, NULL);
    apr_pool_cleanup_register(p, counts, free_counts, apr_pool_cleanup_null);
    return counts;
}

/** The name under which something is counted: not one more when there are many already. */
static const char *name_in(const json_t *counts, const char *name)
{
    return json_object_get(counts, name) || json_object_size(counts) < MEMBERS_MAX ? name : OTHER;
}

static void add_number(json_t *counts, const char *name, json_int_t number)
{
    name = name_in(counts, name);
    json_object_set_new(counts, name,
                        json_integer(json_integer_value(json_object_get(counts, name)) + number));
}

/** The object below, made when it is not there. */
static json_t *below(json_t *counts, const char *name)
{
    json_t *found;

    name = name_in(counts, name);
    found = json_object_get(counts, name);
    if (json_is_object(found))
        return found;
    json_object_set_new(counts, name, json_object());
    return json_object_get(counts, name);
}

/** The numbers of an object, and of the objects in it, so many levels deep. */
/* NOLINTNEXTLINE(misc-no-recursion): so many levels */
static void add_all(json_t *into, json_t *from, int levels)
{
    const char *name;
    json_t *value;

    json_object_foreach(from, name, value)
    {
        if (json_is_integer(value))
            add_number(into, name, json_integer_value(value));
        else if (json_is_object(value) && levels)
            add_all(below(into, name), value, levels - 1);
    }
}

static const char *shown_ca(const md_event *event, apr_pool_t *p)
{
    return event->ca ? md_ca_shown(event->ca, p) : OTHER;
}

/** From the beginning of the attempt that led to them until the certificates were there. */
static void count_duration(json_t *counts, const md_job *job)
{
    const apr_time_t began = md_job_noted(job, "starting"), ended = job->last_run;
    json_t *into = below(counts, "order-seconds");
    int seconds = (int)apr_time_sec(ended - began), bucket = 0;

    if (!began || !ended || ended < began || ended - began > apr_time_from_sec(INT32_MAX))
        return;
    while (bucket < MD_COUNT_BOUNDS && seconds > md_count_bounds[bucket])
        ++bucket;
    if (bucket < MD_COUNT_BOUNDS) {
        char name[16];

        apr_snprintf(name, sizeof(name), "%d", md_count_bounds[bucket]);
        add_number(into, name, 1);
    }
    add_number(into, "sum", seconds);
    add_number(into, "count", 1);
}

md_err *md_counts_on_event(void *self, const md_event *event, apr_pool_t *p)
{
    md_counts *counts = self;

    pthread_mutex_lock(&counts->lock);
    if (!strcmp(event->name, "renewed")) {
        add_number(below(counts->since, "renewals"), shown_ca(event, p), 1);
        if (event->job)
            count_duration(counts->since, event->job);
    } else if (!strcmp(event->name, "errored") && event->err) {
        add_number(below(below(counts->since, "errors"), shown_ca(event, p)),
                   md_excerpt(md_bytes_of(event->err->type), NAME_MAX_SIZE, p), 1);
    } else if (!strcmp(event->name, "activated")) {
        add_number(counts->since, "activations", 1);
    }
    pthread_mutex_unlock(&counts->lock);
    return NULL;
}

json_t *md_counts_load(md_store *store, apr_pool_t *p)
{
    json_t *doc = NULL;
    md_err *err = md_store_load_json(store, PLACE, p, &doc);

    return !err && json_is_object(doc) ? doc : md_json_object(p);
}

static md_err *save(md_store *store, json_t *more, apr_pool_t *p)
{
    json_t *all = md_counts_load(store, p);
    md_file file = { .scratch = 1 };

    add_all(all, more, LEVELS);
    file.value = md_bytes_of(md_json_text_of(all, p));
    return md_store_save_scratch(store, PLACE, &file, p);
}

/** What was counted since, which begins anew; NULL: nothing was. */
static json_t *take(md_counts *counts)
{
    json_t *taken = NULL;

    pthread_mutex_lock(&counts->lock);
    if (json_object_size(counts->since)) {
        taken = counts->since;
        counts->since = json_object();
    }
    pthread_mutex_unlock(&counts->lock);
    return taken;
}

static void give_back(md_counts *counts, json_t *taken)
{
    pthread_mutex_lock(&counts->lock);
    add_all(counts->since, taken, LEVELS);
    pthread_mutex_unlock(&counts->lock);
}

md_err *md_counts_save(md_counts *counts, md_store *store, apr_pool_t *p)
{
    json_t *taken = take(counts);
    md_claim *claim = NULL;
    md_err *err;

    if (!taken)
        return NULL;
    err = md_store_claim(store, "metrics", p, &claim);
    if (!err && claim)
        err = save(store, taken, p);
    if (err || !claim)
        give_back(counts, taken);
    json_decref(taken);
    md_store_release(store, claim);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which folder belongs to which domain, after the configuration changed. Names lead to folders through a
 * hash, so everything is linear in the number of names.
 */
#include "jobs/sync.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "base/log.h"
#include "jobs/job.h"

/** A folder in DOMAINS that no configured domain is named after. */
typedef struct stray_folder {
    const md_domain *was;
    int common;   /* names in common with the domain that is looked at */
    int asked_by; /* index of that domain, + 1 */
    int taken;
} stray_folder;

/** What a sync works with. `p` lives as long as the plan, `each` is cleared for every domain. */
typedef struct syncing {
    md_store *store;
    md_plan *plan;
    md_sync_extent extent;
    apr_hash_t *folders;        /* in DOMAINS: name -> name */
    apr_hash_t *strays_by_name; /* DNS name -> array of stray_folder *; NULL: not read yet */
    apr_pool_t *p, *each;
} syncing;

/** NULL when absent, or damaged: what is configured is written anew. */
static md_err *load_md(const syncing *pass, const char *name, apr_pool_t *p, json_t **doc)
{
    md_place place = MD_PLACE(MD_GROUP_DOMAINS, name, "md.json");
    md_err *err = md_store_load_json(pass->store, place, p, doc);

    if (!err || strcmp(err->type, "md:bad-file") != 0)
        return err;
    md_store_set_aside(pass->store, place, md_err_text(err, p), p);
    *doc = NULL;
    return NULL;
}

/** What the configuration does not say is kept. */
static void keep_stored(const syncing *pass, md_domain *domain, const json_t *stored)
{
    const char *url = md_json_text(stored, "ca.url"), *account = md_json_text(stored, "ca.account");
    const md_names *urls = domain->policy.ca_urls.list;
    int known = url && !strcmp(url, md_domain_ca_url(domain));

    for (int i = 0; url && urls && i < urls->nelts; ++i)
        known |= !strcmp(MD_NAME(urls, i), url);
    if (known) { /* an account is of use at its own CA only */
        domain->ca_url = apr_pstrdup(pass->p, url);
        domain->ca_account = apr_pstrdup(pass->p, account);
    }
    if (!domain->contacts->nelts && json_array_size(md_json_at(stored, "contacts")))
        domain->contacts = md_json_names(stored, "contacts", pass->p);
}

/** The state is what was true when somebody wrote it. Certificates are looked at later: see md_sync_states.
 */
static int is_current(json_t *wanted, const json_t *stored)
{
    static const char *const passing[] = { "state", "state-descr" };

    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); ++i) {
        json_t *value = json_object_get(stored, passing[i]);

        if (value)
            json_object_set(wanted, passing[i], value);
        else
            json_object_del(wanted, passing[i]);
    }
    return json_equal(wanted, stored);
}

static md_err *save_md(md_store *store, const md_domain *domain, const json_t *doc, apr_pool_t *p)
{
    return md_store_save_scratch(store, MD_PLACE(MD_GROUP_DOMAINS, domain->name, "md.json"),
                                 &(md_file){ .value = md_bytes_of(md_json_text_of(doc, p)) }, p);
}

static md_err *sync_md(const syncing *pass, md_domain *domain)
{
    json_t *stored = NULL, *wanted;

    domain->stored_state = MD_STATE_INCOMPLETE;
    if (apr_hash_get(pass->folders, domain->name, APR_HASH_KEY_STRING))
        MD_TRY(load_md(pass, domain->name, pass->each, &stored));
    if (stored) {
        keep_stored(pass, domain, stored);
        domain->stored_state = md_domain_state_in(stored);
    }
    wanted = md_domain_to_json(domain, domain->stored_state, pass->each);
    if (stored && is_current(wanted, stored))
        return NULL;
    md_json_set_int(wanted, "state", domain->stored_state);
    return save_md(pass->store, domain, wanted, pass->each);
}

static void index_stray(syncing *pass, stray_folder *stray)
{
    for (int i = 0; i < stray->was->names->nelts; ++i) {
        const char *name = MD_NAME(stray->was->names, i);
        apr_array_header_t *list = apr_hash_get(pass->strays_by_name, name, APR_HASH_KEY_STRING);

        if (!list) {
            list =
                apr_array_make(pass->p, 1, sizeof(stray_folder *)); /* NOLINT(bugprone-sizeof-expression) */
            apr_hash_set(pass->strays_by_name, name, APR_HASH_KEY_STRING, list);
        }
        APR_ARRAY_PUSH(list, stray_folder *) = stray;
    }
}

/** Reads the folders that no configured domain is named after: once, and only if a configured domain has no
 * folder. */
static md_err *read_strays(syncing *pass)
{
    pass->strays_by_name = apr_hash_make(pass->p);
    for (apr_hash_index_t *i = apr_hash_first(pass->p, pass->folders); i; i = apr_hash_next(i)) {
        const char *name = apr_hash_this_val(i);
        stray_folder *stray;
        json_t *doc;

        if (md_plan_named(pass->plan, name))
            continue;
        apr_pool_clear(pass->each);
        MD_TRY(load_md(pass, name, pass->each, &doc));
        stray = apr_pcalloc(pass->p, sizeof(*stray));
        stray->was = doc ? md_domain_from_json(doc, pass->p) : NULL;
        if (stray->was && !strcmp(stray->was->name, name))
            index_stray(pass, stray);
    }
    return NULL;
}

/** The stray folder with most names in common; one that has all of them comes first by itself. */
static stray_folder *best_stray(const syncing *pass, const md_domain *domain)
{
    stray_folder *best = NULL;

    for (int i = 0; i < domain->names->nelts; ++i) {
        const apr_array_header_t *list =
            apr_hash_get(pass->strays_by_name, MD_NAME(domain->names, i), APR_HASH_KEY_STRING);

        for (int k = 0; list && k < list->nelts; ++k) {
            stray_folder *each = APR_ARRAY_IDX(list, k, stray_folder *);

            if (each->asked_by != domain->index + 1)
                each->common = 0;
            each->asked_by = domain->index + 1;
            ++each->common;
            if (!each->taken && (!best || each->common > best->common))
                best = each;
        }
    }
    return best;
}

static md_err *rename_folders(syncing *pass, const md_domain *domain)
{
    stray_folder *found;

    if (apr_hash_get(pass->folders, domain->name, APR_HASH_KEY_STRING))
        return NULL;
    if (!pass->strays_by_name)
        MD_TRY(read_strays(pass));
    found = best_stray(pass, domain);
    if (!found)
        return NULL;
    md_log(MD_LOG_INFO, 0, "%s: takes over the folder of %s, with which it shares %d name(s)", domain->name,
           found->was->name, found->common);
    MD_TRY(md_store_rename(pass->store, MD_GROUP_STAGING, found->was->name, domain->name, pass->each));
    MD_TRY(md_store_rename(pass->store, MD_GROUP_DOMAINS, found->was->name, domain->name, pass->each));
    found->taken = 1;
    apr_hash_set(pass->folders, domain->name, APR_HASH_KEY_STRING, domain->name);
    return NULL;
}

/** A restart is how operators say that they mended something. What a CA asked us to wait for they cannot
 * mend. */
static md_err *try_again(const syncing *pass, const char *name)
{
    const char *fault;
    md_job *job;

    MD_TRY(md_job_load(pass->store, MD_GROUP_STAGING, name, pass->each, &job));
    fault = md_json_text(job->last, "fault");
    if (!job->errors || (fault && !strcmp(fault, md_fault_name(MD_FAULT_LIMIT))))
        return NULL;
    md_log(MD_LOG_NOTICE, 10064, "%s: its renewal failed %d time(s) before this start and is tried again now",
           name, job->errors);
    job->errors = 0;
    job->next_run = 0;
    md_job_changed(job, MD_JOB_PROGRESS);
    return md_job_save(pass->store, job, pass->each);
}

/** What is staged will be activated, for which the domain must know what the store knows of it. */
static md_err *sync_staged(const syncing *pass)
{
    md_names *staged;

    MD_TRY(md_store_list(pass->store, MD_GROUP_STAGING, NULL, pass->p, &staged));
    for (int i = 0; i < staged->nelts; ++i) {
        md_domain *domain = md_plan_named(pass->plan, MD_NAME(staged, i));

        apr_pool_clear(pass->each);
        if (domain && pass->extent == MD_SYNC_STAGED)
            MD_TRY(md_err_copy(sync_md(pass, domain), pass->p));
        if (domain)
            MD_TRY(md_err_copy(try_again(pass, domain->name), pass->p));
    }
    return NULL;
}

static md_err *run(syncing *pass)
{
    md_names *folders;

    pass->folders = apr_hash_make(pass->p);
    MD_TRY(md_store_list(pass->store, MD_GROUP_DOMAINS, NULL, pass->p, &folders));
    for (int i = 0; i < folders->nelts; ++i)
        apr_hash_set(pass->folders, MD_NAME(folders, i), APR_HASH_KEY_STRING, MD_NAME(folders, i));
    for (int i = 0; i < pass->plan->domains->nelts; ++i) {
        md_domain *domain = MD_DOMAIN(pass->plan, i);

        apr_pool_clear(pass->each);
        MD_TRY(md_err_copy(rename_folders(pass, domain), pass->p));
        if (pass->extent == MD_SYNC_ALL)
            MD_TRY(md_err_copy(sync_md(pass, domain), pass->p));
    }
    return sync_staged(pass);
}

md_err *md_sync(md_store *store, md_plan *plan, md_sync_extent extent, apr_pool_t *p)
{
    syncing pass = { .store = store, .plan = plan, .extent = extent, .p = p };
    md_err *err;

    apr_pool_create(&pass.each, p);
    err = run(&pass);
    apr_pool_destroy(pass.each);
    return err;
}

/** An activation may have written it since the sync. The rest of the record is newer than the plan, then. */
static md_err *sync_state(md_store *store, md_domain *domain, md_state state, apr_pool_t *p)
{
    json_t *doc;

    MD_TRY(md_store_load_json(store, MD_PLACE(MD_GROUP_DOMAINS, domain->name, "md.json"), p, &doc));
    if (doc && md_domain_state_in(doc) != (int)state) {
        md_json_set_int(doc, "state", state);
        md_json_set(doc, "state-descr", NULL); /* it was about the other one */
        MD_TRY(save_md(store, domain, doc, p));
    }
    domain->stored_state = (int)state;
    return NULL;
}

md_err *md_sync_states(md_store *store, md_plan *plan, const md_state *states, apr_pool_t *p)
{
    md_err *err = NULL;
    apr_pool_t *each;

    apr_pool_create(&each, p);
    for (int i = 0; !err && i < plan->domains->nelts; ++i) {
        md_domain *domain = MD_DOMAIN(plan, i);

        apr_pool_clear(each);
        if (domain->stored_state != (int)states[i])
            err = md_err_copy(sync_state(store, domain, states[i], each), p);
    }
    apr_pool_destroy(each);
    return err;
}

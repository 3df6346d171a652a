/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board is written by children, so a row is a hint: what it says decides when to look at the store, and
 * nothing else.
 */
#include "httpd/promote.h"

#include "base/log.h"
#include "jobs/activate.h"
#include "jobs/export.h"

#define ROUND_MAX  apr_time_from_sec(2)
#define UNTOLD_MAX apr_time_from_sec(24 * 3600)

/** What the parent has dealt with, in its own memory. */
typedef struct dealt {
    unsigned staged, account;
    unsigned noticed; /* value of `staged` seen first at `noticed_at` */
    apr_time_t noticed_at;
    int complained; /* the last try failed, and was said to */
    int exports;    /* copies for other daemons are not up to date yet */
} dealt;

struct md_promoter {
    md_store *store;
    const md_plan *plan;
    const md_board *board;
    dealt *rows;
    md_promoted_fn *moved; /* or NULL */
    void *self;
    int next; /* where the next round begins, so that a long one starves nobody */
};

/** Says what came of an activation. */
static void report(const md_domain *domain, const md_err *err, md_activation outcome)
{
    if (err)
        md_log_err(MD_LOG_ERROR, 10069, domain->name, "activating the new certificate", err,
                   "What was staged cannot be used and is obtained anew:");
    else if (outcome == MD_ACTIVATION_DONE)
        md_log(MD_LOG_INFO, 10068, "%s: its new certificate was moved to the domain's folder", domain->name);
}

/** False when it has to be tried again. */
static int copy_for_others(md_store *store, const md_domain *domain, int say, apr_pool_t *p)
{
    int wrote = 0;
    md_err *err = domain->policy.exports.exports ? md_export_domain(store, domain, p, &wrote) : NULL;

    if (err && say)
        md_log_err(MD_LOG_ERROR, 0, domain->name, "copying its certificate for other daemons", err,
                   "The copies of MDExport are not up to date, and are tried again:");
    if (wrote)
        md_log(MD_LOG_INFO, 0, "%s: copied key and certificate to %d folder(s) for other daemons",
               domain->name, wrote);
    return !err;
}

/** A promoted copy is for the children of one configuration; at a start, DOMAINS has it. */
static md_err *empty_live(md_store *store, apr_pool_t *p)
{
    md_names *copies;

    MD_TRY(md_store_list(store, MD_GROUP_LIVE, NULL, p, &copies));
    for (int i = 0; i < copies->nelts; ++i)
        MD_TRY(md_store_drop(store, MD_PLACE(MD_GROUP_LIVE, MD_NAME(copies, i), NULL), p));
    return NULL;
}

md_err *md_promote_all(md_store *store, const md_plan *plan, apr_time_t now, apr_pool_t *p)
{
    apr_pool_t *each;
    md_names *staged;

    MD_TRY(md_store_list(store, MD_GROUP_STAGING, NULL, p, &staged));
    apr_pool_create(&each, p);
    for (int i = 0; i < staged->nelts; ++i) {
        const md_domain *domain = md_plan_named(plan, MD_NAME(staged, i));
        md_activation outcome;
        md_err *err;

        apr_pool_clear(each);
        if (!domain)
            continue;
        err = md_activate(store, domain, 0, now, each, &outcome);
        report(domain, err, outcome);
    }
    apr_pool_destroy(each);
    return empty_live(store, p);
}

md_promoter *md_promoter_make(md_store *store, const md_plan *plan, const md_board *board, apr_pool_t *p)
{
    md_promoter *made = apr_pcalloc(p, sizeof(*made));

    made->store = store;
    made->plan = plan;
    made->board = board;
    made->rows = apr_pcalloc(p, (apr_size_t)board->count * sizeof(*made->rows));
    return made;
}

void md_promoter_on_moved(md_promoter *promoter, md_promoted_fn *moved, void *self)
{
    promoter->moved = moved;
    promoter->self = self;
}

void md_promoter_export(md_promoter *promoter, apr_pool_t *p)
{
    apr_pool_t *each;

    apr_pool_create(&each, p);
    for (int i = 0; i < promoter->plan->domains->nelts; ++i) {
        apr_pool_clear(each);
        promoter->rows[i].exports = !copy_for_others(promoter->store, MD_DOMAIN(promoter->plan, i), 1, each);
    }
    apr_pool_destroy(each);
}

/** Old enough to move? The row's own time is believed only when it says that it is not newer than we noticed.
 */
static int ripe(dealt *known, const md_board_row *row, unsigned staged, apr_time_t now)
{
    apr_time_t since = (apr_time_t)atomic_load(&row->staged_at);

    if (known->noticed != staged || !known->noticed_at) {
        known->noticed = staged;
        known->noticed_at = now;
    }
    if (since <= 0 || since > known->noticed_at)
        since = known->noticed_at;
    return now - since >= MD_PROMOTE_AGE;
}

/** Is a command that is to be told of the new certificate not content yet, or was it so late that the proof
 * has still to come? The job is lost by the move, so that waits, but not for ever. */
static int is_untold(const md_promoter *promoter, const md_domain *domain, apr_interval_time_t waited,
                     apr_pool_t *p)
{
    const md_policy *policy = &promoter->plan->policy;
    md_job *job;

    if ((!policy->notify_cmd && !policy->message_cmd) || waited > UNTOLD_MAX)
        return 0;
    return !md_job_load(promoter->store, MD_GROUP_STAGING, domain->name, p, &job) && job->finished &&
           (!job->notified_renewed || job->stage);
}

/**
 * Deals with one row. True if there was something to do. A job that is busy, or a reason of this machine (a
 * full disk), leaves the row for the next round; the latter is said once.
 */
static int promote_row(md_promoter *promoter, int index, apr_time_t now, apr_pool_t *p)
{
    const md_domain *domain = MD_DOMAIN(promoter->plan, index);
    md_board_row *row = &promoter->board->rows[index];
    dealt *known = &promoter->rows[index];
    unsigned staged = atomic_load(&row->staged), account = atomic_load(&row->account);
    md_activation outcome;
    md_err *err;

    if (known->exports)
        known->exports = !copy_for_others(promoter->store, domain, 0, p);
    if (staged != known->staged ? !ripe(known, row, staged, now) : account == known->account)
        return 0;
    if (!domain->policy.live)
        return 0; /* everything of this domain waits for a restart */
    if (staged != known->staged && is_untold(promoter, domain, now - known->noticed_at, p))
        return 1;
    err = md_activate(promoter->store, domain, 1, now, p, &outcome);
    if (!err || !known->complained)
        report(domain, err, outcome);
    known->complained = err != NULL;
    if (outcome == MD_ACTIVATION_BUSY || (err && err->fault == MD_FAULT_LOCAL))
        return 1;
    known->account = account;
    known->staged = staged;
    atomic_store(&row->promoted, staged);
    known->exports = outcome == MD_ACTIVATION_DONE && !copy_for_others(promoter->store, domain, 1, p);
    if (outcome == MD_ACTIVATION_DONE && promoter->moved)
        promoter->moved(promoter->self, domain);
    return 1;
}

void md_promote_round(md_promoter *promoter, const md_clock *clock, apr_pool_t *p)
{
    const apr_time_t begin = md_now(clock);
    int count = promoter->board->count;
    apr_pool_t *each = NULL;

    for (int i = 0; i < count; ++i) {
        int index = (promoter->next + i) % count;

        if (!each)
            apr_pool_create(&each, p);
        if (!promote_row(promoter, index, md_now(clock), each))
            continue;
        apr_pool_clear(each);
        if (md_now(clock) - begin > ROUND_MAX) {
            promoter->next = (index + 1) % count;
            break;
        }
    }
    if (each)
        apr_pool_destroy(each);
}

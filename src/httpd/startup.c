/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cold start goes through post_config twice; httpd throws the first pass away. That pass does what mod_ssl
 * needs to accept the configuration and nothing else. A graceful restart goes through it once.
 */
#include "httpd/startup.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <unixd.h>

#include "acme/account.h"
#include "base/log.h"
#include "httpd/hosts.h"
#include "httpd/prove.h"
#include "httpd/run.h"
#include "httpd/sink.h"
#include "httpd/watch.h"
#include "jobs/activate.h"
#include "jobs/joblog.h"
#include "jobs/kind_renew.h"
#include "jobs/sync.h"
#include "store/audit.h"
#include "store/lock.h"
#include "store/store_fs.h"

/* Half of the engine's threads, so that commands never take all of them. */
enum { COMMANDS_AT_ONCE = 4 };

static md_run *run_now;

md_run *md_run_now(void)
{
    return run_now;
}

int md_run_waits(const md_run *run, const server_rec *server)
{
    const md_domain *domain = md_conf_domain(server);

    if (!domain || !md_conf_of(server)->has_placeholder)
        return 0;
    return !domain->policy.live || !md_live_serves(md_live_slot_at(run->slots, domain->index));
}

static apr_status_t forget_run(void *data)
{
    if (run_now == data)
        run_now = NULL;
    return APR_SUCCESS;
}

/* What the jobs call, in the child that hosts the engine. */

static void on_staged(void *self, const md_domain *domain)
{
    const md_run *run = self;

    if (domain->policy.live && run->staples)
        md_staples_before_live(run->staples, domain);
    if (domain->policy.live)
        md_board_staged(&run->board->rows[domain->index], md_now(run->core.clock));
}

static void on_account_staged(void *self, const md_domain *domain)
{
    const md_run *run = self;

    atomic_fetch_add(&run->board->rows[domain->index].account, 1);
}

/** What is live: what mod_ssl loaded, or the newest set brought since the start. */
static md_err *facts_of(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    const md_run *run = self;
    apr_array_header_t *live;

    MD_TRY(md_live_facts(md_live_slot_at(run->slots, domain->index), p, &live));
    *facts = apr_array_copy_hdr(p, md_facts_after(&domain->policy, run->facts->each[domain->index], live,
                                                  md_now(run->core.clock), p));
    return NULL;
}

static void on_progress(void *self, const md_domain *domain, const md_progress *now)
{
    const md_run *run = self;

    md_board_progress(&run->board->rows[domain->index], now);
}

static void glance(void *self, const md_domain *domain, md_glance *out)
{
    const md_run *run = self;

    md_board_glance(&run->board->rows[domain->index], out);
}

static void load_of(void *self, md_load *out)
{
    const md_run *run = self;

    md_board_load(run->board, out);
}

/** What has brought a certificate since the start was no obstacle. */
static const md_err *obstacle_of(void *self, const md_domain *domain)
{
    const md_run *run = self;

    if (!run->obstacles || atomic_load(&run->board->rows[domain->index].staged))
        return NULL;
    return run->obstacles[domain->index];
}

static void fill_core(md_run *run)
{
    md_http_options *http = apr_pcalloc(run->p, sizeof(*http));

    run->turns.most = COMMANDS_AT_ONCE;
    run->exec = (md_exec_limits){ .timeout = MD_EXEC_TIMEOUT, .turns = &run->turns };
    md_notify_init(&run->notify, &run->plan->policy, &run->exec);
    run->subscribers[0] = (md_subscriber){ "the operator's command", md_notify_on_event, &run->notify };
    run->counts = md_counts_make(run->p);
    run->subscribers[1] = (md_subscriber){ "metrics", md_counts_on_event, run->counts };
    run->subscribers[2] = md_joblog;
    run->events = (md_events){ run->subscribers, 3 };
    http->user_agent = apr_psprintf(run->p, "%s mod_md/" MD_VERSION, ap_get_server_banner());
    run->core = (md_core){ .store = run->store,
                           .plan = run->plan,
                           .clock = &md_clock_system,
                           .events = &run->events,
                           .exec = &run->exec,
                           .http = http,
                           .staged = on_staged,
                           .account_staged = on_account_staged,
                           .prove = md_prove,
                           .facts = facts_of,
                           .progress = on_progress,
                           .glance = glance,
                           .load = load_of,
                           .obstacle = obstacle_of,
                           .self = run };
}

/** The user of children, -1: ours. */
static long children_uid(void)
{
    return geteuid() ? -1 : (long)ap_unixd_config.user_id;
}

static md_err *open_store(md_run *run)
{
    const char *dir = ap_server_root_relative(run->p, run->plan->policy.store_dir);
    md_store_fs_options options = { .base = dir, .uid = children_uid() };

    if (!dir)
        return md_fail(run->p, MD_FAULT_CONFIG, "md:bad-path", "MDStoreDir: %s is not a usable path",
                       run->plan->policy.store_dir);
    return md_store_fs_open(&options, run->p, &run->store);
}

/** Says why the server does not start, and passes it on. */
static md_err *stop_start(int id, const char *doing, md_err *err)
{
    if (err)
        md_log_err(MD_LOG_ERROR, id, NULL, doing, err, "The server cannot start:");
    return err;
}

/** What changes folders. */
static md_err *settle(md_run *run, apr_pool_t *ptemp)
{
    const md_sync_extent extent = md_hosts_is_dry_run() ? MD_SYNC_STAGED : MD_SYNC_ALL;

    MD_TRY(stop_start(10073, "bringing the store in line with the configuration",
                      md_sync(run->store, run->plan, extent, run->p)));
    MD_TRY(stop_start(10072, "activating certificates",
                      md_promote_all(run->store, run->plan, md_now(&md_clock_system), ptemp)));
    run->settled = 1;
    return NULL;
}

/** With MDStoreLocks, alone among the servers that share the store. */
static md_err *lock_store(const md_run *run, apr_pool_t *p, apr_file_t **lock)
{
    const apr_interval_time_t wait = run->plan->policy.store_locks.wait;

    *lock = NULL;
    return wait ? md_store_lock(run->store, wait, p, lock) : NULL;
}

/** A server that does not get its turn starts with what there is. */
static md_err *settle_alone(md_run *run, apr_pool_t *ptemp)
{
    apr_file_t *lock;
    md_err *err = lock_store(run, ptemp, &lock);

    if (err) {
        md_log_err(MD_LOG_ERROR, 10398, NULL, "locking the store", err,
                   "New certificates and changed settings wait for the next restart:");
        return NULL;
    }
    err = settle(run, ptemp);
    md_store_unlock(lock);
    return err;
}

/** The thumbprint of the account that a domain uses at its CA; NULL: it has none yet. */
static md_err *find_thumbprint(md_run *run, const md_domain *domain, const char **out)
{
    const char *url = md_domain_ca_url(domain);
    const md_binding *binding = md_policy_binding(&domain->policy, url);
    const md_account_wish wish = { .ca_url = url,
                                   .eab_kid = binding ? binding->kid : NULL,
                                   .eab_hmac = binding ? binding->hmac : NULL,
                                   .preferred = domain->ca_account };
    const md_key *key = domain->policy.account_key.account_key;
    md_account *account = NULL;

    *out = NULL;
    if (!key) {
        MD_TRY(md_account_find(run->store, &wish, run->p, &account));
        key = account ? account->key : NULL;
    }
    return key ? md_jwk_thumbprint(key, run->p, out) : NULL;
}

/** For MDStatelessChallenge. Children cannot read accounts; one at a CA is looked for once. */
static void share_thumbprints(md_run *run, apr_pool_t *ptemp)
{
    apr_hash_t *known = apr_hash_make(ptemp);

    for (int i = 0; i < run->plan->domains->nelts; ++i) {
        md_domain *domain = MD_DOMAIN(run->plan, i);
        const md_policy *policy = &domain->policy;
        const md_binding *binding = md_policy_binding(policy, md_domain_ca_url(domain));
        const char *account =
            apr_psprintf(ptemp, "%s %s %pp", md_domain_ca_url(domain), binding ? binding->kid : "",
                         (void *)policy->account_key.account_key);
        md_err *err = NULL;

        if (!policy->stateless)
            continue;
        domain->thumbprint = apr_hash_get(known, account, APR_HASH_KEY_STRING);
        if (!domain->thumbprint)
            err = find_thumbprint(run, domain, &domain->thumbprint);
        if (err)
            md_log_err(MD_LOG_WARN, 0, domain->name, "reading its account", err,
                       "Challenges of other servers are not answered:");
        apr_hash_set(known, account, APR_HASH_KEY_STRING, domain->thumbprint);
    }
}

/** Everything that a plan with domains needs. */
static md_err *equip(md_run *run, apr_pool_t *ptemp)
{
    MD_TRY(stop_start(10046, "opening the store", open_store(run)));
    MD_TRY(settle_alone(run, ptemp));
    share_thumbprints(run, ptemp);
    MD_TRY(stop_start(10072, "sharing memory with children",
                      md_board_make(run->plan->domains->nelts, run->p, &run->board)));
    run->facts = md_facts_gather(run->store, run->plan, run->base->process);
    run->slots = md_live_make(run->store, run->plan, run->board, &md_clock_system, run->p);
    run->promoter = md_promoter_make(run->store, run->plan, run->board, run->p);
    if (md_staple_is_on_anywhere(run->base))
        run->staples = md_staples_make(run);
    return NULL;
}

int md_startup_before_ssl(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *base)
{
    md_run *run = apr_pcalloc(p, sizeof(*run));
    md_err *err;

    (void)plog;
    md_sink_open(base);
    if (md_hosts_is_dry_run())
        md_log(MD_LOG_TRACE1, 10070, "first pass over the configuration");
    else
        md_log(MD_LOG_INFO, 10071, "mod_md " MD_VERSION ", initializing");
    run->base = base;
    run->p = p;
    err = md_hosts_plan(base, p, &run->plan);
    if (err)
        return HTTP_INTERNAL_SERVER_ERROR; /* every complaint is in the log */
    if (!run->plan->domains->nelts && !md_staple_is_on_anywhere(base))
        return OK;
    err = equip(run, ptemp);
    if (err)
        return HTTP_INTERNAL_SERVER_ERROR;
    fill_core(run);
    run->cache = md_cache_make(&run->core, run->p);
    run_now = run;
    apr_pool_cleanup_register(p, run, forget_run, apr_pool_cleanup_null);
    return OK;
}

/** Tells the command line, which knows no listeners, how clients reach this server. Without the file, both
 * ways are assumed. */
static void note_reach(const md_run *run, apr_pool_t *p)
{
    const md_place place = MD_PLACE(MD_GROUP_ROOT, NULL, "httpd.json");
    int http = run->plan->can_http != 0, https = run->plan->can_https != 0;
    json_t *doc = NULL;
    md_err *err = md_store_load_json(run->store, place, p, &doc);

    if (!err && http == md_json_flag(doc, "proto.http", 1) && https == md_json_flag(doc, "proto.https", 1))
        return;
    doc = md_json_object(p);
    md_json_set_flag(doc, "proto.http", http);
    md_json_set_flag(doc, "proto.https", https);
    err = md_store_save_json(run->store, place, doc, p);
    if (err)
        md_log_err(MD_LOG_WARN, 0, NULL, "noting how clients reach this server", err,
                   "Only a2md will miss it:");
}

/** Tells the command line which domains are configured, so that it can tell what is left over, and which of
 * them no virtual host uses. */
static void note_domains(const md_run *run, apr_pool_t *p)
{
    const md_place place = MD_PLACE(MD_GROUP_ROOT, NULL, MD_PLAN_FILE);
    md_names *names = md_names_make(p), *unused = md_names_make(p);
    json_t *stored = NULL, *doc = md_json_object(p);
    md_err *err = md_store_load_json(run->store, place, p, &stored);

    for (int i = 0; i < run->plan->domains->nelts; ++i) {
        md_names_add(names, MD_DOMAIN(run->plan, i)->name);
        if (!MD_DOMAIN(run->plan, i)->used)
            md_names_add(unused, MD_DOMAIN(run->plan, i)->name);
    }
    md_json_set_names(doc, "domains", names);
    if (unused->nelts)
        md_json_set_names(doc, "unused", unused);
    if (!err && stored && json_equal(stored, doc))
        return;
    err = md_store_save_json(run->store, place, doc, p);
    if (err)
        md_log_err(MD_LOG_WARN, 0, NULL, "noting the configured domains", err, "Only a2md will miss it:");
}

/** Without the lock, two servers undo each other's work: both renew, and both move what the other has staged.
 */
static void occupy(const md_run *run)
{
    long other = 0;
    md_err *err = md_store_occupy(run->store, run->p, &other);

    if (err)
        md_log_err(MD_LOG_WARN, 0, NULL, "marking the store as used by this server", err,
                   "Other servers and a2md will not notice that it runs:");
    if (other && !run->plan->policy.store_locks.wait)
        md_log(MD_LOG_WARN, 0,
               "another server (process %ld) uses the store %s, too. Servers that share a store need "
               "'MDStoreLocks on' in each; others need an MDStoreDir of their own",
               other, run->plan->policy.store_dir);
}

/** What would keep the store from working, with what mends it. */
static void audit(const md_run *run, apr_pool_t *p)
{
    const md_audit_options options = { .base = run->plan->policy.store_dir, .uid = children_uid() };
    const apr_array_header_t *findings = md_store_audit(&options, p);

    for (int i = 0; i < findings->nelts; ++i) {
        const md_finding *each = &APR_ARRAY_IDX(findings, i, md_finding);

        md_log(MD_LOG_WARN, 0, "the store needs attention: %s. To mend it: %s", each->what, each->mend);
    }
}

/** Says now what a renewal would stumble over, as far as it can be seen without the network. */
static void preview(const md_run *run, const md_domain *domain, int is_due, apr_pool_t *p)
{
    md_err *err =
        is_due ? md_renew_preview(&run->core, domain, p) : md_renew_preview_settings(&run->core, domain, p);

    run->obstacles[domain->index] = err ? md_err_copy(err, run->p) : NULL;
    if (err)
        md_log_err(MD_LOG_ERROR, 10173, domain->name, "checking its settings", err,
                   "Its renewal cannot work, as it is defined in %s. %s:", md_domain_place(domain, p),
                   md_err_advice(err));
}

/** Without stapling, the server runs on. */
static void begin_stapling(md_run *run, apr_pool_t *ptemp)
{
    md_err *err = run->staples ? md_staples_settle(run->staples, ptemp, &run->core.stapling) : NULL;

    if (err)
        md_log_err(MD_LOG_ERROR, 10196, NULL, "preparing for stapling", err, "Nothing is stapled:");
}

static void on_moved(void *self, const md_domain *domain)
{
    md_installed_add(self, domain);
}

/** Copies for other daemons are there already. */
static void tell_installed(md_run *run, apr_pool_t *p)
{
    run->installed = md_installed_make(run->store, run->plan, &run->notify, run->p);
    md_promoter_on_moved(run->promoter, on_moved, run->installed);
    md_installed_find(run->installed, p);
    md_installed_round(run->installed, md_now(run->core.clock), p);
}

/** md.json tells others how its domain stands; the sync could not know that yet. */
static void note_states(const md_run *run, const md_state *states, apr_pool_t *p)
{
    apr_file_t *lock;
    md_err *err = lock_store(run, p, &lock);

    if (!err)
        err = md_sync_states(run->store, run->plan, states, p);
    md_store_unlock(lock);
    if (err)
        md_log_err(MD_LOG_WARN, 0, NULL, "noting how the domains stand", err,
                   "Only those who read md.json will miss it:");
}

/** Counts what the engine will look after, and looks at those that have something to do. */
static void survey(md_run *run, apr_pool_t *p)
{
    md_state *states = apr_palloc(p, (apr_size_t)run->plan->domains->nelts * sizeof(*states));
    apr_time_t now = md_now(run->core.clock);
    int changed = 0;
    apr_pool_t *each;

    run->obstacles =
        apr_pcalloc(run->p, ((apr_size_t)run->plan->domains->nelts + 1) * sizeof(const md_err *));
    apr_pool_create(&each, p);
    for (int i = 0; i < run->plan->domains->nelts; ++i) {
        const md_domain *domain = MD_DOMAIN(run->plan, i);
        const apr_array_header_t *facts = run->facts->each[i];
        md_due due;

        apr_pool_clear(each);
        due = md_due_of(domain, (const md_cert_fact *)facts->elts, facts->nelts, now, each);
        states[i] = due.state;
        changed |= (int)due.state != domain->stored_state;
        run->watched += domain->used || domain->policy.renew_mode != MD_RENEW_AUTO;
        if (due.renew_at)
            preview(run, domain, due.renew_at <= now, each);
    }
    apr_pool_destroy(each);
    if (changed && run->settled)
        note_states(run, states, p);
}

int md_startup_after_ssl(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *base)
{
    md_run *run = run_now;
    md_err *err;

    (void)p;
    (void)plog;
    (void)base;
    if (!run || md_hosts_is_dry_run())
        return OK;
    note_reach(run, ptemp);
    note_domains(run, ptemp);
    begin_stapling(run, ptemp);
    audit(run, ptemp);
    occupy(run);
    md_promoter_export(run->promoter, ptemp);
    tell_installed(run, ptemp);
    survey(run, ptemp);
    md_cache_fill(run->cache);
    if (!run->watched && !run->core.stapling) {
        md_log(MD_LOG_DEBUG, 10075, "no managed domain needs to be looked after");
        return OK;
    }
    md_log(MD_LOG_DEBUG, 10074,
           "%d of %d managed domain(s) are looked after, and the staples of %d certificate(s)", run->watched,
           run->plan->domains->nelts, run->core.stapling ? run->core.stapling->count : 0);
    err = md_watch_register(run, &run->watch);
    if (!err)
        run->exec.cancelled = md_watch_ending(run->watch);
    return err ? HTTP_INTERNAL_SERVER_ERROR : OK;
}

void md_startup_child(apr_pool_t *p, server_rec *base)
{
    (void)base;
    if (run_now && run_now->watch)
        md_watch_child(run_now->watch, p);
}

int md_startup_round(apr_pool_t *p, server_rec *base)
{
    (void)base;
    if (run_now)
        md_promote_round(run_now->promoter, run_now->core.clock, p);
    if (run_now && run_now->installed)
        md_installed_round(run_now->installed, md_now(run_now->core.clock), p);
    return DECLINED;
}

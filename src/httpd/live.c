/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot's lock covers its pointer and the loading, so of many handshakes that see the row move one loads and
 * the others wait for it: a few milliseconds, once per child and renewal. A set is counted; the last one who
 * lets go of a replaced set frees it.
 */
#include "httpd/live.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "jobs/activate.h"
#include "plan/due.h"
#include "store/creds.h"

/* After a set could not be loaded, handshakes go on with what there is for this long before another one
 * tries. */
#define RETRY_AFTER apr_time_from_sec(1)

/** One pair. */
typedef struct pair {
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) * issuers;
} pair;

/** A complete set, immutable but for its count. On the heap: it outlives the step that loaded it. */
typedef struct set {
    int holds;           /* the slot's own hold included; under the slot's lock */
    atomic_int accepted; /* the TLS library took it once */
    int count;
    pair pairs[];
} set;

struct md_live_slot {
    md_store *store;
    const md_domain *domain;
    md_board_row *row;
    const md_clock *clock;
    pthread_mutex_t lock;
    set *now;            /* NULL: what mod_ssl loaded is the newest */
    unsigned seen;       /* value of row->staged that `now` answers to */
    unsigned complained; /* value of row->staged of the failure logged last */
    apr_time_t retry_at;
};

static void free_set(set *old)
{
    for (int i = 0; i < old->count; ++i) {
        X509_free(old->pairs[i].leaf);
        EVP_PKEY_free(old->pairs[i].key);
        sk_X509_pop_free(old->pairs[i].issuers, X509_free);
    }
    free(old);
}

/** Lets go of a set; under the slot's lock. */
static void let_go(set *held)
{
    if (held && --held->holds == 0)
        free_set(held);
}

/** All slots of a configuration. */
typedef struct all_slots {
    int count;
    md_live_slot *each;
} all_slots;

static apr_status_t free_slots(void *data)
{
    const all_slots *all = data;

    for (int i = 0; i < all->count; ++i) {
        let_go(all->each[i].now);
        pthread_mutex_destroy(&all->each[i].lock);
    }
    return APR_SUCCESS;
}

md_live_slot *md_live_make(md_store *store, const md_plan *plan, const md_board *board, const md_clock *clock,
                           apr_pool_t *p)
{
    all_slots *all = apr_palloc(p, sizeof(*all));

    all->count = plan->domains->nelts;
    all->each = apr_pcalloc(p, (apr_size_t)all->count * sizeof(md_live_slot));
    for (int i = 0; i < all->count; ++i) {
        md_live_slot *slot = &all->each[i];

        slot->store = store;
        slot->domain = MD_DOMAIN(plan, i);
        slot->row = &board->rows[i];
        slot->clock = clock;
        pthread_mutex_init(&slot->lock, NULL);
    }
    apr_pool_cleanup_register(p, all, free_slots, apr_pool_cleanup_null);
    return all->each;
}

md_live_slot *md_live_slot_at(md_live_slot *slots, int index)
{
    return &slots[index];
}

/** Takes references on the natives, which the pool that loaded them would free. */
static void keep_pair(pair *into, const md_creds *creds)
{
    into->leaf = sk_X509_value(creds->chain, 0);
    X509_up_ref(into->leaf);
    into->key = creds->key;
    EVP_PKEY_up_ref(into->key);
    into->issuers = X509_chain_up_ref(creds->chain);
    X509_free(sk_X509_shift(into->issuers));
}

static set *keep_set(const apr_array_header_t *creds)
{
    set *made = calloc(1, sizeof(*made) + (size_t)creds->nelts * sizeof(pair));

    if (!made)
        abort();
    made->holds = 1;
    made->count = creds->nelts;
    for (int i = 0; i < creds->nelts; ++i)
        keep_pair(&made->pairs[i], APR_ARRAY_IDX(creds, i, const md_creds *));
    return made;
}

/**
 * The newest complete set: what waits in STAGING, else what the parent moved to LIVE. Once the parent has
 * dealt with the newest, only LIVE counts, because the next renewal is at work in STAGING. The parent fills
 * LIVE before it empties STAGING, so one of the two has it.
 */
static md_err *find_set(const md_live_slot *slot, int waits, apr_pool_t *p, apr_array_header_t **creds)
{
    apr_time_t now = md_now(slot->clock);
    md_err *staged = NULL, *live;

    *creds = NULL;
    if (waits)
        staged = md_staged_load(slot->store, MD_GROUP_STAGING, slot->domain, now, p, creds);
    if (*creds)
        return NULL;
    live = md_staged_load(slot->store, MD_GROUP_LIVE, slot->domain, now, p, creds);
    return *creds ? NULL : staged ? staged : live;
}

/** Brings the slot to what the row says; under the lock. What cannot be loaded leaves the slot as it is, and
 * is tried again. */
static void catch_up(md_live_slot *slot)
{
    unsigned staged = atomic_load(&slot->row->staged);
    apr_array_header_t *creds = NULL;
    apr_pool_t *pool;
    md_err *err;

    if (staged == slot->seen || md_now(slot->clock) < slot->retry_at)
        return;
    apr_pool_create(&pool, NULL);
    err = find_set(slot, staged != atomic_load(&slot->row->promoted), pool, &creds);
    if (creds) {
        let_go(slot->now);
        slot->now = keep_set(creds);
        slot->seen = staged;
        md_log(MD_LOG_DEBUG, 0, "%s: serving its new certificate from now on", slot->domain->name);
    } else {
        slot->retry_at = md_now(slot->clock) + RETRY_AFTER;
        if (err && slot->complained != staged)
            md_log_err(MD_LOG_ERROR, 0, slot->domain->name, "serving the new certificate", err,
                       "The new certificate cannot be served yet, the one before is used:");
        slot->complained = err ? staged : slot->complained;
    }
    apr_pool_destroy(pool);
}

static set *hold(md_live_slot *slot)
{
    set *held;

    pthread_mutex_lock(&slot->lock);
    catch_up(slot);
    held = slot->now;
    if (held)
        ++held->holds;
    pthread_mutex_unlock(&slot->lock);
    return held;
}

static void drop(md_live_slot *slot, set *held)
{
    pthread_mutex_lock(&slot->lock);
    let_go(held);
    pthread_mutex_unlock(&slot->lock);
}

/** Nothing ever came since the start: the case of nearly every handshake, one load and no lock. */
static int untouched(const md_live_slot *slot)
{
    return atomic_load_explicit(&slot->row->staged, memory_order_relaxed) == 0;
}

static int put_pairs(SSL *ssl, const set *held)
{
    for (int i = 0; i < held->count; ++i) {
        const pair *each = &held->pairs[i];

        if (SSL_use_cert_and_key(ssl, each->leaf, each->key, each->issuers, 1) != 1)
            return 0;
    }
    return 1;
}

/**
 * The first handshake with a set tries it before the old certificates are taken away, because there is no way
 * back within a handshake. A set that the TLS library refuses (the host's security level, say) is not used,
 * nor tried again before the next renewal.
 */
static int acceptable(SSL *ssl, md_live_slot *slot, set *held)
{
    int accepted;

    if (atomic_load_explicit(&held->accepted, memory_order_relaxed))
        return 1;
    pthread_mutex_lock(&slot->lock);
    accepted = put_pairs(ssl, held);
    atomic_store(&held->accepted, accepted);
    if (!accepted && slot->now == held) {
        slot->now = NULL;
        let_go(held);
    }
    pthread_mutex_unlock(&slot->lock);
    return accepted;
}

int md_live_choose(SSL *ssl, md_live_slot *slot)
{
    int chosen = 1;
    set *held;

    if (untouched(slot))
        return 1;
    held = hold(slot);
    if (!held)
        return 1;
    if (acceptable(ssl, slot, held)) {
        SSL_certs_clear(ssl);
        chosen = put_pairs(ssl, held);
    } else {
        md_log(MD_LOG_ERROR, 0,
               "%s: the TLS library refuses the new certificate for this host, the one before is used. Check "
               "MDPrivateKeys against SSLOpenSSLConfCmd and SSLCipherSuite of the host",
               slot->domain->name);
    }
    drop(slot, held);
    return chosen;
}

int md_live_serves(md_live_slot *slot)
{
    set *held;

    if (untouched(slot))
        return 0;
    held = hold(slot);
    if (held)
        drop(slot, held);
    return held != NULL;
}

/** Facts of the certificates in a group; *facts NULL when one is missing. */
static md_err *read_facts(const md_live_slot *slot, md_group group, apr_pool_t *p, apr_array_header_t **facts)
{
    const md_key_specs *specs = slot->domain->policy.keys;
    apr_array_header_t *found = apr_array_make(p, specs->nelts, sizeof(md_cert_fact));

    *facts = NULL;
    for (int i = 0; i < specs->nelts; ++i) {
        md_cert_facts *cert;

        MD_TRY(md_creds_load_facts(slot->store, group, slot->domain->name, MD_SPEC(specs, i), p, &cert));
        if (!cert)
            return NULL;
        APR_ARRAY_PUSH(found, md_cert_fact) = (md_cert_fact){ .cert = cert };
    }
    *facts = found;
    return NULL;
}

md_err *md_live_facts(md_live_slot *slot, apr_pool_t *p, apr_array_header_t **facts)
{
    *facts = NULL;
    if (untouched(slot))
        return NULL;
    if (atomic_load(&slot->row->staged) != atomic_load(&slot->row->promoted))
        MD_TRY(read_facts(slot, MD_GROUP_STAGING, p, facts));
    if (!*facts)
        MD_TRY(read_facts(slot, MD_GROUP_LIVE, p, facts));
    return NULL;
}

md_err *md_live_chain(md_live_slot *slot, const md_key_spec *spec, apr_pool_t *p, md_chain **chain)
{
    const char *name = slot->domain->name;

    *chain = NULL;
    if (untouched(slot))
        return NULL;
    if (atomic_load(&slot->row->staged) != atomic_load(&slot->row->promoted))
        MD_TRY(md_creds_load_chain(slot->store, MD_GROUP_STAGING, name, spec, p, chain));
    return *chain ? NULL : md_creds_load_chain(slot->store, MD_GROUP_LIVE, name, spec, p, chain);
}

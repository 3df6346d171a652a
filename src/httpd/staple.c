/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate that was loaded at the start has a row of its own on the board, found by its digest. For each
 * key spec of a domain that may go live there are two rows more, used by turns: children that still show the
 * certificate before find its staple, too.
 */
#include "httpd/staple.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <http_config.h>
#include <string.h>

#include "base/log.h"
#include "httpd/hosts.h"
#include "httpd/run.h"
#include "httpd/staple_board.h"
#include "store/creds.h"

#define KEEP_NORM apr_time_from_sec(7 * 24 * 3600)

enum { ROWS_PER_SPEC = 2 };

struct md_staples {
    const md_run *run;
    apr_pool_t *p;
    md_domain others;
    apr_array_header_t *primed; /* of md_stapled */
    apr_hash_t *seen;           /* "domain sha1" of those, and sha1 of those that cannot be stapled */
    apr_hash_t *issuers;        /* PEM -> the same: few issuers for many certificates */
    md_stapling stapling;
    md_staple_board *board;
    int *rows;         /* by position in stapling.each: its first row */
    apr_hash_t *by_id; /* 20 octets -> its first row; read-only when children run */
};

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/** The octets of a digest. */
static const void *id_of(const char *sha1, unsigned char into[MD_STAPLE_ID])
{
    for (int i = 0; i < MD_STAPLE_ID; ++i)
        into[i] = (unsigned char)(digit(sha1[2 * i]) << 4 | digit(sha1[2 * i + 1]));
    return into;
}

int md_staple_is_on(const server_rec *server)
{
    const md_server_conf *conf = md_conf_of(server);
    const md_domain *domain = md_conf_domain(server);

    if (!conf || conf->policy->exclude)
        return 0;
    return domain ? domain->policy.stapling : conf->policy->stapling && conf->policy->staple_others;
}

int md_staple_is_on_anywhere(const server_rec *base)
{
    int on = 0;

    for (; base && !on; base = base->next)
        on = md_staple_is_on(base);
    return on;
}

md_staples *md_staples_make(const md_run *run)
{
    md_staples *made = apr_pcalloc(run->p, sizeof(*made));

    made->run = run;
    made->p = run->p;
    made->others = (md_domain){
        .name = MD_STAPLES_OF_OTHERS, .names = md_names_make(run->p), .policy = run->plan->policy, .index = -1
    };
    made->primed = apr_array_make(run->p, 16, sizeof(md_stapled));
    made->seen = apr_hash_make(run->p);
    made->issuers = apr_hash_make(run->p);
    return made;
}

/* Registering, while mod_ssl starts. */

/** Facts of a certificate of the domain's that were read already, or NULL. */
static const md_cert_facts *known_facts(const md_staples *staples, const md_domain *domain, const char *sha1)
{
    const apr_array_header_t *facts = domain ? staples->run->facts->each[domain->index] : NULL;

    for (int i = 0; facts && i < facts->nelts; ++i) {
        const md_cert_facts *cert = APR_ARRAY_IDX(facts, i, md_cert_fact).cert;

        if (cert && !strcmp(cert->sha1, sha1))
            return cert;
    }
    return NULL;
}

static const md_cert_facts *read_facts(const char *pem, const server_rec *server, apr_pool_t *p)
{
    md_cert_facts *facts = apr_pcalloc(p, sizeof(*facts));
    md_chain *chain = NULL;
    md_err *err = md_chain_from_pem(md_bytes_of(pem), p, &chain);

    if (!err)
        err = md_chain_facts(chain, p, facts);
    if (err)
        md_log_err(MD_LOG_ERROR, 10268, NULL, "reading a certificate for stapling", err,
                   "The %s is not stapled for:", md_host_shown(server, p));
    return err ? NULL : facts;
}

static const char *issuer_text(md_staples *staples, const char *pem)
{
    const char *known = apr_hash_get(staples->issuers, pem, APR_HASH_KEY_STRING);

    if (!known) {
        known = apr_pstrdup(staples->p, pem);
        apr_hash_set(staples->issuers, known, APR_HASH_KEY_STRING, known);
    }
    return known;
}

/** True when it will be stapled. */
static int add_certificate(md_staples *staples, const server_rec *server, const char *sha1, const char *pem,
                           apr_pool_t *p)
{
    const md_domain *domain = md_conf_domain(server);
    const md_cert_facts *facts = known_facts(staples, domain, sha1);
    const md_bytes leaf = md_pem_first(md_bytes_of(pem));
    md_stapled each = { .domain = domain ? domain : &staples->others, .managed = facts != NULL };

    if (!facts)
        facts = read_facts(pem, server, p);
    if (!facts)
        return 0;
    if (!facts->ocsp_uri) {
        md_log(MD_LOG_DEBUG, 0, "%s: the certificate %s names no OCSP responder and is not stapled",
               each.domain->name, sha1);
        return 0;
    }
    if (!strstr(leaf.data + leaf.size, "-----BEGIN")) {
        md_log(MD_LOG_ERROR, 10269,
               "The certificate %s of the %s comes without its issuer and is not stapled", sha1,
               md_host_shown(server, p));
        return 0;
    }
    each.sha1 = apr_pstrdup(staples->p, sha1);
    each.responder = apr_pstrdup(staples->p, facts->ocsp_uri);
    each.expires = facts->valid.until;
    each.shown = facts->names->nelts ? apr_pstrdup(staples->p, MD_NAME(facts->names, 0))
                 : facts->subject_cn ? apr_pstrdup(staples->p, facts->subject_cn)
                                     : each.sha1;
    each.leaf = apr_pstrmemdup(staples->p, leaf.data, leaf.size);
    each.issuer = issuer_text(staples, leaf.data + leaf.size);
    APR_ARRAY_PUSH(staples->primed, md_stapled) = each;
    return 1;
}

int md_staple_prime(server_rec *server, apr_pool_t *p, const char *id, apr_size_t id_size, const char *pem)
{
    const md_run *run = md_run_now();
    const md_domain *domain = md_conf_domain(server);
    const char *sha1, *key;
    const void *known;

    if (!run || !run->staples || id_size != MD_STAPLE_ID || !pem || !md_staple_is_on(server))
        return DECLINED;
    if (md_hosts_is_dry_run())
        return OK;
    sha1 = md_hex((md_bytes){ id, id_size }, p);
    key = apr_pstrcat(p, domain ? domain->name : "", " ", sha1, NULL);
    known = apr_hash_get(run->staples->seen, key, APR_HASH_KEY_STRING);
    if (!known) {
        known = add_certificate(run->staples, server, sha1, pem, p) ? "yes" : "no";
        apr_hash_set(run->staples->seen, apr_pstrdup(run->p, key), APR_HASH_KEY_STRING, known);
    }
    return *(const char *)known == 'y' ? OK : DECLINED;
}

/* Settling, before children are forked. */

/** Will certificates of the domain go live without a restart? */
static int may_go_live(const md_domain *domain)
{
    return domain->policy.stapling && domain->policy.live; /* a2md can renew what is not renewed by itself */
}

static int count_all(const md_staples *staples)
{
    const md_plan *plan = staples->run->plan;
    int count = staples->primed->nelts;

    for (int i = 0; i < plan->domains->nelts; ++i)
        if (may_go_live(MD_DOMAIN(plan, i)))
            count += MD_DOMAIN(plan, i)->policy.keys->nelts;
    return count;
}

static int by_domain(const void *a, const void *b)
{
    const md_stapled *one = a, *other = b;
    const unsigned i = (unsigned)one->domain->index, k = (unsigned)other->domain->index; /* -1 is last */

    return i < k ? -1 : i > k;
}

/** All in the order of domains: each with its certificates, then its key specs. */
static void list_all(md_staples *staples)
{
    md_stapling *stapling = &staples->stapling;
    const md_plan *plan = staples->run->plan;
    const md_stapled *primed = (const md_stapled *)staples->primed->elts;
    const md_stapled *end = primed + staples->primed->nelts;
    int *first = apr_pcalloc(staples->p, ((apr_size_t)plan->domains->nelts + 1) * sizeof(int));
    const int count = count_all(staples);

    qsort(staples->primed->elts, (size_t)staples->primed->nelts, sizeof(md_stapled), by_domain);
    stapling->each = apr_pcalloc(staples->p, (apr_size_t)count * sizeof(md_stapled));
    for (int i = 0; i < plan->domains->nelts; ++i) {
        const md_domain *domain = MD_DOMAIN(plan, i);

        first[i] = stapling->count;
        for (; primed < end && primed->domain == domain; ++primed)
            stapling->each[stapling->count++] = *primed;
        for (int k = 0; may_go_live(domain) && k < domain->policy.keys->nelts; ++k)
            stapling->each[stapling->count++] =
                (md_stapled){ .domain = domain, .spec = MD_SPEC(domain->policy.keys, k) };
    }
    first[plan->domains->nelts] = stapling->count;
    for (; primed < end; ++primed)
        stapling->each[stapling->count++] = *primed;
    stapling->first = first;
}

/** Gives each its rows. */
static int place_all(md_staples *staples)
{
    const md_stapling *stapling = &staples->stapling;
    unsigned char id[MD_STAPLE_ID];
    int rows = 0;

    staples->by_id = apr_hash_make(staples->p);
    staples->rows = apr_pcalloc(staples->p, (apr_size_t)stapling->count * sizeof(int));
    for (int i = 0; i < stapling->count; ++i) {
        const md_stapled *each = &stapling->each[i];

        staples->rows[i] = rows;
        rows += each->spec ? ROWS_PER_SPEC : 1;
        if (each->sha1)
            apr_hash_set(staples->by_id, apr_pmemdup(staples->p, id_of(each->sha1, id), MD_STAPLE_ID),
                         MD_STAPLE_ID, &staples->rows[i]);
    }
    return rows;
}

static md_err *live_chain(void *self, const md_stapled *which, apr_pool_t *p, md_chain **chain)
{
    const md_staples *staples = self;

    return md_live_chain(md_live_slot_at(staples->run->slots, which->domain->index), which->spec, p, chain);
}

/** Of the two rows of a key spec, that of this certificate, else the one that was put to longer ago. */
static int row_for(const md_staples *staples, int first, const void *id)
{
    for (int row = first; row < first + ROWS_PER_SPEC; ++row)
        if (md_staple_board_is(staples->board, row, id))
            return row;
    return md_staple_board_age(staples->board, first) <= md_staple_board_age(staples->board, first + 1)
               ? first
               : first + 1;
}

static void put(void *self, const md_stapled *which, const char *sha1, const md_staple *staple)
{
    const md_staples *staples = self;
    const int first = staples->rows[which - staples->stapling.each];
    unsigned char id[MD_STAPLE_ID];

    id_of(sha1, id);
    md_staple_board_put(staples->board, which->spec ? row_for(staples, first, id) : first, id,
                        staple->response, staple->valid.until);
}

/** Gives a kept response to handshakes if it can be believed. */
static void restore(const md_staples *staples, const md_stapled *which, const char *sha1,
                    const md_chain *chain, apr_pool_t *p)
{
    const apr_time_t now = md_now(staples->run->core.clock);
    md_ocsp_answer answer;
    md_staple *staple;
    md_err *err = md_staple_load(staples->run->store, which->domain->name, sha1, p, &staple);

    if (!err && (!staple || staple->valid.until <= now))
        return;
    if (!err)
        err = md_ocsp_check(chain, staple->response, (md_bytes){ NULL, 0 }, now, p, &answer);
    if (err) {
        md_log(MD_LOG_INFO, 0, "%s: the kept OCSP response is not used: %s", which->domain->name,
               md_err_text(err, p));
        return;
    }
    staple->valid = answer.valid;
    put((void *)staples, which, sha1, staple);
}

static void restore_all(const md_staples *staples, apr_pool_t *p)
{
    const md_stapling *stapling = &staples->stapling;
    apr_pool_t *each;

    apr_pool_create(&each, p);
    for (int i = 0; i < stapling->count; ++i) {
        const md_stapled *which = &stapling->each[i];
        md_stapled_now now = { .chain = NULL };

        apr_pool_clear(each);
        if (which->sha1 && !md_stapled_chain(which, &now, each))
            restore(staples, which, which->sha1, now.chain, each);
    }
    apr_pool_destroy(each);
}

/** Removes what nobody has used for a while. */
static void purge(const md_staples *staples, apr_pool_t *p)
{
    const md_run *run = staples->run;
    const apr_interval_time_t keep = md_slice_of(run->plan->policy.staple_keep, KEEP_NORM);
    apr_hash_t *used = apr_hash_make(p);
    md_err *err;

    for (int i = 0; i < staples->stapling.count; ++i)
        if (staples->stapling.each[i].sha1)
            apr_hash_set(used, staples->stapling.each[i].sha1, APR_HASH_KEY_STRING, "");
    err = md_staples_purge(run->store, md_now(run->core.clock) - keep, used, p);
    if (err)
        md_log_err(MD_LOG_WARN, 0, NULL, "removing old OCSP responses", err, "They stay in the store:");
}

md_err *md_staples_settle(md_staples *staples, apr_pool_t *ptemp, const md_stapling **stapling)
{
    *stapling = NULL;
    list_all(staples);
    purge(staples, ptemp);
    if (!staples->stapling.count)
        return NULL;
    MD_TRY(md_staple_board_make(place_all(staples), staples->p, &staples->board));
    staples->stapling.live = live_chain;
    staples->stapling.put = put;
    staples->stapling.self = staples;
    restore_all(staples, ptemp);
    *stapling = &staples->stapling;
    return NULL;
}

void md_staples_before_live(const md_staples *staples, const md_domain *domain)
{
    const md_stapling *stapling = &staples->stapling;
    apr_pool_t *p;

    if (!staples->board)
        return;
    apr_pool_create(&p, NULL);
    for (int i = stapling->first[domain->index]; i < stapling->first[domain->index + 1]; ++i) {
        const md_stapled *which = &stapling->each[i];
        md_cert_facts facts;
        md_chain *chain = NULL;

        if (which->spec &&
            !md_creds_load_chain(staples->run->store, MD_GROUP_STAGING, domain->name, which->spec, p,
                                 &chain) &&
            chain && !md_chain_facts(chain, p, &facts))
            restore(staples, which, facts.sha1, chain, p);
    }
    apr_pool_destroy(p);
}

/* Handshakes. */

static int find_row(const md_staples *staples, const md_domain *domain, const void *id)
{
    const int *row = apr_hash_get(staples->by_id, id, MD_STAPLE_ID);
    int first, end;

    if (row || !domain)
        return row ? *row : -1;
    first = staples->stapling.first[domain->index];
    end = staples->stapling.first[domain->index + 1];
    for (int i = first; i < end; ++i)
        for (int k = 0; staples->stapling.each[i].spec && k < ROWS_PER_SPEC; ++k)
            if (md_staple_board_is(staples->board, staples->rows[i] + k, id))
                return staples->rows[i] + k;
    return -1;
}

apr_ssize_t md_staple_find(const server_rec *server, const void *id, void *into)
{
    const md_run *run = md_run_now();
    const md_staples *staples = run ? run->staples : NULL;
    int row;

    if (!staples || !staples->board || !md_staple_is_on(server))
        return -1;
    row = find_row(staples, md_conf_domain(server), id);
    return row < 0 ? -1 : (apr_ssize_t)md_staple_board_get(staples->board, row, id, apr_time_now(), into);
}

int md_staple_get(server_rec *server, conn_rec *c, const char *id, apr_size_t id_size,
                  ap_ssl_ocsp_copy_resp *give, void *data)
{
    unsigned char der[MD_OCSP_SIZE_MAX];
    apr_ssize_t size = id_size == MD_STAPLE_ID ? md_staple_find(server, id, der) : -1;

    (void)c;
    if (size < 0)
        return DECLINED;
    give(size ? der : NULL, (apr_size_t)size, data);
    return OK;
}

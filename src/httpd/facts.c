/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory is a pool of its own below the process's, replaced as a whole with each pass, so nothing grows
 * over restarts. It holds plain data only: the module itself is unloaded between passes.
 */
#include "httpd/facts.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#define KEPT_AS "mod_md facts"

enum { ISSUERS_MAX = 32 };

/** Which file it was: another one, or the same one written again, differs. */
typedef struct stamp {
    apr_time_t mtime;
    apr_off_t size;
    apr_ino_t inode;
    apr_dev_t device;
} stamp;

/** One checked pair, kept by the path of its certificate. */
typedef struct known {
    stamp cert, key;
    md_cert_fact fact;
} known;

typedef struct memory {
    apr_pool_t *pool;
    apr_hash_t *by_path;
} memory;

/** What one pass works with. */
typedef struct gathering {
    md_store *store;
    apr_time_t time;
    memory *before; /* or NULL */
    memory *now;
    apr_pool_t *each;    /* cleared for every pair */
    apr_hash_t *issuers; /* text behind the first certificate of files that were fine */
} gathering;

static int stamp_of(const char *path, apr_pool_t *p, stamp *out)
{
    apr_finfo_t info;

    memset(out, 0, sizeof(*out));
    if (!path || apr_stat(&info, path, APR_FINFO_MTIME | APR_FINFO_SIZE | APR_FINFO_IDENT, p))
        return 0;
    *out = (stamp){ .mtime = info.mtime, .size = info.size, .inode = info.inode, .device = info.device };
    return 1;
}

static int same_stamp(const stamp *a, const stamp *b)
{
    return a->mtime == b->mtime && a->size == b->size && a->inode == b->inode && a->device == b->device;
}

static const char *copy_text(const char *text, apr_pool_t *p)
{
    return text ? apr_pstrdup(p, text) : NULL;
}

static const apr_array_header_t *copy_scts(const apr_array_header_t *from, apr_pool_t *p)
{
    apr_array_header_t *to = from ? apr_array_copy(p, from) : NULL;

    for (int i = 0; to && i < to->nelts; ++i)
        APR_ARRAY_IDX(to, i, md_sct).log_id = apr_pstrdup(p, APR_ARRAY_IDX(from, i, md_sct).log_id);
    return to;
}

static md_cert_facts *copy_facts(const md_cert_facts *from, apr_pool_t *p)
{
    md_cert_facts *to = apr_pmemdup(p, from, sizeof(*from));

    to->names = md_names_copy(from->names, p);
    to->serial = copy_text(from->serial, p);
    to->sha256 = copy_text(from->sha256, p);
    to->sha1 = copy_text(from->sha1, p);
    to->issuer = copy_text(from->issuer, p);
    to->issuer_uri = copy_text(from->issuer_uri, p);
    to->ocsp_uri = copy_text(from->ocsp_uri, p);
    to->ari_id = copy_text(from->ari_id, p);
    to->subject_cn = copy_text(from->subject_cn, p);
    to->scts = copy_scts(from->scts, p);
    return to;
}

/** One kind of source for a pair: the store, or two configured files. */
typedef struct source {
    const char *cert_path, *key_path;
    const md_domain *domain;
    const md_key_spec *spec; /* NULL: static files */
} source;

/** The first certificate of a file if what follows it was found good before, else the whole file. */
static md_bytes part_to_read(const gathering *pass, md_bytes pem, md_bytes *issuers)
{
    const md_bytes first = md_pem_first(pem);

    *issuers = (md_bytes){ pem.data + first.size, pem.size - first.size };
    return apr_hash_get(pass->issuers, issuers->data, (apr_ssize_t)issuers->size) ? first : pem;
}

static void remember_issuers(const gathering *pass, md_bytes issuers)
{
    const char *kept;

    if (!issuers.size || apr_hash_count(pass->issuers) >= ISSUERS_MAX)
        return;
    kept = apr_pmemdup(apr_hash_pool_get(pass->issuers), issuers.data, issuers.size);
    apr_hash_set(pass->issuers, kept, (apr_ssize_t)issuers.size, kept);
}

/**
 * Reads and checks a pair as md_creds_load does, but parses the same issuers only once: reading a certificate
 * is most of the time that a start with thousands of domains takes, and they all have the same few issuers.
 */
static md_err *read_stored(const gathering *pass, const source *from, apr_pool_t *p, md_cert_facts **out)
{
    md_place place =
        MD_PLACE(MD_GROUP_DOMAINS, from->domain->name, md_key_spec_file(from->spec, "pubcert", p));
    md_cert_facts *facts = apr_pcalloc(p, sizeof(*facts));
    md_bytes pem, issuers;
    md_chain *chain;
    md_key *key;

    MD_TRY(md_creds_load_key(pass->store, MD_GROUP_DOMAINS, from->domain->name, from->spec, p, &key));
    MD_TRY(md_store_load(pass->store, place, p, &pem));
    if (!key || !pem.data)
        return NULL;
    MD_TRY(md_chain_from_pem(part_to_read(pass, pem, &issuers), p, &chain));
    MD_TRY(md_chain_check_key(chain, key, p));
    MD_TRY(md_chain_facts(chain, p, facts));
    remember_issuers(pass, issuers);
    *out = facts;
    return NULL;
}

static md_err *read_pair(const gathering *pass, const source *from, apr_pool_t *p, md_cert_facts **out)
{
    md_err *err;

    *out = NULL;
    if (!from->spec)
        return md_creds_file_facts(from->cert_path, p, out);
    err = read_stored(pass, from, p, out);
    return err ? md_wrap(p, err, "%s cannot be used", from->cert_path) : NULL;
}

static void read_new(const gathering *pass, const source *from, known *into)
{
    apr_pool_t *keep = pass->now->pool;
    md_cert_facts *facts;
    md_err *err = read_pair(pass, from, pass->each, &facts);

    if (err)
        into->fact.bad = md_err_copy(err, keep);
    else if (facts)
        into->fact.cert = copy_facts(facts, keep);
}

/** The fact of one pair: remembered when both files are still the ones that were read, else read now. */
static md_cert_fact look_at(const gathering *pass, const source *from)
{
    const known *before = NULL;
    known *now = apr_pcalloc(pass->now->pool, sizeof(*now));
    int whole;

    apr_pool_clear(pass->each);
    whole = stamp_of(from->cert_path, pass->each, &now->cert);
    whole = stamp_of(from->key_path, pass->each, &now->key) && whole;
    if (pass->before && whole)
        before = apr_hash_get(pass->before->by_path, from->cert_path, APR_HASH_KEY_STRING);
    if (before && before->fact.cert && same_stamp(&before->cert, &now->cert) &&
        same_stamp(&before->key, &now->key))
        now->fact.cert = copy_facts(before->fact.cert, pass->now->pool);
    else
        read_new(pass, from, now);
    if (whole)
        apr_hash_set(pass->now->by_path, apr_pstrdup(pass->now->pool, from->cert_path), APR_HASH_KEY_STRING,
                     now);
    return now->fact;
}

static const apr_array_header_t *static_facts(const gathering *pass, const md_domain *domain)
{
    const md_names *certs = domain->policy.cert_files.list, *keys = domain->policy.key_files.list;
    apr_array_header_t *facts = apr_array_make(pass->now->pool, certs->nelts, sizeof(md_cert_fact));

    for (int i = 0; i < certs->nelts && keys && i < keys->nelts; ++i) {
        source from = { .cert_path = MD_NAME(certs, i), .key_path = MD_NAME(keys, i), .domain = domain };
        md_cert_fact fact = look_at(pass, &from);

        fact.is_file = 1;
        APR_ARRAY_PUSH(facts, md_cert_fact) = fact;
    }
    return facts;
}

static const apr_array_header_t *stored_facts(const gathering *pass, const md_domain *domain, apr_pool_t *p)
{
    const md_key_specs *specs = domain->policy.keys;
    apr_array_header_t *facts = apr_array_make(pass->now->pool, specs->nelts, sizeof(md_cert_fact));

    for (int i = 0; i < specs->nelts; ++i) {
        source from = { .domain = domain, .spec = MD_SPEC(specs, i) };

        from.cert_path = md_store_path(
            pass->store, MD_PLACE(MD_GROUP_DOMAINS, domain->name, md_key_spec_file(from.spec, "pubcert", p)),
            p);
        from.key_path = md_store_path(
            pass->store, MD_PLACE(MD_GROUP_DOMAINS, domain->name, md_key_spec_file(from.spec, "privkey", p)),
            p);
        APR_ARRAY_PUSH(facts, md_cert_fact) = look_at(pass, &from);
    }
    return facts;
}

static memory *begin_memory(process_rec *process)
{
    apr_pool_t *pool;
    memory *made;

    apr_pool_create(&pool, process->pool);
    made = apr_palloc(pool, sizeof(*made));
    made->pool = pool;
    made->by_path = apr_hash_make(pool);
    return made;
}

static const apr_array_header_t *facts_of(const gathering *pass, const md_domain *domain, apr_pool_t *p)
{
    const apr_array_header_t *files = md_domain_is_static(domain) ? static_facts(pass, domain) : NULL;

    return md_facts_choose(&domain->policy, files, stored_facts(pass, domain, p), pass->time,
                           pass->now->pool);
}

md_facts *md_facts_gather(md_store *store, const md_plan *plan, process_rec *process)
{
    gathering pass = { .store = store, .time = apr_time_now(), .now = begin_memory(process) };
    md_facts *facts = apr_palloc(pass.now->pool, sizeof(*facts));
    apr_pool_t *work, *paths;
    void *kept = NULL;

    apr_pool_userdata_get(&kept, KEPT_AS, process->pool);
    pass.before = kept;
    apr_pool_create(&work, pass.now->pool);
    apr_pool_create(&pass.each, work);
    apr_pool_create(&paths, work);
    pass.issuers = apr_hash_make(work);
    facts->count = plan->domains->nelts;
    facts->each = apr_pcalloc(pass.now->pool, (apr_size_t)facts->count * sizeof(const apr_array_header_t *));
    for (int i = 0; i < facts->count; ++i) {
        apr_pool_clear(paths);
        facts->each[i] = facts_of(&pass, MD_DOMAIN(plan, i), paths);
    }
    apr_pool_destroy(work);
    apr_pool_userdata_set(pass.now, KEPT_AS, NULL, process->pool); /* copies the key: ours is unloaded */
    if (pass.before)
        apr_pool_destroy(pass.before->pool);
    return facts;
}

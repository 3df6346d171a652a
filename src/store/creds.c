/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials in the store. Bytes of keys live in a pool of their own, which is wiped before the function
 * returns.
 */
#include "store/creds.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "tls/selfsign.h"

#define PLACEHOLDER_LIFE  apr_time_from_sec(14 * 24 * 3600)
#define PLACEHOLDER_SPARE apr_time_from_sec(2 * 24 * 3600)

enum { FILE_MAX = 256 * 1024 };

/** The files of one pair. */
typedef struct pair {
    md_place key, chain;
} pair;

static pair pair_at(md_group group, const char *name, const md_key_spec *spec, apr_pool_t *p)
{
    return (pair){ .key = MD_PLACE(group, name, md_key_spec_file(spec, "privkey", p)),
                   .chain = MD_PLACE(group, name, md_key_spec_file(spec, "pubcert", p)) };
}

/* A failure outlives the pool of the bytes. */
static md_err *leave(md_err *err, apr_pool_t *bytes, apr_pool_t *p)
{
    md_err *kept = err ? md_err_copy(err, p) : NULL;

    apr_pool_destroy(bytes);
    return kept;
}

static md_err *bad_file(md_place place, const md_err *why, apr_pool_t *p)
{
    return md_fail(p, MD_FAULT_LOCAL, "md:bad-file", "%s cannot be used: %s", md_place_text(place, p),
                   md_err_text(why, p));
}

static md_err *load_key(md_store *store, md_place place, apr_pool_t *p, md_key **out)
{
    apr_pool_t *bytes;
    md_bytes pem;
    md_err *err;

    *out = NULL;
    apr_pool_create(&bytes, p);
    err = md_store_load(store, place, bytes, &pem);
    if (!err && pem.data) {
        const md_err *why;

        md_cleanse_with(bytes, pem);
        why = md_key_from_pem(pem, store->secret, p, out);
        if (why)
            err = bad_file(place, why, bytes);
    }
    return leave(err, bytes, p);
}

static md_err *read_chain(md_place place, md_bytes pem, apr_pool_t *p, md_chain **out)
{
    const md_err *why = md_chain_from_pem(pem, p, out);

    return why ? bad_file(place, why, p) : NULL;
}

static md_err *load_chain(md_store *store, md_place place, apr_pool_t *p, md_chain **out)
{
    apr_pool_t *bytes;
    md_bytes pem;
    md_err *err;

    *out = NULL;
    apr_pool_create(&bytes, p);
    err = md_store_load(store, place, bytes, &pem);
    if (!err && pem.data)
        err = read_chain(place, pem, p, out);
    return leave(err, bytes, p);
}

static md_err *load_facts(md_place place, const md_chain *chain, apr_pool_t *p, md_cert_facts *out)
{
    const md_err *why = md_chain_facts(chain, p, out);

    return why ? bad_file(place, why, p) : NULL;
}

static md_err *load_pair(md_store *store, const pair *at, apr_pool_t *p, md_creds *out)
{
    const md_err *why = NULL;

    /* Between the two files a newer set may have come: then the second look finds that. */
    for (int i = 0; i < 2; ++i) {
        MD_TRY(load_key(store, at->key, p, &out->key));
        MD_TRY(load_chain(store, at->chain, p, &out->chain));
        if (!out->key || !out->chain)
            return NULL;
        why = md_chain_check_key(out->chain, out->key, p);
        if (!why)
            return load_facts(at->chain, out->chain, p, &out->facts);
    }
    return bad_file(at->chain, why, p);
}

md_err *md_creds_load(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                      apr_pool_t *p, md_creds **out)
{
    const pair at = pair_at(group, name, spec, p);
    md_creds *creds = apr_pcalloc(p, sizeof *creds);

    *out = NULL;
    creds->spec = spec;
    MD_TRY(load_pair(store, &at, p, creds));
    if (creds->key && creds->chain)
        *out = creds;
    return NULL;
}

md_err *md_creds_load_chain(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                            apr_pool_t *p, md_chain **out)
{
    const pair at = pair_at(group, name, spec, p);
    md_bytes pem;

    *out = NULL;
    MD_TRY(md_store_load(store, at.chain, p, &pem));
    return pem.data ? read_chain(at.chain, pem, p, out) : NULL;
}

md_err *md_creds_load_facts(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                            apr_pool_t *p, md_cert_facts **out)
{
    const pair at = pair_at(group, name, spec, p);
    apr_pool_t *bytes;
    md_chain *leaf;
    md_bytes pem;
    md_err *err;

    *out = NULL;
    apr_pool_create(&bytes, p);
    err = md_store_load(store, at.chain, bytes, &pem);
    if (!err && pem.data)
        /* To read a certificate costs more than all else here, and most chains have two or three. */
        err = read_chain(at.chain, md_pem_first(pem), bytes, &leaf);
    if (!err && pem.data) {
        md_cert_facts *facts = apr_pcalloc(p, sizeof *facts);

        err = load_facts(at.chain, leaf, p, facts);
        if (!err)
            *out = facts;
    }
    return leave(err, bytes, p);
}

md_err *md_creds_load_key(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                          apr_pool_t *p, md_key **out)
{
    return load_key(store, pair_at(group, name, spec, p).key, p, out);
}

/* The key's file as its group wants it: encrypted with the store's secret, or plain for its owner's eyes. */
static md_err *key_file(md_store *store, md_place place, const md_key *key, apr_pool_t *p, md_file *out)
{
    const int encrypted = md_groups[place.group].keys_encrypted;

    if (encrypted && !store->secret.size)
        return md_fail(p, MD_FAULT_LOCAL, "md:no-secret", "the store has no secret to encrypt %s with",
                       md_place_text(place, p));
    *out = (md_file){ .file = place.file, .secret = !encrypted };
    return md_key_to_pem(key, encrypted ? store->secret : (md_bytes){ NULL, 0 }, p, &out->value);
}

static md_err *save_key(md_store *store, md_place place, const md_key *key, apr_pool_t *p)
{
    apr_pool_t *bytes;
    md_file file = { .file = NULL };
    md_err *err;

    apr_pool_create(&bytes, p);
    err = key_file(store, place, key, bytes, &file);
    if (!err && file.secret)
        err = md_store_save_secret(store, place, file.value, bytes);
    else if (!err)
        err = md_store_save(store, place, file.value, bytes);
    return leave(err, bytes, p);
}

md_err *md_creds_save_key(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                          const md_key *key, apr_pool_t *p)
{
    return save_key(store, pair_at(group, name, spec, p).key, key, p);
}

md_err *md_creds_save_chain(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                            const md_chain *chain, apr_pool_t *p)
{
    md_bytes pem;

    MD_TRY(md_chain_to_pem(chain, p, &pem));
    return md_store_save(store, pair_at(group, name, spec, p).chain, pem, p);
}

md_err *md_creds_to_files(md_store *store, md_group group, const md_creds *creds, apr_array_header_t *files,
                          apr_pool_t *p)
{
    const pair at = pair_at(group, NULL, creds->spec, p);
    md_file key;
    md_file chain = { .file = at.chain.file };

    MD_TRY(key_file(store, at.key, creds->key, p, &key));
    MD_TRY(md_chain_to_pem(creds->chain, p, &chain.value));
    APR_ARRAY_PUSH(files, md_file) = key;
    APR_ARRAY_PUSH(files, md_file) = chain;
    return NULL;
}

/* The first is what we make; the second is what an earlier module made. */
static const md_key_spec placeholder_specs[] = {
    { .type = MD_KEY_EC, .curve = "P-256" },
    { .type = MD_KEY_DEFAULT },
};

static pair placeholder_at(const char *name, const md_key_spec *spec, apr_pool_t *p)
{
    return (pair){ .key = MD_PLACE(MD_GROUP_DOMAINS, name, md_key_spec_file(spec, "fallback-privkey", p)),
                   .chain = MD_PLACE(MD_GROUP_DOMAINS, name, md_key_spec_file(spec, "fallback-pubcert", p)) };
}

/* One that is damaged is like none: it costs nothing to make it anew. */
static int is_usable(md_store *store, const pair *at, const md_names *names, apr_time_t now, apr_pool_t *p)
{
    md_creds creds = { .key = NULL };

    return !load_pair(store, at, p, &creds) && creds.key && creds.chain && creds.facts.valid.from <= now &&
           now < creds.facts.valid.until - PLACEHOLDER_SPARE && !md_facts_check_names(&creds.facts, names, p);
}

static md_err *make_placeholder(md_store *store, const pair *at, const md_names *names, apr_time_t now,
                                apr_pool_t *p)
{
    md_file key_bytes;
    md_file chain_bytes = { .file = at->chain.file };
    md_chain *chain;
    md_key *key;

    MD_TRY(md_key_make(&placeholder_specs[0], p, &key));
    MD_TRY(md_selfsign_placeholder(key, names, (md_period){ now, now + PLACEHOLDER_LIFE }, p, &chain));
    MD_TRY(key_file(store, at->key, key, p, &key_bytes));
    MD_TRY(md_chain_to_pem(chain, p, &chain_bytes.value));
    MD_TRY(md_store_save_scratch(store, at->key, &key_bytes, p));
    return md_store_save_scratch(store, at->chain, &chain_bytes, p);
}

static md_err *find_placeholder(md_store *store, const char *name, const md_names *names, apr_time_t now,
                                apr_pool_t *p, pair *out)
{
    for (apr_size_t i = 0; i < sizeof placeholder_specs / sizeof *placeholder_specs; ++i) {
        *out = placeholder_at(name, &placeholder_specs[i], p);
        if (is_usable(store, out, names, now, p))
            return NULL;
    }
    *out = placeholder_at(name, &placeholder_specs[0], p);
    return make_placeholder(store, out, names, now, p);
}

md_err *md_creds_placeholder(md_store *store, const char *name, const md_names *names, apr_time_t now,
                             apr_pool_t *p, md_pair_paths *out)
{
    apr_pool_t *work;
    md_err *err;
    pair at;

    apr_pool_create(&work, p);
    err = find_placeholder(store, name, names, now, work, &at);
    if (!err) {
        out->cert = md_store_path(store, at.chain, p);
        out->key = md_store_path(store, at.key, p);
    }
    return leave(err, work, p);
}

md_err *md_creds_file_facts(const char *path, apr_pool_t *p, md_cert_facts **out)
{
    md_cert_facts *facts = apr_pcalloc(p, sizeof(*facts));
    char *text = apr_palloc(p, FILE_MAX + 1);
    apr_size_t size = FILE_MAX;
    md_chain *chain;
    apr_file_t *file;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0, p);

    if (!status) {
        status = apr_file_read_full(file, text, size, &size);
        apr_file_close(file);
    }
    if (status && status != APR_EOF)
        return md_fail_status(p, status, "the certificate file %s cannot be read", path);
    text[size] = '\0';
    MD_TRY(md_chain_from_pem((md_bytes){ text, size }, p, &chain));
    MD_TRY(md_chain_facts(chain, p, facts));
    *out = facts;
    return NULL;
}

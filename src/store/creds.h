/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: private key and certificate chain of one key spec, loaded and checked as a pair.
 */
#ifndef MD_STORE_CREDS_H
#define MD_STORE_CREDS_H

#include "store/store.h"
#include "tls/cert.h"

typedef struct md_creds {
    const md_key_spec *spec;
    md_key *key;
    md_chain *chain;
    md_cert_facts facts;
} md_creds;

/** Loads the pair and checks that they fit. Absent key or chain: *out NULL. A damaged or unfitting pair is a
 * failure "md:bad-file" that names the file. Everything is owned by `p`. */
MD_MUST md_err *md_creds_load(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                              apr_pool_t *p, md_creds **out);
/** Facts of the leaf, without touching the key or the rest of the chain. Absent: *out NULL. */
MD_MUST md_err *md_creds_load_facts(md_store *store, md_group group, const char *name,
                                    const md_key_spec *spec, apr_pool_t *p, md_cert_facts **out);
/** The chain alone. Absent: *out NULL. */
MD_MUST md_err *md_creds_load_chain(md_store *store, md_group group, const char *name,
                                    const md_key_spec *spec, apr_pool_t *p, md_chain **out);
/** Facts of a certificate file outside the store: the operator's own. */
MD_MUST md_err *md_creds_file_facts(const char *path, apr_pool_t *p, md_cert_facts **out);
/** Key alone; absent: *out NULL. Encrypted or plain as the group says (both are read). */
MD_MUST md_err *md_creds_load_key(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                                  apr_pool_t *p, md_key **out);
MD_MUST md_err *md_creds_save_key(md_store *store, md_group group, const char *name, const md_key_spec *spec,
                                  const md_key *key, apr_pool_t *p);
MD_MUST md_err *md_creds_save_chain(md_store *store, md_group group, const char *name,
                                    const md_key_spec *spec, const md_chain *chain, apr_pool_t *p);
/** Appends both files of the pair to an array of md_file for md_store_save_set. */
MD_MUST md_err *md_creds_to_files(md_store *store, md_group group, const md_creds *creds,
                                  apr_array_header_t *files, apr_pool_t *p);
/** Where mod_ssl finds a pair. */
typedef struct md_pair_paths {
    const char *cert, *key;
} md_pair_paths;

/** The placeholder pair of domains/<name>: found when still usable at `now` for `names`, else made new
 * (P-256) and saved, not forced to disk: after a power cut it is made again. */
MD_MUST md_err *md_creds_placeholder(md_store *store, const char *name, const md_names *names, apr_time_t now,
                                     apr_pool_t *p, md_pair_paths *out);

#endif

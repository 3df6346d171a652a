/* SPDX-License-Identifier: Apache-2.0 */
/*
 * md_store.json, and stores of earlier versions.
 */
#ifndef MD_STORE_MIGRATE_H
#define MD_STORE_MIGRATE_H

#include "store/group.h"

#define MD_STORE_FILE    "md_store.json"
#define MD_STORE_VERSION 3.0
#define MD_SECRET_SIZE   48

/** What md_store.json says. */
typedef struct md_store_facts {
    double version;
    md_bytes secret;
} md_store_facts;

/** Reads the text of md_store.json. Failures (MD_FAULT_CONFIG, "md:bad-store") are clauses for a sentence
 * that names the file. The secret is cleansed with the pool. */
MD_MUST md_err *md_store_facts_read(md_bytes text, apr_pool_t *p, md_store_facts *out);
/** The text of a new md_store.json with a new secret; both are cleansed with the pool. */
MD_MUST md_err *md_store_facts_make(apr_pool_t *p, md_store_facts *out, md_bytes *text);
/** Brings a store of version `from` to MD_STORE_VERSION; `text` is its md_store.json. Repeated from the start
 * if interrupted. */
MD_MUST md_err *md_store_migrate(const md_tree *tree, double from, md_bytes text, apr_pool_t *p);

#endif

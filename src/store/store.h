/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: bytes under group / name / file, and claims. Providers implement the operations; typed helpers
 * stand above them. All calls may come from any thread and from several processes.
 *
 * A group's row says who may write, which modes apply and whether keys are plain or encrypted.
 */
#ifndef MD_STORE_STORE_H
#define MD_STORE_STORE_H

#include "base/json.h"

typedef enum md_group {
    MD_GROUP_ROOT, /* files directly in the store: md_store.json, httpd.json; `name` is NULL */
    MD_GROUP_ACCOUNTS,
    MD_GROUP_CHALLENGES,
    MD_GROUP_DOMAINS,
    MD_GROUP_STAGING,
    MD_GROUP_ARCHIVE,
    MD_GROUP_TMP,
    MD_GROUP_OCSP,
    MD_GROUP_LIVE,   /* ours: what the parent promoted, encrypted, for children */
    MD_GROUP_CLAIMS, /* ours: lock files */
    MD_GROUP_COUNT
} md_group;

/** One row per group. */
typedef struct md_group_row {
    const char *dir;         /* folder name below the base, "" for root */
    int dir_mode, file_mode; /* octal; plain private keys are 0600 everywhere */
    int children_write;      /* folders are given to the server's unprivileged user */
    int keys_encrypted;
} md_group_row;
extern const md_group_row md_groups[MD_GROUP_COUNT];

/** Where a value lives. */
typedef struct md_place {
    md_group group;
    const char *name; /* MD name, account id, DNS name; NULL for MD_GROUP_ROOT */
    const char *file; /* file name; NULL: the whole folder (drop, move) */
} md_place;
#define MD_PLACE(group, name, file) ((md_place){ (group), (name), (file) })

/** One file of a set. */
typedef struct md_file {
    const char *file;
    md_bytes value;
    int secret;  /* a plain private key: 0600 from the first byte, whatever the group says */
    int scratch; /* may be lost with the power: not forced to disk (ignored in sets) */
} md_file;

/** A held claim; opaque to all but its provider. */
typedef struct md_claim md_claim;

typedef struct md_store_ops {
    const char *name;
    /** Absent: out->data NULL. At most 1 MiB. Links are not followed, only plain files are read. */
    md_err *(*load)(void *self, md_place place, apr_pool_t *p, md_bytes *out);
    /** Atomic, durable replace; makes the folder. */
    md_err *(*save)(void *self, md_place place, const md_file *value, apr_pool_t *p);
    /** All files or none: a new folder is filled aside and renamed to `name`. The old folder, if any, becomes
     *  archive/<name>.<n> when `archive`, else is removed. Interrupted at any point, the next call or
     * md_store_open mends it. */
    md_err *(*save_set)(void *self, md_group group, const char *name, const apr_array_header_t *files,
                        int archive, apr_pool_t *p);
    /** Removes a file or a folder with its files; absent is success. */
    md_err *(*drop)(void *self, md_place place, apr_pool_t *p);
    /** Names in a group (folders), or files in a folder when name is given. Sorted. */
    md_err *(*list)(void *self, md_group group, const char *name, apr_pool_t *p, md_names **out);
    /** Renames a folder within its group; absent source is success. */
    md_err *(*rename)(void *self, md_group group, const char *from, const char *to, apr_pool_t *p);
    /** Renames a file within its folder, whatever is there under the new name; absent source is success. */
    md_err *(*rename_file)(void *self, md_place place, const char *to, apr_pool_t *p);
    /** Last change of a file, 0 if absent. */
    apr_time_t (*changed)(void *self, md_place place, apr_pool_t *p);
    /** Exclusive claim among threads and processes; *out NULL: taken by somebody else. Ends with
     * md_store_release, the pool or the process. */
    md_err *(*claim)(void *self, const char *what, apr_pool_t *p, md_claim **out);
    void (*release)(void *self, md_claim *claim);
    /** Absolute path for mod_ssl, or NULL when the provider has no files. */
    const char *(*path)(void *self, md_place place, apr_pool_t *p);
} md_store_ops;

typedef struct md_store {
    const md_store_ops *ops;
    void *self;
    md_bytes
        secret; /* passphrase for encrypted keys (48 raw bytes), cleansed with the pool it was opened in */
} md_store;

/** Can it be the name of a folder or file in the store: one path segment of at most 255 bytes, no control
 * characters, and not beginning with a dot? NULL if fine, else the reason as a clause. */
const char *md_segment_reason(const char *name);

/* The operations, with arguments checked: names and files must be single path segments. */
MD_MUST md_err *md_store_load(md_store *store, md_place place, apr_pool_t *p, md_bytes *out);
MD_MUST md_err *md_store_save(md_store *store, md_place place, md_bytes value, apr_pool_t *p);
MD_MUST md_err *md_store_save_secret(md_store *store, md_place place, md_bytes value, apr_pool_t *p);
/** For what can be made again: atomic, but not forced to disk. `value` tells bytes and secrecy. */
MD_MUST md_err *md_store_save_scratch(md_store *store, md_place place, const md_file *value, apr_pool_t *p);
MD_MUST md_err *md_store_save_set(md_store *store, md_group group, const char *name,
                                  const apr_array_header_t *files, int archive, apr_pool_t *p);
MD_MUST md_err *md_store_drop(md_store *store, md_place place, apr_pool_t *p);
MD_MUST md_err *md_store_list(md_store *store, md_group group, const char *name, apr_pool_t *p,
                              md_names **out);
MD_MUST md_err *md_store_rename(md_store *store, md_group group, const char *from, const char *to,
                                apr_pool_t *p);
apr_time_t md_store_changed(md_store *store, md_place place, apr_pool_t *p);
MD_MUST md_err *md_store_claim(md_store *store, const char *what, apr_pool_t *p, md_claim **out);
void md_store_release(md_store *store, md_claim *claim); /* NULL is fine */
const char *md_store_path(md_store *store, md_place place, apr_pool_t *p);

/** In the root group: {"domains": [...]}, those that the server's configuration has. */
#define MD_PLAN_FILE "plan.json"

/** Text and JSON over bytes. Absent: *out NULL. Unreadable JSON is a failure "md:bad-file" that names the
 * place. */
MD_MUST md_err *md_store_load_text(md_store *store, md_place place, apr_pool_t *p, const char **out);
MD_MUST md_err *md_store_load_json(md_store *store, md_place place, apr_pool_t *p, json_t **out);
MD_MUST md_err *md_store_save_text(md_store *store, md_place place, const char *text, apr_pool_t *p);
MD_MUST md_err *md_store_save_json(md_store *store, md_place place, const json_t *doc, apr_pool_t *p);
/** Sets a file aside that cannot be used: renamed to <file>.bad, reported by one log line; never fails the
 * caller. */
void md_store_set_aside(md_store *store, md_place place, const char *why, apr_pool_t *p);
/** "domains/example.org/md.json", for messages. */
const char *md_place_text(md_place place, apr_pool_t *p);

#endif

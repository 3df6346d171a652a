/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's groups as folders on disk: finding and making them with the modes and owners of their rows.
 */
#ifndef MD_STORE_GROUP_H
#define MD_STORE_GROUP_H

#include "store/files.h"
#include "store/store.h"

/** An open store on disk. */
typedef struct md_tree {
    md_folder base; /* fd -1: there is none (and it is not to be made) */
    long owner;     /* who gets the children_write folders, -1: whoever owns the group's folder */
} md_tree;

/** The folder of a group, made if absent. */
MD_MUST md_err *md_group_make(const md_tree *tree, md_group group, apr_pool_t *p, md_folder *out);
/** Makes all groups and gives existing ones the look of their row, where we may. */
MD_MUST md_err *md_group_make_all(const md_tree *tree, apr_pool_t *p);
/** The folder of `place` (its file does not matter, its name may be NULL): fd -1 if absent. */
MD_MUST md_err *md_group_open(const md_tree *tree, md_place place, apr_pool_t *p, md_folder *out);
/** The same, made if absent; `scratch`: without forcing that to disk. */
MD_MUST md_err *md_group_enter(const md_tree *tree, md_place place, int scratch, apr_pool_t *p,
                               md_folder *out);
/** The look of folders in an open group. */
md_look md_group_look(const md_folder *folder, md_group group);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of files that change all at once: a folder is filled aside and changes places with the one in use.
 *
 * Where: aside is a yard, `tmp` for groups that only root writes, else the group's own folder. In a yard are
 *     .set-<id>           a set being filled; after the exchange: the old one on its way to the archive
 *     .set-<id>.intent    what it is for; written when the set is complete, locked while its writer lives
 *     .set-<id>.old       the old one, where the system cannot exchange two folders in one step
 *     .gone-<id>          a folder being removed
 * Whatever an interruption leaves is settled from the intent: forward if the set's place is empty, else what
 * was taken out is put away.
 */
#ifndef MD_STORE_SETS_H
#define MD_STORE_SETS_H

#include "store/group.h"

typedef struct md_set {
    md_group group;
    const char *name;
    const apr_array_header_t *files; /* of md_file */
    int archive;                     /* the old set becomes archive/<name>.<n>, else it is removed */
} md_set;

/** All files or none; see md_store_ops. */
MD_MUST md_err *md_set_save(const md_tree *tree, const md_set *set, apr_pool_t *p);
/** Takes the folder away in one step, then removes it. Absent is success. */
MD_MUST md_err *md_set_drop(const md_tree *tree, md_group group, const char *name, apr_pool_t *p);
/** Settles what earlier processes left behind in all yards. Best effort: failures are logged. */
void md_sets_mend(const md_tree *tree, apr_pool_t *p);

#endif

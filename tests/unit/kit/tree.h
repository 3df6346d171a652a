/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the store on disk share: a store below a temporary folder, its tree as text, faults in system
 * calls.
 */
#ifndef MD_TESTS_TREE_H
#define MD_TESTS_TREE_H

#include "store/store_fs.h"

/** The folder of the test's store; set by tree_begin(). */
extern const char *tree_base;

/** A new folder for a store that is not made yet; no faults. */
void tree_begin(void);
/** Opens the store at tree_base for writing; children's folders go to `uid`. */
md_store *tree_open(long uid);
/** All below a folder of the store ("" for all), sorted, one a line: "drwxr-xr-x staging" or "-rw-------
 * md_store.json". Dot names too. */
const char *tree_text(const char *below);
/** Content of a file below tree_base, NULL if there is none. */
const char *tree_read(const char *file);
/** Writes one with mode 0600, making its folders. */
void tree_write(const char *file, const char *text);
/** Sets time of change of a file or folder to `seconds` ago. */
void tree_age(const char *file, int seconds);

/** System calls that change something, from the call with number `at` (from 1) on: `count` of them fail with
 * `error`. at 0: none. */
void tree_fail(int at, int count, int error);
/** Of those calls, number `at` was reached since tree_fail(). */
int tree_failed(void);
/** Makes every exchange of folders fail as on systems that have none. */
void tree_without_swap(void);

#endif

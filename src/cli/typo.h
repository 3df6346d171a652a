/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody may have meant.
 */
#ifndef MD_CLI_TYPO_H
#define MD_CLI_TYPO_H

/** The one of `known` (ends with NULL) that is nearest to `text`, if it is near: at most a third of its
 * letters are changed, missing, added or swapped with their neighbour. NULL if none is. */
const char *md_typo_of(const char *text, const char *const *known);

#endif

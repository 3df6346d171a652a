/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target is one function that reads outside bytes. It must not crash, leak or hang, and what it read
 * must have the properties that the target states.
 */
#ifndef MD_TESTS_FUZZ_H
#define MD_TESTS_FUZZ_H

#include "base/json.h"

/** Offered by each target. Everything made in `p` goes away afterwards; `input` is followed by a NUL. */
void fuzz_one(md_bytes input, apr_pool_t *p);

/** A property of what was read; not holding is a finding. */
#define FUZZ_MUST(property)                            \
    do {                                               \
        if (!(property))                               \
            fuzz_found(__FILE__, __LINE__, #property); \
    } while (0)
void fuzz_found(const char *file, int line, const char *property) __attribute__((noreturn));

/** The input as a document, or NULL. */
const json_t *fuzz_json(md_bytes input, apr_pool_t *p);

/** Reads a failure's every part, as log and store do. NULL is fine. */
void fuzz_failure(const md_err *err, apr_pool_t *p);

#endif

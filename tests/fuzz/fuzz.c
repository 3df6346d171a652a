/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all fuzz targets share: the entry that libFuzzer calls, and a pool for each input.
 */
#include "fuzz.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int is_ready;
    apr_pool_t *p;

    if (!is_ready && apr_initialize() != APR_SUCCESS)
        abort();
    is_ready = 1;
    if (apr_pool_create(&p, NULL) != APR_SUCCESS)
        abort();
    /* A block of its own, so that the sanitizer sees reads behind its end; pools have no such borders. */
    char *input = malloc(size + 1);
    if (!input)
        abort();
    memcpy(input, data, size);
    input[size] = '\0';
    fuzz_one((md_bytes){ input, size }, p);
    apr_pool_destroy(p);
    free(input);
    return 0;
}

void fuzz_found(const char *file, int line, const char *property)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
    abort();
}

const json_t *fuzz_json(md_bytes input, apr_pool_t *p)
{
    json_t *doc = NULL;

    fuzz_failure(md_json_read(input, p, &doc), p);
    return doc;
}

void fuzz_failure(const md_err *err, apr_pool_t *p)
{
    if (!err)
        return;
    FUZZ_MUST(err->type && err->detail && err->status != APR_SUCCESS);
    FUZZ_MUST(*md_err_text(err, p) && md_err_advice(err));
    md_err_to_json(err, md_json_object(p), p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* job.json of a store: whatever is there, a record comes out of it, and saved it is the same record. */
#include "fuzz.h"
#include "jobs/job.h"
#include "kit/store_mem.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_store *store = store_mem_open(p);
    md_job *once = NULL, *again = NULL;

    fuzz_failure(md_store_save(store, MD_PLACE(MD_GROUP_STAGING, "example.org", "job.json"), input, p), p);
    FUZZ_MUST(!md_job_load(store, MD_GROUP_STAGING, "example.org", p, &once));
    FUZZ_MUST(once->last && once->log && once->errors >= 0);
    FUZZ_MUST(!md_job_save(store, once, p));
    FUZZ_MUST(!md_job_load(store, MD_GROUP_STAGING, "example.org", p, &again));
    FUZZ_MUST(json_equal(md_job_to_json(once, p), md_job_to_json(again, p)));
}

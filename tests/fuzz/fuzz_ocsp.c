/* SPDX-License-Identifier: Apache-2.0 */
/* An OCSP response, as a responder sends it or as the store keeps it: nothing is believed that was not
 * signed. */
#include "fuzz.h"
#include "kit/store_mem.h"
#include "ocsp/staple.h"

/* A certificate and its issuer, whose key is in nobody's hands any more. */
static const char chain_pem[] =
#include "ocsp_chain.inc"
    ;

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    static const md_bytes nothing = { NULL, 0 };
    md_store *store = store_mem_open(p);
    md_staple *staple = NULL;
    md_ocsp_answer answer;
    md_chain *chain;

    FUZZ_MUST(!md_chain_from_pem(md_bytes_of(chain_pem), p, &chain));
    for (int days = 0; days <= 4000; days += 2000) {
        md_err *err =
            md_ocsp_check(chain, input, nothing, apr_time_from_sec(1900000000L + 86400L * days), p, &answer);

        fuzz_failure(err, p);
        FUZZ_MUST(err || answer.status != MD_OCSP_UNKNOWN);
        FUZZ_MUST(err || answer.valid.from < answer.valid.until);
    }
    if (md_store_save(store, MD_PLACE(MD_GROUP_OCSP, "other", "ocsp-0.json"), input, p) ||
        md_staple_load(store, "other", "0", p, &staple) || !staple)
        return;
    FUZZ_MUST(staple->valid.from < staple->valid.until && staple->response.size <= MD_OCSP_SIZE_MAX);
}

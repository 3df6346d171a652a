/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As the jobs know it, with the names that readers of the status expect.
 */
#include "status/staples.h"

#include <string.h>

#include "jobs/job.h"
#include "jobs/staples.h"

static json_t *show(const md_staple_state *state, int with_log, apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "status", md_ocsp_status_name(state->status));
    if (state->valid.until) {
        md_json_set_date(doc, "valid.from", state->valid.from);
        md_json_set_date(doc, "valid.until", state->valid.until);
    }
    if (state->job)
        md_json_set(doc, "renewal", json_incref(md_job_shown(state->job, with_log, p)));
    md_json_set_text(doc, "id", state->sha1);
    md_json_set_text(doc, "responder", state->responder);
    md_json_set_date(doc, "refresh-at", state->refresh_at);
    return doc;
}

md_err *md_staple_shown(const md_core *core, const md_domain *domain, const md_cert_facts *cert, int with_log,
                        apr_pool_t *p, json_t **out)
{
    md_staple_state state;

    *out = NULL;
    if (!domain->policy.stapling || !cert->ocsp_uri)
        return NULL;
    MD_TRY(md_staple_state_of(core, domain, cert, p, &state));
    *out = show(&state, with_log, p);
    return NULL;
}

md_err *md_staples_of_others(const md_core *core, apr_pool_t *p, json_t **out)
{
    apr_array_header_t *states;

    *out = md_own_json(p, json_array());
    MD_TRY(md_staple_states(core, 1, p, &states));
    for (int i = 0; i < states->nelts; ++i) {
        const md_staple_state *state = &APR_ARRAY_IDX(states, i, md_staple_state);
        json_t *doc = show(state, 0, p);

        md_json_set_text(doc, "domain", state->domain);
        json_array_append(*out, doc);
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As the jobs know it, with the names that readers of the status expect.
 */
#include "status/staples.h"

#include <stdlib.h>
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

static int by_id(const void *a, const void *b)
{
    return strcmp(md_json_text(*(json_t *const *)a, "id"), md_json_text(*(json_t *const *)b, "id"));
}

/** Adds those that are stapled now, each in memory of its own: there may be thousands. */
static md_err *collect_others(const md_core *core, apr_pool_t *p, apr_array_header_t *found)
{
    const md_stapling *all = core->stapling;
    apr_pool_t *each;

    apr_pool_create(&each, p);
    for (int i = all->first[core->plan->domains->nelts]; i < all->count; ++i) {
        md_staple_state state;
        json_t *doc;

        apr_pool_clear(each);
        MD_TRY(md_staple_state_at(core, i, each, &state));
        if (!state.sha1)
            continue;
        doc = show(&state, 0, each);
        md_json_set_text(doc, "domain", state.domain);
        APR_ARRAY_PUSH(found, json_t *) = json_incref(doc);
    }
    apr_pool_destroy(each);
    return NULL;
}

md_err *md_staples_of_others(const md_core *core, apr_pool_t *p, json_t **out)
{
    apr_array_header_t *found = apr_array_make(p, 16, sizeof(json_t *));
    md_err *err = core->stapling ? collect_others(core, p, found) : NULL;

    qsort(found->elts, (size_t)found->nelts, sizeof(json_t *), by_id);
    *out = md_own_json(p, json_array());
    for (int i = 0; i < found->nelts; ++i)
        json_array_append_new(*out, APR_ARRAY_IDX(found, i, json_t *));
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file's time is what counts; what is in it is for people.
 */
#include "jobs/asked.h"

#define FOLDER "asked"

static md_place place_of(const char *domain)
{
    return MD_PLACE(MD_GROUP_CLAIMS, FOLDER, domain);
}

md_err *md_ask_for(md_store *store, const char *domain, apr_time_t now, apr_pool_t *p)
{
    return md_store_save_text(store, place_of(domain), md_date_text(now, p), p);
}

apr_time_t md_asked(md_store *store, const char *domain, apr_pool_t *p)
{
    return md_store_changed(store, place_of(domain), p);
}

md_err *md_asked_done(md_store *store, const char *domain, apr_pool_t *p)
{
    return md_store_drop(store, place_of(domain), p);
}

md_err *md_asked_all(md_store *store, apr_pool_t *p, md_names **out)
{
    return md_store_list(store, MD_GROUP_CLAIMS, FOLDER, p, out);
}

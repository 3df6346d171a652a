/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file has the members that administrators and the original module know: response, status, valid.
 */
#include "ocsp/staple.h"

#include <apr_strings.h>
#include <string.h>

#define MINUTE apr_time_from_sec(60)
#define HOUR   apr_time_from_sec(3600)

enum { SHA1_DIGITS = 40, POINT_DIGITS = 8 };

static md_place place_of(const char *domain, const char *sha1, apr_pool_t *p)
{
    return MD_PLACE(MD_GROUP_OCSP, domain, apr_pstrcat(p, "ocsp-", sha1, ".json", NULL));
}

const char *md_staple_record(const char *sha1, apr_pool_t *p)
{
    return apr_pstrcat(p, "job-", sha1, ".json", NULL);
}

static md_err *from_json(const json_t *doc, apr_pool_t *p, md_staple *out)
{
    const char *response = md_json_text(doc, "response");

    out->status = md_ocsp_status_named(md_json_text(doc, "status"));
    out->valid = (md_period){ md_json_date(doc, "valid.from"), md_json_date(doc, "valid.until") };
    if (!response || out->status == MD_OCSP_UNKNOWN || !out->valid.from ||
        out->valid.until <= out->valid.from)
        return md_fail(p, MD_FAULT_LOCAL, "md:bad-file", "it lacks response, status or valid");
    MD_TRY(md_b64url_read(response, p, &out->response));
    return out->response.size <= MD_OCSP_SIZE_MAX
               ? NULL
               : md_fail(p, MD_FAULT_LOCAL, "md:bad-file", "its response is too long");
}

md_err *md_staple_load(md_store *store, const char *domain, const char *sha1, apr_pool_t *p, md_staple **out)
{
    const md_place place = place_of(domain, sha1, p);
    md_staple *found = apr_pcalloc(p, sizeof(*found));
    const md_err *damage;
    md_bytes text;
    json_t *doc;

    *out = NULL;
    MD_TRY(md_store_load(store, place, p, &text));
    if (!text.data)
        return NULL;
    damage = md_json_read(text, p, &doc);
    if (!damage)
        damage = from_json(doc, p, found);
    if (damage)
        md_store_set_aside(store, place, md_err_text(damage, p), p);
    else
        *out = found;
    return NULL;
}

md_err *md_staple_save(md_store *store, const char *domain, const char *sha1, const md_staple *staple,
                       apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "response", md_b64url(staple->response, p));
    md_json_set_text(doc, "status", md_ocsp_status_name(staple->status));
    md_json_set_date(doc, "valid.from", staple->valid.from);
    md_json_set_date(doc, "valid.until", staple->valid.until);
    return md_store_save_json(store, place_of(domain, sha1, p), doc, p);
}

/** Of which certificate a file is, NULL for a file that is none of ours. */
static const char *sha1_in(const char *file, apr_pool_t *p)
{
    const char *digits = strchr(file, '-');

    if (strncmp(file, "ocsp-", 5) != 0 && strncmp(file, "job-", 4) != 0)
        return NULL;
    return strlen(digits + 1) >= SHA1_DIGITS ? apr_pstrndup(p, digits + 1, SHA1_DIGITS) : NULL;
}

static md_err *purge_folder(md_store *store, const char *name, apr_time_t since, apr_hash_t *used,
                            apr_pool_t *p)
{
    md_names *files;

    MD_TRY(md_store_list(store, MD_GROUP_OCSP, name, p, &files));
    for (int i = 0; i < files->nelts; ++i) {
        const md_place place = MD_PLACE(MD_GROUP_OCSP, name, MD_NAME(files, i));
        const char *sha1 = sha1_in(MD_NAME(files, i), p);

        if (!sha1 || apr_hash_get(used, sha1, APR_HASH_KEY_STRING))
            continue;
        if (md_store_changed(store, place, p) < since)
            MD_TRY(md_store_drop(store, place, p));
    }
    return NULL;
}

md_err *md_staples_purge(md_store *store, apr_time_t since, apr_hash_t *used, apr_pool_t *p)
{
    apr_pool_t *each;
    md_names *names;
    md_err *err = NULL;

    MD_TRY(md_store_list(store, MD_GROUP_OCSP, NULL, p, &names));
    apr_pool_create(&each, p);
    for (int i = 0; i < names->nelts && !err; ++i) {
        apr_pool_clear(each);
        err = md_err_copy(purge_folder(store, MD_NAME(names, i), since, used, each), p);
    }
    apr_pool_destroy(each);
    return err;
}

static apr_interval_time_t lesser(apr_interval_time_t a, apr_interval_time_t b)
{
    return a < b ? a : b;
}

static apr_interval_time_t greater(apr_interval_time_t a, apr_interval_time_t b)
{
    return a > b ? a : b;
}

/** A point in [0,1) that is the certificate's own: no memory is needed to find the same time again. */
static double point_of(const char *sha1)
{
    char digits[POINT_DIGITS + 1];

    apr_cpystrn(digits, sha1, sizeof(digits));
    return (double)apr_strtoi64(digits, NULL, 16) / (double)(APR_INT64_C(1) << 4 * POINT_DIGITS);
}

apr_time_t md_staple_renew_at(md_period valid, md_slice window, const char *sha1)
{
    const apr_interval_time_t life = valid.until - valid.from;
    const apr_interval_time_t length = lesser(md_slice_of(window, life), life - life / 10);

    return valid.until - length + (apr_interval_time_t)((double)length / 10 * point_of(sha1));
}

apr_time_t md_staple_next(md_period valid, apr_time_t renew_at, apr_time_t no_sooner, apr_time_t now)
{
    const apr_interval_time_t left = greater(valid.until - now, 0);
    apr_time_t at = greater(renew_at, now + greater(lesser(left / 4, HOUR), apr_time_from_sec(1)));

    if (no_sooner > at)
        at = lesser(no_sooner, greater(at, valid.until - left / 10));
    return at;
}

apr_time_t md_staple_retry(md_period valid, apr_time_t wanted, apr_time_t now)
{
    const apr_interval_time_t left = valid.until - now;

    return lesser(wanted, now + (left > 0 ? greater(left / 2, MINUTE) : HOUR));
}

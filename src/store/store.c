/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands between the callers and a provider: the table of groups, checks of names, text and JSON.
 */
#include "store/store.h"

#include <apr_strings.h>
#include <string.h>

#include "base/log.h"

/* clang-format off */
const md_group_row md_groups[MD_GROUP_COUNT] = {
    /*                        folder        folders files children keys       */
    [MD_GROUP_ROOT]       = { "",           0755,   0600,   0,     0 },
    [MD_GROUP_ACCOUNTS]   = { "accounts",   0755,   0644,   0,     1 },
    [MD_GROUP_CHALLENGES] = { "challenges", 0755,   0644,   1,     0 },
    [MD_GROUP_DOMAINS]    = { "domains",    0700,   0600,   0,     0 },
    [MD_GROUP_STAGING]    = { "staging",    0755,   0644,   1,     1 },
    [MD_GROUP_ARCHIVE]    = { "archive",    0700,   0600,   0,     0 },
    [MD_GROUP_TMP]        = { "tmp",        0700,   0600,   0,     0 },
    [MD_GROUP_OCSP]       = { "ocsp",       0755,   0644,   1,     0 },
    [MD_GROUP_LIVE]       = { "live",       0755,   0644,   0,     1 },
    [MD_GROUP_CLAIMS]     = { "claims",     0755,   0644,   1,     0 },
};
/* clang-format on */

#define SEGMENT_MAX 255

const char *md_segment_reason(const char *name)
{
    if (!name || !*name)
        return "it is empty";
    if (strlen(name) > SEGMENT_MAX)
        return "it is longer than 255 bytes";
    if (*name == '.')
        return "it begins with a dot";
    for (; *name; ++name) {
        if (*name == '/')
            return "it has a slash";
        if ((unsigned char)*name < ' ' || *name == 0x7f)
            return "it has a control character";
    }
    return NULL;
}

static md_err *check_segment(const char *name, apr_pool_t *p)
{
    const char *reason = md_segment_reason(name);

    if (!reason)
        return NULL;
    return md_fail(p, MD_FAULT_LOCAL, "md:bad-name", "'%s' cannot be a name in the store: %s",
                   name ? md_excerpt(md_bytes_of(name), 80, p) : "", reason);
}

static md_err *check_folder(md_place place, apr_pool_t *p)
{
    if (place.group != MD_GROUP_ROOT)
        return check_segment(place.name, p);
    return place.name ? md_fail(p, MD_FAULT_LOCAL, "md:bad-name", "the store's own files are in no folder")
                      : NULL;
}

static md_err *check_file(md_place place, apr_pool_t *p)
{
    MD_TRY(check_folder(place, p));
    return check_segment(place.file, p);
}

/* A whole folder that may be taken away or moved. */
static md_err *check_whole(md_group group, const char *name, apr_pool_t *p)
{
    if (group == MD_GROUP_ROOT)
        return md_fail(p, MD_FAULT_LOCAL, "md:bad-name", "the store itself cannot be changed as a whole");
    return check_segment(name, p);
}

md_err *md_store_load(md_store *store, md_place place, apr_pool_t *p, md_bytes *out)
{
    *out = (md_bytes){ NULL, 0 };
    MD_TRY(check_file(place, p));
    return store->ops->load(store->self, place, p, out);
}

md_err *md_store_save(md_store *store, md_place place, md_bytes value, apr_pool_t *p)
{
    MD_TRY(check_file(place, p));
    return store->ops->save(store->self, place, &(md_file){ .file = place.file, .value = value }, p);
}

md_err *md_store_save_secret(md_store *store, md_place place, md_bytes value, apr_pool_t *p)
{
    MD_TRY(check_file(place, p));
    return store->ops->save(store->self, place, &(md_file){ .file = place.file, .value = value, .secret = 1 },
                            p);
}

md_err *md_store_save_scratch(md_store *store, md_place place, const md_file *value, apr_pool_t *p)
{
    md_file scratch = *value;

    scratch.scratch = 1;
    MD_TRY(check_file(place, p));
    return store->ops->save(store->self, place, &scratch, p);
}

md_err *md_store_save_set(md_store *store, md_group group, const char *name, const apr_array_header_t *files,
                          int archive, apr_pool_t *p)
{
    MD_TRY(check_whole(group, name, p));
    for (int i = 0; i < files->nelts; ++i)
        MD_TRY(check_segment(APR_ARRAY_IDX(files, i, md_file).file, p));
    return store->ops->save_set(store->self, group, name, files, archive, p);
}

md_err *md_store_drop(md_store *store, md_place place, apr_pool_t *p)
{
    if (place.file)
        MD_TRY(check_file(place, p));
    else
        MD_TRY(check_whole(place.group, place.name, p));
    return store->ops->drop(store->self, place, p);
}

md_err *md_store_list(md_store *store, md_group group, const char *name, apr_pool_t *p, md_names **out)
{
    *out = NULL;
    if (name)
        MD_TRY(check_whole(group, name, p));
    return store->ops->list(store->self, group, name, p, out);
}

md_err *md_store_rename(md_store *store, md_group group, const char *from, const char *to, apr_pool_t *p)
{
    MD_TRY(check_whole(group, from, p));
    MD_TRY(check_whole(group, to, p));
    return store->ops->rename(store->self, group, from, to, p);
}

apr_time_t md_store_changed(md_store *store, md_place place, apr_pool_t *p)
{
    return check_file(place, p) ? 0 : store->ops->changed(store->self, place, p);
}

md_err *md_store_claim(md_store *store, const char *what, apr_pool_t *p, md_claim **out)
{
    *out = NULL;
    if (!*what || *what == '.' || strpbrk(what, "\r\n"))
        return md_fail(p, MD_FAULT_LOCAL, "md:bad-name", "'%s' cannot be claimed",
                       md_excerpt(md_bytes_of(what), 80, p));
    return store->ops->claim(store->self, what, p, out);
}

void md_store_release(md_store *store, md_claim *claim)
{
    if (claim)
        store->ops->release(store->self, claim);
}

const char *md_store_path(md_store *store, md_place place, apr_pool_t *p)
{
    if (check_folder(place, p) || (place.file && check_segment(place.file, p)))
        return NULL;
    return store->ops->path(store->self, place, p);
}

md_err *md_store_load_text(md_store *store, md_place place, apr_pool_t *p, const char **out)
{
    md_bytes value;

    *out = NULL;
    MD_TRY(md_store_load(store, place, p, &value));
    if (value.data && memchr(value.data, '\0', value.size))
        return md_fail(p, MD_FAULT_LOCAL, "md:bad-file", "%s is not text", md_place_text(place, p));
    *out = value.data;
    return NULL;
}

md_err *md_store_load_json(md_store *store, md_place place, apr_pool_t *p, json_t **out)
{
    md_bytes value;
    const md_err *err;

    *out = NULL;
    MD_TRY(md_store_load(store, place, p, &value));
    if (!value.data)
        return NULL;
    err = md_json_read(value, p, out);
    if (!err)
        return NULL;
    *out = NULL;
    return md_fail(p, MD_FAULT_LOCAL, "md:bad-file", "%s is damaged: %s", md_place_text(place, p),
                   md_err_text(err, p));
}

md_err *md_store_save_text(md_store *store, md_place place, const char *text, apr_pool_t *p)
{
    return md_store_save(store, place, md_bytes_of(text), p);
}

md_err *md_store_save_json(md_store *store, md_place place, const json_t *doc, apr_pool_t *p)
{
    return md_store_save(store, place, md_bytes_of(md_json_text_of(doc, p)), p);
}

void md_store_set_aside(md_store *store, md_place place, const char *why, apr_pool_t *p)
{
    const char *shown = md_place_text(place, p);
    md_err *err = check_file(place, p);

    if (!err)
        err = store->ops->rename_file(store->self, place, apr_pstrcat(p, place.file, ".bad", NULL), p);
    if (err)
        md_log(MD_LOG_WARN, 0, "%s in the store cannot be used (%s), nor be set aside: %s", shown, why,
               md_err_text(err, p));
    else
        md_log(MD_LOG_WARN, 0, "%s in the store cannot be used: %s; it is now %s.bad", shown, why, shown);
}

const char *md_place_text(md_place place, apr_pool_t *p)
{
    const char *dir = md_groups[place.group].dir;

    return apr_pstrcat(p, dir, *dir && place.name ? "/" : "", place.name ? place.name : "",
                       (*dir || place.name) && place.file ? "/" : "", place.file ? place.file : "", NULL);
}

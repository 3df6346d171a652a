/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder may belong to whom it is for, so nothing in it is trusted: files are made under names of ours
 * that did not exist, links are replaced and never followed.
 */
#include "jobs/export.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "store/files.h"

enum { CERT_MODE = 0644, FOLDER_MODE = 0750, FOLDER_MODE_ALONE = 0700 };

/** One file, and the name it has until all are there. */
typedef struct copy {
    md_write write;
    const char *aside; /* NULL: not made */
} copy;

static void add(apr_array_header_t *copies, const md_write *write)
{
    APR_ARRAY_PUSH(copies, copy) = (copy){ .write = *write };
}

/** The four files of one key spec. */
static md_err *add_creds(apr_array_header_t *copies, const md_creds *creds, const md_export_to *to,
                         apr_pool_t *p)
{
    md_owner *owner = apr_pcalloc(p, sizeof(*owner));
    md_write file = { .owner = owner };
    md_bytes all, first;

    *owner = (md_owner){ to->user, to->group };
    MD_TRY(md_key_to_pem(creds->key, (md_bytes){ NULL, 0 }, p, &file.value));
    file.name = md_key_spec_file(creds->spec, "privkey", p);
    file.mode = to->mode;
    add(copies, &file);
    MD_TRY(md_chain_to_pem(creds->chain, p, &all));
    first = md_pem_first(all);
    file.mode = CERT_MODE;
    file.name = md_key_spec_file(creds->spec, "fullchain", p);
    file.value = all;
    add(copies, &file);
    file.name = md_key_spec_file(creds->spec, "cert", p);
    file.value = md_bytes_of(apr_pstrcat(p, apr_pstrmemdup(p, first.data, first.size), "\n", NULL));
    add(copies, &file);
    file.name = md_key_spec_file(creds->spec, "chain", p);
    file.value = md_bytes_of(all.data + first.size + (all.data[first.size] == '\n'));
    add(copies, &file);
    return NULL;
}

static md_err *open_folder(const md_export_to *to, apr_pool_t *p, md_folder *folder)
{
    const md_folder above = { .fd = AT_FDCWD, .base = to->dir };
    const md_look look = { .mode = to->group >= 0 ? FOLDER_MODE : FOLDER_MODE_ALONE, .owner = to->user };
    int error;

    MD_TRY(md_folder_root(to->dir, p, folder));
    if (folder->fd >= 0)
        return NULL;
    error = md_sys_mkdir(&above, to->dir, look.mode);
    if (error && error != EEXIST)
        return md_fail_status(p, error, "cannot make the folder %s", to->dir);
    MD_TRY(md_folder_root(to->dir, p, folder));
    error = md_folder_give(folder, (md_owner){ to->user, to->group });
    if (!error)
        error = md_folder_adjust(folder, (md_look){ .mode = look.mode, .owner = -1 });
    return error ? md_fail_file(p, error, "give away", folder, NULL) : NULL;
}

static int has_look(const md_folder *folder, const md_write *write)
{
    struct stat info;

    return !fstatat(folder->fd, write->name, &info, AT_SYMLINK_NOFOLLOW) && S_ISREG(info.st_mode) &&
           (int)(info.st_mode & 07777) == write->mode &&
           (write->owner->user < 0 || (long)info.st_uid == write->owner->user) &&
           (write->owner->group < 0 || (long)info.st_gid == write->owner->group);
}

static int is_current(const md_folder *folder, const md_write *write, apr_pool_t *p)
{
    md_bytes now;

    if (!has_look(folder, write) || md_file_read(folder, write->name, p, &now) || !now.data)
        return 0;
    md_cleanse_with(p, now);
    return now.size == write->value.size && !memcmp(now.data, write->value.data, now.size);
}

static md_err *make_aside(const md_folder *folder, apr_array_header_t *copies, apr_pool_t *p)
{
    for (int i = 0; i < copies->nelts; ++i) {
        copy *each = &APR_ARRAY_IDX(copies, i, copy);
        md_write aside = each->write;

        aside.name = md_dot_name("file", p);
        MD_TRY(md_file_create(folder, &aside, p));
        each->aside = aside.name;
    }
    return NULL;
}

static md_err *put_in_place(const md_folder *folder, apr_array_header_t *copies, apr_pool_t *p)
{
    int error = 0;

    for (int i = 0; i < copies->nelts && !error; ++i) {
        copy *each = &APR_ARRAY_IDX(copies, i, copy);

        error = md_sys_rename(folder, each->aside, folder, each->write.name);
        if (error)
            return md_fail_file(p, error, "replace", folder, each->write.name);
        each->aside = NULL;
    }
    error = md_sys_sync(folder->fd);
    return error ? md_fail_file(p, error, "write", folder, NULL) : NULL;
}

static md_err *fill(const md_folder *folder, apr_array_header_t *copies, apr_pool_t *p, int *wrote)
{
    int current = 1;
    md_err *err;

    for (int i = 0; i < copies->nelts && current; ++i)
        current = is_current(folder, &APR_ARRAY_IDX(copies, i, copy).write, p);
    if (current)
        return NULL;
    md_folder_sweep(folder);
    err = make_aside(folder, copies, p);
    if (!err)
        err = put_in_place(folder, copies, p);
    for (int i = 0; err && i < copies->nelts; ++i)
        if (APR_ARRAY_IDX(copies, i, copy).aside)
            (void)md_sys_unlink(folder, APR_ARRAY_IDX(copies, i, copy).aside);
    *wrote += !err;
    return err;
}

md_err *md_export_to_folder(const md_export_to *to, const apr_array_header_t *creds, apr_pool_t *p,
                            int *wrote)
{
    apr_array_header_t *copies = apr_array_make(p, 4, sizeof(copy));
    md_folder folder = { .fd = -1 };
    md_err *err;

    for (int i = 0; i < creds->nelts; ++i)
        MD_TRY(add_creds(copies, APR_ARRAY_IDX(creds, i, const md_creds *), to, p));
    err = open_folder(to, p, &folder);
    if (!err)
        err = fill(&folder, copies, p, wrote);
    md_folder_close(&folder);
    return err;
}

md_err *md_export_creds(md_store *store, const md_domain *domain, apr_pool_t *p, apr_array_header_t **creds)
{
    const md_key_specs *specs = domain->policy.keys;
    apr_array_header_t *all = apr_array_make(p, specs->nelts, sizeof(md_creds *));

    *creds = NULL;
    for (int i = 0; i < specs->nelts; ++i) {
        md_creds *each;

        MD_TRY(md_creds_load(store, MD_GROUP_DOMAINS, domain->name, MD_SPEC(specs, i), p, &each));
        if (!each)
            return NULL;
        APR_ARRAY_PUSH(all, md_creds *) = each;
    }
    *creds = all;
    return NULL;
}

md_err *md_export_domain(md_store *store, const md_domain *domain, apr_pool_t *p, int *wrote)
{
    const apr_array_header_t *exports = domain->policy.exports.exports;
    apr_array_header_t *creds;
    md_err *first = NULL;

    *wrote = 0;
    MD_TRY(md_export_creds(store, domain, p, &creds));
    for (int i = 0; creds && exports && i < exports->nelts; ++i) {
        md_err *err = md_export_to_folder(&APR_ARRAY_IDX(exports, i, md_export_to), creds, p, wrote);

        first = first ? first : err;
    }
    return first;
}

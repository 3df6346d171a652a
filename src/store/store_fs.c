/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default provider: the store's operations on files and folders. Nothing is remembered between calls but
 * the open base folder, so any number of threads and processes may use a store.
 */
#include "store/store_fs.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/claims.h"
#include "store/migrate.h"
#include "store/sets.h"
#include "tls/bridge.h"

typedef struct md_store_fs {
    md_tree tree;
    int read_only;
} md_store_fs;

static md_err *check_writable(const md_store_fs *fs, apr_pool_t *p)
{
    return fs->read_only ? md_fail(p, MD_FAULT_LOCAL, "md:read-only",
                                   "the store %s was opened for reading only", fs->tree.base.base)
                         : NULL;
}

/* Is the folder still the one of its name? A set may have been exchanged while we looked into the old one. */
static int is_current(const md_tree *tree, const md_folder *folder)
{
    struct stat seen;
    struct stat now;

    return fstat(folder->fd, &seen) || fstatat(tree->base.fd, folder->name, &now, AT_SYMLINK_NOFOLLOW) ||
           (seen.st_ino == now.st_ino && seen.st_dev == now.st_dev);
}

static md_err *fs_load(void *self, md_place place, apr_pool_t *p, md_bytes *out)
{
    const md_store_fs *fs = self;
    int settled = 0;

    *out = (md_bytes){ NULL, 0 };
    for (int i = 0; !settled && i < 3; ++i) {
        md_folder folder;
        md_err *err;

        MD_TRY(md_group_open(&fs->tree, place, p, &folder));
        if (folder.fd < 0)
            return NULL;
        err = md_file_read(&folder, place.file, p, out);
        settled = err || out->data || !place.name || is_current(&fs->tree, &folder);
        md_folder_close(&folder);
        MD_TRY(err);
    }
    return NULL;
}

static md_err *fs_save(void *self, md_place place, const md_file *value, apr_pool_t *p)
{
    const md_store_fs *fs = self;
    const md_write write = { .name = place.file,
                             .value = value->value,
                             .mode = value->secret ? 0600 : md_groups[place.group].file_mode,
                             .scratch = value->scratch };
    md_folder folder;
    md_err *err;

    MD_TRY(check_writable(fs, p));
    MD_TRY(md_group_enter(&fs->tree, place, value->scratch, p, &folder));
    err = md_file_write(&folder, &write, p);
    if (!err)
        md_folder_sweep(&folder);
    md_folder_close(&folder);
    return err;
}

static md_err *fs_save_set(void *self, md_group group, const char *name, const apr_array_header_t *files,
                           int archive, apr_pool_t *p)
{
    const md_store_fs *fs = self;

    MD_TRY(check_writable(fs, p));
    return md_set_save(&fs->tree,
                       &(md_set){ .group = group, .name = name, .files = files, .archive = archive }, p);
}

static md_err *drop_file(const md_store_fs *fs, md_place place, apr_pool_t *p)
{
    md_err *err = NULL;
    md_folder folder;
    int error;

    MD_TRY(md_group_open(&fs->tree, place, p, &folder));
    if (folder.fd < 0)
        return NULL;
    error = md_sys_unlink(&folder, place.file);
    if (!error)
        error = md_sys_sync(folder.fd);
    if (error)
        err = md_fail_file(p, error, "remove", &folder, place.file);
    md_folder_close(&folder);
    return err;
}

static md_err *fs_drop(void *self, md_place place, apr_pool_t *p)
{
    const md_store_fs *fs = self;

    MD_TRY(check_writable(fs, p));
    return place.file ? drop_file(fs, place, p) : md_set_drop(&fs->tree, place.group, place.name, p);
}

static md_err *fs_list(void *self, md_group group, const char *name, apr_pool_t *p, md_names **out)
{
    const md_store_fs *fs = self;
    const int files = name || group == MD_GROUP_ROOT || group == MD_GROUP_CLAIMS;
    md_folder folder;
    md_err *err;

    MD_TRY(md_group_open(&fs->tree, MD_PLACE(group, name, NULL), p, &folder));
    err = md_folder_list(&folder, files ? MD_LIST_FILES : MD_LIST_FOLDERS, p, out);
    md_folder_close(&folder);
    return err;
}

/* Renames within one open folder; absent is success. */
static md_err *rename_in(const md_folder *folder, const char *from, const char *to, apr_pool_t *p)
{
    int error = folder->fd < 0 ? ENOENT : md_sys_rename(folder, from, folder, to);

    if (error == ENOENT)
        return NULL;
    if (!error)
        error = md_sys_sync(folder->fd);
    return error ? md_fail_file(p, error, apr_pstrcat(p, "rename ", from, " to", NULL), folder, to) : NULL;
}

static md_err *fs_rename(void *self, md_group group, const char *from, const char *to, apr_pool_t *p)
{
    const md_store_fs *fs = self;
    md_folder folder;
    md_err *err;

    MD_TRY(check_writable(fs, p));
    MD_TRY(md_group_open(&fs->tree, MD_PLACE(group, NULL, NULL), p, &folder));
    err = rename_in(&folder, from, to, p);
    md_folder_close(&folder);
    return err;
}

static md_err *fs_rename_file(void *self, md_place place, const char *to, apr_pool_t *p)
{
    const md_store_fs *fs = self;
    md_folder folder;
    md_err *err;

    MD_TRY(check_writable(fs, p));
    MD_TRY(md_group_open(&fs->tree, place, p, &folder));
    err = rename_in(&folder, place.file, to, p);
    md_folder_close(&folder);
    return err;
}

static apr_time_t fs_changed(void *self, md_place place, apr_pool_t *p)
{
    const md_store_fs *fs = self;
    struct stat info;

    if (fs->tree.base.fd < 0 ||
        fstatat(fs->tree.base.fd, md_place_text(place, p), &info, AT_SYMLINK_NOFOLLOW) ||
        !S_ISREG(info.st_mode))
        return 0;
    return apr_time_from_sec(info.st_mtim.tv_sec) + info.st_mtim.tv_nsec / 1000;
}

static const char *fs_path(void *self, md_place place, apr_pool_t *p)
{
    const md_store_fs *fs = self;

    return apr_pstrcat(p, fs->tree.base.base, "/", md_place_text(place, p), NULL);
}

static md_err *fs_claim(void *self, const char *what, apr_pool_t *p, md_claim **out)
{
    const md_store_fs *fs = self;

    *out = NULL;
    MD_TRY(check_writable(fs, p));
    return md_claim_take(&fs->tree, what, p, out);
}

static void fs_release(void *self, md_claim *claim)
{
    (void)self;
    md_claim_end(claim);
}

static const md_store_ops fs_ops = {
    .name = "files",
    .load = fs_load,
    .save = fs_save,
    .save_set = fs_save_set,
    .drop = fs_drop,
    .list = fs_list,
    .rename = fs_rename,
    .rename_file = fs_rename_file,
    .changed = fs_changed,
    .claim = fs_claim,
    .release = fs_release,
    .path = fs_path,
};

static apr_status_t close_base(void *data)
{
    md_folder_close(data);
    return APR_SUCCESS;
}

static md_err *open_base(const md_store_fs_options *options, apr_pool_t *p, md_folder *base)
{
    md_folder parent = { .fd = AT_FDCWD, .base = options->base };

    MD_TRY(md_folder_root(apr_pstrdup(p, options->base), p, base));
    if (base->fd < 0 && !options->read_only) {
        const int error = md_sys_mkdir(&parent, options->base, 0700);

        if (error && error != EEXIST)
            return md_fail_status(p, error, "cannot make the folder of the store, %s", options->base);
        MD_TRY(md_folder_root(base->base, p, base));
    }
    return NULL;
}

static md_err *make_store_file(md_store_fs *fs, apr_pool_t *p, md_store_facts *facts, md_bytes *text)
{
    const md_folder *base = &fs->tree.base;
    int error;
    int made;

    MD_TRY(md_store_facts_make(p, facts, text));
    error = md_folder_adjust(base, (md_look){ .mode = 0755, .owner = -1 });
    if (error)
        return md_fail_file(p, error, "set the mode of", base, NULL);
    MD_TRY(md_file_write_new(base, &(md_write){ .name = MD_STORE_FILE, .value = *text, .mode = 0600 }, p,
                             &made));
    if (made)
        return NULL;
    MD_TRY(md_file_read(base, MD_STORE_FILE, p, text)); /* another process was first */
    return md_store_facts_read(*text, p, facts);
}

static md_err *read_store_file(md_store_fs *fs, apr_pool_t *p, md_store_facts *facts, md_bytes *text)
{
    const md_folder *base = &fs->tree.base;
    const md_err *err;

    MD_TRY(md_file_read(base, MD_STORE_FILE, p, text));
    if (!text->data)
        return fs->read_only ? NULL : make_store_file(fs, p, facts, text);
    md_cleanse_with(p, *text);
    err = md_store_facts_read(*text, p, facts);
    return err ? md_wrap(p, err,
                         "%s cannot be used; restore it from a backup, or move it away, and all keys and "
                         "accounts that were "
                         "encrypted with it are made anew",
                         md_folder_path(base, MD_STORE_FILE, p))
               : NULL;
}

static md_err *open_tree(md_store_fs *fs, apr_pool_t *p, md_bytes *secret)
{
    md_store_facts facts = { .version = MD_STORE_VERSION };
    md_bytes text;

    MD_TRY(read_store_file(fs, p, &facts, &text));
    *secret = facts.secret;
    if (fs->read_only)
        return NULL;
    MD_TRY(md_group_make_all(&fs->tree, p));
    MD_TRY(md_store_migrate(&fs->tree, facts.version, text, p));
    md_folder_sweep(&fs->tree.base);
    md_sets_mend(&fs->tree, p);
    return NULL;
}

md_err *md_store_fs_open(const md_store_fs_options *options, apr_pool_t *p, md_store **out)
{
    md_store *store = apr_pcalloc(p, sizeof *store);
    md_store_fs *fs = apr_pcalloc(p, sizeof *fs);

    fs->read_only = options->read_only;
    fs->tree.owner = options->uid;
    MD_TRY(open_base(options, p, &fs->tree.base));
    apr_pool_cleanup_register(p, &fs->tree.base, close_base, apr_pool_cleanup_null);
    if (fs->tree.base.fd >= 0)
        MD_TRY(open_tree(fs, p, &store->secret));
    store->ops = &fs_ops;
    store->self = fs;
    *out = store;
    return NULL;
}

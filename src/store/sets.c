/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of files that change all at once. The comment in the header says what lies where; every step here
 * leaves a state that settle() understands.
 */
#include "store/sets.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define ARCHIVE_MAX 999
#define ID_LENGTH   (5 + 16) /* ".set-" and 16 digits */

/** What a filled set is for. */
typedef struct intent {
    md_group group;
    const char *name;
    int archive;
    json_int_t inode; /* of the new folder: tells it from the old one after an exchange */
} intent;

/** The folders a set moves between. */
typedef struct site {
    const md_tree *tree;
    md_folder yard, group;
} site;

static md_group yard_of(md_group group)
{
    return md_groups[group].children_write ? group : MD_GROUP_TMP;
}

static md_err *open_site(const md_tree *tree, md_group group, apr_pool_t *p, site *out)
{
    md_err *err;

    out->tree = tree;
    MD_TRY(md_group_make(tree, group, p, &out->group));
    err = md_group_make(tree, yard_of(group), p, &out->yard);
    if (err)
        md_folder_close(&out->group);
    return err;
}

static void close_site(site *at)
{
    md_folder_close(&at->yard);
    md_folder_close(&at->group);
}

static const char *intent_file(const char *id, apr_pool_t *p)
{
    return apr_pstrcat(p, id, ".intent", NULL);
}

static const char *old_folder(const char *id, apr_pool_t *p)
{
    return apr_pstrcat(p, id, ".old", NULL);
}

static const char *slot_name(const char *name, int n, apr_pool_t *p)
{
    return apr_psprintf(p, "%.*s.%d", MD_SEGMENT_MAX - 4, name, n);
}

static md_err *remove_oldest(const md_folder *archive, const char *name, apr_pool_t *p)
{
    apr_time_t oldest = 0;
    const char *slot = NULL;
    struct stat info;

    for (int n = 1; n <= ARCHIVE_MAX; ++n) {
        const char *candidate = slot_name(name, n, p);

        if (fstatat(archive->fd, candidate, &info, AT_SYMLINK_NOFOLLOW))
            continue;
        if (!slot || info.st_mtime < oldest) {
            slot = candidate;
            oldest = info.st_mtime;
        }
    }
    return slot ? md_folder_remove(archive, slot, p) : NULL;
}

/* The first free number gets it. */
static int move_to_slot(const md_folder *from, const char *old, const md_folder *archive, const char *name,
                        apr_pool_t *p)
{
    int error = EEXIST;

    for (int n = 1; n <= ARCHIVE_MAX && (error == EEXIST || error == ENOTEMPTY); ++n)
        error = md_sys_rename_new(from, old, archive, slot_name(name, n, p));
    return error;
}

static md_err *move_to_archive(const site *at, const char *old, const char *name, apr_pool_t *p)
{
    md_err *err = NULL;
    md_folder archive;
    int error;

    MD_TRY(md_group_make(at->tree, MD_GROUP_ARCHIVE, p, &archive));
    error = move_to_slot(&at->yard, old, &archive, name, p);
    if (error == EEXIST || error == ENOTEMPTY) {
        err = remove_oldest(&archive, name, p);
        if (!err)
            error = move_to_slot(&at->yard, old, &archive, name, p);
    }
    if (!error)
        error = md_sys_sync(archive.fd);
    if (!err && error)
        err = md_fail_file(p, error, "move a replaced set to", &archive, name);
    md_folder_close(&archive);
    return err;
}

static md_err *put_away(const site *at, const char *old, const intent *what, apr_pool_t *p)
{
    struct stat info;

    if (fstatat(at->yard.fd, old, &info, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? NULL : md_fail_file(p, errno, "look at", &at->yard, old);
    return what->archive ? move_to_archive(at, old, what->name, p) : md_folder_remove(&at->yard, old, p);
}

static int is_present(const md_folder *folder, const char *name)
{
    struct stat info;

    return !fstatat(folder->fd, name, &info, AT_SYMLINK_NOFOLLOW) || errno != ENOENT;
}

/* In one step, so that a set that is only partly removed is never taken for a complete one. */
static md_err *discard(const site *at, const char *id, apr_pool_t *p)
{
    const char *gone = md_dot_name("gone", p);
    const int error = md_sys_rename(&at->yard, id, &at->yard, gone);

    if (error)
        return error == ENOENT ? NULL : md_fail_file(p, error, "remove", &at->yard, id);
    return md_folder_remove(&at->yard, gone, p);
}

/* A complete set that is not in its place: goes there if nothing else does. */
static md_err *settle_new(const site *at, const char *id, const intent *what, apr_pool_t *p)
{
    int error;

    if (is_present(&at->group, what->name))
        return discard(at, id, p);
    error = md_sys_rename_new(&at->yard, id, &at->group, what->name);
    if (!error)
        error = md_sys_sync(at->group.fd);
    return error ? md_fail_file(p, error, "put in place", &at->group, what->name) : NULL;
}

static md_err *settle(const site *at, const char *id, const intent *what, apr_pool_t *p)
{
    struct stat info;
    int error;

    if (!fstatat(at->yard.fd, id, &info, AT_SYMLINK_NOFOLLOW) && (json_int_t)info.st_ino == what->inode)
        MD_TRY(settle_new(at, id, what, p));
    else
        MD_TRY(put_away(at, id, what, p));
    MD_TRY(put_away(at, old_folder(id, p), what, p));
    error = md_sys_unlink(&at->yard, intent_file(id, p));
    return error ? md_fail_file(p, error, "remove", &at->yard, intent_file(id, p)) : NULL;
}

static md_bytes intent_text(const intent *what, apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "group", md_groups[what->group].dir);
    md_json_set_text(doc, "name", what->name);
    md_json_set_flag(doc, "archive", what->archive);
    md_json_set_int(doc, "inode", what->inode);
    return md_bytes_of(md_json_line(doc, p));
}

/* What lies in a yard that others can write is about that group alone. */
static int read_intent(const json_t *doc, md_group yard, intent *out)
{
    const char *dir = md_json_text(doc, "group");

    out->name = md_json_text(doc, "name");
    out->inode = md_json_int(doc, "inode", -1);
    for (int group = MD_GROUP_ROOT + 1; dir && group < MD_GROUP_COUNT; ++group) {
        if (strcmp(md_groups[group].dir, dir))
            continue;
        out->group = (md_group)group;
        out->archive = md_json_flag(doc, "archive", 0) && !md_groups[group].children_write;
        return yard_of((md_group)group) == yard && out->name && !md_segment_reason(out->name);
    }
    return 0;
}

/* *fd stays open, and with it the lock that tells others that we are at work. */
static int write_intent(const site *at, const char *id, const intent *what, apr_pool_t *p, int *fd)
{
    int error = md_sys_create(&at->yard, intent_file(id, p), 0600, fd);

    if (!error && flock(*fd, LOCK_EX))
        error = errno;
    if (!error)
        error = md_sys_write(*fd, intent_text(what, p));
    if (!error)
        error = md_sys_sync(*fd);
    return error ? error : md_sys_sync(at->yard.fd);
}

static md_err *fill(const site *at, const char *id, const md_set *set, apr_pool_t *p, json_int_t *inode)
{
    md_err *err = NULL;
    md_folder folder;
    struct stat info;
    int error;

    MD_TRY(md_folder_make(&at->yard, id, md_group_look(&at->group, set->group), p, &folder));
    for (int i = 0; !err && i < set->files->nelts; ++i) {
        const md_file *file = &APR_ARRAY_IDX(set->files, i, md_file);
        const int mode = file->secret ? 0600 : md_groups[set->group].file_mode;

        err =
            md_file_create(&folder, &(md_write){ .name = file->file, .value = file->value, .mode = mode }, p);
    }
    error = fstat(folder.fd, &info) ? errno : 0;
    *inode = error ? -1 : (json_int_t)info.st_ino;
    if (!err && !error)
        error = md_sys_sync(folder.fd);
    if (!err && error)
        err = md_fail_file(p, error, "write", &folder, NULL);
    md_folder_close(&folder);
    return err;
}

/* Without an exchange there is a moment with no folder; settle() ends it if we cannot. */
static int replace_in_two_steps(const site *at, const char *id, const char *name, apr_pool_t *p)
{
    const char *old = old_folder(id, p);
    int error = md_sys_rename_new(&at->group, name, &at->yard, old);

    if (error)
        return error;
    error = md_sys_rename_new(&at->yard, id, &at->group, name);
    if (error)
        (void)md_sys_rename_new(&at->yard, old, &at->group, name);
    return error;
}

static int put_in_place(const site *at, const char *id, const char *name, apr_pool_t *p)
{
    int error = EEXIST;

    /* Somebody else may put a set there, or take it away, between two looks. */
    for (int i = 0; i < 8 && (error == EEXIST || error == ENOTEMPTY); ++i) {
        error = md_sys_swap(&at->yard, id, &at->group, name);
        if (error == ENOENT || ((error == ENOSYS || error == EINVAL) && !is_present(&at->group, name)))
            error = md_sys_rename_new(&at->yard, id, &at->group, name);
        else if (error == ENOSYS || error == EINVAL)
            error = replace_in_two_steps(at, id, name, p);
    }
    return error;
}

/* From here on either the old set is in use or the new one. */
static md_err *exchange(const site *at, const char *id, const intent *what, apr_pool_t *p)
{
    int error = put_in_place(at, id, what->name, p);

    if (!error)
        error = md_sys_sync(at->group.fd);
    return error ? md_fail_file(p, error, "put in place", &at->group, what->name) : NULL;
}

/* After a failure. What was taken out and could not be brought back leaves the set to mending, which puts it
 * in place. */
static void give_up(const site *at, const char *id, const intent *what, apr_pool_t *p)
{
    struct stat info;
    const int is_old =
        !fstatat(at->yard.fd, id, &info, AT_SYMLINK_NOFOLLOW) && (json_int_t)info.st_ino != what->inode;

    if (!is_old && !is_present(&at->yard, old_folder(id, p)) && !discard(at, id, p))
        (void)md_sys_unlink(&at->yard, intent_file(id, p));
}

static void settle_or_tell(const site *at, const char *id, const intent *what, apr_pool_t *p)
{
    const md_err *err = settle(at, id, what, p);

    if (err)
        md_log(MD_LOG_WARN, 0,
               "%s/%s is in place, but what it replaced is not put away yet (tried again later): %s",
               md_groups[what->group].dir, what->name, md_err_text(err, p));
}

static md_err *save_at(const site *at, const md_set *set, apr_pool_t *p)
{
    const char *id = md_dot_name("set", p);
    intent what = { .group = set->group, .name = set->name, .archive = set->archive };
    md_err *err = fill(at, id, set, p, &what.inode);
    int lock = -1;
    int error = err ? 0 : write_intent(at, id, &what, p, &lock);

    if (error)
        err = md_fail_file(p, error, "write", &at->yard, intent_file(id, p));
    if (!err)
        err = exchange(at, id, &what, p);
    if (err)
        give_up(at, id, &what, p);
    else
        settle_or_tell(at, id, &what, p);
    if (lock >= 0)
        close(lock);
    return err;
}

md_err *md_set_drop(const md_tree *tree, md_group group, const char *name, apr_pool_t *p)
{
    const char *gone = md_dot_name("gone", p);
    md_err *err = NULL;
    site at;
    int error;

    MD_TRY(open_site(tree, group, p, &at));
    error = md_sys_rename(&at.group, name, &at.yard, gone);
    if (!error)
        error = md_sys_sync(at.group.fd);
    if (!error)
        err = md_folder_remove(&at.yard, gone, p);
    else if (error != ENOENT)
        err = md_fail_file(p, error, "remove", &at.group, name);
    close_site(&at);
    return err;
}

static int is_stale(const md_folder *folder, const char *name)
{
    struct stat info;

    return !fstatat(folder->fd, name, &info, AT_SYMLINK_NOFOLLOW) &&
           apr_time_from_sec(info.st_mtime) < apr_time_now() - MD_STALE_AGE;
}

/* The caller holds the lock of the intent. */
static md_err *mend_locked(const site *at, md_group yard, const char *id, apr_pool_t *p)
{
    const char *file = intent_file(id, p);
    md_bytes text;
    json_t *doc;
    intent what;
    site of;
    md_err *err;

    MD_TRY(md_file_read(&at->yard, file, p, &text));
    if (!text.data || md_json_read(text, p, &doc) || !read_intent(doc, yard, &what)) {
        if (is_stale(&at->yard, file))
            (void)md_sys_unlink(&at->yard, file);
        return NULL;
    }
    MD_TRY(open_site(at->tree, what.group, p, &of));
    err = settle(&of, id, &what, p);
    close_site(&of);
    return err;
}

static md_err *mend_intent(const site *at, md_group yard, const char *id, apr_pool_t *p)
{
    const int fd = openat(at->yard.fd, intent_file(id, p), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    md_err *err = NULL;
    struct stat info;

    if (fd < 0)
        return NULL;
    if (!flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &info) && S_ISREG(info.st_mode) && info.st_nlink)
        err = mend_locked(at, yard, id, p);
    close(fd);
    return err;
}

static md_err *mend_entry(const site *at, md_group yard, const char *name, apr_pool_t *p)
{
    const char *id = apr_pstrmemdup(p, name, strnlen(name, ID_LENGTH));

    if (!strncmp(name, ".gone-", 6))
        return md_folder_remove(&at->yard, name, p);
    if (strncmp(name, ".set-", 5))
        return NULL;
    if (!strcmp(name, intent_file(id, p)))
        return mend_intent(at, yard, id, p);
    if (!strcmp(name, id) && !is_present(&at->yard, intent_file(id, p)) && is_stale(&at->yard, name))
        return md_folder_remove(&at->yard, name, p);
    return NULL;
}

static md_err *mend_yard(const site *at, md_group yard, apr_pool_t *p)
{
    md_err *first = NULL;
    md_names *names;

    MD_TRY(md_folder_list(&at->yard, MD_LIST_OURS, p, &names));
    for (int i = 0; i < names->nelts; ++i) {
        md_err *err = mend_entry(at, yard, MD_NAME(names, i), p);

        first = first ? first : err;
    }
    md_folder_sweep(&at->yard);
    return first;
}

static void mend_or_tell(const site *at, md_group yard, apr_pool_t *p)
{
    const md_err *err = mend_yard(at, yard, p);

    if (err)
        md_log(MD_LOG_WARN, 0, "what an interrupted change left in %s is still there: %s",
               md_folder_path(&at->yard, NULL, p), md_err_text(err, p));
}

void md_sets_mend(const md_tree *tree, apr_pool_t *p)
{
    for (int group = MD_GROUP_ROOT + 1; group < MD_GROUP_COUNT; ++group) {
        site at;

        if (group == MD_GROUP_CLAIMS || yard_of((md_group)group) != (md_group)group ||
            open_site(tree, (md_group)group, p, &at))
            continue;
        mend_or_tell(&at, (md_group)group, p);
        close_site(&at);
    }
}

md_err *md_set_save(const md_tree *tree, const md_set *set, apr_pool_t *p)
{
    md_err *err;
    site at;

    MD_TRY(open_site(tree, set->group, p, &at));
    mend_or_tell(&at, yard_of(set->group), p);
    err = save_at(&at, set, p);
    close_site(&at);
    return err;
}

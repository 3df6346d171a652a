/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders below the store. Reading trusts nothing that an unprivileged user may have put there;
 * writing leaves either the old or the new content, also after a power cut.
 */
#include "store/files.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_user.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_fs.h"

#define FOLDER_FLAGS  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define LIST_MAX      1000000 /* names that are listed or removed, against endless folders */
#define SWEEP_MAX     256     /* entries a sweep looks at */
#define REMOVE_PASSES 8       /* an active writer may keep a folder from being empty */

int (*md_store_fs_fault)(const char *operation);

static int injected(const char *operation)
{
    return md_store_fs_fault ? md_store_fs_fault(operation) : 0;
}

int md_sys_create(const md_folder *folder, const char *file, int mode, int *fd)
{
    const int fault = injected("create");

    *fd = -1;
    if (fault)
        return fault;
    *fd = openat(folder->fd, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
    return *fd < 0 ? errno : 0;
}

int md_sys_write(int fd, md_bytes bytes)
{
    apr_size_t done = 0;

    while (done < bytes.size) {
        const int fault = injected("write");
        const ssize_t written = fault ? -1 : write(fd, bytes.data + done, bytes.size - done);

        if (fault)
            return fault;
        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0)
            done += (apr_size_t)written;
    }
    return 0;
}

int md_sys_sync(int fd)
{
    const int fault = injected("fsync");

    if (fault)
        return fault;
    /* Some file systems cannot sync a folder: nothing better can be done there. */
    return fsync(fd) && errno != EINVAL && errno != ENOTSUP ? errno : 0;
}

static int set_mode(int fd, int mode)
{
    const int fault = injected("chmod");

    if (fault)
        return fault;
    return fchmod(fd, (mode_t)mode) ? errno : 0;
}

static int set_owner(int fd, md_owner owner)
{
    const int fault = injected("chown");

    if (fault)
        return fault;
    return fchown(fd, (uid_t)owner.user, (gid_t)owner.group) ? errno : 0;
}

int md_sys_mkdir(const md_folder *parent, const char *name, int mode)
{
    const int fault = injected("mkdir");

    if (fault)
        return fault;
    return mkdirat(parent->fd, name, (mode_t)mode) ? errno : 0;
}

static int remove_entry(int fd, const char *name, int flags)
{
    const int fault = injected("unlink");

    if (fault)
        return fault;
    return unlinkat(fd, name, flags) && errno != ENOENT ? errno : 0;
}

int md_sys_unlink(const md_folder *folder, const char *file)
{
    return remove_entry(folder->fd, file, 0);
}

int md_sys_rename(const md_folder *from, const char *old, const md_folder *to, const char *name)
{
    const int fault = injected("rename");

    if (fault)
        return fault;
    return renameat(from->fd, old, to->fd, name) ? errno : 0;
}

#ifdef RENAME_EXCHANGE
static int rename_as(const md_folder *from, const char *old, const md_folder *to, const char *name,
                     unsigned int how)
{
    return renameat2(from->fd, old, to->fd, name, how) ? errno : 0;
}
#else
#define RENAME_EXCHANGE  0
#define RENAME_NOREPLACE 0
static int rename_as(const md_folder *from, const char *old, const md_folder *to, const char *name,
                     unsigned int how)
{
    (void)from, (void)old, (void)to, (void)name, (void)how;
    return ENOSYS;
}
#endif

int md_sys_rename_new(const md_folder *from, const char *old, const md_folder *to, const char *name)
{
    const int fault = injected("rename");
    int error;

    if (fault)
        return fault;
    error = rename_as(from, old, to, name, RENAME_NOREPLACE);
    if (error != ENOSYS && error != EINVAL)
        return error;
    if (!linkat(from->fd, old, to->fd, name, 0))
        return unlinkat(from->fd, old, 0) ? errno : 0;
    if (errno == EEXIST)
        return EEXIST;
    /* A folder cannot be linked, but it does not replace one that has files. */
    return renameat(from->fd, old, to->fd, name) ? errno : 0;
}

int md_sys_swap(const md_folder *from, const char *old, const md_folder *to, const char *name)
{
    const int fault = injected("swap");

    return fault ? fault : rename_as(from, old, to, name, RENAME_EXCHANGE);
}

const char *md_dot_name(const char *kind, apr_pool_t *p)
{
    unsigned char random[8];

    if (apr_generate_random_bytes(random, sizeof random) != APR_SUCCESS)
        abort(); /* the system has no randomness: nothing that follows could be safe */
    return apr_pstrcat(p, ".", kind, "-", md_hex((md_bytes){ (const char *)random, sizeof random }, p), NULL);
}

const char *md_folder_path(const md_folder *folder, const char *file, apr_pool_t *p)
{
    return apr_pstrcat(p, folder->base, *folder->name ? "/" : "", folder->name, file ? "/" : "",
                       file ? file : "", NULL);
}

static const char *user_name(uid_t uid, apr_pool_t *p)
{
    char *name = NULL;

    if (apr_uid_name_get(&name, uid, p) == APR_SUCCESS && name)
        return name;
    return apr_psprintf(p, "user %lu", (unsigned long)uid);
}

/* Who could: the owner of `file` in the folder, or of the folder itself when that cannot be seen. "" for
 * other reasons. */
static const char *rights(int error, const md_folder *folder, const char *file, apr_pool_t *p)
{
    struct stat info;

    if (error != EACCES && error != EPERM)
        return "";
    if (!file || fstatat(folder->fd, file, &info, AT_SYMLINK_NOFOLLOW)) {
        file = NULL;
        if (fstat(folder->fd, &info))
            return "";
    }
    return apr_psprintf(p, " (%s belongs to %s and has mode %04o, this process runs as %s)",
                        md_folder_path(folder, file, p), user_name(info.st_uid, p),
                        (unsigned int)(info.st_mode & 07777), user_name(geteuid(), p));
}

md_err *md_fail_file(apr_pool_t *p, int error, const char *doing, const md_folder *folder, const char *file)
{
    return md_fail_status(p, error, "cannot %s %s%s", doing, md_folder_path(folder, file, p),
                          rights(error, folder, NULL, p));
}

static md_err *refuse(apr_pool_t *p, const md_folder *folder, const char *file, const char *why)
{
    return md_fail(p, MD_FAULT_LOCAL, "md:bad-file", "%s %s", md_folder_path(folder, file, p), why);
}

md_err *md_folder_root(const char *path, apr_pool_t *p, md_folder *out)
{
    *out = (md_folder){ .fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .base = path };
    if (out->fd < 0 && errno != ENOENT)
        return md_fail_status(p, errno, "cannot open the folder %s", path);
    return NULL;
}

static void name_folder(const md_folder *parent, const char *name, md_folder *out)
{
    out->fd = -1;
    out->base = parent->base;
    apr_snprintf(out->name, sizeof out->name, "%s%s%s", parent->name, *parent->name && *name ? "/" : "",
                 name);
}

md_err *md_folder_open(const md_folder *root, const char *name, apr_pool_t *p, md_folder *out)
{
    int error;

    name_folder(root, name, out);
    if (root->fd < 0)
        return NULL;
    out->fd = openat(root->fd, *name ? name : ".", FOLDER_FLAGS);
    if (out->fd >= 0 || errno == ENOENT)
        return NULL;
    error = errno;
    if (error == ENOTDIR || error == ELOOP)
        return refuse(p, root, name, "is not a folder");
    return md_fail_status(p, error, "cannot open %s%s", md_folder_path(root, name, p),
                          rights(error, root, apr_pstrmemdup(p, name, strcspn(name, "/")), p));
}

int md_folder_adjust(const md_folder *folder, md_look look)
{
    struct stat info;
    int error = 0;

    if (fstat(folder->fd, &info))
        return errno;
    if ((int)(info.st_mode & 07777) != look.mode)
        error = set_mode(folder->fd, look.mode);
    if (!error && look.owner >= 0 && !geteuid() && info.st_uid != (uid_t)look.owner)
        error = set_owner(folder->fd, (md_owner){ look.owner, -1 });
    return error;
}

int md_folder_give(const md_folder *folder, md_owner owner)
{
    return owner.user < 0 && owner.group < 0 ? 0 : set_owner(folder->fd, owner);
}

md_err *md_folder_make(const md_folder *parent, const char *name, md_look look, apr_pool_t *p, md_folder *out)
{
    const int existed = md_sys_mkdir(parent, name, look.mode);
    int error;

    name_folder(parent, name, out);
    if (existed && existed != EEXIST)
        return md_fail_file(p, existed, "make the folder", parent, name);
    MD_TRY(md_folder_open(parent, name, p, out));
    if (out->fd < 0)
        return md_fail_file(p, ENOENT, "open", parent, name);
    if (existed)
        return NULL;
    error = md_folder_adjust(out, look);
    if (!error && !look.scratch)
        error = md_sys_sync(parent->fd);
    if (!error)
        return NULL;
    md_folder_close(out);
    return md_fail_file(p, error, "make the folder", parent, name);
}

void md_folder_close(md_folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = -1;
}

/* A reader of its own position; the folder's descriptor stays with the caller. */
static DIR *open_reader(const md_folder *folder)
{
    const int fd = openat(folder->fd, ".", FOLDER_FLAGS);
    DIR *reader = fd < 0 ? NULL : fdopendir(fd);

    if (!reader && fd >= 0)
        close(fd);
    return reader;
}

static int is_self_or_parent(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

static int is_wanted(const md_folder *folder, const struct dirent *entry, md_listed what)
{
    int type = entry->d_type;
    struct stat info;

    if (what == MD_LIST_OURS)
        return entry->d_name[0] == '.' && !is_self_or_parent(entry->d_name);
    if (entry->d_name[0] == '.')
        return 0;
    if (type == DT_UNKNOWN && !fstatat(folder->fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW))
        type = S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_UNKNOWN;
    return type == (what == MD_LIST_FOLDERS ? DT_DIR : DT_REG);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

md_err *md_folder_list(const md_folder *folder, md_listed what, apr_pool_t *p, md_names **out)
{
    const struct dirent *entry;
    DIR *reader;

    *out = md_names_make(p);
    if (folder->fd < 0)
        return NULL;
    reader = open_reader(folder);
    if (!reader)
        return md_fail_file(p, errno, "list", folder, NULL);
    while ((entry = readdir(reader)) && (*out)->nelts < LIST_MAX) {
        if (is_wanted(folder, entry, what))
            md_names_add(*out, apr_pstrdup(p, entry->d_name));
    }
    closedir(reader);
    qsort((*out)->elts, (size_t)(*out)->nelts, sizeof(const char *), by_name);
    return NULL;
}

static int remove_files(const md_folder *folder)
{
    DIR *reader = open_reader(folder);
    const struct dirent *entry;
    int error = 0;

    if (!reader)
        return errno;
    for (int i = 0; !error && i < LIST_MAX && (entry = readdir(reader)); ++i) {
        if (is_self_or_parent(entry->d_name))
            continue;
        error = remove_entry(folder->fd, entry->d_name, 0);
        if (error == EISDIR || error == EPERM)
            error = remove_entry(folder->fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(reader);
    return error;
}

md_err *md_folder_remove(const md_folder *parent, const char *name, apr_pool_t *p)
{
    md_folder folder;
    int error = ENOTEMPTY;

    name_folder(parent, name, &folder);
    folder.fd = openat(parent->fd, name, FOLDER_FLAGS);
    if (folder.fd < 0) {
        error = errno == ENOTDIR || errno == ELOOP ? remove_entry(parent->fd, name, 0) : errno;
        return !error || error == ENOENT ? NULL : md_fail_file(p, error, "remove", parent, name);
    }
    for (int i = 0; error == ENOTEMPTY && i < REMOVE_PASSES; ++i) {
        error = remove_files(&folder);
        if (!error)
            error = remove_entry(parent->fd, name, AT_REMOVEDIR);
    }
    md_folder_close(&folder);
    return error ? md_fail_file(p, error, "remove", parent, name) : NULL;
}

void md_folder_sweep(const md_folder *folder)
{
    DIR *reader = open_reader(folder);
    const apr_time_t stale = apr_time_now() - MD_STALE_AGE;
    const struct dirent *entry;
    struct stat info;

    for (int i = 0; reader && i < SWEEP_MAX && (entry = readdir(reader)); ++i) {
        if (strncmp(entry->d_name, ".file-", 6) ||
            fstatat(folder->fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW))
            continue;
        if (apr_time_from_sec(info.st_mtime) < stale)
            (void)remove_entry(folder->fd, entry->d_name, 0);
    }
    if (reader)
        closedir(reader);
}

static int read_bytes(int fd, char *into, apr_size_t size, apr_size_t *done)
{
    *done = 0;
    while (*done < size) {
        const ssize_t got = read(fd, into + *done, size - *done);

        if (got < 0 && errno != EINTR)
            return errno;
        if (!got)
            break;
        if (got > 0)
            *done += (apr_size_t)got;
    }
    return 0;
}

static md_err *read_open(const md_folder *folder, const char *file, int fd, apr_pool_t *p, md_bytes *out)
{
    struct stat info;
    char *data;
    int error;

    if (fstat(fd, &info))
        return md_fail_file(p, errno, "read", folder, file);
    if (!S_ISREG(info.st_mode))
        return refuse(p, folder, file, "is not a plain file");
    if (info.st_size > MD_FILE_MAX)
        return refuse(p, folder, file, "is larger than 1 MiB");
    data = apr_palloc(p, (apr_size_t)info.st_size + 1);
    error = read_bytes(fd, data, (apr_size_t)info.st_size, &out->size);
    if (error)
        return md_fail_file(p, error, "read", folder, file);
    data[out->size] = '\0';
    out->data = data;
    return NULL;
}

md_err *md_file_read(const md_folder *folder, const char *file, apr_pool_t *p, md_bytes *out)
{
    md_err *err;
    int fd;

    *out = (md_bytes){ NULL, 0 };
    if (folder->fd < 0)
        return NULL;
    /* Without blocking: what is put in place of a file may be a pipe that nobody writes to. */
    fd = openat(folder->fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return NULL;
    if (fd < 0 && (errno == ELOOP || errno == ENXIO))
        return refuse(p, folder, file, "is not a plain file");
    if (fd < 0) {
        const int error = errno;

        return md_fail_status(p, error, "cannot read %s%s", md_folder_path(folder, file, p),
                              rights(error, folder, file, p));
    }
    err = read_open(folder, file, fd, p, out);
    close(fd);
    return err;
}

/* Leaves nothing behind when it fails. */
static int write_file(const md_folder *folder, const char *name, const md_write *write)
{
    int fd;
    int error = md_sys_create(folder, name, write->mode, &fd);

    if (error)
        return error;
    error = set_mode(fd, write->mode); /* whatever the umask took away */
    if (!error && write->owner && (write->owner->user >= 0 || write->owner->group >= 0))
        error = set_owner(fd, *write->owner);
    if (!error)
        error = md_sys_write(fd, write->value);
    if (!error && !write->scratch)
        error = md_sys_sync(fd);
    if (close(fd) && !error)
        error = errno;
    if (error)
        (void)md_sys_unlink(folder, name);
    return error;
}

md_err *md_file_create(const md_folder *folder, const md_write *write, apr_pool_t *p)
{
    const int error = write_file(folder, write->name, write);

    return error ? md_fail_file(p, error, "write", folder, write->name) : NULL;
}

typedef int rename_fn(const md_folder *from, const char *old, const md_folder *to, const char *name);

static int write_by(rename_fn *move, const md_folder *folder, const md_write *write, apr_pool_t *p)
{
    const char *aside = md_dot_name("file", p);
    int error = write_file(folder, aside, write);

    if (error)
        return error;
    error = move(folder, aside, folder, write->name);
    if (error) {
        (void)md_sys_unlink(folder, aside);
        return error;
    }
    return write->scratch ? 0 : md_sys_sync(folder->fd);
}

md_err *md_file_write(const md_folder *folder, const md_write *write, apr_pool_t *p)
{
    const int error = write_by(md_sys_rename, folder, write, p);

    return error ? md_fail_file(p, error, "write", folder, write->name) : NULL;
}

md_err *md_file_write_new(const md_folder *folder, const md_write *write, apr_pool_t *p, int *made)
{
    const int error = write_by(md_sys_rename_new, folder, write, p);

    *made = !error;
    return error && error != EEXIST ? md_fail_file(p, error, "write", folder, write->name) : NULL;
}

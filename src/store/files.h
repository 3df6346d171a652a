/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders below the store, handled with suspicion: everything is reached through an open folder,
 * links are never followed, only plain files of a bounded size are read. Writes are atomic and durable.
 *
 * Names beginning with a dot are ours: files and folders that are being made or taken away.
 */
#ifndef MD_STORE_FILES_H
#define MD_STORE_FILES_H

#include "base/text.h"

/** Most bytes of a file that is read. */
#define MD_FILE_MAX (1024L * 1024)
/** Longest name of a file or folder. */
#define MD_SEGMENT_MAX 255
/** A dot name that was not touched for so long belongs to nobody. */
#define MD_STALE_AGE apr_time_from_sec(3600)

/** An open folder. */
typedef struct md_folder {
    int fd;                         /* -1: there is no such folder */
    const char *base;               /* path of the store, which outlives this */
    char name[MD_SEGMENT_MAX + 32]; /* below it, "" for itself */
} md_folder;

/** How a folder or file is to look. */
typedef struct md_look {
    int mode;
    long owner;  /* user id, -1: whoever makes it */
    int scratch; /* may be lost with the power: not forced to disk */
} md_look;

/** Whom a file is given to; -1: nobody else. */
typedef struct md_owner {
    long user, group;
} md_owner;

/** One file to write. */
typedef struct md_write {
    const char *name;
    md_bytes value;
    int mode;
    int scratch;           /* may be lost with the power: not forced to disk */
    const md_owner *owner; /* NULL: whoever writes it */
} md_write;

/** `path` (absolute) as a folder that others are opened in. Absent: out->fd -1. */
MD_MUST md_err *md_folder_root(const char *path, apr_pool_t *p, md_folder *out);
/** Opens `name` ("group", "group/name" or "") below `root`. Absent: out->fd -1. A link or a file is a failure
 * "md:bad-file". */
MD_MUST md_err *md_folder_open(const md_folder *root, const char *name, apr_pool_t *p, md_folder *out);
/** Makes `name` in `parent` with exactly this look whatever the umask, durably, and opens it; an existing one
 * is opened. */
MD_MUST md_err *md_folder_make(const md_folder *parent, const char *name, md_look look, apr_pool_t *p,
                               md_folder *out);
/** Gives an open folder this look; the owner only when we are root. 0 or an errno. */
int md_folder_adjust(const md_folder *folder, md_look look);
/** Gives an open folder away. 0 or an errno. */
int md_folder_give(const md_folder *folder, md_owner owner);
void md_folder_close(md_folder *folder);

/** What to list. */
typedef enum md_listed { MD_LIST_FOLDERS, MD_LIST_FILES, MD_LIST_OURS /* dot names of any type */ } md_listed;
/** Sorted names in a folder; an absent folder is empty. */
MD_MUST md_err *md_folder_list(const md_folder *folder, md_listed what, apr_pool_t *p, md_names **out);
/** Removes folder `name` in `parent` with its files; a link or a file of that name too. Absent is success.
 * Folders inside are not entered: one that is not empty is a failure. */
MD_MUST md_err *md_folder_remove(const md_folder *parent, const char *name, apr_pool_t *p);
/** Removes what an interrupted write left in the folder. Best effort; looks at a bounded number of entries.
 */
void md_folder_sweep(const md_folder *folder);

/** Absent: out->data NULL. Anything but a plain file of at most MD_FILE_MAX bytes is a failure "md:bad-file".
 */
MD_MUST md_err *md_file_read(const md_folder *folder, const char *file, apr_pool_t *p, md_bytes *out);
/** A new file with its final mode from the first byte, forced to disk. For folders that nobody looks into
 * yet. */
MD_MUST md_err *md_file_create(const md_folder *folder, const md_write *write, apr_pool_t *p);
/** Atomic replace, durable. */
MD_MUST md_err *md_file_write(const md_folder *folder, const md_write *write, apr_pool_t *p);
/** The same, unless the file exists (*made 0). */
MD_MUST md_err *md_file_write_new(const md_folder *folder, const md_write *write, apr_pool_t *p, int *made);

/** Name for something in the making: ".<kind>-<16 hex digits>". */
const char *md_dot_name(const char *kind, apr_pool_t *p);
/** The path of a file in the folder (file NULL: of the folder), for messages. */
const char *md_folder_path(const md_folder *folder, const char *file, apr_pool_t *p);
/** "cannot <doing> <path>: <system's reason>", with owner and user where permissions are the reason. */
MD_MUST md_err *md_fail_file(apr_pool_t *p, int error, const char *doing, const md_folder *folder,
                             const char *file);

/*
 * The system calls that change something. Each asks the fault injector first and returns 0 or an errno.
 */
int md_sys_mkdir(const md_folder *parent, const char *name, int mode);
int md_sys_create(const md_folder *folder, const char *file, int mode, int *fd);
int md_sys_write(int fd, md_bytes bytes);
int md_sys_sync(int fd);
int md_sys_unlink(const md_folder *folder, const char *file);
int md_sys_rename(const md_folder *from, const char *old, const md_folder *to, const char *name);
/** EEXIST or ENOTEMPTY if `name` is there already. Where the system cannot promise that, an empty folder is
 * replaced. */
int md_sys_rename_new(const md_folder *from, const char *old, const md_folder *to, const char *name);
/** Changes places in one step. ENOSYS or EINVAL where the system cannot. */
int md_sys_swap(const md_folder *from, const char *old, const md_folder *to, const char *name);

#endif

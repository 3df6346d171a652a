/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims as locked files. The files stay: to remove one that another process is about to lock would give its
 * claim to two.
 */
#include "store/claims.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_CUT 200 /* longer names are cut and get a hash */

struct md_claim {
    int fd; /* locked while it is open */
};

void md_claim_end(md_claim *claim)
{
    if (claim->fd >= 0) {
        /* Not only closed: a command that is being started may still hold a copy of the descriptor. */
        (void)flock(claim->fd, LOCK_UN);
        close(claim->fd);
    }
    claim->fd = -1;
}

static apr_status_t end_with_pool(void *claim)
{
    md_claim_end(claim);
    return APR_SUCCESS;
}

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325U;

    for (; *text; ++text)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    return hash;
}

/* "renew/example.org" -> "renew_example.org.lock"; DNS names have no underscore. */
static const char *file_of(const char *what, apr_pool_t *p)
{
    char *flat = apr_pstrdup(p, what);

    for (char *c = flat; *c; ++c) {
        if (*c == '/')
            *c = '_';
    }
    if (strlen(flat) <= NAME_MAX_CUT)
        return apr_pstrcat(p, flat, ".lock", NULL);
    return apr_psprintf(p, "%.*s-%016" APR_UINT64_T_HEX_FMT ".lock", NAME_MAX_CUT, flat,
                        (apr_uint64_t)hash_of(what));
}

static int open_existing(const md_folder *folder, const char *file)
{
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const int fd = openat(folder->fd, file, O_RDWR | flags);

    if (fd >= 0 || errno != EACCES)
        return fd;
    return openat(folder->fd, file,
                  O_RDONLY | flags); /* another user's: that locks as well, but not on every network */
}

/* Whatever the umask, others must be able to open it. Only what we have just made is changed. */
static int make_lock(const md_folder *folder, const char *file)
{
    const int mode = md_groups[MD_GROUP_CLAIMS].file_mode;
    const int fd = openat(folder->fd, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);

    if (fd >= 0)
        (void)fchmod(fd, (mode_t)mode);
    return fd;
}

static int open_lock(const md_folder *folder, const char *file)
{
    int fd = open_existing(folder, file);

    if (fd < 0 && errno == ENOENT) {
        fd = make_lock(folder, file);
        if (fd < 0 && errno == EEXIST)
            fd = open_existing(folder, file); /* somebody else was first */
    }
    return fd;
}

static md_err *take_in(const md_folder *folder, const char *file, apr_pool_t *p, md_claim **out)
{
    const int fd = open_lock(folder, file);
    md_claim *claim;

    if (fd < 0)
        return md_fail_file(p, errno, "claim", folder, file);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        const int error = errno;

        close(fd);
        return error == EWOULDBLOCK ? NULL : md_fail_file(p, error, "claim", folder, file);
    }
    claim = apr_palloc(p, sizeof *claim);
    claim->fd = fd;
    apr_pool_cleanup_register(p, claim, end_with_pool, apr_pool_cleanup_null);
    *out = claim;
    return NULL;
}

md_err *md_claim_take(const md_tree *tree, const char *what, apr_pool_t *p, md_claim **out)
{
    md_folder folder;
    md_err *err;

    *out = NULL;
    MD_TRY(md_group_make(tree, MD_GROUP_CLAIMS, p, &folder));
    err = take_in(&folder, file_of(what, p), p, out);
    md_folder_close(&folder);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lock files stay where they are: to remove one that another process is about to lock would give the lock to
 * two. That of the server is a record lock (fcntl), which belongs to one process, not to the children that
 * inherit its descriptors, and tells who it is.
 */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/when.h"

#define LOCK_FILE   "store.lock"
#define SERVER_FILE "server.lock"
#define LOOK_EACH   apr_time_from_msec(100)

static apr_status_t take(apr_file_t *lock, apr_interval_time_t wait)
{
    const apr_time_t end = apr_time_now() + wait;
    apr_status_t status;

    while ((status = apr_file_lock(lock, APR_FLOCK_EXCLUSIVE | APR_FLOCK_NONBLOCK)) && apr_time_now() < end)
        apr_sleep(LOOK_EACH);
    return status;
}

md_err *md_store_lock(md_store *store, apr_interval_time_t wait, apr_pool_t *p, apr_file_t **out)
{
    const char *path = md_store_path(store, MD_PLACE(MD_GROUP_ROOT, NULL, LOCK_FILE), p);
    apr_status_t status;

    *out = NULL;
    if (!path)
        return NULL;
    status = apr_file_open(out, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE,
                           APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_GREAD, p);
    if (status)
        return md_fail_status(p, status, "the lock %s cannot be opened", path);
    status = take(*out, wait);
    if (!status)
        return NULL;
    md_store_unlock(*out);
    *out = NULL;
    if (!APR_STATUS_IS_EAGAIN(status) && !APR_STATUS_IS_EACCES(status))
        return md_fail_status(p, status, "the lock %s cannot be taken", path);
    return md_fail(p, MD_FAULT_LOCAL, "md:locked",
                   "another server that shares this store had %s locked for more than %s", path,
                   md_duration_text(wait, p));
}

void md_store_unlock(apr_file_t *lock)
{
    if (lock)
        (void)apr_file_close(lock);
}

static const char *server_file(md_store *store, apr_pool_t *p)
{
    return md_store_path(store, MD_PLACE(MD_GROUP_ROOT, NULL, SERVER_FILE), p);
}

/** Who keeps us from locking it; 0: nobody. */
static long holder_of(int fd)
{
    struct flock wanted = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    return fcntl(fd, F_GETLK, &wanted) || wanted.l_type == F_UNLCK ? 0 : (long)wanted.l_pid;
}

static apr_status_t close_descriptor(void *data)
{
    close((int)(intptr_t)data);
    return APR_SUCCESS;
}

md_err *md_store_occupy(md_store *store, apr_pool_t *p, long *other)
{
    const struct flock wanted = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    const char *path = server_file(store, p);
    int fd;

    *other = 0;
    if (!path)
        return NULL;
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return md_fail_status(p, errno, "the lock %s cannot be opened", path);
    apr_pool_cleanup_register(p, (void *)(intptr_t)fd, close_descriptor, apr_pool_cleanup_null);
    if (!fcntl(fd, F_SETLK, &wanted))
        return NULL;
    if (errno != EAGAIN && errno != EACCES)
        return md_fail_status(p, errno, "the lock %s cannot be taken", path);
    *other = holder_of(fd);
    return NULL;
}

long md_store_occupant(md_store *store, apr_pool_t *p)
{
    const char *path = server_file(store, p);
    const int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    long holder = 0;

    if (fd >= 0) {
        holder = holder_of(fd);
        close(fd); /* would end a lock of this process: it is for others to ask */
    }
    return holder;
}

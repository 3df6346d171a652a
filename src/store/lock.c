/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.lock stays where it is: to remove a file that another process is about to lock would give the lock to
 * two.
 */
#include "store/lock.h"

#include "base/when.h"

#define LOCK_FILE "store.lock"
#define LOOK_EACH apr_time_from_msec(100)

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

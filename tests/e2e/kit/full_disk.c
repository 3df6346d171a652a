/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a server: while the file $FULL_DISK_FLAG exists, nothing can be written to regular files below
 * $FULL_DISK_DIR. With half of its octets written, as a disk does that runs full.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef ssize_t write_fn(int fd, const void *bytes, size_t size);

static int is_full(int fd)
{
    const char *flag = getenv("FULL_DISK_FLAG"), *dir = getenv("FULL_DISK_DIR");
    char link[64], path[4096];
    struct stat info;
    ssize_t length;

    if (!flag || !dir || fstat(fd, &info) || !S_ISREG(info.st_mode) || access(flag, F_OK))
        return 0;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof(path) - 1);
    return length > 0 && !strncmp(path, dir, strlen(dir));
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    write_fn *real = (write_fn *)dlsym(RTLD_NEXT, "write");

    if (is_full(fd) && lseek(fd, 0, SEEK_CUR) > 0) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, is_full(fd) ? (size + 1) / 2 : size);
}

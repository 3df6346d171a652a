/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights are judged by owner and mode, as the children's user would meet them: who asks is often root, whom
 * the system allows everything.
 */
#include "store/audit.h"

#include <apr_strings.h>
#include <apr_user.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#if __has_include(<sys/xattr.h>)
#include <sys/xattr.h>
#define HAS_LABELS 1
#endif

#include "store/files.h"
#include "store/store.h"

#define SPACE_MIN  (16.0 * 1024 * 1024)
#define INODES_MIN 64

enum {
    FINDINGS_MAX = 40,
    FOLDERS_MAX = 2000,
    GROUPS_MAX = 64,
    LABEL_MAX = 256,
    MAY_READ = 4,
    MAY_WRITE = 2,
    MAY_PASS = 1
};

/** One audit. */
typedef struct audit {
    const md_audit_options *options;
    uid_t uid;
    const char *user;
    gid_t groups[GROUPS_MAX];
    int group_count;
    apr_array_header_t *findings;
    apr_pool_t *p;
} audit;

static void find(audit *of, const char *what, const char *mend)
{
    if (of->findings->nelts < FINDINGS_MAX)
        APR_ARRAY_PUSH(of->findings, md_finding) = (md_finding){ what, mend };
}

/** Names the user, and the groups that count for rights. */
static void know_user(audit *of)
{
    char *name = NULL;
    struct passwd entry, *found = NULL;
    char buffer[4096];

    of->uid = of->options->uid >= 0 ? (uid_t)of->options->uid : geteuid();
    if (apr_uid_name_get(&name, of->uid, of->p) || !name)
        name = apr_psprintf(of->p, "%lu", (unsigned long)of->uid);
    of->user = name;
    if (of->options->uid < 0) {
        of->group_count = getgroups(GROUPS_MAX, of->groups);
    } else if (!getpwuid_r(of->uid, &entry, buffer, sizeof(buffer), &found) && found) {
        of->group_count = GROUPS_MAX;
        if (getgrouplist(found->pw_name, found->pw_gid, of->groups, &of->group_count) < 0)
            of->group_count = GROUPS_MAX;
    }
    if (of->group_count < 0)
        of->group_count = 0;
}

/** What the mode gives this user. */
static int rights_of(const audit *of, const struct stat *info)
{
    const int mode = (int)info->st_mode;

    if (!of->uid)
        return MAY_READ | MAY_WRITE | MAY_PASS;
    if (info->st_uid == of->uid)
        return mode >> 6 & 7;
    for (int i = 0; i < of->group_count; ++i)
        if (info->st_gid == of->groups[i])
            return mode >> 3 & 7;
    return mode & 7;
}

static int lacks(const audit *of, const struct stat *info, int wanted)
{
    return (rights_of(of, info) & wanted) != wanted;
}

/** Every folder above the store must let the user through. */
static void look_above(audit *of)
{
    char *path = apr_pstrdup(of->p, of->options->base);

    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        struct stat info;

        *slash = '\0';
        if (!stat(path, &info) && lacks(of, &info, MAY_PASS))
            find(of,
                 apr_psprintf(of->p, "the server's user %s cannot pass %s, which is above the store",
                              of->user, path),
                 apr_psprintf(of->p, "chmod o+x %s, or let MDStoreDir be elsewhere", path));
        *slash = '/';
    }
}

static void look_at_base(audit *of, const struct stat *info)
{
    const char *base = of->options->base;

    if ((info->st_mode & S_IWOTH) || (!geteuid() && info->st_uid))
        find(of,
             apr_psprintf(of->p, "%s can be written by others than root: keys in it are not safe from them",
                          base),
             apr_psprintf(of->p, "chown root %s; chmod go-w %s", base, base));
    if (lacks(of, info, MAY_PASS))
        find(of, apr_psprintf(of->p, "the server's user %s cannot pass %s", of->user, base),
             apr_psprintf(of->p, "chmod 0755 %s", base));
}

/** A folder that children write to, or one inside of such. */
static void look_at_open(audit *of, const char *path, const struct stat *info)
{
    if (lacks(of, info, MAY_READ | MAY_WRITE | MAY_PASS))
        find(of, apr_psprintf(of->p, "the server's user %s cannot write to %s", of->user, path),
             apr_psprintf(of->p, "chown -R %s %s", of->user, path));
}

static void look_at_group(audit *of, const md_group_row *group, const char *path, const struct stat *info)
{
    if (!S_ISDIR(info->st_mode)) {
        find(of, apr_psprintf(of->p, "%s is not a folder", path),
             apr_psprintf(of->p, "mv %s %s.away", path, path));
    } else if (group->children_write) {
        look_at_open(of, path, info);
    } else if (!(group->dir_mode & 077)) {
        if (info->st_mode & 077 || (!geteuid() && info->st_uid))
            find(of,
                 apr_psprintf(of->p, "%s, which has private keys, can be entered by others than root", path),
                 apr_psprintf(of->p, "chown root %s; chmod 0700 %s", path, path));
    } else if (lacks(of, info, MAY_READ | MAY_PASS)) {
        find(of, apr_psprintf(of->p, "the server's user %s cannot read %s", of->user, path),
             apr_psprintf(of->p, "chmod 0755 %s", path));
    }
}

/** Folders in a group that children write to may come from a copy or a backup, made by root. */
static void look_inside(audit *of, const char *path, const md_folder *folder)
{
    md_names *names;

    if (md_folder_list(folder, MD_LIST_FOLDERS, of->p, &names))
        return; /* said elsewhere */
    for (int i = 0; i < names->nelts && i < FOLDERS_MAX; ++i) {
        struct stat info;

        if (!fstatat(folder->fd, MD_NAME(names, i), &info, AT_SYMLINK_NOFOLLOW))
            look_at_open(of, apr_pstrcat(of->p, path, "/", MD_NAME(names, i), NULL), &info);
    }
}

static void look_at_groups(audit *of, const md_folder *base)
{
    for (int i = 0; i < MD_GROUP_COUNT; ++i) {
        const md_group_row *group = &md_groups[i];
        const char *path = apr_pstrcat(of->p, of->options->base, "/", group->dir, NULL);
        md_folder folder = { .fd = -1 };
        struct stat info;

        if (!*group->dir || fstatat(base->fd, group->dir, &info, 0))
            continue;
        look_at_group(of, group, path, &info);
        if (group->children_write && !md_folder_open(base, group->dir, of->p, &folder) && folder.fd >= 0)
            look_inside(of, path, &folder);
        md_folder_close(&folder);
    }
}

static void look_at_secret(audit *of, const md_folder *base)
{
    const char *path = apr_pstrcat(of->p, of->options->base, "/md_store.json", NULL);
    struct stat info;

    if (!fstatat(base->fd, "md_store.json", &info, AT_SYMLINK_NOFOLLOW) && info.st_mode & 077)
        find(of,
             apr_psprintf(
                 of->p, "%s, which has the secret of encrypted keys, can be read by others than root", path),
             apr_psprintf(of->p, "chmod 0600 %s", path));
}

static void look_at_disk(audit *of, const md_folder *base)
{
    const char *path = of->options->base;
    struct statvfs disk;

    if (fstatvfs(base->fd, &disk))
        return;
    if (disk.f_flag & ST_RDONLY)
        find(of, apr_psprintf(of->p, "%s is on a file system that is mounted read-only", path),
             apr_psprintf(of->p, "mount -o remount,rw \"$(findmnt -nT %s -o TARGET)\"", path));
    else if ((double)disk.f_bavail * (double)disk.f_frsize < SPACE_MIN)
        find(of,
             apr_psprintf(of->p, "the file system of %s has less than %d MiB left", path,
                          (int)(SPACE_MIN / 1048576)),
             apr_psprintf(of->p, "make room; old certificates are in %s/archive", path));
    else if (disk.f_files && disk.f_favail < INODES_MIN)
        find(of, apr_psprintf(of->p, "the file system of %s has less than %d inodes left", path, INODES_MIN),
             apr_psprintf(of->p, "remove files; old certificates are in %s/archive", path));
}

/** Does SELinux refuse what has the wrong label? */
static int is_enforced(const audit *of)
{
    FILE *file = fopen(of->options->enforce ? of->options->enforce : "/sys/fs/selinux/enforce", "re");
    int says = file ? fgetc(file) : EOF;

    if (file)
        fclose(file);
    return says == '1';
}

#ifdef HAS_LABELS
static int label_of(const md_folder *base, char *label, size_t size)
{
    const ssize_t length = fgetxattr(base->fd, "security.selinux", label, size - 1);

    label[length > 0 ? length : 0] = '\0';
    return length > 0;
}
#else
static int label_of(const md_folder *base, char *label, size_t size)
{
    (void)base, (void)label, (void)size;
    return 0;
}
#endif

/** Types that the usual policies let httpd write. */
static void look_at_label(audit *of, const md_folder *base)
{
    const char *path = of->options->base;
    char label[LABEL_MAX];

    if (!is_enforced(of) || !label_of(base, label, sizeof(label)) || strstr(label, ":httpd_"))
        return;
    find(of,
         apr_psprintf(of->p, "SELinux keeps httpd from writing to %s, which has the label %s", path, label),
         apr_psprintf(of->p, "semanage fcontext -a -t httpd_var_lib_t '%s(/.*)?'; restorecon -R %s", path,
                      path));
}

apr_array_header_t *md_store_audit(const md_audit_options *options, apr_pool_t *p)
{
    audit of = { .options = options, .findings = apr_array_make(p, 4, sizeof(md_finding)), .p = p };
    md_folder base = { .fd = -1 };
    struct stat info;

    know_user(&of);
    look_above(&of);
    if (!md_folder_root(options->base, p, &base) && base.fd >= 0 && !fstat(base.fd, &info)) {
        look_at_base(&of, &info);
        look_at_groups(&of, &base);
        look_at_secret(&of, &base);
        look_at_disk(&of, &base);
        look_at_label(&of, &base);
    }
    md_folder_close(&base);
    return of.findings;
}

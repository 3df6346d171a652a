/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's groups as folders on disk.
 */
#include "store/group.h"

#include <apr_strings.h>
#include <errno.h>
#include <sys/stat.h>

static md_look look_of(const md_tree *tree, md_group group)
{
    return (md_look){ .mode = md_groups[group].dir_mode,
                      .owner = md_groups[group].children_write ? tree->owner : -1 };
}

md_err *md_group_make(const md_tree *tree, md_group group, apr_pool_t *p, md_folder *out)
{
    MD_TRY(md_folder_open(&tree->base, md_groups[group].dir, p, out));
    return out->fd < 0 ? md_folder_make(&tree->base, md_groups[group].dir, look_of(tree, group), p, out)
                       : NULL;
}

md_err *md_group_make_all(const md_tree *tree, apr_pool_t *p)
{
    for (int group = MD_GROUP_ROOT + 1; group < MD_GROUP_COUNT; ++group) {
        md_err *err = NULL;
        md_folder folder;
        int error;

        MD_TRY(md_group_make(tree, (md_group)group, p, &folder));
        error = md_folder_adjust(&folder, look_of(tree, (md_group)group));
        if (error && error != EPERM) /* not ours to change: it works or the first write will say why not */
            err = md_fail_file(p, error, "set owner and mode of", &folder, NULL);
        md_folder_close(&folder);
        MD_TRY(err);
    }
    return NULL;
}

md_err *md_group_open(const md_tree *tree, md_place place, apr_pool_t *p, md_folder *out)
{
    char path[MD_SEGMENT_MAX + 32];

    /* The group's folder is in the base, which only we can write: one call for both segments is safe. */
    apr_snprintf(path, sizeof path, "%s%s%s", md_groups[place.group].dir, place.name ? "/" : "",
                 place.name ? place.name : "");
    return md_folder_open(&tree->base, path, p, out);
}

md_look md_group_look(const md_folder *folder, md_group group)
{
    md_look look = { .mode = md_groups[group].dir_mode, .owner = -1 };
    struct stat info;

    if (md_groups[group].children_write && !fstat(folder->fd, &info))
        look.owner = (long)info.st_uid;
    return look;
}

md_err *md_group_enter(const md_tree *tree, md_place place, int scratch, apr_pool_t *p, md_folder *out)
{
    md_folder group;
    md_look look;
    md_err *err;

    MD_TRY(md_group_open(tree, place, p, out));
    if (out->fd >= 0)
        return NULL;
    MD_TRY(md_group_make(tree, place.group, p, &group));
    look = md_group_look(&group, place.group);
    look.scratch = scratch;
    err = md_folder_make(&group, place.name, look, p, out);
    md_folder_close(&group);
    return err;
}

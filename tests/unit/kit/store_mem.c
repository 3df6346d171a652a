/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in memory: groups are tables of folders, folders are tables of files. One lock guards it all.
 * Values are on the heap, tables in a pool of the store's own.
 */
#include "kit/store_mem.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ARCHIVE_MAX 999

typedef struct mem_file {
    char *name;
    char *data;
    apr_size_t size;
    int secret;
    apr_time_t changed;
} mem_file;

typedef struct mem_folder {
    char *name;
    apr_pool_t *pool;
    apr_hash_t *files; /* of mem_file */
} mem_folder;

typedef struct mem_store {
    pthread_mutex_t lock;
    apr_pool_t *pool;
    apr_hash_t *groups[MD_GROUP_COUNT]; /* of mem_folder */
    apr_hash_t *claims;                 /* what -> md_claim */
    int calls, changes;
    int fail_at;    /* number of the call that fails, 0: none */
    int stop_after; /* number of the last change, -1: none */
    apr_time_t now;
} mem_store;

struct md_claim {
    mem_store *store;
    char *what;
};

/* Called with the lock held, at the begin of every operation. */
static md_err *count_call(mem_store *mem, const char *operation, md_place place, apr_pool_t *p)
{
    const char *shown = md_place_text(place, p);

    ++mem->calls;
    if (mem->stop_after >= 0 && mem->changes >= mem->stop_after)
        return md_fail(p, MD_FAULT_LOCAL, "test:stopped", "stopped before %s of %s", operation, shown);
    if (mem->calls == mem->fail_at)
        return md_fail(p, MD_FAULT_LOCAL, "test:fault", "cannot %s %s: no space left", operation, shown);
    return NULL;
}

static const char *folder_key(const char *name)
{
    return name ? name : ""; /* the store's own files */
}

static mem_folder *find_folder(mem_store *mem, md_place place)
{
    return apr_hash_get(mem->groups[place.group], folder_key(place.name), APR_HASH_KEY_STRING);
}

static mem_folder *make_folder(mem_store *mem, const char *name)
{
    apr_pool_t *pool;
    mem_folder *folder;

    apr_pool_create(&pool, mem->pool);
    folder = apr_palloc(pool, sizeof *folder);
    folder->pool = pool;
    folder->name = apr_pstrdup(pool, folder_key(name));
    folder->files = apr_hash_make(pool);
    return folder;
}

static mem_file *find_file(mem_store *mem, md_place place)
{
    mem_folder *folder = find_folder(mem, place);

    return folder ? apr_hash_get(folder->files, place.file, APR_HASH_KEY_STRING) : NULL;
}

static void take_file(mem_folder *folder, mem_file *file)
{
    apr_hash_set(folder->files, file->name, APR_HASH_KEY_STRING, NULL);
    free(file->name);
    free(file->data);
    free(file);
}

static void put_file(mem_store *mem, mem_folder *folder, const md_file *value)
{
    mem_file *old = apr_hash_get(folder->files, value->file, APR_HASH_KEY_STRING);
    mem_file *file = malloc(sizeof *file);

    if (old)
        take_file(folder, old);
    if (!file)
        abort();
    file->name = strdup(value->file);
    file->size = value->value.size;
    file->data = malloc(file->size + 1);
    file->secret = value->secret;
    file->changed = mem->now ? mem->now : apr_time_now();
    if (!file->name || !file->data)
        abort();
    memcpy(file->data, value->value.data ? value->value.data : "", file->size);
    file->data[file->size] = '\0';
    apr_hash_set(folder->files, file->name, APR_HASH_KEY_STRING, file);
}

static void destroy_folder(mem_folder *folder)
{
    for (apr_hash_index_t *i = apr_hash_first(folder->pool, folder->files); i; i = apr_hash_next(i))
        take_file(folder, apr_hash_this_val(i));
    apr_pool_destroy(folder->pool);
}

static mem_folder *take_folder(mem_store *mem, md_group group, const char *name)
{
    mem_folder *folder = find_folder(mem, MD_PLACE(group, name, NULL));

    if (folder)
        apr_hash_set(mem->groups[group], folder->name, APR_HASH_KEY_STRING, NULL);
    return folder;
}

static void put_folder(mem_store *mem, md_group group, mem_folder *folder)
{
    apr_hash_set(mem->groups[group], folder->name, APR_HASH_KEY_STRING, folder);
}

static void archive_folder(mem_store *mem, mem_folder *folder)
{
    const char *base = folder->name;

    for (int n = 1; n <= ARCHIVE_MAX; ++n) {
        folder->name = apr_psprintf(folder->pool, "%s.%d", base, n);
        if (!find_folder(mem, MD_PLACE(MD_GROUP_ARCHIVE, folder->name, NULL)))
            break;
    }
    put_folder(mem, MD_GROUP_ARCHIVE, folder);
}

static md_err *load_locked(mem_store *mem, md_place place, apr_pool_t *p, md_bytes *out)
{
    const mem_file *file;

    *out = (md_bytes){ NULL, 0 };
    MD_TRY(count_call(mem, "load", place, p));
    file = find_file(mem, place);
    if (file)
        *out = (md_bytes){ apr_pmemdup(p, file->data, file->size + 1), file->size };
    return NULL;
}

static md_err *save_locked(mem_store *mem, md_place place, const md_file *value, apr_pool_t *p)
{
    mem_folder *folder;
    md_file file = *value;

    MD_TRY(count_call(mem, "save", place, p));
    folder = find_folder(mem, place);
    if (!folder) {
        folder = make_folder(mem, place.name);
        put_folder(mem, place.group, folder);
    }
    file.file = place.file;
    put_file(mem, folder, &file);
    ++mem->changes;
    return NULL;
}

static md_err *save_set_locked(mem_store *mem, md_place place, const apr_array_header_t *files, int archive,
                               apr_pool_t *p)
{
    mem_folder *old;
    mem_folder *folder;

    MD_TRY(count_call(mem, "save set", place, p));
    old = take_folder(mem, place.group, place.name);
    folder = make_folder(mem, place.name);
    for (int i = 0; i < files->nelts; ++i)
        put_file(mem, folder, &APR_ARRAY_IDX(files, i, md_file));
    put_folder(mem, place.group, folder);
    if (old && archive)
        archive_folder(mem, old);
    else if (old)
        destroy_folder(old);
    ++mem->changes;
    return NULL;
}

static md_err *drop_locked(mem_store *mem, md_place place, apr_pool_t *p)
{
    mem_folder *folder;
    mem_file *file;

    MD_TRY(count_call(mem, "drop", place, p));
    ++mem->changes;
    if (place.file) {
        file = find_file(mem, place);
        if (file)
            take_file(find_folder(mem, place), file);
        return NULL;
    }
    folder = take_folder(mem, place.group, place.name);
    if (folder)
        destroy_folder(folder);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_names(md_names *names)
{
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), by_name);
}

static md_err *list_locked(mem_store *mem, md_place place, apr_pool_t *p, md_names **out)
{
    const int folders = !place.name && place.group != MD_GROUP_ROOT;
    const mem_folder *folder = folders ? NULL : find_folder(mem, place);
    apr_hash_t *table = folders ? mem->groups[place.group] : folder ? folder->files : NULL;

    *out = md_names_make(p);
    MD_TRY(count_call(mem, "list", place, p));
    for (apr_hash_index_t *i = table ? apr_hash_first(p, table) : NULL; i; i = apr_hash_next(i))
        md_names_add(*out, apr_pstrdup(p, apr_hash_this_key(i)));
    sort_names(*out);
    return NULL;
}

static md_err *rename_locked(mem_store *mem, md_place place, const char *to, apr_pool_t *p)
{
    mem_folder *folder;

    MD_TRY(count_call(mem, "rename", place, p));
    if (find_folder(mem, MD_PLACE(place.group, to, NULL)))
        return md_fail(p, MD_FAULT_LOCAL, "md:system", "%s exists", to);
    folder = take_folder(mem, place.group, place.name);
    if (!folder)
        return NULL;
    folder->name = apr_pstrdup(folder->pool, to);
    put_folder(mem, place.group, folder);
    ++mem->changes;
    return NULL;
}

static md_err *rename_file_locked(mem_store *mem, md_place place, const char *to, apr_pool_t *p)
{
    mem_folder *folder;
    mem_file *file;

    MD_TRY(count_call(mem, "rename", place, p));
    file = find_file(mem, place);
    if (!file)
        return NULL;
    folder = find_folder(mem, place);
    put_file(mem, folder,
             &(md_file){ .file = to, .value = { file->data, file->size }, .secret = file->secret });
    take_file(folder, file);
    ++mem->changes;
    return NULL;
}

static md_err *claim_locked(mem_store *mem, const char *what, apr_pool_t *p, md_claim **out)
{
    md_claim *claim;

    MD_TRY(count_call(mem, "claim", MD_PLACE(MD_GROUP_CLAIMS, what, NULL), p));
    if (apr_hash_get(mem->claims, what, APR_HASH_KEY_STRING))
        return NULL;
    claim = apr_palloc(p, sizeof *claim);
    claim->store = mem;
    claim->what = strdup(what);
    apr_hash_set(mem->claims, claim->what, APR_HASH_KEY_STRING, claim);
    *out = claim;
    return NULL;
}

/* Evaluates `call` with the lock held. */
#define LOCKED(type, mem, call)             \
    do {                                    \
        type result_;                       \
        pthread_mutex_lock(&(mem)->lock);   \
        result_ = (call);                   \
        pthread_mutex_unlock(&(mem)->lock); \
        return result_;                     \
    } while (0)

static md_err *mem_load(void *self, md_place place, apr_pool_t *p, md_bytes *out)
{
    mem_store *mem = self;

    LOCKED(md_err *, mem, load_locked(mem, place, p, out));
}

static md_err *mem_save(void *self, md_place place, const md_file *value, apr_pool_t *p)
{
    mem_store *mem = self;

    LOCKED(md_err *, mem, save_locked(mem, place, value, p));
}

static md_err *mem_save_set(void *self, md_group group, const char *name, const apr_array_header_t *files,
                            int archive, apr_pool_t *p)
{
    mem_store *mem = self;

    LOCKED(md_err *, mem, save_set_locked(mem, MD_PLACE(group, name, NULL), files, archive, p));
}

static md_err *mem_drop(void *self, md_place place, apr_pool_t *p)
{
    mem_store *mem = self;

    LOCKED(md_err *, mem, drop_locked(mem, place, p));
}

static md_err *mem_list(void *self, md_group group, const char *name, apr_pool_t *p, md_names **out)
{
    mem_store *mem = self;

    LOCKED(md_err *, mem, list_locked(mem, MD_PLACE(group, name, NULL), p, out));
}

static md_err *mem_rename(void *self, md_group group, const char *from, const char *to, apr_pool_t *p)
{
    mem_store *mem = self;

    LOCKED(md_err *, mem, rename_locked(mem, MD_PLACE(group, from, NULL), to, p));
}

static md_err *mem_rename_file(void *self, md_place place, const char *to, apr_pool_t *p)
{
    mem_store *mem = self;

    LOCKED(md_err *, mem, rename_file_locked(mem, place, to, p));
}

static apr_time_t changed_locked(mem_store *mem, md_place place)
{
    const mem_file *file = find_file(mem, place);

    return file ? file->changed : 0;
}

static apr_time_t mem_changed(void *self, md_place place, apr_pool_t *p)
{
    mem_store *mem = self;

    (void)p;
    LOCKED(apr_time_t, mem, changed_locked(mem, place));
}

static apr_status_t end_claim(void *data)
{
    md_claim *claim = data;

    pthread_mutex_lock(&claim->store->lock);
    if (claim->what && apr_hash_get(claim->store->claims, claim->what, APR_HASH_KEY_STRING) == claim)
        apr_hash_set(claim->store->claims, claim->what, APR_HASH_KEY_STRING, NULL);
    free(claim->what);
    claim->what = NULL;
    pthread_mutex_unlock(&claim->store->lock);
    return APR_SUCCESS;
}

static md_err *mem_claim(void *self, const char *what, apr_pool_t *p, md_claim **out)
{
    mem_store *mem = self;
    md_err *err;

    *out = NULL;
    pthread_mutex_lock(&mem->lock);
    err = claim_locked(mem, what, p, out);
    pthread_mutex_unlock(&mem->lock);
    if (*out)
        apr_pool_cleanup_register(p, *out, end_claim, apr_pool_cleanup_null);
    return err;
}

static void mem_release(void *self, md_claim *claim)
{
    (void)self;
    (void)end_claim(claim);
}

static const char *mem_path(void *self, md_place place, apr_pool_t *p)
{
    (void)self, (void)place, (void)p;
    return NULL;
}

static const md_store_ops mem_ops = {
    .name = "memory",
    .load = mem_load,
    .save = mem_save,
    .save_set = mem_save_set,
    .drop = mem_drop,
    .list = mem_list,
    .rename = mem_rename,
    .rename_file = mem_rename_file,
    .changed = mem_changed,
    .claim = mem_claim,
    .release = mem_release,
    .path = mem_path,
};

static apr_status_t close_store(void *data)
{
    mem_store *mem = data;

    for (int group = 0; group < MD_GROUP_COUNT; ++group) {
        for (apr_hash_index_t *i = apr_hash_first(mem->pool, mem->groups[group]); i; i = apr_hash_next(i))
            destroy_folder(apr_hash_this_val(i));
    }
    apr_pool_destroy(mem->pool);
    pthread_mutex_destroy(&mem->lock);
    free(mem);
    return APR_SUCCESS;
}

md_store *store_mem_open(apr_pool_t *p)
{
    static const char secret[] = "a secret of a store in memory, for tests only ...";
    md_store *store = apr_pcalloc(p, sizeof *store);
    mem_store *mem = calloc(1, sizeof *mem);

    if (!mem)
        abort();
    pthread_mutex_init(&mem->lock, NULL);
    /* With an allocator of its own: the pool of a test may be used by another thread at the same time. */
    apr_pool_create_unmanaged_ex(&mem->pool, NULL, NULL);
    for (int group = 0; group < MD_GROUP_COUNT; ++group)
        mem->groups[group] = apr_hash_make(mem->pool);
    mem->claims = apr_hash_make(mem->pool);
    mem->stop_after = -1;
    store->ops = &mem_ops;
    store->self = mem;
    store->secret = (md_bytes){ secret, 48 };
    apr_pool_cleanup_register(p, mem, close_store, apr_pool_cleanup_null);
    return store;
}

void store_mem_fail_at(md_store *store, int n)
{
    mem_store *mem = store->self;

    pthread_mutex_lock(&mem->lock);
    mem->fail_at = n ? mem->calls + n : 0;
    pthread_mutex_unlock(&mem->lock);
}

void store_mem_stop_after(md_store *store, int n)
{
    mem_store *mem = store->self;

    pthread_mutex_lock(&mem->lock);
    mem->stop_after = n < 0 ? -1 : mem->changes + n;
    pthread_mutex_unlock(&mem->lock);
}

void store_mem_restart(md_store *store)
{
    mem_store *mem = store->self;

    pthread_mutex_lock(&mem->lock);
    mem->fail_at = 0;
    mem->stop_after = -1;
    apr_hash_clear(mem->claims);
    pthread_mutex_unlock(&mem->lock);
}

void store_mem_set_time(md_store *store, apr_time_t now)
{
    mem_store *mem = store->self;

    pthread_mutex_lock(&mem->lock);
    mem->now = now;
    pthread_mutex_unlock(&mem->lock);
}

static int read_count(mem_store *mem, const int *count)
{
    LOCKED(int, mem, *count);
}

int store_mem_calls(md_store *store)
{
    mem_store *mem = store->self;

    return read_count(mem, &mem->calls);
}

int store_mem_changes(md_store *store)
{
    mem_store *mem = store->self;

    return read_count(mem, &mem->changes);
}

static void add_folder(md_names *lines, md_group group, mem_folder *folder, apr_pool_t *p)
{
    const char *name = *folder->name ? folder->name : NULL;

    for (apr_hash_index_t *i = apr_hash_first(p, folder->files); i; i = apr_hash_next(i)) {
        const mem_file *file = apr_hash_this_val(i);
        const char *text = md_place_text(MD_PLACE(group, name, file->name), p);

        md_names_add(lines, apr_pstrcat(p, text, file->secret ? " (secret)\n" : "\n", NULL));
    }
}

const char *store_mem_tree(md_store *store, apr_pool_t *p)
{
    mem_store *mem = store->self;
    md_names *lines = md_names_make(p);

    pthread_mutex_lock(&mem->lock);
    for (int group = 0; group < MD_GROUP_COUNT; ++group) {
        for (apr_hash_index_t *i = apr_hash_first(p, mem->groups[group]); i; i = apr_hash_next(i))
            add_folder(lines, (md_group)group, apr_hash_this_val(i), p);
    }
    pthread_mutex_unlock(&mem->lock);
    sort_names(lines);
    return md_names_join(lines, "", p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * md_store.json, and stores of earlier versions: 1.0 had keys in pkey.pem and certificate and chain in files
 * of their own, 2.0 a version of its own at the top of md_store.json.
 */
#include "store/migrate.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "tls/bridge.h"

static md_err *bad_store(apr_pool_t *p, const char *why)
{
    return md_fail(p, MD_FAULT_CONFIG, "md:bad-store", "%s", why);
}

/* The document's own copy of a secret is wiped before the document goes. */
static void cleanse_text(json_t *doc, const char *key, apr_pool_t *p)
{
    const char *text = md_json_text(doc, key);

    if (text)
        md_cleanse_with(p, md_bytes_of(text));
}

static double version_of(const json_t *doc)
{
    const json_t *version = md_json_at(doc, "store.version");

    return json_is_number(version) ? json_number_value(version) : 1.0;
}

md_err *md_store_facts_read(md_bytes text, apr_pool_t *p, md_store_facts *out)
{
    const char *key;
    json_t *doc;

    if (md_json_read(text, p, &doc))
        return bad_store(p, "it is no JSON"); /* and what is in it is not to be shown */
    cleanse_text(doc, "key", p);
    out->version = version_of(doc);
    if (out->version > MD_STORE_VERSION)
        return bad_store(
            p,
            apr_psprintf(p,
                         "it was written by a newer version of this software (store version %.1f, this one "
                         "knows %.1f)",
                         out->version, MD_STORE_VERSION));
    key = md_json_text(doc, "key");
    if (!key)
        return bad_store(p, "it has no member 'key'");
    if (md_b64url_read(key, p, &out->secret))
        return bad_store(p, "its 'key' is not base64url");
    md_cleanse_with(p, out->secret);
    if (out->secret.size != MD_SECRET_SIZE)
        return bad_store(p, apr_psprintf(p, "its 'key' has %lu bytes instead of %d",
                                         (unsigned long)out->secret.size, MD_SECRET_SIZE));
    return NULL;
}

md_err *md_store_facts_make(apr_pool_t *p, md_store_facts *out, md_bytes *text)
{
    char *secret = apr_palloc(p, MD_SECRET_SIZE + 1);
    json_t *doc = md_json_object(p);
    const char *key;
    apr_status_t status;

    out->version = MD_STORE_VERSION;
    out->secret = (md_bytes){ secret, MD_SECRET_SIZE };
    md_cleanse_with(p, out->secret);
    secret[MD_SECRET_SIZE] = '\0';
    status = apr_generate_random_bytes((unsigned char *)secret, MD_SECRET_SIZE);
    if (status != APR_SUCCESS)
        return md_fail_status(p, status, "the system gave no random bytes for the secret of a new store");
    key = md_b64url(out->secret, p);
    md_cleanse_with(p, md_bytes_of(key));
    md_json_set(doc, "store.version", json_real(MD_STORE_VERSION));
    md_json_set_text(doc, "key", key);
    cleanse_text(doc, "key", p);
    *text = md_bytes_of(md_json_text_of(doc, p));
    md_cleanse_with(p, *text);
    return NULL;
}

static md_err *rename_key(const md_folder *folder, apr_pool_t *p)
{
    const int error = md_sys_rename_new(folder, "pkey.pem", folder, "privkey.pem");

    return error && error != ENOENT && error != EEXIST ? md_fail_file(p, error, "rename", folder, "pkey.pem")
                                                       : NULL;
}

static md_err *join_chain(const md_folder *folder, apr_pool_t *p)
{
    md_bytes cert;
    md_bytes chain;
    md_bytes there;
    const char *joined;

    MD_TRY(md_file_read(folder, "pubcert.pem", p, &there));
    MD_TRY(md_file_read(folder, "cert.pem", p, &cert));
    MD_TRY(md_file_read(folder, "chain.pem", p, &chain));
    if (there.data || !cert.data)
        return NULL;
    joined = apr_pstrcat(p, cert.data, cert.size && cert.data[cert.size - 1] == '\n' ? "" : "\n",
                         chain.data ? chain.data : "", NULL);
    return md_file_write(folder,
                         &(md_write){ .name = "pubcert.pem", .value = md_bytes_of(joined), .mode = 0600 }, p);
}

static md_err *migrate_folder(const md_tree *tree, md_place place, apr_pool_t *p)
{
    md_folder folder;
    md_err *err;

    MD_TRY(md_group_open(tree, place, p, &folder));
    if (folder.fd < 0)
        return NULL;
    err = rename_key(&folder, p);
    if (!err && (place.group == MD_GROUP_DOMAINS || place.group == MD_GROUP_ARCHIVE))
        err = join_chain(&folder, p);
    md_folder_close(&folder);
    return err;
}

/* What is damaged in one folder concerns that one alone; what the system refuses stops the migration. */
static md_err *migrate_group(const md_tree *tree, md_group group, apr_pool_t *p)
{
    md_folder folder;
    md_names *names;
    md_err *err;

    MD_TRY(md_group_open(tree, MD_PLACE(group, NULL, NULL), p, &folder));
    err = md_folder_list(&folder, MD_LIST_FOLDERS, p, &names);
    md_folder_close(&folder);
    for (int i = 0; !err && i < names->nelts; ++i) {
        err = migrate_folder(tree, MD_PLACE(group, MD_NAME(names, i), NULL), p);
        if (err && !strcmp(err->type, "md:bad-file")) {
            md_log(MD_LOG_WARN, 0, "left out when the store was brought to its new form: %s",
                   md_err_text(err, p));
            err = NULL;
        }
    }
    return err;
}

md_err *md_store_migrate(const md_tree *tree, double from, md_bytes text, apr_pool_t *p)
{
    md_bytes now;
    json_t *doc;

    if (from >= MD_STORE_VERSION)
        return NULL;
    for (int group = MD_GROUP_ACCOUNTS; from < 2.0 && group <= MD_GROUP_OCSP; ++group)
        MD_TRY(migrate_group(tree, (md_group)group, p));
    MD_TRY(md_json_read(text, p, &doc));
    cleanse_text(doc, "key", p);
    md_json_set(doc, "version", NULL);
    md_json_set(doc, "store.version", json_real(MD_STORE_VERSION));
    now = md_bytes_of(md_json_text_of(doc, p));
    md_cleanse_with(p, now);
    MD_TRY(md_file_write(&tree->base, &(md_write){ .name = MD_STORE_FILE, .value = now, .mode = 0600 }, p));
    md_log(MD_LOG_INFO, 0, "the store %s was brought from version %.1f to %.1f", tree->base.base, from,
           MD_STORE_VERSION);
    return NULL;
}

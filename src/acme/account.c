/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts. A key is on disk before the CA hears of it, so a crash between request and answer finds the same
 * account again.
 */
#include "acme/account.h"

#include <apr_strings.h>
#include <string.h>

#include "base/log.h"
#include "tls/cert.h"

enum { ACCOUNTS_MAX = 1000, HOST_MAX = 16 };

/* Folders of accounts: of those that every version of the module can use, and of those with newer keys. */
#define PREFIX_RSA   "ACME"
#define PREFIX_OTHER "ACMEv2"

const char *md_account_public_id(const char *id)
{
    return id && !strncmp(id, PREFIX_RSA "-", strlen(PREFIX_RSA "-")) ? id : NULL;
}

json_t *md_account_to_json(const md_account *account, apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "status", account->status);
    md_json_set_text(doc, "url", account->url);
    md_json_set_text(doc, "ca-url", account->ca_url);
    md_json_set_names(doc, "contact", account->contacts);
    if (account->registration)
        md_json_set(doc, "registration", json_deep_copy(account->registration));
    md_json_set_text(doc, "agreement", account->agreement);
    md_json_set_text(doc, "orders", account->orders);
    md_json_set_text(doc, "eab.kid", account->eab_kid);
    md_json_set_text(doc, "eab.hmac", account->eab_hmac);
    if (account->own_key)
        md_json_set_flag(doc, "own-key", 1);
    return doc;
}

md_account *md_account_from_json(const json_t *doc, apr_pool_t *p)
{
    md_account *account = apr_pcalloc(p, sizeof(*account));

    account->status = md_json_copy(doc, "status", p);
    account->url = md_json_copy(doc, "url", p);
    account->ca_url = md_json_copy(doc, "ca-url", p);
    if (!account->ca_url || !account->url || md_url_reason(account->url))
        return NULL;
    account->contacts = md_json_names(doc, "contact", p);
    if (!account->contacts)
        account->contacts = md_json_names(doc, "registration.contact", p);
    account->registration = md_json_at(doc, "registration");
    account->agreement = md_json_copy(doc, "agreement", p);
    if (!account->agreement)
        account->agreement = md_json_copy(doc, "terms-of-service", p);
    account->orders = md_json_copy(doc, "orders", p);
    account->eab_kid = md_json_copy(doc, "eab.kid", p);
    account->eab_hmac = md_json_copy(doc, "eab.hmac", p);
    account->own_key = md_json_flag(doc, "own-key", 0);
    return account;
}

static int fits(const md_account *account, const md_account_wish *wish)
{
    if (wish->except && md_names_has(wish->except, account->url))
        return 0;
    if (account->own_key && !wish->key)
        return 0;
    return md_text_equal(account->status, "valid") && !strcmp(account->ca_url, wish->ca_url) &&
           md_text_equal(account->eab_kid, wish->eab_kid) && md_text_equal(account->eab_hmac, wish->eab_hmac);
}

static int is_bad_file(const md_err *err)
{
    return !strcmp(err->type, "md:bad-file");
}

md_err *md_account_load_key(md_store *store, md_place place, apr_pool_t *p, md_key **key)
{
    md_bytes pem;

    *key = NULL;
    MD_TRY(md_store_load(store, place, p, &pem));
    return pem.data ? md_key_from_pem(pem, store->secret, p, key) : NULL;
}

static md_err *load_key(md_store *store, md_group group, const char *name, apr_pool_t *p, md_key **key)
{
    return md_account_load_key(store, MD_PLACE(group, name, MD_ACCOUNT_KEY), p, key);
}

/** Record of a folder, without its key; a damaged one is set aside and reported. */
static md_err *load_record(md_store *store, md_group group, const char *name, apr_pool_t *p, md_account **out)
{
    md_place place = MD_PLACE(group, name, MD_ACCOUNT_FILE);
    json_t *doc;
    md_err *err = md_store_load_json(store, place, p, &doc);

    *out = NULL;
    if (err && !is_bad_file(err))
        return err;
    if (err) {
        md_store_set_aside(store, place, md_err_text(err, p), p);
        return NULL;
    }
    *out = doc ? md_account_from_json(doc, p) : NULL;
    if (*out) {
        (*out)->group = group;
        (*out)->name = apr_pstrdup(p, name);
    }
    return NULL;
}

static int same_key(const md_key *a, const md_key *b, apr_pool_t *p)
{
    return md_text_equal(md_key_sha256(a, p), md_key_sha256(b, p));
}

/** The account of a folder when it is the one that is wished for and its key can be read. */
static md_err *load_fitting(md_store *store, md_group group, const char *name, const md_account_wish *wish,
                            apr_pool_t *p, md_account **out)
{
    md_account *account;
    md_err *err;

    *out = NULL;
    MD_TRY(load_record(store, group, name, p, &account));
    if (!account || !fits(account, wish))
        return NULL;
    err = load_key(store, group, name, p, &account->key);
    if (err && is_bad_file(err))
        md_store_set_aside(store, MD_PLACE(group, name, MD_ACCOUNT_KEY), md_err_text(err, p), p);
    else if (err)
        return err;
    if (account->key && (!wish->key || same_key(account->key, wish->key, p)))
        *out = account;
    return NULL;
}

md_err *md_account_load(md_store *store, const char *id, apr_pool_t *p, md_account **out)
{
    md_err *err;

    MD_TRY(load_record(store, MD_GROUP_ACCOUNTS, id, p, out));
    if (!*out)
        return NULL;
    err = load_key(store, MD_GROUP_ACCOUNTS, id, p, &(*out)->key);
    if (err)
        return md_wrap(p, err, "the key of the account %s cannot be used", id);
    if (!(*out)->key)
        *out = NULL;
    return NULL;
}

static md_err *find_in(md_store *store, md_group group, const md_account_wish *wish, apr_pool_t *p,
                       md_account **out)
{
    md_names *names;
    apr_pool_t *each;

    MD_TRY(md_store_list(store, group, NULL, p, &names));
    apr_pool_create(&each, p);
    for (int i = 0; i < names->nelts && !*out; ++i) {
        md_account *account;

        apr_pool_clear(each);
        MD_TRY(md_err_copy(load_fitting(store, group, MD_NAME(names, i), wish, each, &account), p));
        if (account) /* once more, to stay */
            MD_TRY(load_fitting(store, group, MD_NAME(names, i), wish, p, out));
    }
    return NULL;
}

md_err *md_account_find(md_store *store, const md_account_wish *wish, apr_pool_t *p, md_account **out)
{
    *out = NULL;
    if (wish->domain)
        MD_TRY(load_fitting(store, MD_GROUP_STAGING, wish->domain, wish, p, out));
    if (!*out && wish->preferred)
        MD_TRY(load_fitting(store, MD_GROUP_ACCOUNTS, wish->preferred, wish, p, out));
    if (!*out)
        MD_TRY(find_in(store, MD_GROUP_ACCOUNTS, wish, p, out));
    if (!*out)
        MD_TRY(find_in(store, MD_GROUP_STAGING, wish, p, out));
    return NULL;
}

/** What has to be configured before the CA can be asked for an account. */
static md_err *check_wish(const md_directory *directory, const md_account_wish *wish, apr_pool_t *p)
{
    if (!wish->contacts || !wish->contacts->nelts)
        return md_fail(p, MD_FAULT_CONFIG, MD_ACME_ERROR "invalidContact",
                       "no contact is configured for the account at the CA; set MDContactEmail");
    if (directory->terms && !wish->agreement)
        return md_fail(p, MD_FAULT_CONFIG, MD_ACME_ERROR "userActionRequired",
                       "the CA requires that you accept its terms of service at %s; set "
                       "'MDCertificateAgreement accepted' "
                       "when you do",
                       md_excerpt(md_bytes_of(directory->terms), 120, p));
    if (directory->eab_required && !wish->eab_kid)
        md_log(MD_LOG_INFO, 0,
               "%s requires an external account binding, and MDExternalAccountBinding is not set",
               wish->ca_url);
    return NULL;
}

/** The key that waits in staging from an earlier attempt, or the configured or a new one that is saved there
 * first.
 */
static md_err *registration_key(md_store *store, const md_account_wish *wish, apr_pool_t *p, md_key **key)
{
    static const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_place place = MD_PLACE(MD_GROUP_STAGING, wish->domain, MD_ACCOUNT_KEY);
    md_err *err = load_key(store, MD_GROUP_STAGING, wish->domain, p, key);
    md_bytes pem;

    if (err && is_bad_file(err))
        md_store_set_aside(store, place, md_err_text(err, p), p);
    else if (err || (*key && (!wish->key || same_key(*key, wish->key, p))))
        return err;
    if (wish->key)
        *key = wish->key;
    else
        MD_TRY(md_key_make(&spec, p, key));
    MD_TRY(md_key_to_pem(*key, store->secret, p, &pem));
    return md_store_save(store, place, pem, p);
}

static md_err *registration(const md_directory *directory, const md_account_wish *wish, const md_key *key,
                            apr_pool_t *p, json_t **payload)
{
    json_t *binding;

    *payload = md_json_object(p);
    md_json_set_names(*payload, "contact", wish->contacts);
    if (directory->terms)
        md_json_set_flag(*payload, "termsOfServiceAgreed", 1);
    if (!wish->eab_kid)
        return NULL;
    MD_TRY(md_jws_eab(key, wish->eab_kid, wish->eab_hmac, directory->new_account, p, &binding));
    json_object_set(*payload, "externalAccountBinding", binding);
    return NULL;
}

static void fill(const md_account_wish *wish, const md_answer *answer, const md_directory *directory,
                 md_account *account)
{
    const char *status = md_json_text(answer->doc, "status");

    account->status = status ? status : "valid";
    account->url = answer->location;
    account->ca_url = wish->ca_url;
    account->contacts = (md_names *)(apr_uintptr_t)wish->contacts;
    account->registration = answer->doc;
    account->agreement = directory->terms;
    account->orders = md_json_text(answer->doc, "orders");
    account->eab_kid = wish->eab_kid;
    account->eab_hmac = wish->eab_hmac;
    account->own_key = wish->key != NULL;
    account->group = MD_GROUP_STAGING;
    account->name = wish->domain;
}

md_err *md_account_save(md_store *store, const md_account *account, apr_pool_t *p)
{
    return md_store_save_json(store, MD_PLACE(account->group, account->name, MD_ACCOUNT_FILE),
                              md_account_to_json(account, p), p);
}

md_err *md_account_register(const md_call *call, md_store *store, const md_account_wish *wish, apr_pool_t *p,
                            md_account **out)
{
    const md_directory *directory = md_ca_directory(call->ca, md_now(call->clock));
    md_account *account = apr_pcalloc(p, sizeof(*account));
    md_answer answer;
    md_post post;
    json_t *payload;

    if (!directory)
        return md_fail(p, MD_FAULT_REMOTE, "md:no-directory", "the CA's directory has not been read yet");
    MD_TRY(check_wish(directory, wish, p));
    MD_TRY(registration_key(store, wish, p, &account->key));
    MD_TRY(registration(directory, wish, account->key, p, &payload));
    post = (md_post){ directory->new_account, payload, "registering an account", account->key, NULL };
    MD_TRY(md_call_post_json(call, &post, p, &answer));
    if (!answer.location)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer",
                       "the CA's answer to a new account has no Location");
    fill(wish, &answer, directory, account);
    account->is_new = answer.status == 201;
    MD_TRY(md_account_save(store, account, p));
    *out = account;
    return NULL;
}

md_err *md_account_change(const md_call *call, md_account *account, const json_t *members, const char *doing,
                          apr_pool_t *p)
{
    const md_post post = { account->url, members, doing, account->key, account->url };
    const char *status;
    md_answer answer;

    MD_TRY(md_call_post_json(call, &post, p, &answer));
    status = md_json_text(answer.doc, "status");
    account->status = status ? status : account->status;
    account->registration = answer.doc;
    if (json_is_array(json_object_get(answer.doc, "contact")))
        account->contacts = md_json_names(answer.doc, "contact", p);
    return NULL;
}

static int is_gone(const md_err *err)
{
    return md_problem_is(err, "accountDoesNotExist") || md_problem_is(err, "unauthorized");
}

/** The key of a change that was interrupted: the CA may have it already. NULL: there is none, or the failure
 * is no refusal. */
static md_key *next_key(md_store *store, const md_account *account, const md_err *refusal, apr_pool_t *p)
{
    const md_place place = MD_PLACE(account->group, account->name, MD_ACCOUNT_NEXT_KEY);
    md_key *next = NULL;

    if (strncmp(refusal->type, MD_ACME_ERROR, strlen(MD_ACME_ERROR)) != 0 ||
        md_account_load_key(store, place, p, &next))
        return NULL;
    return next;
}

md_err *md_account_check(const md_call *call, md_store *store, md_account *account,
                         const md_account_wish *wish, apr_pool_t *p, int *usable)
{
    md_post post = { account->url, NULL, "checking the account", account->key, account->url };
    int new_contacts =
        wish->contacts && wish->contacts->nelts && !md_names_equal(wish->contacts, account->contacts);
    json_t *payload = NULL;
    md_answer answer;
    md_err *err;

    *usable = 0;
    if (new_contacts) {
        payload = md_json_object(p);
        md_json_set_names(payload, "contact", wish->contacts);
    }
    post.payload = payload;
    err = md_call_post_json(call, &post, p, &answer);
    post.key = err ? next_key(store, account, err, p) : NULL;
    if (post.key) {
        err = md_call_post_json(call, &post, p, &answer);
        account->key = err ? account->key : (md_key *)(apr_uintptr_t)post.key;
    }
    if (err && !is_gone(err))
        return err;
    account->status = err ? NULL : md_json_text(answer.doc, "status");
    *usable = md_text_equal(account->status, "valid");
    if (*usable && !new_contacts)
        return NULL;
    if (*usable)
        account->contacts = (md_names *)(apr_uintptr_t)wish->contacts;
    /* accounts/ belongs to root: what changed there is noticed again after the next start */
    return account->group == MD_GROUP_STAGING ? md_account_save(store, account, p) : NULL;
}

/** The account folder that has this very account, or NULL. */
static md_err *find_same(md_store *store, const md_account *account, const md_names *ids, apr_pool_t *p,
                         const char **id)
{
    *id = NULL;
    for (int i = 0; i < ids->nelts && !*id; ++i) {
        md_account *other;

        MD_TRY(load_record(store, MD_GROUP_ACCOUNTS, MD_NAME(ids, i), p, &other));
        if (other && !strcmp(other->url, account->url) && !strcmp(other->ca_url, account->ca_url))
            *id = MD_NAME(ids, i);
    }
    return NULL;
}

static md_err *free_id(const md_account *account, const md_names *ids, apr_pool_t *p, const char **id)
{
    static const md_key_spec rsa = { .type = MD_KEY_RSA };
    const char *host = md_url_host(account->ca_url, p);
    const char *prefix = md_key_fits(account->key, &rsa) ? PREFIX_RSA : PREFIX_OTHER;
    size_t length = strlen(host);

    if (length > HOST_MAX)
        host += length - HOST_MAX;
    for (int i = 0; i < ACCOUNTS_MAX; ++i) {
        *id = apr_psprintf(p, "%s-%s-%04d", prefix, host, i);
        if (!md_names_has(ids, *id))
            return NULL;
    }
    return md_fail(p, MD_FAULT_LOCAL, "md:accounts-full",
                   "there are %d accounts for %s already; remove old ones", ACCOUNTS_MAX, host);
}

static md_err *store_account(md_store *store, const char *id, md_account *account, apr_pool_t *p)
{
    apr_array_header_t *files = apr_array_make(p, 2, sizeof(md_file));
    md_bytes pem;

    account->group = MD_GROUP_ACCOUNTS;
    account->name = id;
    MD_TRY(md_key_to_pem(account->key, store->secret, p, &pem));
    APR_ARRAY_PUSH(files, md_file) = (md_file){ .file = MD_ACCOUNT_KEY, .value = pem };
    APR_ARRAY_PUSH(files, md_file) =
        (md_file){ .file = MD_ACCOUNT_FILE,
                   .value = md_bytes_of(md_json_text_of(md_account_to_json(account, p), p)) };
    return md_store_save_set(store, MD_GROUP_ACCOUNTS, id, files, 0, p);
}

md_err *md_account_promote(md_store *store, const char *domain, apr_pool_t *p, const char **id)
{
    md_account *account;
    md_names *ids;
    md_err *err;

    *id = NULL;
    MD_TRY(load_record(store, MD_GROUP_STAGING, domain, p, &account));
    if (!account || !md_text_equal(account->status, "valid"))
        return NULL;
    err = load_key(store, MD_GROUP_STAGING, domain, p, &account->key);
    if (err || !account->key) {
        md_store_set_aside(store, MD_PLACE(MD_GROUP_STAGING, domain, MD_ACCOUNT_FILE),
                           "its key is missing or unreadable", p);
        return NULL;
    }
    MD_TRY(md_store_list(store, MD_GROUP_ACCOUNTS, NULL, p, &ids));
    MD_TRY(find_same(store, account, ids, p, id));
    if (!*id)
        MD_TRY(free_id(account, ids, p, id));
    MD_TRY(store_account(store, *id, account, p));
    MD_TRY(md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, domain, MD_ACCOUNT_FILE), p));
    return md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, domain, MD_ACCOUNT_KEY), p);
}

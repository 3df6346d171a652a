/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key change in two phases: save the next key and tell the CA; then make it the key. Which of both an
 * interrupted change reached, the CA says.
 */
#include "acme/rollover.h"

#include <string.h>

static md_place next_place(const md_account *account)
{
    return MD_PLACE(account->group, account->name, MD_ACCOUNT_NEXT_KEY);
}

/** Phase two. Killed between both writes, the next change finds the CA content with either. */
static md_err *settle(md_store *store, md_account *account, md_key *next, apr_pool_t *p)
{
    md_bytes pem;

    MD_TRY(md_key_to_pem(next, store->secret, p, &pem));
    MD_TRY(md_store_save(store, MD_PLACE(account->group, account->name, MD_ACCOUNT_KEY), pem, p));
    account->key = next;
    return md_store_drop(store, next_place(account), p);
}

/** What the other programs that share the store can use decides: who has an RSA key stays with RSA. */
static md_err *make_next(md_store *store, const md_account *account, apr_pool_t *p, md_key **next)
{
    static const md_key_spec ec = { .type = MD_KEY_EC, .curve = "P-256" };
    static const md_key_spec rsa = { .type = MD_KEY_RSA, .bits = 3072 };
    md_bytes pem;

    MD_TRY(md_key_make(md_key_fits(account->key, &rsa) ? &rsa : &ec, p, next));
    MD_TRY(md_key_to_pem(*next, store->secret, p, &pem));
    return md_store_save(store, next_place(account), pem, p);
}

/** The inner signature: the new key says whose account it wants, and which key it replaces. */
static md_err *inner(const md_account *account, const md_key *next, const char *url, apr_pool_t *p,
                     json_t **out)
{
    const md_jws_header header = { .url = url };
    json_t *payload = md_json_object(p), *old_key;
    const char *text;

    MD_TRY(md_jwk(account->key, p, &old_key));
    md_json_set_text(payload, "account", account->url);
    json_object_set(payload, "oldKey", old_key);
    MD_TRY(md_jws_sign(next, &header, md_bytes_of(md_json_line(payload, p)), p, &text));
    return md_json_read(md_bytes_of(text), p, out);
}

/** Phase one. A refusal means that the CA has not changed anything. */
static md_err *tell(const md_call *call, md_store *store, const md_account *account, const md_key *next,
                    apr_pool_t *p)
{
    const md_directory *directory = md_ca_directory(call->ca, md_now(call->clock));
    md_post post = { .doing = "changing the key of the account", .key = account->key, .kid = account->url };
    md_answer answer;
    json_t *payload;
    md_err *err;

    if (!directory || !directory->key_change)
        return md_fail(p, MD_FAULT_REMOTE, "md:no-key-change",
                       "the CA does not offer to change account keys");
    post.url = directory->key_change;
    MD_TRY(inner(account, next, post.url, p, &payload));
    post.payload = payload;
    err = md_call_post(call, &post, p, &answer);
    if (err && !strncmp(err->type, MD_ACME_ERROR, strlen(MD_ACME_ERROR)) &&
        md_store_drop(store, next_place(account), p))
        return err; /* stays: the next change asks the CA about it */
    return err;
}

/** Does the CA have the next key already? */
static int is_told(const md_call *call, const md_account *account, const md_key *next, apr_pool_t *p)
{
    const md_post post = { account->url, NULL, "checking the new key of the account", next, account->url };
    md_answer answer;

    return md_call_post(call, &post, p, &answer) == NULL;
}

md_err *md_account_roll_over(const md_call *call, md_store *store, md_account *account, apr_pool_t *p)
{
    md_key *next;

    MD_TRY(md_account_load_key(store, next_place(account), p, &next));
    if (next && is_told(call, account, next, p))
        return settle(store, account, next, p);
    if (!next)
        MD_TRY(make_next(store, account, p, &next));
    MD_TRY(tell(call, store, account, next, p));
    return settle(store, account, next, p);
}

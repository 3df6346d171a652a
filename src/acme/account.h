/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACME accounts (RFC 8555 7.3): found in the store, checked, registered, updated. Children cannot write
 * accounts/, so a new account waits in staging/<domain> until root moves it there; until then everybody finds
 * it in staging.
 */
#ifndef MD_ACME_ACCOUNT_H
#define MD_ACME_ACCOUNT_H

#include "acme/call.h"
#include "store/store.h"

/** account.json as the store has it. */
typedef struct md_account {
    const char *status; /* "valid", "deactivated", "revoked", or NULL */
    const char *url, *ca_url, *agreement, *orders;
    const char *eab_kid, *eab_hmac; /* hmac is secret */
    md_names *contacts;
    const json_t *registration; /* what the CA said last, or NULL */
    int own_key;                /* the operator's (MDAccountKeyFile): only for domains that name it */
    md_group group;             /* where it was found: ACCOUNTS or STAGING */
    const char *name;           /* folder in that group */
    md_key *key;
    int is_new; /* the CA made it just now */
} md_account;

/** What the domain wants of an account. */
typedef struct md_account_wish {
    const char *ca_url;
    const char *agreement; /* MDCertificateAgreement, or NULL */
    const md_names *contacts;
    const char *eab_kid, *eab_hmac;
    md_key *key;           /* MDAccountKeyFile, or NULL: any but those */
    const char *domain;    /* whose staging takes a new account */
    const char *preferred; /* account id used last, or NULL */
    md_names *except;      /* URLs of accounts that the CA does not accept any more, or NULL */
} md_account_wish;

/** The id as md.json may name it, or NULL. Programs that know RSA accounts only look for ids that begin with
 * "ACME-", and for the one in md.json; an account with another kind of key would stop them from renewing. */
const char *md_account_public_id(const char *id);
json_t *md_account_to_json(const md_account *account, apr_pool_t *p);
/** NULL when it lacks url or ca-url. Old forms are read too. */
md_account *md_account_from_json(const json_t *doc, apr_pool_t *p);

/**
 * A valid stored account for the CA URL and EAB: this domain's staged one, the preferred one, any in
 * accounts/, any staged. A damaged or unreadable account is set aside and reported. None: *out NULL.
 */
MD_MUST md_err *md_account_find(md_store *store, const md_account_wish *wish, apr_pool_t *p,
                                md_account **out);

/* Files of an account's folder. The next key is there while the CA is asked to change to it (acme/rollover).
 */
#define MD_ACCOUNT_FILE     "account.json"
#define MD_ACCOUNT_KEY      "account.pem"
#define MD_ACCOUNT_NEXT_KEY "account.next.pem"

/** One of its keys; absent: *key NULL. Damaged: "md:bad-file". */
MD_MUST md_err *md_account_load_key(md_store *store, md_place place, apr_pool_t *p, md_key **key);
/** The account in a folder below accounts/, with its key; absent or unusable: *out NULL. */
MD_MUST md_err *md_account_load(md_store *store, const char *id, apr_pool_t *p, md_account **out);

/**
 * Registers (newAccount): key saved in staging before it is sent, ES256. When the CA knows the key already
 * the existing account comes back (RFC 8555 7.3). Terms, contacts and EAB that are missing are
 * MD_FAULT_CONFIG with what to configure.
 */
MD_MUST md_err *md_account_register(const md_call *call, md_store *store, const md_account_wish *wish,
                                    apr_pool_t *p, md_account **out);
/** Asks the CA for the account's state; sends new contacts when they differ. An account that the CA does not
 * know or refuses gets its `valid` taken away in staging, is remembered as unusable by the caller, and
 * *usable is 0. */
MD_MUST md_err *md_account_check(const md_call *call, md_store *store, md_account *account,
                                 const md_account_wish *wish, apr_pool_t *p, int *usable);
/** Changes members of the account at the CA ("contact", "termsOfServiceAgreed", "status"; RFC
 * 8555 7.3.2, 7.3.6) and takes what the CA answers over into the record. Not saved. */
MD_MUST md_err *md_account_change(const md_call *call, md_account *account, const json_t *members,
                                  const char *doing, apr_pool_t *p);
MD_MUST md_err *md_account_save(md_store *store, const md_account *account, apr_pool_t *p);
/** Root: moves a staged account into accounts/ (or onto the one there with the same URL); *id is its folder.
 * No staged account: *id NULL. */
MD_MUST md_err *md_account_promote(md_store *store, const char *domain, apr_pool_t *p, const char **id);

#endif

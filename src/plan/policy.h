/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings as values: a struct in which each member is known to be set or not, and generic functions over the
 * rows of fields.h: parse, merge, defaults, JSON, documentation.
 */
#ifndef MD_PLAN_POLICY_H
#define MD_PLAN_POLICY_H

#include "base/json.h"
#include "plan/fields.h"
#include "tls/key.h"

/* Types of the kinds. */
#define MD_TYPE_FLAG     int
#define MD_TYPE_TEXT     const char *
#define MD_TYPE_PATH     const char *
#define MD_TYPE_URL      const char *
#define MD_TYPE_COMMAND  const char *
#define MD_TYPE_WORDS    md_names *
#define MD_TYPE_DURATION apr_interval_time_t
#define MD_TYPE_SLICE    md_slice
#define MD_TYPE_KEYWORD  int
#define MD_TYPE_WORD     int
#define MD_TYPE_MEMBERS  int
#define MD_TYPE_COUNT    int
#define MD_TYPE_KEYS     md_key_specs *
#define MD_TYPE_ODD      md_odd

enum { MD_RENEW_MANUAL, MD_RENEW_AUTO, MD_RENEW_ALWAYS };
enum { MD_HTTPS_OFF, MD_HTTPS_TEMPORARY, MD_HTTPS_PERMANENT };
enum { MD_PREFLIGHT_OFF, MD_PREFLIGHT_ON, MD_PREFLIGHT_WARN };
enum { MD_CA_BUDGET_AUTO, MD_CA_BUDGET_ON, MD_CA_BUDGET_OFF };
enum { MD_MATCH_ALL, MD_MATCH_SERVERNAMES };

/** Where another daemon finds copies of key and certificates. */
typedef struct md_export_to {
    const char *dir;  /* absolute */
    long user, group; /* whom they belong to; -1: who writes them */
    int mode;         /* of files with the key */
} md_export_to;

/** Key id and HMAC that a CA gave to bind accounts with (RFC 8555 7.3.4). */
typedef struct md_binding {
    const char *ca_url; /* where it holds; NULL: everywhere */
    const char *kid;
    const char *hmac; /* base64url; never shown */
} md_binding;

/** A name server that takes updates (RFC 2136), and the key to sign them with. */
typedef struct md_dns_account {
    const char *server, *key, *algorithm;
    const char *secret; /* base64; never shown */
    const char *zone;   /* NULL: found by asking */
} md_dns_account;

/** The value of an ODD row; which members mean something depends on the row. */
typedef struct md_odd {
    md_names *list;               /* MDCertificateAuthority: URLs; MDCertificateFile/KeyFile: paths */
    const char *first;            /* name of the certificate monitor */
    const char *second;           /* URL of the certificate monitor */
    apr_array_header_t *bindings; /* MDExternalAccountBinding: of md_binding */
    int http_port;                /* MDPortMap: 0 when not reachable */
    int https_port;
    apr_interval_time_t wait;    /* MDStoreLocks: how long to wait; 0: no locks */
    apr_array_header_t *exports; /* MDExport: of md_export_to */
    md_key *account_key;         /* MDAccountKeyFile; NULL: none */
    const md_dns_account *dns;   /* MDDnsUpdate; NULL: none */
} md_odd;

typedef enum md_field_kind {
    MD_KIND_FLAG,
    MD_KIND_TEXT,
    MD_KIND_PATH,
    MD_KIND_URL,
    MD_KIND_COMMAND,
    MD_KIND_WORDS,
    MD_KIND_DURATION,
    MD_KIND_SLICE,
    MD_KIND_KEYWORD,
    MD_KIND_WORD,
    MD_KIND_MEMBERS,
    MD_KIND_COUNT,
    MD_KIND_KEYS,
    MD_KIND_ODD
} md_field_kind;

typedef enum md_field_where {
    MD_WHERE_ANYWHERE,
    MD_WHERE_EVERYWHERE,
    MD_WHERE_SHARED,
    MD_WHERE_GLOBAL,
    MD_WHERE_DOMAIN,
    MD_WHERE_HOST
} md_field_where;

/* One id per row, in table order: MD_FIELD_members, ... */
#define MD_ROW_ID(field, ...) MD_FIELD_##field,
typedef enum md_field_id { MD_FIELDS(MD_ROW_ID) MD_FIELD_COUNT } md_field_id;
#undef MD_ROW_ID
_Static_assert(MD_FIELD_COUNT <= 64, "the set bits are one word");

#define MD_ROW_MEMBER(field, kind, ...) MD_TYPE_##kind field;
typedef struct md_policy {
    apr_uint64_t set; /* bit i: the row with id i was set explicitly */
    MD_FIELDS(MD_ROW_MEMBER)
} md_policy;
#undef MD_ROW_MEMBER

/** Description of a row, for generic code. */
typedef struct md_field {
    const char *name; /* of the member */
    md_field_kind kind;
    const char *directive;
    const char *json_key;  /* or NULL */
    const char *otherwise; /* default as text, or NULL */
    md_field_where where;
    const char *rule; /* or NULL */
    const char *help;
    apr_size_t offset;
} md_field;
extern const md_field md_field_rows[MD_FIELD_COUNT];

/* A member by its row; the kind says which type it has. */
#define MD_MEMBER(type, policy, field) (*(type *)(void *)((char *)(policy) + (field)->offset))
#define MD_MEMBER_OF(type, policy, field) \
    (*(const type *)(const void *)((const char *)(policy) + (field)->offset))

#define md_is_set(policy, id) (((policy)->set >> (id)) & 1u)
#define MD_SET_BIT(id)        (APR_UINT64_C(1) << (id))

/** Reads the words of a directive into a member and marks it set; a setting of one value takes the first
 * word. Values may point into `words` and `p`. NULL if fine, else a clause that goes after the directive's
 * name: "must be one of 'on' and 'off', not 'perhaps'". */
const char *md_field_read(const md_field *field, const md_names *words, md_policy *policy, apr_pool_t *p);
/** The same for one text, split at blanks where the value is made of several words. */
const char *md_field_read_text(const md_field *field, const char *text, md_policy *policy, apr_pool_t *p);
int md_field_is_list(const md_field *field);
/** Name of a value of a KEYWORD, WORD or MEMBERS row, or NULL if there is no such value. */
const char *md_field_word(const md_field *field, int value, apr_pool_t *p);
/** Why this is not an http: or https: URL with a host and a sane port, as a clause; NULL if it is. */
const char *md_setting_url_reason(const char *url, apr_pool_t *p);
/** Finds a row by directive name (aliases included, any case), or NULL. */
const md_field *md_field_find(const char *directive);

/** The binding for a CA: its own, else the one that holds everywhere, else NULL. */
const md_binding *md_policy_binding(const md_policy *policy, const char *ca_url);
/** `over` where set, else `base`; values are shared, not copied. */
void md_policy_merge(md_policy *into, const md_policy *base, const md_policy *over);
/** Fills every member that is not set with its row's default; the set bits stay. Done once for a server:
 * policies that are merged over the result are complete, too. */
void md_policy_defaults(md_policy *policy, apr_pool_t *p);
/** Members with a JSON key into md.json's form, in any order / back. Unreadable values are treated as not
 * set. */
void md_policy_to_json(const md_policy *policy, json_t *doc, apr_pool_t *p);
/** Takes the HMACs of bindings and the login of a proxy out of a document, for people. */
void md_policy_hide_secrets(json_t *doc, apr_pool_t *p);
void md_policy_from_json(md_policy *policy, const json_t *doc, apr_pool_t *p);

#endif

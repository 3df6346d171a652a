/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reader for each ODD row.
 */
#include "plan/odd.h"

#include <apr_strings.h>
#include <apr_user.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tls/jws.h"

#define LOCK_WAIT apr_time_from_sec(5)

static const char *read_urls(const md_names *words, md_odd *value, apr_pool_t *p)
{
    if (!words->nelts)
        return "needs the URL of a certificate authority's directory";
    for (int i = 0; i < words->nelts; ++i) {
        const char *why = md_setting_url_reason(MD_NAME(words, i), p);

        if (why)
            return why;
    }
    *value = (md_odd){ .list = md_names_copy(words, p) };
    return NULL;
}

/** Each use of the directive adds a file. */
static const char *read_files(const md_names *words, int was_set, md_odd *value, apr_pool_t *p)
{
    if (words->nelts != 1 || !*MD_NAME(words, 0))
        return "needs one file";
    if (!was_set)
        *value = (md_odd){ .list = apr_array_make(p, 1, sizeof(const char *)) };
    md_names_add(value->list, apr_pstrdup(p, MD_NAME(words, 0)));
    return NULL;
}

/** Adds a binding, or replaces the one for the same CA. */
static void add_binding(apr_array_header_t *to, const md_binding *binding)
{
    for (int i = 0; i < to->nelts; ++i)
        if (md_text_equal(APR_ARRAY_IDX(to, i, md_binding).ca_url, binding->ca_url)) {
            APR_ARRAY_IDX(to, i, md_binding) = *binding;
            return;
        }
    APR_ARRAY_PUSH(to, md_binding) = *binding;
}

/** Each use of the directive may be about another CA. */
static const char *read_binding(const md_names *words, int was_set, md_odd *value, apr_pool_t *p)
{
    const int has_ca = words->nelts == 3;
    md_binding binding = { .ca_url = NULL };

    if (words->nelts == 1 && !strcasecmp(MD_NAME(words, 0), "None")) {
        *value = (md_odd){ .bindings = NULL };
        return NULL;
    }
    if (words->nelts != 2 + has_ca || !*MD_NAME(words, has_ca) || !*MD_NAME(words, has_ca + 1))
        return "needs a key id and an HMAC, a JSON file with both, or 'None'; a certificate authority may "
               "stand "
               "in front";
    if (!was_set || !value->bindings)
        value->bindings = apr_array_make(p, 1, sizeof(md_binding));
    binding.ca_url = has_ca ? apr_pstrdup(p, MD_NAME(words, 0)) : NULL;
    binding.kid = apr_pstrdup(p, MD_NAME(words, has_ca));
    binding.hmac = apr_pstrdup(p, MD_NAME(words, has_ca + 1));
    add_binding(value->bindings, &binding);
    return NULL;
}

static const char *read_monitor(const md_names *words, md_odd *value, apr_pool_t *p)
{
    if (words->nelts != 2)
        return "needs a name and a URL";
    *value =
        (md_odd){ .first = apr_pstrdup(p, MD_NAME(words, 0)), .second = apr_pstrdup(p, MD_NAME(words, 1)) };
    return NULL;
}

/** Which of the two ports a map like "http:8080" or "80:8080" is about; NULL if none. */
static int *port_meant(const char *map, md_odd *value)
{
    if (!strncmp(map, "http:", 5) || !strncmp(map, "80:", 3))
        return &value->http_port;
    if (!strncmp(map, "https:", 6) || !strncmp(map, "443:", 4))
        return &value->https_port;
    return NULL;
}

static const char *read_port(const char *map, md_odd *value, apr_pool_t *p)
{
    const char *colon = strchr(map, ':'), *number;
    int *port = port_meant(map, value);
    size_t digits;

    if (!colon)
        return apr_psprintf(
            p, "'%s' has no ':' between outside and local port, expected something like http:8080", map);
    if (!port)
        return apr_psprintf(p, "'%s' does not begin with http:, https:, 80: or 443:", map);
    number = colon + 1;
    if (!strcmp(number, "-")) {
        *port = 0;
        return NULL;
    }
    digits = strspn(number, "0123456789");
    if (!digits || digits > 5 || number[digits] || atoi(number) < 1 || atoi(number) > 65535)
        return apr_psprintf(p, "the local port of '%s' must be a number from 1 to 65535, or '-' for none",
                            map);
    *port = atoi(number);
    return NULL;
}

static const char *read_ports(const md_names *words, int was_set, md_odd *value, apr_pool_t *p)
{
    md_odd ports = was_set ? *value : (md_odd){ .http_port = 80, .https_port = 443 };

    if (words->nelts < 1 || words->nelts > 2)
        return "needs one or two maps like http:8080 https:8443";
    for (int i = 0; i < words->nelts; ++i) {
        const char *why = read_port(MD_NAME(words, i), &ports, p);

        if (why)
            return why;
    }
    *value = ports;
    return NULL;
}

static const char *read_locks(const md_names *words, md_odd *value, apr_pool_t *p)
{
    apr_interval_time_t wait;

    if (words->nelts != 1)
        return "needs 'on', 'off' or how long to wait";
    if (!strcasecmp(MD_NAME(words, 0), "on"))
        wait = LOCK_WAIT;
    else if (!strcasecmp(MD_NAME(words, 0), "off"))
        wait = 0;
    else if (md_duration_read(MD_NAME(words, 0), "s", &wait) || wait < 0)
        return apr_psprintf(p, "must be 'on', 'off' or how long to wait, like 10s, not '%s'",
                            MD_NAME(words, 0));
    *value = (md_odd){ .wait = wait };
    return NULL;
}

/** "owner", "owner:group" or ":group", names or numbers. */
static const char *read_owner(const char *text, md_export_to *to, apr_pool_t *p)
{
    const char *colon = strchr(text, ':');
    const char *user = colon ? apr_pstrmemdup(p, text, (apr_size_t)(colon - text)) : text;
    const char *group = colon ? colon + 1 : "";
    apr_uid_t uid;
    apr_gid_t gid;

    if (colon && !*user && !*group)
        return "has ':' without an owner or a group";
    if (*user) {
        if (apr_uid_get(&uid, &gid, user, p))
            return apr_psprintf(p, "gives files to the user '%s', whom this system does not know", user);
        to->user = (long)uid;
    }
    if (*group) {
        if (apr_gid_get(&gid, group, p))
            return apr_psprintf(p, "gives files to the group '%s', which this system does not know", group);
        to->group = (long)gid;
    }
    return NULL;
}

static int is_octal(const char *text)
{
    return *text && !text[strspn(text, "01234567")] && strlen(text) <= 4;
}

/** Each use of the directive adds a folder. */
static const char *read_export(const md_names *words, int was_set, md_odd *value, apr_pool_t *p)
{
    md_export_to to = { .user = -1, .group = -1, .mode = 0 };
    int next = 1;

    if (words->nelts < 1 || words->nelts > 3 || !*MD_NAME(words, 0))
        return "needs a folder, and may have owner:group and a mode like 0640";
    to.dir = apr_pstrdup(p, MD_NAME(words, 0));
    if (next < words->nelts && !is_octal(MD_NAME(words, next))) {
        const char *why = read_owner(MD_NAME(words, next++), &to, p);

        if (why)
            return why;
    }
    to.mode = to.group >= 0 ? 0640 : 0600;
    if (next < words->nelts) {
        if (!is_octal(MD_NAME(words, next)))
            return apr_psprintf(p, "needs an octal mode like 0640, not '%s'", MD_NAME(words, next));
        to.mode = (int)strtol(MD_NAME(words, next), NULL, 8);
    }
    if ((to.mode & 07137) || !(to.mode & 0400))
        return apr_psprintf(
            p,
            "cannot give the private key the mode %04o: only its owner may write it, and only its "
            "group may read it beside",
            (unsigned int)to.mode);
    if (!was_set)
        *value = (md_odd){ .exports = apr_array_make(p, 1, sizeof(md_export_to)) };
    APR_ARRAY_PUSH(value->exports, md_export_to) = to;
    return NULL;
}

static const char *read_account_key(const md_names *words, md_odd *value, apr_pool_t *p)
{
    const char *thumbprint;
    md_err *err;

    *value = (md_odd){ .account_key = NULL };
    if (words->nelts != 1)
        return "needs one file, or 'none'";
    if (!strcasecmp(MD_NAME(words, 0), "none"))
        return NULL;
    err = md_key_from_pem(md_bytes_of(MD_NAME(words, 0)), (md_bytes){ NULL, 0 }, p, &value->account_key);
    if (!err)
        err = md_jwk_thumbprint(value->account_key, p, &thumbprint);
    return err ? apr_pstrcat(p, "its key cannot be used for an account: ", md_err_text(err, p), NULL) : NULL;
}

enum { UPDATE_SERVER, UPDATE_KEY, UPDATE_ALGORITHM, UPDATE_SECRET, UPDATE_ZONE, UPDATE_WORDS };

static const char *read_update(const md_names *words, md_odd *value, apr_pool_t *p)
{
    md_dns_account *to;

    *value = (md_odd){ .dns = NULL };
    if (words->nelts == 1 && !strcasecmp(MD_NAME(words, 0), "none"))
        return NULL;
    if (words->nelts != UPDATE_ZONE && words->nelts != UPDATE_WORDS)
        return "needs a server, the name of a key, its algorithm, the file with its secret, and may have a "
               "zone; or 'none'";
    to = apr_pcalloc(p, sizeof(*to));
    to->server = apr_pstrdup(p, MD_NAME(words, UPDATE_SERVER));
    to->key = apr_pstrdup(p, MD_NAME(words, UPDATE_KEY));
    to->algorithm = apr_pstrdup(p, MD_NAME(words, UPDATE_ALGORITHM));
    to->secret = apr_pstrdup(p, MD_NAME(words, UPDATE_SECRET));
    if (words->nelts == UPDATE_WORDS)
        to->zone = md_lower(MD_NAME(words, UPDATE_ZONE), p);
    value->dns = to;
    return NULL;
}

const char *md_odd_read(md_field_id id, const md_names *words, int was_set, md_odd *value, apr_pool_t *p)
{
    switch (id) {
    case MD_FIELD_ca_urls: return read_urls(words, value, p);
    case MD_FIELD_cert_files:
    case MD_FIELD_key_files: return read_files(words, was_set, value, p);
    case MD_FIELD_eab: return read_binding(words, was_set, value, p);
    case MD_FIELD_check_name: return read_monitor(words, value, p);
    case MD_FIELD_port_map: return read_ports(words, was_set, value, p);
    case MD_FIELD_exports: return read_export(words, was_set, value, p);
    case MD_FIELD_account_key: return read_account_key(words, value, p);
    case MD_FIELD_dns_update: return read_update(words, value, p);
    case MD_FIELD_store_locks: return read_locks(words, value, p);
    default: return "cannot be read";
    }
}

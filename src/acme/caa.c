/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation of CAA records. Of several that name the CA, one that lets it is enough.
 */
#include "acme/caa.h"

#include <apr_strings.h>
#include <strings.h>

/** Properties that say nothing about certificates for servers, or that we evaluate. */
static int is_known(const char *tag)
{
    static const char *const tags[] = { "issue",        "issuewild", "iodef",   "contactemail",
                                        "contactphone", "issuemail", "issuevmc" };

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); ++i)
        if (!strcasecmp(tag, tags[i]))
            return 1;
    return 0;
}

/** The part of a value before its parameters, trimmed. */
static const char *issuer_of(const char *value, apr_pool_t *p)
{
    char *issuer = apr_pstrmemdup(p, value, strcspn(value, ";"));

    apr_collapse_spaces(issuer, issuer);
    return issuer;
}

/** A parameter's value, or NULL. */
static const char *parameter(const char *value, const char *name, apr_pool_t *p)
{
    const size_t length = strlen(name);

    for (const char *at = strchr(value, ';'); at; at = strchr(at, ';')) {
        at += 1 + strspn(at + 1, " \t");
        if (!strncasecmp(at, name, length) && at[length] == '=')
            return apr_pstrmemdup(p, at + length + 1, strcspn(at + length + 1, "; \t"));
    }
    return NULL;
}

static int is_one_of(const char *word, const char **words)
{
    for (; *words; ++words)
        if (!strcasecmp(word, *words))
            return 1;
    return 0;
}

static int shares_method(const char *list, const md_names *methods, apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, list), *state = NULL;

    for (char *word = apr_strtok(rest, ",", &state); word; word = apr_strtok(NULL, ",", &state))
        if (md_names_has(methods, word))
            return 1;
    return 0;
}

/** NULL: this record lets the CA issue. */
static const char *record_reason(const md_caa *record, const md_caa_asker *asker, apr_pool_t *p)
{
    const char *account = parameter(record->value, "accounturi", p);
    const char *methods = parameter(record->value, "validationmethods", p);

    if (!is_one_of(issuer_of(record->value, p), asker->identities))
        return apr_psprintf(p, "only %s may issue",
                            *issuer_of(record->value, p) ? issuer_of(record->value, p) : "nobody");
    if (account && asker->account && strcmp(account, asker->account) != 0)
        return apr_psprintf(p, "only the account %s may order there", account);
    if (methods && asker->methods && !shares_method(methods, asker->methods, p))
        return apr_psprintf(p, "only these challenge types may be used: %s", methods);
    return NULL;
}

/** The property that counts: "issuewild" for wildcards if there is one (RFC 8659 4.3), or NULL. */
static const char *property_for(const apr_array_header_t *records, int wildcard)
{
    const char *found = NULL;

    for (int i = 0; i < records->nelts; ++i) {
        const char *tag = APR_ARRAY_IDX(records, i, md_caa).tag;

        if (wildcard && !strcasecmp(tag, "issuewild"))
            return "issuewild";
        if (!strcasecmp(tag, "issue"))
            found = "issue";
    }
    return found;
}

const char *md_caa_reason(const apr_array_header_t *records, const char *name, const md_caa_asker *asker,
                          apr_pool_t *p)
{
    const char *property = property_for(records, md_is_wildcard(name)), *first = NULL;

    for (int i = 0; i < records->nelts; ++i) {
        const md_caa *record = &APR_ARRAY_IDX(records, i, md_caa);

        if (record->critical && !is_known(record->tag))
            return apr_psprintf(p, "there is a critical property '%s' that forbids what does not know it",
                                md_excerpt(md_bytes_of(record->tag), 40, p));
    }
    for (int i = 0; property && i < records->nelts; ++i) {
        const md_caa *record = &APR_ARRAY_IDX(records, i, md_caa);
        const char *why = strcasecmp(record->tag, property) ? "" : record_reason(record, asker, p);

        if (!why)
            return NULL;
        if (*why && !first)
            first = md_excerpt(md_bytes_of(why), 200, p);
    }
    return first;
}

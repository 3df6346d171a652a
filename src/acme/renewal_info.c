/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal information. The record is one JSON object: "ca-url" and, by certificate id, "certs".
 */
#include "acme/renewal_info.h"

#include <apr_strings.h>
#include <string.h>

#define FOLDER       "renewal-info"
#define NEXT_LEAST   apr_time_from_sec(60)
#define NEXT_MOST    apr_time_from_sec(24 * 3600)
#define NEXT_WITHOUT apr_time_from_sec(7 * 24 * 3600) /* a CA may learn it */
#define NEXT_USUAL   apr_time_from_sec(6 * 3600)
#define RETRY_LEAST  apr_time_from_sec(600)
enum { URL_MAX = 512, ID_MAX = 256 };

struct md_renewal_info {
    json_t *doc; /* owned by the pool of the load */
    apr_pool_t *p;
};

static md_place place_of(const char *domain)
{
    return MD_PLACE(MD_GROUP_CLAIMS, FOLDER, domain);
}

md_err *md_renewal_info_load(md_store *store, const char *domain, apr_pool_t *p, md_renewal_info **out)
{
    json_t *doc;
    md_err *err = md_store_load_json(store, place_of(domain), p, &doc);

    if (err && strcmp(err->type, "md:bad-file") != 0)
        return err;
    if (err)
        md_store_set_aside(store, place_of(domain), md_err_text(err, p), p);
    *out = apr_palloc(p, sizeof(**out));
    **out = (md_renewal_info){ !err && json_is_object(doc) ? doc : md_json_object(p), p };
    return NULL;
}

md_err *md_renewal_info_save(md_store *store, const char *domain, const md_renewal_info *info, apr_pool_t *p)
{
    const md_file file = { .value = md_bytes_of(md_json_text_of(info->doc, p)), .scratch = 1 };

    return md_store_save_scratch(store, place_of(domain), &file, p);
}

void md_renewal_info_begin(md_renewal_info *info, const char *ca_url)
{
    json_object_clear(info->doc);
    md_json_set_text(info->doc, "ca-url", ca_url);
}

const char *md_renewal_info_ca(const md_renewal_info *info)
{
    return md_json_text(info->doc, "ca-url");
}

const md_suggestion *md_renewal_info_of(const md_renewal_info *info, const char *id)
{
    const json_t *entry = json_object_get(json_object_get(info->doc, "certs"), id);
    md_suggestion *suggestion;

    if (!entry)
        return NULL;
    suggestion = apr_pcalloc(info->p, sizeof(*suggestion));
    suggestion->window = (md_period){ md_json_date(entry, "from"), md_json_date(entry, "until") };
    suggestion->why = md_json_text(entry, "explanation-url");
    suggestion->next = md_json_date(entry, "next");
    suggestion->errors = (int)md_json_int(entry, "errors", 0);
    return suggestion;
}

void md_renewal_info_set(md_renewal_info *info, const char *id, const md_suggestion *suggestion)
{
    json_t *certs = json_object_get(info->doc, "certs"), *entry = json_object();

    if (!json_is_object(certs)) {
        certs = json_object();
        json_object_set_new(info->doc, "certs", certs);
    }
    md_json_set_date(entry, "from", suggestion->window.from);
    md_json_set_date(entry, "until", suggestion->window.until);
    md_json_set_text(entry, "explanation-url", suggestion->why);
    md_json_set_date(entry, "next", suggestion->next);
    md_json_set_int(entry, "errors", suggestion->errors);
    json_object_set_new(certs, id, entry);
}

void md_renewal_info_apply(const md_renewal_info *info, apr_array_header_t *facts)
{
    for (int i = 0; i < facts->nelts; ++i) {
        md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);
        const md_suggestion *known =
            fact->cert && fact->cert->ari_id ? md_renewal_info_of(info, fact->cert->ari_id) : NULL;

        if (!known)
            continue;
        fact->ari = known->window;
        fact->ari_why = known->why;
    }
}

/** Only what can be shown to people and clicked at. */
static const char *usable_page(const char *url, apr_pool_t *p)
{
    if (!url || strlen(url) > URL_MAX || md_url_reason(url))
        return NULL;
    for (const char *c = url; *c; ++c)
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '<' || *c == '>')
            return NULL;
    return apr_pstrdup(p, url);
}

static md_err *read_window(const json_t *doc, apr_pool_t *p, md_period *window)
{
    const char *from = md_json_text(doc, "suggestedWindow.start"),
               *until = md_json_text(doc, "suggestedWindow.end");

    *window = (md_period){ from ? md_date_read(from) : 0, until ? md_date_read(until) : 0 };
    if (!window->from || !window->until)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer",
                       "the CA's renewal information has no suggestedWindow with start and end");
    if (window->until < window->from)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer",
                       "the CA suggests to renew in a window that ends before it begins (%s to %s)",
                       md_excerpt(md_bytes_of(from), 40, p), md_excerpt(md_bytes_of(until), 40, p));
    return NULL;
}

static apr_time_t next_after(apr_time_t retry_after, apr_time_t now)
{
    if (!retry_after)
        return now + NEXT_USUAL;
    if (retry_after < now + NEXT_LEAST)
        return now + NEXT_LEAST;
    return retry_after > now + NEXT_MOST ? now + NEXT_MOST : retry_after;
}

md_err *md_renewal_info_ask(const md_call *call, const char *id, apr_pool_t *p, md_suggestion *out)
{
    const md_directory *directory = md_ca_directory(call->ca, md_now(call->clock));
    const apr_time_t now = md_now(call->clock);
    md_answer answer;
    const char *url;

    *out = (md_suggestion){ .next = now + NEXT_WITHOUT };
    if (!directory || !directory->renewal_info || strlen(id) > ID_MAX)
        return NULL;
    url = apr_pstrcat(p, directory->renewal_info, "/", id, NULL);
    MD_TRY(md_call_json(call, url, "asking when to renew", p, &answer));
    MD_TRY(read_window(answer.doc, p, &out->window));
    out->why = usable_page(md_json_text(answer.doc, "explanationURL"), p);
    out->next = next_after(answer.retry_after, now);
    return NULL;
}

apr_time_t md_renewal_info_retry(int errors, const md_clock *clock)
{
    return md_now(clock) + md_backoff(RETRY_LEAST, errors, NEXT_MOST, clock);
}

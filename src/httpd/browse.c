/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends pages: where their links lead, and what guards them.
 */
#include "httpd/browse.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <string.h>

#include "status/page.h"
#include "tls/jws.h"

/* So long a page is as good as a new one, if nothing has happened. */
#define LASTS apr_time_from_sec(600)

int md_browse_is_wanted(request_rec *r)
{
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    return md_page_is_wanted(apr_table_get(r->headers_in, "Accept"));
}

/** Path of the handler, without the last segment when that names a domain. One slash in front: two would make
 * links lead to another server. */
static const char *base_of(request_rec *r, int is_named)
{
    const char *uri = r->uri + strspn(r->uri, "/");
    apr_size_t length = strlen(uri);

    while (is_named && length && uri[length - 1] != '/')
        --length;
    while (length && uri[length - 1] == '/')
        --length;
    return length
               ? ap_escape_uri(r->pool, apr_pstrcat(r->pool, "/", apr_pstrndup(r->pool, uri, length), NULL))
               : "";
}

/** A name in the path that no domain has. A segment without a dot is part of the handler's own path. */
static const char *unknown_in(const request_rec *r)
{
    const char *last = r->path_info ? strrchr(r->path_info, '/') : NULL;

    return last && strchr(last, '.') ? last + 1 : NULL;
}

static md_page_ask ask_of(request_rec *r, int is_named)
{
    return (md_page_ask){
        .base = base_of(r, is_named), .query = r->args, .host = ap_get_server_name(r), .now = apr_time_now()
    };
}

/** Is what the client has still so? Pages tell how much time has passed; the script of the page counts on by
 * itself, so that they need not be made anew each second. */
static int begin(request_rec *r, const md_page_ask *ask, const char *tag)
{
    const char *all = apr_psprintf(r->pool, "%s %s %s %s %s %" APR_INT64_T_FMT, tag, ask->base, ask->query,
                                   ask->host, md_page_policy(r->pool), ask->now / LASTS);

    ap_set_content_type(r, "text/html; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "ETag",
                   apr_pstrcat(r->pool, "\"", md_sha256_b64url(md_bytes_of(all), r->pool), "\"", NULL));
    apr_table_setn(r->headers_out, "Content-Security-Policy", md_page_policy(r->pool));
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    return ap_meets_conditions(r);
}

static int send_page(request_rec *r, md_bytes page)
{
    ap_set_content_length(r, (apr_off_t)page.size);
    ap_rwrite(page.data, (int)page.size, r);
    return OK;
}

int md_browse_all(request_rec *r, md_bytes document, const char *tag)
{
    const char *unknown = unknown_in(r);
    const md_page_ask ask = ask_of(r, unknown != NULL);
    const int status = begin(r, &ask, tag);
    json_t *doc;

    if (status != OK)
        return status;
    if (unknown)
        r->status = HTTP_NOT_FOUND;
    doc = md_own_json(r->pool,
                      json_loadb(document.data, document.size, 0, NULL)); /* our own words, of any size */
    return send_page(r, md_page_list(doc, &ask, unknown, r->pool));
}

int md_browse_one(request_rec *r, const json_t *entry)
{
    const md_page_ask ask = ask_of(r, 1);
    const int status = begin(r, &ask, md_json_line(entry, r->pool));

    return status == OK ? send_page(r, md_page_domain(entry, &ask, r->pool)) : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not about one domain: certificate authorities and accounts, staples, the engine.
 */
#include "status/page_parts.h"

#include <apr_hash.h>

#define STAPLES_SHOWN 20

static void put_account(md_html *html, const json_t *account)
{
    const json_t *contacts = json_object_get(account, "contact");
    const char *status = md_json_text(account, "status"), *kid = md_json_text(account, "eab-kid");

    md_html_put(html, "<li>%s", md_json_text(account, "id"));
    md_html_put(html, "<span class=\"quiet\">%s%s", status ? " · " : "", status);
    for (size_t i = 0; i < json_array_size(contacts); ++i)
        md_html_put(html, " · %s", json_string_value(json_array_get(contacts, i)));
    md_html_put(html, "%s%s</span></li>", kid ? " · bound to " : "", kid);
}

/** How many domains fail at each CA: name to int. */
static apr_hash_t *failures_of(const apr_array_header_t *views, apr_pool_t *p)
{
    apr_hash_t *failures = apr_hash_make(p);

    for (int i = 0; i < views->nelts; ++i) {
        const md_view *view = &APR_ARRAY_IDX(views, i, md_view);
        int *count;

        if (!view->ca || !view->errors)
            continue;
        count = apr_hash_get(failures, view->ca, APR_HASH_KEY_STRING);
        if (!count) {
            count = apr_pcalloc(p, sizeof(*count));
            apr_hash_set(failures, view->ca, APR_HASH_KEY_STRING, count);
        }
        ++*count;
    }
    return failures;
}

static void put_authority(md_html *html, const json_t *authority, apr_hash_t *failures)
{
    const json_t *accounts = json_object_get(authority, "accounts");
    const char *name = md_json_text(authority, "name");
    const int *failing = name ? apr_hash_get(failures, name, APR_HASH_KEY_STRING) : NULL;

    md_html_put(html, "<tr><th scope=\"row\">%s<span class=\"quiet url\">%s</span></th>", name ? name : "?",
                md_json_text(authority, "url"));
    md_html_put(
        html,
        "<td data-label=\"Domains\">%d</td><td data-label=\"Failing\">%d</td><td data-label=\"Accounts\">",
        (int)md_json_int(authority, "domains", 0), failing ? *failing : 0);
    md_html_put(html, json_array_size(accounts) ? "<ul>" : "<span class=\"quiet\">none yet</span>");
    for (size_t i = 0; i < json_array_size(accounts); ++i)
        put_account(html, json_array_get(accounts, i));
    md_html_put(html, json_array_size(accounts) ? "</ul></td></tr>" : "</td></tr>");
}

static void put_authorities(md_html *html, const json_t *doc, const apr_array_header_t *views)
{
    const json_t *list = json_object_get(doc, "authorities");
    apr_hash_t *failures = failures_of(views, md_html_pool(html));

    if (!json_array_size(list))
        return;
    md_html_put(
        html,
        "<section class=\"card\" id=\"authorities\" aria-labelledby=\"h-ca\"><h2 id=\"h-ca\">Certificate "
        "authorities</h2><table class=\"plain\"><thead><tr><th scope=\"col\">Authority</th>"
        "<th scope=\"col\">Domains</th><th scope=\"col\">Failing</th><th scope=\"col\">Accounts</th>"
        "</tr></thead><tbody>");
    for (size_t i = 0; i < json_array_size(list); ++i)
        put_authority(html, json_array_get(list, i), failures);
    md_html_put(html, "</tbody></table></section>\n");
}

/** Staples, counted, and those that a person should look at. */
typedef struct staples {
    int total, good;
    apr_array_header_t *bad; /* of staple, the first ones */
} staples;

typedef struct staple {
    const char *domain, *key; /* NULL: of a certificate that belongs to no domain */
    const json_t *ocsp;
} staple;

static void count_staple(const staple *each, staples *sum)
{
    if (!json_is_object(each->ocsp))
        return;
    ++sum->total;
    if (md_text_equal(md_json_text(each->ocsp, "status"), "good"))
        ++sum->good;
    else if (sum->bad->nelts < STAPLES_SHOWN)
        APR_ARRAY_PUSH(sum->bad, staple) = *each;
}

static void count_staples(const md_view *view, staples *sum)
{
    json_t *certs = json_object_get(view->entry, "cert"), *cert;
    const char *key;

    json_object_foreach(certs, key, cert)
    {
        count_staple(&(staple){ view->name, key, json_object_get(cert, "ocsp") }, sum);
    }
}

static void put_staple(md_html *html, const staple *each, const md_page_ask *ask)
{
    const apr_time_t until = md_json_date(each->ocsp, "valid.until"),
                     refresh = md_json_date(each->ocsp, "refresh-at");
    const char *status = md_json_text(each->ocsp, "status");

    if (each->domain)
        md_html_put(html,
                    "<tr><th scope=\"row\"><a href=\"%s/%s\">%s</a> <span class=\"quiet\">%s</span></th>",
                    ask->base, md_url_encode(each->domain, md_html_pool(html)), each->domain, each->key);
    else
        md_html_put(html, "<tr><th scope=\"row\">of no managed domain <span class=\"quiet\">%s</span></th>",
                    md_json_text(each->ocsp, "id"));
    md_html_put(html, "<td data-label=\"Says\">%s</td><td data-label=\"Valid until\">",
                status ? status : "none yet");
    if (until)
        md_part_when(html, until, ask->now);
    md_html_put(html, "</td><td data-label=\"Asked again\">");
    if (refresh)
        md_part_when(html, refresh, ask->now);
    md_html_put(html, "</td></tr>");
}

static void put_staples(md_html *html, const json_t *doc, const apr_array_header_t *views,
                        const md_page_ask *ask)
{
    const json_t *others = json_object_get(doc, "other-staples");
    apr_pool_t *p = md_html_pool(html);
    staples sum = { .bad = apr_array_make(p, STAPLES_SHOWN, sizeof(staple)) };

    for (int i = 0; i < views->nelts; ++i)
        count_staples(&APR_ARRAY_IDX(views, i, md_view), &sum);
    for (size_t i = 0; i < json_array_size(others); ++i)
        count_staple(&(staple){ .ocsp = json_array_get(others, i) }, &sum);
    if (!sum.total)
        return;
    md_html_put(html,
                "<section class=\"card\" id=\"staples\" aria-labelledby=\"h-staples\"><h2 "
                "id=\"h-staples\">OCSP staples"
                "</h2><p class=\"line\">%s of %s.</p>",
                md_count_words(sum.good, "good", "good", p), md_count_text(sum.total, p));
    if (sum.bad->nelts)
        md_html_put(
            html,
            "<table class=\"plain\"><caption class=\"unseen\">Staples that are not good</caption><thead><tr>"
            "<th scope=\"col\">Certificate</th><th scope=\"col\">Says</th><th scope=\"col\">Valid until"
            "</th><th scope=\"col\">Asked again</th></tr></thead><tbody>");
    for (int i = 0; i < sum.bad->nelts; ++i)
        put_staple(html, &APR_ARRAY_IDX(sum.bad, i, staple), ask);
    md_html_put(html, sum.bad->nelts ? "</tbody></table></section>\n" : "</section>\n");
}

static void put_engine(md_html *html, const json_t *doc, apr_time_t now)
{
    const json_t *engine = json_object_get(doc, "engine");
    const apr_time_t next = md_json_date(engine, "next-run");

    if (!engine)
        return;
    md_html_put(html,
                "<p class=\"quiet engine\" id=\"engine\">Orders in progress: %d, waiting for their turn: %d.",
                (int)md_json_int(engine, "in-progress", 0), (int)md_json_int(engine, "queued", 0));
    if (next) {
        md_html_put(html, " Next look at a domain: ");
        md_part_when(html, next, now);
        md_html_put(html, ".");
    }
    md_html_put(html, "</p>\n");
}

void md_part_system(md_html *html, const json_t *doc, const apr_array_header_t *views, const md_page_ask *ask)
{
    put_authorities(html, doc, views);
    put_staples(html, doc, views, ask);
    put_engine(html, doc, ask->now);
}

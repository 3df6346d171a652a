/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Head and foot of the pages, and what both show: times, bars, labels.
 */
#include "status/page_parts.h"

#include <apr_strings.h>
#include <string.h>

#include "tls/jws.h"

#define ACME_PREFIX "urn:ietf:params:acme:error:"

/* The pictures, each drawn on 16 x 16. */
static const char sprite[] =
    "<svg class=\"sprite\" aria-hidden=\"true\" focusable=\"false\">"
    "<symbol id=\"i-ok\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6.25\"/>"
    "<path d=\"M5.2 8.2l2 2 3.6-4\"/></symbol>"
    "<symbol id=\"i-attention\" viewBox=\"0 0 16 16\"><path d=\"M8 1.9L14.6 13.6H1.4z\"/>"
    "<path d=\"M8 6.2v3.4M8 11.6v.1\"/></symbol>"
    "<symbol id=\"i-expiring\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6.25\"/>"
    "<path d=\"M8 4.6V8l2.3 1.6\"/></symbol>"
    "<symbol id=\"i-renewing\" viewBox=\"0 0 16 16\"><path d=\"M13.6 6.6A6 6 0 0 0 2.9 5M2.4 9.4A6 6 0 0 0 "
    "13.1 11\"/>"
    "<path d=\"M2.6 2v3.2h3.2M13.4 14v-3.2h-3.2\"/></symbol>"
    "<symbol id=\"i-idle\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6.25\"/><path d=\"M5.4 "
    "8h5.2\"/>"
    "</symbol></svg>";

/** A shield for the tab, in the colour of the worst that is shown. */
static const char *tab_icon(md_view_group group)
{
    static const char *const icons[] = { "b3261e", "b26a00", "2563c9", "1f7a4d", "1f7a4d" };

    return icons[group];
}

const char *md_home_url(const md_page_ask *ask)
{
    return *ask->base ? ask->base : "/";
}

void md_part_head(md_html *html, const md_page_ask *ask, const char *title, md_view_group group)
{
    md_html_put(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<title>%s</title><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        "<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">"
        "<link rel=\"icon\" href=\"data:image/svg+xml,%%3Csvg xmlns='http://www.w3.org/2000/svg' "
        "viewBox='0 0 16 16'%%3E%%3Cpath fill='%%23%s' d='M8 .8l6 2v5c0 3.6-2.6 6-6 7.4C4.6 13.8 2 11.4 2 "
        "7.8v-5z'/%%3E%%3C/svg%%3E\">",
        title, tab_icon(group));
    md_html_put(html, "<style>");
    md_html_own(html, md_page_style);
    md_html_put(html, "</style></head>\n<body><a class=\"skip\" href=\"#main\">Skip to content</a>");
    md_html_own(html, md_bytes_of(sprite));
    md_html_put(html,
                "<header class=\"top\"><div><a class=\"brand\" href=\"%s\">"
                "<svg class=\"logo\" viewBox=\"0 0 16 16\" aria-hidden=\"true\" focusable=\"false\">"
                "<path d=\"M8 .8l6 2v5c0 3.6-2.6 6-6 7.4C4.6 13.8 2 11.4 2 7.8v-5z\"/></svg>"
                "Managed domains</a><span class=\"host\">%s</span>"
                "<span class=\"pulse\" id=\"pulse\" hidden>Live</span></div></header>\n<main id=\"main\">",
                md_home_url(ask), ask->host);
}

md_bytes md_part_foot(md_html *html, const md_page_ask *ask)
{
    char at[APR_RFC822_DATE_LEN];

    apr_rfc822_date(at, ask->now);
    md_html_put(html, "</main>\n<footer>mod_md " MD_VERSION
                      " · <a href=\"https://httpd.apache.org/docs/2.4/mod/mod_md.html\" "
                      "rel=\"noreferrer\">Documentation</a> · <a href=\"\">Reload</a> · ");
    md_html_put(html, "<span id=\"as-of\">As of <time>%s</time></span></footer>\n<script>", at);
    md_html_own(html, md_page_script);
    md_html_put(html, "</script></body></html>\n");
    return md_html_bytes(html);
}

void md_part_icon(md_html *html, md_view_group group)
{
    md_html_put(html,
                "<svg class=\"icon\" aria-hidden=\"true\" focusable=\"false\"><use href=\"#i-%s\"/></svg>",
                md_view_group_word(group));
}

void md_part_chip(md_html *html, md_view_group group, const char *label)
{
    md_html_put(html, "<span class=\"chip %s\">", md_view_group_word(group));
    md_part_icon(html, group);
    md_html_put(html, "%s</span>", label);
}

const char *md_time_words(apr_interval_time_t t, apr_pool_t *p)
{
    static const struct {
        apr_int64_t seconds;
        const char *word;
    } units[] = { { 86400, "days" }, { 3600, "hours" }, { 60, "minutes" } };
    const apr_int64_t seconds = apr_time_sec(t < 0 ? -t : t);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); ++i)
        if (seconds >= 2 * units[i].seconds)
            return apr_psprintf(p, "%" APR_INT64_T_FMT " %s", seconds / units[i].seconds, units[i].word);
    return apr_psprintf(p, "%" APR_INT64_T_FMT " second%s", seconds, seconds == 1 ? "" : "s");
}

const char *md_count_text(int count, apr_pool_t *p)
{
    return count < 1000 ? apr_itoa(p, count) : apr_psprintf(p, "%d,%03d", count / 1000, count % 1000);
}

const char *md_count_words(int count, const char *one, const char *many, apr_pool_t *p)
{
    return apr_pstrcat(p, md_count_text(count, p), " ", count == 1 ? one : many, NULL);
}

const char *md_problem_word(const char *type)
{
    const size_t length = sizeof(ACME_PREFIX) - 1;

    return type && !strncmp(type, ACME_PREFIX, length) ? type + length : type;
}

static const char *date_as(const char *format, apr_time_t at, apr_pool_t *p)
{
    char text[40];
    apr_time_exp_t parts;
    apr_size_t length;

    apr_time_exp_gmt(&parts, at);
    apr_strftime(text, &length, sizeof(text), format, &parts);
    return apr_pstrdup(p, text);
}

void md_part_when(md_html *html, apr_time_t at, apr_time_t now)
{
    apr_pool_t *p = md_html_pool(html);
    const char *words = md_time_words(at - now, p);

    if (at <= now)
        words = now - at < apr_time_from_sec(5) ? "now" : apr_pstrcat(p, words, " ago", NULL);
    md_html_put(html, "<time class=\"when\" datetime=\"%s\" title=\"%s\">%s%s</time>",
                date_as("%Y-%m-%dT%H:%M:%SZ", at, p), md_date_text(at, p), at > now ? "in " : "", words);
}

void md_part_date(md_html *html, apr_time_t at, int exact)
{
    apr_pool_t *p = md_html_pool(html);

    if (!at)
        return;
    md_html_put(html, "<time datetime=\"%s\" title=\"%s\">%s</time>", date_as("%Y-%m-%dT%H:%M:%SZ", at, p),
                md_date_text(at, p), date_as(exact ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d", at, p));
}

/** Where a time is in a period, in percent. */
static int share_of(md_period valid, apr_time_t at)
{
    if (at <= valid.from)
        return 0;
    return at >= valid.until ? 100
                             : (int)((double)(at - valid.from) * 100.0 / (double)(valid.until - valid.from));
}

void md_part_bar(md_html *html, md_period valid, apr_time_t renew_at, apr_time_t now, md_view_group group)
{
    const int passed = share_of(valid, now), point = renew_at ? share_of(valid, renew_at) : 100;

    md_html_put(
        html,
        "<svg class=\"bar %s\" width=\"100%%\" height=\"10\" aria-hidden=\"true\" focusable=\"false\">"
        "<rect class=\"track\" y=\"3\" width=\"100%%\" height=\"4\" rx=\"2\"/>"
        "<rect class=\"window\" x=\"%d%%\" y=\"3\" width=\"%d%%\" height=\"4\" rx=\"2\"/>"
        "<rect class=\"passed\" y=\"3\" width=\"%d%%\" height=\"4\" rx=\"2\"/>",
        md_view_group_word(group), point, 100 - point, passed);
    if (renew_at && point < 100)
        md_html_put(html, "<rect class=\"point\" x=\"%d%%\" width=\"2\" height=\"10\" rx=\"1\"/>", point);
    md_html_put(html, "</svg>");
}

void md_part_valid(md_html *html, const md_view *view, apr_time_t now)
{
    apr_pool_t *p = md_html_pool(html);

    if (!view->valid.until) {
        md_html_put(html, "<span class=\"quiet\">No certificate yet</span>");
        return;
    }
    md_part_bar(html, view->valid, view->renew_at, now, view->group);
    md_html_put(html, "<span class=\"left\"><span>%s%s</span><span class=\"quiet\">",
                view->valid.until > now ? "" : "ended ", md_time_words(view->valid.until - now, p));
    md_html_put(html, view->valid.until > now ? " left, until " : " ago, on ");
    md_part_date(html, view->valid.until, 0);
    md_html_put(html, "</span></span>");
}

void md_part_progress(md_html *html, const md_view *view)
{
    const int count = md_view_stages();

    if (view->stage < 0)
        return;
    md_html_put(html,
                "<svg class=\"steps\" width=\"100%%\" height=\"6\" aria-hidden=\"true\" focusable=\"false\">"
                "<rect class=\"track\" width=\"100%%\" height=\"6\" rx=\"3\"/>"
                "<rect class=\"passed\" width=\"%d%%\" height=\"6\" rx=\"3\"/></svg>",
                100 * (view->stage + 1) / count);
}

/** A source of a policy: the hash of what stands between the tags. */
static const char *hash_of(md_bytes file, apr_pool_t *p)
{
    return apr_pstrcat(p, "'sha256-", md_sha256_b64url(file, p), "='", NULL);
}

const char *md_page_policy(apr_pool_t *p)
{
    return apr_pstrcat(p, "default-src 'none'; style-src ", hash_of(md_page_style, p), "; script-src ",
                       hash_of(md_page_script, p),
                       "; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
                       "frame-ancestors 'none'",
                       NULL);
}

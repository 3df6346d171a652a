/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of all domains: is all well, what is done, what went wrong, what to do; then the domains one by
 * one.
 */
#include "status/page_ask.h"
#include "status/page_parts.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define MANY_PROBLEMS 4 /* more than that are summed up above the table */
#define KINDS_SHOWN   8

/** What all views say together. */
typedef struct summary {
    int total, count[MD_VIEW_GROUPS];
    int renewed;              /* by the engine */
    const md_view *next;      /* which is renewed next, or NULL */
    const md_view *first_end; /* which of those that nobody renews ends first, or NULL */
} summary;

static summary sum_up(const apr_array_header_t *views)
{
    summary sum = { .total = views->nelts };

    for (int i = 0; i < views->nelts; ++i) {
        const md_view *view = &APR_ARRAY_IDX(views, i, md_view);

        ++sum.count[view->group];
        sum.renewed += view->renew_at != 0;
        if (view->group == MD_VIEW_OK && view->renew_at && (!sum.next || view->renew_at < sum.next->renew_at))
            sum.next = view;
        if (view->group == MD_VIEW_EXPIRING &&
            (!sum.first_end || view->valid.until < sum.first_end->valid.until))
            sum.first_end = view;
    }
    return sum;
}

static md_view_group worst_of(const summary *sum)
{
    for (int i = 0; i < MD_VIEW_OK; ++i)
        if (sum->count[i])
            return (md_view_group)i;
    return MD_VIEW_OK;
}

/* ---- Is all well?
 * -------------------------------------------------------------------------------------------- */

static void put_link(md_html *html, const md_page_ask *ask, const char *name)
{
    md_html_put(html, "<a href=\"%s/%s\">%s</a>", ask->base, md_url_encode(name, md_html_pool(html)), name);
}

static const char *verdict_of(const summary *sum, apr_pool_t *p)
{
    if (!sum->total)
        return "No domain is managed yet";
    switch (worst_of(sum)) {
    case MD_VIEW_ATTENTION:
        return apr_pstrcat(p,
                           md_count_words(sum->count[MD_VIEW_ATTENTION], "domain needs", "domains need", p),
                           " attention", NULL);
    case MD_VIEW_EXPIRING:
        return apr_pstrcat(
            p, md_count_words(sum->count[MD_VIEW_EXPIRING], "certificate ends", "certificates end", p),
            " soon", NULL);
    case MD_VIEW_RENEWING:
        return apr_pstrcat(p, md_count_words(sum->count[MD_VIEW_RENEWING], "domain is", "domains are", p),
                           " being worked on", NULL);
    default: return "All is well";
    }
}

static void put_outlook(md_html *html, const md_page_ask *ask, const summary *sum)
{
    apr_pool_t *p = md_html_pool(html);

    if (!sum->total)
        md_html_put(html, "Add <code>MDomain example.org</code> to the configuration and reload the server.");
    else if (sum->count[MD_VIEW_ATTENTION])
        md_html_put(html, "What to do is said beside %s.",
                    sum->count[MD_VIEW_ATTENTION] == 1 ? "it" : "each of them");
    else if (sum->count[MD_VIEW_RENEWING])
        md_html_put(html, "Nothing needs to be done. ");
    if (sum->count[MD_VIEW_OK] && !sum->count[MD_VIEW_ATTENTION])
        md_html_put(html, "%s a valid certificate.",
                    md_count_words(sum->count[MD_VIEW_OK], "domain has", "domains have", p));
    if (sum->first_end) {
        md_html_put(html, " First to end: ");
        put_link(html, ask, sum->first_end->name);
        md_html_put(html, " ");
        md_part_when(html, sum->first_end->valid.until, ask->now);
        md_html_put(html, ".");
    }
    if (sum->next) {
        md_html_put(html, " Next renewal: ");
        put_link(html, ask, sum->next->name);
        md_html_put(html, " ");
        md_part_when(html, sum->next->renew_at, ask->now);
        md_html_put(html, ".");
    }
}

static void put_verdict(md_html *html, const md_page_ask *ask, const summary *sum)
{
    const md_view_group worst = worst_of(sum);

    md_html_put(html, "<section class=\"verdict %s\" id=\"verdict\" aria-live=\"polite\">",
                md_view_group_word(worst));
    md_part_icon(html, worst);
    md_html_put(html, "<div><h1>%s</h1><p>", verdict_of(sum, md_html_pool(html)));
    put_outlook(html, ask, sum);
    md_html_put(html, "</p></div></section>\n");
}

static void put_tile(md_html *html, const md_list_ask *now, int group, int count, const char *label)
{
    const char *word = group == MD_VIEW_GROUPS ? "all" : md_view_group_word((md_view_group)group);
    md_list_ask to = *now;

    to.group = group;
    to.page = now->page ? 1 : 0;
    to.problem = "";
    md_html_put(html, "<li><a class=\"tile %s%s\" id=\"t-%s\" href=\"%s\"", word, count ? "" : " none", word,
                md_list_url(&to, md_html_pool(html)));
    md_html_put(html, now->group == group ? " aria-current=\"true\">" : ">");
    md_html_put(html, "<b>%s</b><span>", md_count_text(count, md_html_pool(html)));
    if (group != MD_VIEW_GROUPS)
        md_part_icon(html, (md_view_group)group);
    md_html_put(html, "%s</span></a></li>", label);
}

static void put_tiles(md_html *html, const md_list_ask *now, const summary *sum)
{
    static const char *const labels[] = { "Need attention", "Expiring", "Renewing", "OK", "Not in use" };

    md_html_put(html, "<nav aria-label=\"Filter by state\"><ul class=\"tiles\" id=\"tiles\">");
    for (int i = 0; i < MD_VIEW_GROUPS; ++i)
        if (i != MD_VIEW_IDLE || sum->count[i])
            put_tile(html, now, i, sum->count[i], labels[i]);
    put_tile(html, now, MD_VIEW_GROUPS, sum->total, "All domains");
    md_html_put(html, "</ul></nav>\n");
}

/* ---- What went wrong, when it is much
 * ------------------------------------------------------------------------ */

typedef struct kind {
    const md_view *example;
    int count;
} kind;

static int by_count(const void *a, const void *b)
{
    return ((const kind *)b)->count - ((const kind *)a)->count;
}

/** Kinds of problems, the most frequent first: array of kind. */
static apr_array_header_t *kinds_of(const apr_array_header_t *views, int *failing, apr_pool_t *p)
{
    apr_array_header_t *kinds = apr_array_make(p, 8, sizeof(kind));
    apr_hash_t *known = apr_hash_make(p); /* type to position + 1 */

    *failing = 0;
    for (int i = 0; i < views->nelts; ++i) {
        const md_view *view = &APR_ARRAY_IDX(views, i, md_view);
        apr_size_t at;

        if (!view->problem || !view->errors)
            continue;
        ++*failing;
        at = (apr_size_t)apr_hash_get(known, view->problem, APR_HASH_KEY_STRING);
        if (!at) {
            APR_ARRAY_PUSH(kinds, kind) = (kind){ .example = view };
            at = (apr_size_t)kinds->nelts;
            apr_hash_set(known, view->problem, APR_HASH_KEY_STRING, (void *)at); /* NOLINT */
        }
        ++APR_ARRAY_IDX(kinds, (int)at - 1, kind).count;
    }
    qsort(kinds->elts, (size_t)kinds->nelts, (size_t)kinds->elt_size, by_count);
    return kinds;
}

static void put_advice(md_html *html, const md_view *view)
{
    if (view->advice)
        md_html_put(html, "<p class=\"advice\"><b>What to do</b> %s.</p>", view->advice);
    if (view->who)
        md_html_put(html, "<p class=\"who\"><b>Who must act</b> %s.</p>", view->who);
}

static void put_problems(md_html *html, const md_list_ask *now, const apr_array_header_t *views)
{
    apr_pool_t *p = md_html_pool(html);
    int failing;
    apr_array_header_t *kinds = kinds_of(views, &failing, p);

    if (failing < MANY_PROBLEMS)
        return;
    md_html_put(html, "<section class=\"card problems\" id=\"problems\" aria-labelledby=\"h-problems\">"
                      "<h2 id=\"h-problems\">What went wrong</h2><ul>");
    for (int i = 0; i < kinds->nelts && i < KINDS_SHOWN; ++i) {
        const kind *each = &APR_ARRAY_IDX(kinds, i, kind);
        md_list_ask to = { .base = now->base,
                           .search = "",
                           .problem = each->example->problem,
                           .group = MD_VIEW_GROUPS,
                           .page = 1 };

        md_html_put(html, "<li><a class=\"much\" href=\"%s\">%s</a><div><h3>%s</h3><p>%s</p>",
                    md_list_url(&to, p), md_count_words(each->count, "domain", "domains", p),
                    md_problem_word(to.problem), each->example->detail);
        put_advice(html, each->example);
        md_html_put(html, "</div></li>");
    }
    md_html_put(html, "</ul></section>\n");
}

/* ---- The domains
 * --------------------------------------------------------------------------------------------- */

static void put_activity(md_html *html, const md_view *view, apr_time_t now)
{
    apr_pool_t *p = md_html_pool(html);

    if (view->stage >= 0) {
        md_part_progress(html, view);
        md_html_put(html, "<p>Step %d of %d: %s</p>", view->stage + 1, md_view_stages(), view->doing);
    } else if (view->doing) {
        md_html_put(html, "<p>%s</p>", view->doing);
    }
    if (view->errors) {
        md_html_put(html, "<p class=\"retry\">Failed %s%s", md_count_words(view->errors, "time", "times", p),
                    view->next_run > now ? ", next try " : ", next try is due");
        if (view->next_run > now)
            md_part_when(html, view->next_run, now);
        md_html_put(html, "</p>");
    } else if (view->group == MD_VIEW_OK && view->renew_at) {
        md_html_put(html, "<p class=\"quiet\">%s", view->renew_at > now ? "Renews " : "Renewal is due ");
        md_part_when(html, view->renew_at, now);
        md_html_put(html, "</p>");
    } else if (view->group == MD_VIEW_OK || view->group == MD_VIEW_IDLE) {
        md_html_put(html, "<p class=\"quiet\">Not renewed by itself</p>");
    }
    if (view->detail)
        md_html_put(html, "<p class=\"what\">%s</p>", view->detail);
    if (view->advice)
        md_html_put(html, "<p class=\"advice\"><b>What to do</b> %s.</p>", view->advice);
}

static void put_row(md_html *html, const md_page_ask *ask, const md_view *view, int show_ca)
{
    const char *ca = show_ca ? view->ca : NULL;

    md_html_put(html, "<tr role=\"row\" id=\"d-%s\" class=\"%s\"><th role=\"rowheader\" scope=\"row\">",
                view->name, md_view_group_word(view->group));
    put_link(html, ask, view->name);
    if (*view->others || ca)
        md_html_put(html, "<span class=\"quiet names\">%s", view->others);
    if (view->more)
        md_html_put(html, " and %d more", view->more);
    if (*view->others || ca)
        md_html_put(html, "%s%s</span>", *view->others && ca ? " · " : "", ca);
    md_html_put(html, "</th><td role=\"cell\">");
    md_part_chip(html, view->group, view->label);
    md_html_put(html, "</td><td role=\"cell\">");
    md_part_valid(html, view, ask->now);
    md_html_put(html, "</td><td role=\"cell\" class=\"activity\">");
    put_activity(html, view, ask->now);
    md_html_put(html, "</td></tr>\n");
}

static void put_column(md_html *html, const md_list_ask *now, md_order order, const char *label)
{
    const int is_current = now->order == order;
    md_list_ask to = *now;

    to.order = order;
    to.descending = is_current && !now->descending;
    to.page = now->page ? 1 : 0;
    md_html_put(html, "<th role=\"columnheader\" scope=\"col\"");
    if (is_current)
        md_html_put(html, " aria-sort=\"%s\"", now->descending ? "descending" : "ascending");
    md_html_put(html, "><a id=\"s-%s\" href=\"%s\">%s</a></th>", md_order_word(order),
                md_list_url(&to, md_html_pool(html)), label);
}

static void put_options(md_html *html, int chosen)
{
    static const char *const labels[] = { "Need attention", "Expiring",  "Renewing", "OK",
                                          "Not in use",     "All states" };

    for (int i = MD_VIEW_GROUPS; i >= 0; --i) {
        md_html_put(html, "<option value=\"%s\"",
                    i == MD_VIEW_GROUPS ? "" : md_view_group_word((md_view_group)i));
        md_html_put(html, i == chosen ? " selected>" : ">");
        md_html_put(html, "%s</option>", labels[i]);
    }
}

static void put_hidden(md_html *html, const char *name, const char *value)
{
    md_html_put(html, "<input type=\"hidden\" name=\"%s\" value=\"%s\">", name, value);
}

static void put_form(md_html *html, const md_list_ask *now)
{
    md_html_put(html,
                "<form class=\"find\" id=\"find\" role=\"search\" action=\"%s\" method=\"get\">"
                "<label for=\"q\">Search</label><input id=\"q\" name=\"q\" type=\"search\" value=\"%s\" "
                "placeholder=\"Name, CA or message\" autocomplete=\"off\" spellcheck=\"false\">"
                "<label for=\"state\">State</label><select id=\"state\" name=\"state\">",
                *now->base ? now->base : "/", now->search);
    put_options(html, now->group);
    md_html_put(html, "</select>");
    if (now->order != MD_ORDER_URGENCY || now->descending)
        put_hidden(
            html, "sort",
            apr_pstrcat(md_html_pool(html), now->descending ? "-" : "", md_order_word(now->order), NULL));
    if (*now->problem)
        put_hidden(html, "problem", now->problem);
    if (!now->page)
        put_hidden(html, "page", "all");
    md_html_put(html, "<button type=\"submit\">Show</button></form>");
}

/** Which rows are on the page: the first, and the one after the last. */
static void rows_of(const md_list_ask *now, int count, int *first, int *end)
{
    *first = now->page ? (now->page - 1) * MD_ROWS_A_PAGE : 0;
    *end = now->page && count - *first > MD_ROWS_A_PAGE ? *first + MD_ROWS_A_PAGE : count;
    if (*first > count)
        *first = *end = count;
}

static void put_pager(md_html *html, const md_list_ask *now, int count)
{
    apr_pool_t *p = md_html_pool(html);
    md_list_ask to = *now;

    if (count <= MD_ROWS_A_PAGE)
        return;
    md_html_put(html, "<nav class=\"pager\" id=\"pager\" aria-label=\"Pages\">");
    if (now->page > 1) {
        to.page = now->page - 1;
        md_html_put(html, "<a rel=\"prev\" href=\"%s\">Previous</a>", md_list_url(&to, p));
    }
    if (now->page && now->page * MD_ROWS_A_PAGE < count) {
        to.page = now->page + 1;
        md_html_put(html, "<a rel=\"next\" href=\"%s\">Next</a>", md_list_url(&to, p));
    }
    to.page = now->page ? 0 : 1;
    md_html_put(html, "<a href=\"%s\">%s</a></nav>", md_list_url(&to, p),
                now->page ? "Show all" : "Show pages");
}

static void put_found(md_html *html, const md_list_ask *now, int count, int total)
{
    apr_pool_t *p = md_html_pool(html);
    int first, end;

    rows_of(now, count, &first, &end);
    md_html_put(html, "<p class=\"found\" id=\"found\" role=\"status\">");
    if (*now->problem)
        md_html_put(html, "Problem %s: ", md_problem_word(now->problem));
    if (end - first < count)
        md_html_put(html, "%s to %s of ", md_count_text(first + 1, p), md_count_text(end, p));
    md_html_put(html, "%s", md_count_words(count, "domain", "domains", p));
    if (count < total)
        md_html_put(html, " of %s <a href=\"%s\">Show every domain</a>", md_count_text(total, p),
                    *now->base ? now->base : "/");
    md_html_put(html, "</p>");
}

static void put_table(md_html *html, const md_page_ask *ask, const md_list_ask *now,
                      const apr_array_header_t *views, int several_cas)
{
    const apr_array_header_t *chosen = md_list_choose(views, now, md_html_pool(html));
    int first, end;

    md_html_put(html, "<section class=\"card\" aria-labelledby=\"h-domains\"><div class=\"bar-top\">"
                      "<h2 id=\"h-domains\">Domains</h2>");
    put_form(html, now);
    put_found(html, now, chosen->nelts, views->nelts);
    md_html_put(
        html,
        "</div><table class=\"domains\" role=\"table\"><caption class=\"unseen\">Managed domains: state, "
        "validity and what is done</caption><thead role=\"rowgroup\"><tr role=\"row\">");
    put_column(html, now, MD_ORDER_NAME, "Domain");
    put_column(html, now, MD_ORDER_URGENCY, "State");
    put_column(html, now, MD_ORDER_END, "Validity");
    put_column(html, now, MD_ORDER_NEXT, "Activity");
    md_html_put(html, "</tr></thead><tbody role=\"rowgroup\" id=\"rows\">\n");
    rows_of(now, chosen->nelts, &first, &end);
    for (int i = first; i < end; ++i)
        put_row(html, ask, &APR_ARRAY_IDX(chosen, i, md_view), several_cas);
    md_html_put(html, "</tbody></table>");
    if (first >= end)
        md_html_put(html, "<p class=\"nothing\">No domain is like that.</p>");
    put_pager(html, now, chosen->nelts);
    md_html_put(html, "</section>\n");
}

md_bytes md_page_list(const json_t *doc, const md_page_ask *ask, const char *unknown, apr_pool_t *p)
{
    const apr_array_header_t *views = md_view_all(doc, p);
    const md_list_ask now = md_list_ask_read(ask, p);
    const summary sum = sum_up(views);
    md_html *html = md_html_make(p);

    md_part_head(html, ask, apr_pstrcat(p, verdict_of(&sum, p), " - ", ask->host, NULL), worst_of(&sum));
    if (unknown)
        md_html_put(
            html,
            "<p class=\"notice\" role=\"alert\">There is no managed domain with the name <b>%s</b>.</p>",
            unknown);
    if (sum.renewed && !md_json_flag(doc, "engine.running", 1))
        md_html_put(
            html,
            "<p class=\"notice\" role=\"status\"><b>Nothing is renewed now:</b> no process of the server "
            "does it. If this lasts for minutes, look into the error log.</p>");
    put_verdict(html, ask, &sum);
    put_tiles(html, &now, &sum);
    put_problems(html, &now, views);
    put_table(html, ask, &now, views, json_array_size(json_object_get(doc, "authorities")) > 1);
    md_part_system(html, doc, views, ask);
    return md_part_foot(html, ask);
}

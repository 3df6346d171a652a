/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of one domain: what goes wrong, the steps of its renewal, its certificates, settings and log.
 */
#include "status/page_parts.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/kind_renew.h"

#define SUBPROBLEMS_SHOWN 20

static void open_card(md_html *html, const char *id, const char *title)
{
    md_html_put(html, "<section class=\"card\" id=\"%s\" aria-labelledby=\"h-%s\"><h2 id=\"h-%s\">%s</h2>",
                id, id, id, title);
}

static void close_card(md_html *html)
{
    md_html_put(html, "</section>\n");
}

/** A line of a list of facts; without a value there is none. */
static void put_fact(md_html *html, const char *label, const char *value)
{
    if (value && *value)
        md_html_put(html, "<div><dt>%s</dt><dd>%s</dd></div>", label, value);
}

static void put_code_fact(md_html *html, const char *label, const char *value)
{
    if (value)
        md_html_put(html, "<div><dt>%s</dt><dd><code>%s</code></dd></div>", label, value);
}

static void put_time_fact(md_html *html, const char *label, apr_time_t at, apr_time_t now)
{
    if (!at)
        return;
    md_html_put(html, "<div><dt>%s</dt><dd>", label);
    md_part_date(html, at, 1);
    md_html_put(html, " <span class=\"quiet\">");
    md_part_when(html, at, now);
    md_html_put(html, "</span></dd></div>");
}

/** A list of texts, one below the other. */
static void put_list_fact(md_html *html, const char *label, const json_t *list)
{
    if (!json_array_size(list))
        return;
    md_html_put(html, "<div><dt>%s</dt><dd><ul>", label);
    for (size_t i = 0; i < json_array_size(list); ++i)
        md_html_put(html, "<li>%s</li>", json_string_value(json_array_get(list, i)));
    md_html_put(html, "</ul></dd></div>");
}

static void put_subproblems(md_html *html, const json_t *list)
{
    if (!json_array_size(list))
        return;
    md_html_put(html, "<ul class=\"sub\">");
    for (size_t i = 0; i < json_array_size(list) && i < SUBPROBLEMS_SHOWN; ++i) {
        const json_t *each = json_array_get(list, i);

        md_html_put(html, "<li><b>%s</b> %s</li>", md_json_text(each, "identifier.value"),
                    md_json_text(each, "detail"));
    }
    md_html_put(html, "</ul>");
}

static void put_problem(md_html *html, const md_view *view, apr_time_t now)
{
    apr_pool_t *p = md_html_pool(html);

    if (!view->detail)
        return;
    md_html_put(html,
                "<section class=\"card problem %s\" id=\"problem\" aria-labelledby=\"h-problem\">"
                "<h2 id=\"h-problem\">%s</h2><p class=\"what\">%s</p>",
                md_view_group_word(view->group), view->errors ? "What went wrong" : "What needs attention",
                view->detail);
    put_subproblems(html, md_json_at(view->entry, "renewal.last.subproblems"));
    md_html_put(html, "<dl class=\"facts\">");
    if (view->advice)
        put_fact(html, "What to do", apr_pstrcat(p, view->advice, ".", NULL));
    put_fact(html, "Who must act", view->who);
    if (view->errors) {
        put_fact(html, "Failed", md_count_words(view->errors, "time in a row", "times in a row", p));
        put_fact(html, "While", md_json_text(view->entry, "renewal.last.activity"));
        put_time_fact(html, "Next try", view->next_run, now);
    }
    put_fact(html, "Type", view->problem);
    md_html_put(html, "</dl>");
    close_card(html);
}

/** What is true of a step: behind us, at work, failed or to come. */
static const char *step_state(const md_view *view, int at, int i)
{
    if (i < at)
        return "done";
    if (i > at)
        return "todo";
    return view->stage < 0 ? "failed" : "now";
}

/** Where it is, or where it stood when it failed; -1: at rest. */
static int stage_of(const md_view *view)
{
    const char *name = md_json_text(view->entry, "renewal.stage");

    if (view->stage >= 0 || !view->errors)
        return view->stage;
    for (int i = 0; name && md_kind_renew.stages[i].name; ++i)
        if (!strcmp(md_kind_renew.stages[i].name, name))
            return i;
    return -1;
}

static void put_steps(md_html *html, const md_view *view)
{
    static const struct {
        const char *state, *said;
    } says[] = {
        { "done", "Done: " }, { "now", "Now: " }, { "failed", "Failed: " }, { "todo", "To come: " }
    };
    const int at = stage_of(view);

    if (at < 0)
        return;
    open_card(html, "steps", view->stage < 0 ? "Where it stopped" : "What is being done");
    md_part_progress(html, view);
    md_html_put(html, "<ol class=\"steps\">");
    for (int i = 0; md_kind_renew.stages[i].name; ++i) {
        const char *state = step_state(view, at, i);
        int said = 0;

        while (strcmp(says[said].state, state) != 0)
            ++said;
        md_html_put(html, "<li class=\"%s\"", state);
        md_html_put(html, i == at ? " aria-current=\"step\">" : ">");
        md_html_put(html, "<span class=\"unseen\">%s</span>%s</li>", says[said].said,
                    md_kind_renew.stages[i].doing);
    }
    md_html_put(html, "</ol>");
    close_card(html);
}

static md_period period_of(const json_t *doc, const char *path, apr_pool_t *p)
{
    return (md_period){ md_json_date(doc, apr_pstrcat(p, path, ".from", NULL)),
                        md_json_date(doc, apr_pstrcat(p, path, ".until", NULL)) };
}

static void put_staple(md_html *html, const json_t *ocsp, apr_time_t now)
{
    apr_pool_t *p = md_html_pool(html);

    if (!ocsp)
        return;
    put_fact(html, "OCSP staple", md_json_text(ocsp, "status"));
    put_time_fact(html, "Staple until", period_of(ocsp, "valid", p).until, now);
}

static void put_suggestion(md_html *html, const json_t *ari, apr_time_t now)
{
    put_time_fact(html, "CA suggests from", md_json_date(ari, "from"), now);
    put_time_fact(html, "CA suggests until", md_json_date(ari, "until"), now);
    put_fact(html, "CA says why at", md_json_text(ari, "explanation-url"));
}

static void put_cert(md_html *html, const md_view *view, const char *key, const json_t *cert, apr_time_t now)
{
    const md_period valid = period_of(cert, "valid", md_html_pool(html));

    if (apr_isdigit(*key))
        md_html_put(html, "<div class=\"cert\"><h3>File %s</h3>",
                    md_count_text(atoi(key) + 1, md_html_pool(html)));
    else
        md_html_put(html, "<div class=\"cert\"><h3>%s</h3>", key);
    if (valid.until)
        md_part_bar(html, valid, view->renew_at, now, view->group);
    md_html_put(html, "<dl class=\"facts\">");
    put_time_fact(html, "Valid from", valid.from, now);
    put_time_fact(html, "Valid until", valid.until, now);
    put_fact(html, "Issuer", md_json_text(cert, "issuer-name"));
    put_code_fact(html, "Serial", md_json_text(cert, "serial"));
    put_code_fact(html, "SHA-256", md_json_text(cert, "sha256-fingerprint"));
    put_suggestion(html, json_object_get(cert, "ari"), now);
    put_staple(html, json_object_get(cert, "ocsp"), now);
    md_html_put(html, "</dl></div>");
}

static void put_certs(md_html *html, const md_view *view, const char *path, apr_time_t now)
{
    const json_t *certs = md_json_at(view->entry, path);
    const char *key;
    json_t *cert;

    json_object_foreach((json_t *)certs, key, cert)
    { /* NOLINT */
        if (json_is_object(cert) && strcmp(key, "valid") != 0)
            put_cert(html, view, key, cert, now);
    }
}

/** Does a new set wait for going live? */
static int is_ready(const json_t *entry)
{
    const char *state = md_json_text(entry, "live.state");

    return state && (!strcmp(state, "delayed") || !strcmp(state, "restart"));
}

static void put_certificates(md_html *html, const md_view *view, apr_time_t now)
{
    if (view->valid.until) {
        open_card(html, "certificates", "Certificates");
        put_certs(html, view, "cert", now);
        close_card(html);
    }
    if (!is_ready(view->entry))
        return;
    open_card(html, "staged", "New certificates that are not served yet");
    put_certs(html, view, "renewal.cert", now);
    close_card(html);
}

/** What clients get, and how that is known. */
static void put_live(md_html *html, const md_view *view, apr_time_t now)
{
    static const struct {
        const char *state, *said;
    } rows[] = {
        { "loaded", "the certificate that the server loaded at its start" },
        { "live", "a newer certificate, that went live since the start" },
        { "delayed", "the certificate before; a newer one waits for MDActivationDelay" },
        { "restart", "the certificate before; a newer one waits for a restart" },
    };
    const json_t *live = json_object_get(view->entry, "live"), *proved = json_object_get(live, "proved");
    const char *state = md_json_text(live, "state");

    for (size_t i = 0; state && view->valid.until && i < sizeof(rows) / sizeof(rows[0]); ++i)
        if (!strcmp(rows[i].state, state))
            put_fact(html, "Clients get", rows[i].said);
    put_time_fact(html, "Went live", md_json_date(live, "since"), now);
    if (!proved)
        return;
    put_fact(html, "Checked",
             json_is_true(proved) ? "a handshake with ourselves got the new certificate"
                                  : "a handshake with ourselves did NOT get the new certificate");
    put_time_fact(html, "Checked at", md_json_date(live, "proved-at"), now);
}

static void put_authorities(md_html *html, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *each = json_array_get(list, i);

        put_fact(html, i ? "Then" : "Authority", md_json_text(each, "name"));
        put_fact(html, "URL", md_json_text(each, "url"));
    }
}

static const char *cause_of(const json_t *entry)
{
    static const struct {
        const char *cause, *said;
    } rows[] = {
        { "missing", "there is no certificate" },     { "damaged", "its files are damaged" },
        { "misfit", "it is not what is configured" }, { "revoked", "it was revoked" },
        { "suggested", "the CA suggests it" },        { "expiry", "MDRenewWindow begins" },
    };
    const char *cause = md_json_text(entry, "renew-cause");

    for (size_t i = 0; cause && i < sizeof(rows) / sizeof(rows[0]); ++i)
        if (!strcmp(rows[i].cause, cause))
            return rows[i].said;
    return NULL;
}

static void put_settings(md_html *html, const md_view *view, apr_time_t now)
{
    static const char *const modes[] = { "manual", "auto", "always" };
    const json_t *entry = view->entry;
    const json_int_t mode = md_json_int(entry, "renew-mode", -1);

    open_card(html, "settings", "About this domain");
    md_html_put(html, "<dl class=\"facts narrow\">");
    put_list_fact(html, "Names", json_object_get(entry, "domains"));
    put_time_fact(html, "Renewal", view->renew_at, now);
    put_fact(html, "Why then", cause_of(entry));
    put_fact(html, "State", md_json_text(entry, "state-descr"));
    put_live(html, view, now);
    put_authorities(html, json_object_get(entry, "authorities"));
    put_fact(html, "Account", md_json_text(entry, "ca.account"));
    put_list_fact(html, "Contacts", json_object_get(entry, "contacts"));
    put_list_fact(html, "Challenges", md_json_at(entry, "ca.challenges"));
    put_fact(html, "Profile", md_json_text(entry, "profile"));
    put_fact(html, "Renewal mode", mode >= 0 && mode <= 2 ? modes[mode] : NULL);
    put_fact(html, "Renewal window", md_json_text(entry, "renew-window"));
    put_list_fact(html, "Certificate files", json_object_get(entry, "cert-files"));
    put_fact(html, "OCSP stapling", md_json_flag(entry, "stapling", 0) ? "on" : "off");
    md_html_put(html, "</dl>");
    close_card(html);
}

static int is_error(const char *type)
{
    const size_t length = type ? strlen(type) : 0;

    return length > 6 && !strcmp(type + length - 6, "-error");
}

static void put_log(md_html *html, const md_view *view)
{
    const json_t *renewal = json_object_get(view->entry, "renewal");
    const json_t *entries = md_json_at(renewal ? renewal : view->entry, "log.entries");

    if (!json_array_size(entries))
        return;
    md_html_put(
        html,
        "<section class=\"card\" id=\"log\" aria-labelledby=\"h-log\"><h2 id=\"h-log\">Log</h2>"
        "<table class=\"plain log\"><caption class=\"unseen\">What happened, newest first</caption><thead>"
        "<tr><th scope=\"col\">Time (UTC)</th><th scope=\"col\">Event</th><th scope=\"col\">Detail</th>"
        "</tr></thead><tbody>");
    for (size_t i = 0; i < json_array_size(entries); ++i) {
        const json_t *each = json_array_get(entries, i);
        const char *type = md_json_text(each, "type"), *status = md_json_text(each, "status");

        md_html_put(html, is_error(type) ? "<tr class=\"bad\"><td>" : "<tr><td>");
        md_part_date(html, md_json_date(each, "when"), 1);
        md_html_put(html, "</td><td>%s</td><td>%s", type, md_json_text(each, "detail"));
        if (status)
            md_html_put(html, " <span class=\"quiet\">%s</span>", md_problem_word(status));
        md_html_put(html, "</td></tr>");
    }
    md_html_put(html, "</tbody></table>");
    close_card(html);
}

static void put_heading(md_html *html, const md_page_ask *ask, const md_view *view)
{
    md_html_put(html,
                "<nav class=\"crumbs\" aria-label=\"Where you are\"><a href=\"%s\">All domains</a></nav>"
                "<section class=\"verdict %s\" id=\"verdict\" aria-live=\"polite\">",
                md_home_url(ask), md_view_group_word(view->group));
    md_part_icon(html, view->group);
    md_html_put(html, "<div><h1>%s</h1><p class=\"state\">", view->name);
    md_part_chip(html, view->group, view->label);
    md_html_put(html, "<span>");
    if (view->stage >= 0)
        md_html_put(html, "Step %d of %d: %s. ", view->stage + 1, md_view_stages(), view->doing);
    else if (view->doing)
        md_html_put(html, "%s. ", view->doing);
    if (view->valid.until) {
        md_html_put(html, view->valid.until > ask->now ? "The certificate ends " : "The certificate ended ");
        md_part_when(html, view->valid.until, ask->now);
    } else {
        md_html_put(html, "There is no certificate yet");
    }
    md_html_put(html, ".</span></p></div></section>\n");
}

md_bytes md_page_domain(const json_t *entry, const md_page_ask *ask, apr_pool_t *p)
{
    const md_view view = md_view_of(entry, p);
    md_html *html = md_html_make(p);

    md_part_head(html, ask, apr_pstrcat(p, view.name, ": ", view.label, " - ", ask->host, NULL), view.group);
    put_heading(html, ask, &view);
    md_html_put(html, "<div class=\"columns\"><div>");
    put_problem(html, &view, ask->now);
    put_steps(html, &view);
    put_certificates(html, &view, ask->now);
    put_log(html, &view);
    md_html_put(html, "</div><div>");
    put_settings(html, &view, ask->now);
    md_html_put(html, "</div></div>\n");
    return md_part_foot(html, ask);
}

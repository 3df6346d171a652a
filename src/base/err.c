/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures as values: made, wrapped, told in one line, written to JSON; and the table of advice.
 */
#include "base/err.h"

#include <apr_errno.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>

#include "base/json.h"

md_err *md_fail(apr_pool_t *p, md_fault fault, const char *type, const char *fmt, ...)
{
    md_err *err = apr_pcalloc(p, sizeof(*err));
    va_list args;

    va_start(args, fmt);
    err->detail = apr_pvsprintf(p, fmt, args);
    va_end(args);
    err->fault = fault;
    err->type = type;
    err->status = APR_EGENERAL;
    return err;
}

md_err *md_fail_status(apr_pool_t *p, apr_status_t status, const char *fmt, ...)
{
    md_err *err = apr_pcalloc(p, sizeof(*err));
    char reason[256];
    va_list args;

    va_start(args, fmt);
    err->detail =
        apr_pstrcat(p, apr_pvsprintf(p, fmt, args), ": ", apr_strerror(status, reason, sizeof(reason)), NULL);
    va_end(args);
    err->fault = MD_FAULT_LOCAL;
    err->type = "md:system";
    err->status = status != APR_SUCCESS ? status : APR_EGENERAL;
    return err;
}

md_err *md_wrap(apr_pool_t *p, const md_err *cause, const char *fmt, ...)
{
    md_err *err = apr_pmemdup(p, cause, sizeof(*err));
    va_list args;

    va_start(args, fmt);
    err->detail = apr_pvsprintf(p, fmt, args);
    va_end(args);
    err->cause = cause;
    return err;
}

const char *md_err_text(const md_err *err, apr_pool_t *p)
{
    const char *text = err->detail;

    for (const md_err *cause = err->cause; cause; cause = cause->cause)
        text = apr_pstrcat(p, text, ": ", cause->detail, NULL);
    return text;
}

const char *md_fault_name(md_fault fault)
{
    static const char *const names[] = { "config", "remote", "validation", "limit", "local" };

    return names[fault];
}

#define ACME "urn:ietf:params:acme:error:"

static const struct {
    const char *type; /* exact */
    const char *advice;
} advice_by_type[] = {
    { ACME "rateLimited", "The CA asks to wait; nothing needs to be done unless this repeats for days" },
    { ACME "userActionRequired", "Read the CA's terms of service and set 'MDCertificateAgreement accepted'" },
    { ACME "externalAccountRequired", "Get a key id and HMAC from the CA and set MDExternalAccountBinding" },
    { ACME "invalidContact", "Set MDContactEmail to an address that the CA accepts" },
    { ACME "unsupportedContact", "Set MDContactEmail to an address that the CA accepts" },
    { ACME "rejectedIdentifier",
      "The CA does not issue for this name; remove it from the domain or choose another CA" },
    { ACME "unsupportedIdentifier",
      "The CA does not issue for this kind of name; remove it or choose another CA" },
    { ACME "connection", "Check that the name leads to this server and that port 80 is open to the world" },
    { ACME "dns", "Check the DNS records of the name, as seen from outside" },
    { ACME "caa", "Allow the CA in the CAA records of the name" },
    { ACME "unauthorized", "Check that requests for the name reach this server and not another one" },
    { ACME "incorrectResponse", "Check that requests for the name reach this server and not another one" },
    { ACME "badCSR", "The CA refuses the kind of key or the names; check MDPrivateKeys" },
    { ACME "badPublicKey", "The CA refuses the kind of key; check MDPrivateKeys" },
    { ACME "malformed", "The CA did not understand; check MDCertificateAuthority and MDPrivateKeys, and "
                        "report this if it persists" },
    { ACME "tls", "Check that https on port 443 of the name works, as seen from outside" },
    { ACME "invalidProfile", "Set MDProfile to one of the profiles that the CA offers" },
    { ACME "accountDoesNotExist", "The next attempt makes a new account by itself" },
    { ACME "badNonce",
      "It is tried again by itself; look for a proxy that keeps the CA's answers if this lasts" },
    { ACME "serverInternal", "The CA has a problem; it is tried again by itself" },
    { "apache:eab-hmac-invalid",
      "Set MDExternalAccountBinding to key id and HMAC exactly as the CA shows them" },
    { "apache:eab-hmac-fail",
      "Set MDExternalAccountBinding to key id and HMAC exactly as the CA shows them" },
    { "challenge-mismatch",
      "Make a challenge type usable that the CA offers: port 80 reachable, or MDDnsUpdate" },
    { "challenge-setup-failure",
      "Check that the server's user can write the folder 'challenges' of the store; for dns-01, what the "
      "command wrote to the log" },
    { "md:unreachable",
      "Check that this machine can connect to the CA (firewall, MDHttpProxy); it is tried again by itself" },
    { "md:timeout", "Check the connection of this machine to the CA; it is tried again by itself" },
    { "md:tls", "Check the roots that the CA's server is verified with (MDCACertificateFile)" },
    { "md:too-large", "Check that MDCertificateAuthority is the directory URL of an ACME CA" },
    { "md:bad-answer", "Check that MDCertificateAuthority is the directory URL of an ACME CA" },
    { "md:ocsp-unreachable",
      "Check that this machine can connect to the OCSP responder (firewall, MDHttpProxy); "
      "the last response is used as long as it is valid" },
    { "md:ocsp-busy", "The responder has a problem; it is asked again by itself" },
    { "md:ocsp-refused", "Look at the CA's status page if this lasts; it is asked again by itself" },
    { "md:ocsp-unknown",
      "New certificates may need some minutes until the responder knows them; if this lasts, "
      "ask the CA, or replace the certificate" },
    { "md:ocsp-untrusted", "Check that the certificate file has the right issuer, and what is between this "
                           "machine and the responder; if both are fine, report this to the CA" },
    { "md:ocsp-outdated", "Check the clock of this machine; it is asked again by itself" },
    { "md:ocsp-malformed", "Check what is between this machine and the responder (MDHttpProxy); it is asked "
                           "again by itself" },
    { "md:ocsp-other",
      "Check what is between this machine and the responder (MDHttpProxy); it is asked again "
      "by itself" },
    { "md:ocsp-replayed", "Look for a proxy that keeps the responder's answers if this lasts" },
    { "md:ocsp-no-issuer", "Add the certificate of the issuer to the certificate file" },
    { "md:no-first-staple",
      "See what the responder's problem is; the certificate in use stays until there is a "
      "response for the new one, or set 'MDMustStaple off'" },
    { "md:bad-certificate",
      "The CA sent a certificate that cannot be used; report this to the CA if it persists" },
    { "md:bad-file", "The file was set aside; restore it from a backup or let it be made anew" },
    { "md:not-live",
      "Restart the server; if that does not help, look for another server or proxy in front of this one" },
    { "md:not-served",
      "Restart the server; if that does not help, look for another server or proxy in front of this one" },
    { "md:probe", "Check that this machine can connect to its own server at that address and port" },
    { "md:bad-store",
      "Restore md_store.json from a backup, or move the store away to begin with an empty one" },
    { "md:command", "Check the command, its permissions and what it wrote to the log" },
    { "urn:org:apache:httpd:log:AH10108:",
      "See what MDNotifyCmd wrote to the log; it is called again until its exit code is 0" },
    { "urn:org:apache:httpd:log:AH10109:", "See what MDMessageCmd wrote to the log; it is called again" },
    { "md:busy", "Nothing needs to be done: other commands are at work, it is asked again soon" },
    { "md:dns", "Check the name servers of this machine and of the domain" },
    { "md:paused",
      "Open the page of the CA that the message names, after what made the attempts fail is mended" },
    { "md:budget",
      "Mend what made it fail; 'a2md renew' tries at once, and 'MDCABudget off' keeps no budget" },
    { "md:preflight", "Let requests for the name reach this server; if only this machine cannot see that, "
                      "set 'MDPreflight off'" },
    { "md:dns-update",
      "Allow the key of MDDnsUpdate to change the name in the configuration of the name server" },
    { "md:dns-persist", "Create the TXT record that the message names; it is looked for again by itself" },
    { "md:no-must-staple",
      "Set 'MDMustStaple off', or choose a CA that grants it; the certificate in use stays until then" },
    { "md:no-key-change", "Nothing can be done about it: the CA does not offer this" },
    { "md:no-revocation", "Nothing can be done about it: the CA does not offer this" },
    { "md:key", "Check MDPrivateKeys and what the configuration of OpenSSL allows (openssl.cnf)" },
    { "md:csr", "Check MDPrivateKeys and what the configuration of OpenSSL allows (openssl.cnf)" },
    { "md:selfsign", "Check MDPrivateKeys and what the configuration of OpenSSL allows (openssl.cnf)" },
    { "md:cancelled",
      "Nothing needs to be done: the server was stopped, and goes on with this when it is back" },
    { "md:bad-url", "Check the URL of MDCertificateAuthority and of MDHttpProxy" },
    { "md:no-secret",
      "Restore md_store.json from a backup, or move the store away to begin with an empty one" },
    { "md:no-key", "Nothing needs to be done: a new key is made with the next attempt" },
    { "md:accounts-full", "Remove accounts that nobody uses from the folder 'accounts' of the store" },
    { "md:read-only", "Nothing needs to be done: nothing is saved while the configuration is only checked" },
    { "md:bad-name", "Change the name; it becomes the name of a folder in the store" },
    { "md:bug", "Report this, with the lines of the log before it" },
    { "md:overlap", "Give every name to one managed domain only" },
};

static const char *const advice_by_fault[] = {
    "Change the configuration as the message says and reload the server",
    "It is tried again by itself; look at the CA's status page if this lasts",
    "Check that the name leads to this server, as seen from outside",
    "The CA asks to wait; nothing needs to be done",
    "Check disk space and permissions of the store",
};

const char *md_err_advice(const md_err *err)
{
    for (size_t i = 0; err->type && i < sizeof(advice_by_type) / sizeof(advice_by_type[0]); ++i) {
        if (strcmp(advice_by_type[i].type, err->type) == 0)
            return advice_by_type[i].advice;
    }
    return advice_by_fault[err->fault];
}

void md_err_to_json(const md_err *err, json_t *last, apr_pool_t *p)
{
    char reason[256];

    md_json_set_int(last, "status", err->status);
    md_json_set_text(last, "status-description", apr_strerror(err->status, reason, sizeof(reason)));
    md_json_set_text(last, "problem", err->type);
    md_json_set_text(last, "detail", md_err_text(err, p));
    md_json_set(last, "subproblems", err->subproblems ? json_deep_copy(err->subproblems) : NULL);
    md_json_set_text(last, "fault", md_fault_name(err->fault));
    md_json_set_text(last, "advice", md_err_advice(err));
}

static md_err *copy_one(const md_err *err, apr_pool_t *p)
{
    md_err *copy = apr_pmemdup(p, err, sizeof(*copy));

    copy->type = apr_pstrdup(p, err->type);
    copy->detail = apr_pstrdup(p, err->detail);
    copy->subproblems = err->subproblems ? md_own_json(p, json_deep_copy(err->subproblems)) : NULL;
    return copy;
}

md_err *md_err_copy(const md_err *err, apr_pool_t *p)
{
    md_err *outermost = err ? copy_one(err, p) : NULL;

    for (md_err *each = outermost; each && each->cause;) {
        md_err *cause = copy_one(each->cause, p);

        each->cause = cause;
        each = cause;
    }
    return outermost;
}

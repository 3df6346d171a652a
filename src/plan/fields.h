/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings. One row is one setting: its member in md_policy, how its text is read, its directive, its key in
 * md.json (NULL: not stored), its default (NULL: none), where it may stand, a rule for the kind, and a line of help.
 * Expanded in policy.h (members, ids), policy.c (descriptions) and httpd/directives.c (commands). Nothing else repeats a row.
 *
 * Kinds: FLAG on|off · TEXT one word · PATH file below ServerRoot · URL · WORDS list · COMMAND rest of line · DURATION (rule: default
 * unit, then ">0" or ">=0") · SLICE share or duration (rule "any%": 100% and more allowed) · KEYWORD (rule: word=value|...) ·
 * COUNT (rule: min..max) · KEYS specs of MDPrivateKeys · ODD read by a function of its own in httpd/directives.c.
 * Places: ANYWHERE server or inside an <MDomain>; GLOBAL not inside; DOMAIN only inside.
 */
#ifndef MD_PLAN_FIELDS_H
#define MD_PLAN_FIELDS_H

/* clang-format off */
#define MD_FIELDS(ROW) \
 ROW(members,        KEYWORD,  "MDMembers",              "transitive",     "auto",   ANYWHERE, "auto=1|manual=0", \
     "Whether names of matching virtual hosts are added to the domain.") \
 ROW(ca_proto,       TEXT,     "MDCertificateProtocol",  "ca.proto",       "ACME",   ANYWHERE, NULL, \
     "Protocol spoken with the certificate authority; only ACME exists.") \
 ROW(ca_urls,        ODD,      "MDCertificateAuthority", "ca.urls",        NULL,     ANYWHERE, NULL, \
     "Directory URL or known name of the certificate authority; several are tried in this order.") \
 ROW(agreement,      TEXT,     "MDCertificateAgreement", "ca.agreement",   NULL,     ANYWHERE, NULL, \
     "'accepted': you agree to the terms of service of the certificate authority.") \
 ROW(challenges,     WORDS,    "MDCAChallenges",         "ca.challenges",  NULL,     ANYWHERE, NULL, \
     "Challenge types to use, in order of preference; unset: chosen automatically.") \
 ROW(contact,        TEXT,     "MDContactEmail",         NULL,             NULL,     ANYWHERE, NULL, \
     "Address that the certificate authority may write to.") \
 ROW(keys,           KEYS,     "MDPrivateKeys",          "privkey",        "Default", ANYWHERE, NULL, \
     "Types of private keys; one certificate is obtained for each.") \
 ROW(renew_mode,     KEYWORD,  "MDRenewMode",            "renew-mode",     "auto",   ANYWHERE, "manual=0|stick=0|auto=1|automatic=1|always=2", \
     "When certificates are renewed by themselves.") \
 ROW(renew_window,   SLICE,    "MDRenewWindow",          "renew-window",   "33%",    ANYWHERE, NULL, \
     "Renew when this much of the lifetime is left.") \
 ROW(warn_window,    SLICE,    "MDWarnWindow",           "warn-window",    "10%",    ANYWHERE, NULL, \
     "Warn about expiry when this much of the lifetime is left.") \
 ROW(require_https,  KEYWORD,  "MDRequireHttps",         "require-https",  "off",    ANYWHERE, "off=0|temporary=1|permanent=2", \
     "Redirect http: requests of managed domains to https:.") \
 ROW(must_staple,    FLAG,     "MDMustStaple",           "must-staple",    "off",    ANYWHERE, NULL, \
     "Ask for the must-staple extension in new certificates.") \
 ROW(cert_files,     ODD,      "MDCertificateFile",      "cert-files",     NULL,     DOMAIN,   NULL, \
     "Certificate chain file of one's own; repeatable.") \
 ROW(key_files,      ODD,      "MDCertificateKeyFile",   "pkey-files",     NULL,     DOMAIN,   NULL, \
     "Private key file that belongs to MDCertificateFile; repeatable.") \
 ROW(stapling,       FLAG,     "MDStapling",             "stapling",       "off",    ANYWHERE, NULL, \
     "Staple OCSP responses to handshakes.") \
 ROW(staple_others,  FLAG,     "MDStapleOthers",         NULL,             "on",     ANYWHERE, NULL, \
     "With MDStapling: staple for certificates of other sources too.") \
 ROW(dns01_cmd,      COMMAND,  "MDChallengeDns01",       "cmd-dns-01",     NULL,     ANYWHERE, NULL, \
     "Command that sets up and tears down DNS records for dns-01.") \
 ROW(proxy_url,      URL,      "MDHttpProxy",            "proxy-url",      NULL,     ANYWHERE, NULL, \
     "HTTP proxy for requests to certificate authorities.") \
 ROW(ca_file,        PATH,     "MDCACertificateFile",    "ca-certs",       NULL,     ANYWHERE, "none", \
     "PEM file with the roots that the certificate authority's own server is checked against.") \
 ROW(proxy_ca_file,  PATH,     "MDHttpProxyCACertificateFile", "proxy-ca-certs", NULL, ANYWHERE, "none", \
     "PEM file with the roots that an https: proxy is checked against.") \
 ROW(eab,            ODD,      "MDExternalAccountBinding", NULL,           NULL,     ANYWHERE, NULL, \
     "Key id and HMAC that bind the ACME account to one at the certificate authority.") \
 ROW(profile,        TEXT,     "MDProfile",              "profile",        NULL,     ANYWHERE, NULL, \
     "Certificate profile to order.") \
 ROW(profile_mandatory, FLAG,  "MDProfileMandatory",     "profile-mandatory", "off", ANYWHERE, NULL, \
     "Refuse to order when the certificate authority does not offer the profile.") \
 ROW(ari,            FLAG,     "MDRenewViaARI",          "ari-renewals",   "on",     ANYWHERE, NULL, \
     "Ask the certificate authority when to renew (RFC 9773).") \
 ROW(live,           FLAG,     "MDLiveActivation",       "live-activation", "on",    ANYWHERE, NULL, \
     "Serve a new certificate at once, without a restart.") \
 ROW(activation_delay, DURATION, "MDActivationDelay",    NULL,             "0d",     GLOBAL,   "d", \
     "How long a new certificate waits before it goes live.") \
 ROW(base_server,    FLAG,     "MDBaseServer",           NULL,             "off",    GLOBAL,   NULL, \
     "Manage the base server as if it were a virtual host.") \
 ROW(check_name,     ODD,      "MDCertificateCheck",     NULL,             NULL,     GLOBAL,   NULL, \
     "Name and URL of a certificate monitor that server-status links to.") \
 ROW(certificate_status, FLAG, "MDCertificateStatus",    NULL,             "on",     GLOBAL,   NULL, \
     "Answer /.httpd/certificate-status on managed domains.") \
 ROW(dns01_version,  KEYWORD,  "MDChallengeDns01Version", NULL,            "1",      GLOBAL,   "1=1|2=2", \
     "Arguments of the teardown call of MDChallengeDns01.") \
 ROW(check_interval, DURATION, "MDCheckInterval",        NULL,             "12h",    GLOBAL,   "s>=1", \
     "How often each domain is looked at.") \
 ROW(initial_delay,  DURATION, "MDInitialDelay",         NULL,             "0s",     GLOBAL,   "s>=0", \
     "How long after start the first look happens.") \
 ROW(match_names,    KEYWORD,  "MDMatchNames",           NULL,             "all",    GLOBAL,   "all=0|servernames=1", \
     "Which names of virtual hosts are compared with managed domains.") \
 ROW(message_cmd,    COMMAND,  "MDMessageCmd",           NULL,             NULL,     GLOBAL,   NULL, \
     "Command that is told about events.") \
 ROW(notify_cmd,     COMMAND,  "MDNotifyCmd",            NULL,             NULL,     GLOBAL,   NULL, \
     "Command that is told about renewed certificates.") \
 ROW(port_map,       ODD,      "MDPortMap",              NULL,             NULL,     GLOBAL,   NULL, \
     "Local ports on which http: and https: requests from outside arrive.") \
 ROW(concurrency,    COUNT,    "MDRenewConcurrency",     NULL,             "16",     GLOBAL,   "1..256", \
     "Certificate orders in progress side by side.") \
 ROW(retry_delay,    DURATION, "MDRetryDelay",           NULL,             "30s",    GLOBAL,   "s>0", \
     "First delay after an error; it doubles with each further one.") \
 ROW(retry_failover, COUNT,    "MDRetryFailover",        NULL,             "13",     GLOBAL,   "1..1000000", \
     "Errors in a row after which the next certificate authority is tried.") \
 ROW(server_status,  FLAG,     "MDServerStatus",         NULL,             "on",     GLOBAL,   NULL, \
     "Show managed domains in server-status.") \
 ROW(staple_keep,    SLICE,    "MDStaplingKeepResponse", NULL,             "7d",     ANYWHERE, "any%", \
     "How long unused OCSP responses are kept.") \
 ROW(staple_window,  SLICE,    "MDStaplingRenewWindow",  NULL,             "33%",    ANYWHERE, NULL, \
     "Renew an OCSP response when this much of its life is left.") \
 ROW(store_dir,      PATH,     "MDStoreDir",             NULL,             "md",     GLOBAL,   NULL, \
     "Folder of keys, certificates and everything else; below ServerRoot unless absolute.") \
 ROW(store_locks,    ODD,      "MDStoreLocks",           NULL,             NULL,     GLOBAL,   NULL, \
     "Lock the store while a starting server changes it.")

/* Other spellings of rows above: the old name and the directive it stands for. */
#define MD_FIELD_ALIASES(ROW) \
 ROW("MDDriveMode",          "MDRenewMode") \
 ROW("MDCertificateMonitor", "MDCertificateCheck") \
 ROW("MDMember",             "MDMembers")
/* clang-format on */

#endif

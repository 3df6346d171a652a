/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings. One row is one setting: its member in md_policy, how its text is read, its
 * directive, its key in md.json (NULL: not stored), its default (NULL: none), where it may stand, a rule for
 * the kind, and a line of help. Expanded in policy.h (members, ids), policy.c (descriptions) and
 * httpd/directives.c (commands). Nothing else repeats a row.
 *
 * Kinds, and what their rule is:
 * - FLAG: on or off
 * - TEXT: one word; PATH: a file or folder, below ServerRoot unless absolute ("file|none": 'none' is no
 * file); URL: http: or https:; WORDS: a list; COMMAND: the rest of the line; KEYS: specs of MDPrivateKeys.
 * Rule: what to write there, for documentation
 * - DURATION: default unit and lower bound ("s>0", "s>=0", "s>=1")
 * - SLICE: share of a lifetime or duration ("any%": 100% and more allowed)
 * - COUNT: "min..max"
 * - KEYWORD: "word=value|...", an integer in md.json. The first word of a value is its name, others are only
 * read
 * - WORD: the same, but stored as its word, or not at all for 0
 * - MEMBERS: a KEYWORD that has names beside it inside <MDomain>
 * - ODD: several values, read by plan/odd.c
 *
 * Places:
 * - ANYWHERE: server or inside <MDomain>; a virtual host has no use for it
 * - EVERYWHERE: the same, and virtual hosts have a use for it of their own
 * - SHARED: the same, but there is one value for all
 * - GLOBAL: one value for all, not inside
 * - DOMAIN: only inside
 * - HOST: only inside <VirtualHost>, about that host
 */
#ifndef MD_PLAN_FIELDS_H
#define MD_PLAN_FIELDS_H

/* clang-format off */
#define MD_FIELDS(ROW) \
 ROW(members,        MEMBERS,  "MDMembers",              "transitive",     "auto",   ANYWHERE, "auto=1|manual=0", \
     "Whether names of matching virtual hosts are added to the domain.") \
 ROW(ca_proto,       TEXT,     "MDCertificateProtocol",  "ca.proto",       "ACME",   ANYWHERE, "ACME", \
     "Protocol spoken with the certificate authority; only ACME exists.") \
 ROW(ca_urls,        ODD,      "MDCertificateAuthority", "ca.urls",        "https://acme-v02.api.letsencrypt.org/directory", ANYWHERE, "url|name...", \
     "Directory URL of the certificate authority, or one of the names LetsEncrypt, LetsEncrypt-Test, Buypass and Buypass-Test; several are tried in this order.") \
 ROW(agreement,      TEXT,     "MDCertificateAgreement", "ca.agreement",   NULL,     ANYWHERE, "accepted|url", \
     "'accepted': you agree to the terms of service of the certificate authority.") \
 ROW(challenges,     WORDS,    "MDCAChallenges",         "ca.challenges",  NULL,     ANYWHERE, "type...", \
     "Challenge types to use, in order of preference; unset: chosen automatically.") \
 ROW(contact,        TEXT,     "MDContactEmail",         NULL,             NULL,     EVERYWHERE, "address", \
     "Address that the certificate authority may write to.") \
 ROW(keys,           KEYS,     "MDPrivateKeys",          "privkey",        "Default", ANYWHERE, "Default|RSA [bits]|curve...", \
     "Types of private keys; one certificate is obtained for each.") \
 ROW(renew_mode,     KEYWORD,  "MDRenewMode",            "renew-mode",     "auto",   ANYWHERE, "manual=0|stick=0|auto=1|automatic=1|always=2", \
     "When certificates are renewed by themselves.") \
 ROW(renew_window,   SLICE,    "MDRenewWindow",          "renew-window",   "33%",    ANYWHERE, NULL, \
     "Renew when this much of the lifetime is left; unless it is set, certificates that live below ten days are renewed at half.") \
 ROW(warn_window,    SLICE,    "MDWarnWindow",           "warn-window",    "10%",    ANYWHERE, NULL, \
     "Warn about expiry when this much of the lifetime is left.") \
 ROW(require_https,  WORD,     "MDRequireHttps",         "require-https",  "off",    ANYWHERE, "off=0|temporary=1|permanent=2", \
     "Redirect http: requests of managed domains to https:.") \
 ROW(must_staple,    FLAG,     "MDMustStaple",           "must-staple",    "off",    ANYWHERE, NULL, \
     "Ask for the must-staple extension in new certificates.") \
 ROW(cert_files,     ODD,      "MDCertificateFile",      "cert-files",     NULL,     DOMAIN,   "file", \
     "Certificate chain file of one's own; repeatable.") \
 ROW(key_files,      ODD,      "MDCertificateKeyFile",   "pkey-files",     NULL,     DOMAIN,   "file", \
     "Private key file that belongs to MDCertificateFile; repeatable.") \
 ROW(exports,        ODD,      "MDExport",               NULL,             NULL,     DOMAIN,   "folder [owner:group] [mode]", \
     "Folder where another daemon finds copies of key, certificate, chain and fullchain, and who may read them; repeatable.") \
 ROW(prefer_files,   FLAG,     "MDPreferFiles",          NULL,             "off",    ANYWHERE, NULL, \
     "Serve certificate files of one's own (MDCertificateFile, or SSLCertificateFile of a virtual host) even when the managed certificate is newer.") \
 ROW(stapling,       FLAG,     "MDStapling",             "stapling",       "off",    EVERYWHERE, NULL, \
     "Fetch OCSP responses in the background and staple them to handshakes, in place of mod_ssl's own stapling.") \
 ROW(staple_others,  FLAG,     "MDStapleOthers",         NULL,             "on",     EVERYWHERE, NULL, \
     "With MDStapling: staple for certificates of other sources too.") \
 ROW(dns01_cmd,      COMMAND,  "MDChallengeDns01",       "cmd-dns-01",     NULL,     ANYWHERE, "program [argument...]", \
     "Command that sets up and tears down DNS records for dns-01.") \
 ROW(dns_update,     ODD,      "MDDnsUpdate",            NULL,             NULL,     ANYWHERE, "server[:port] key-name algorithm secret-file [zone]|none", \
     "Name server that takes dynamic updates (RFC 2136) for dns-01 and dns-account-01, and the TSIG key that signs them; unless named, the zone is found.") \
 ROW(preflight,      KEYWORD,  "MDPreflight",            NULL,             "warn",   ANYWHERE, "off=0|on=1|warn=2", \
     "Ask for a challenge through the addresses of its name before the certificate authority does, and do not let it ask what would fail, or only warn.") \
 ROW(ca_budget,      KEYWORD,  "MDCABudget",             NULL,             "auto",   ANYWHERE, "auto=0|on=1|off=2", \
     "Ask a certificate authority for no more than what authorities usually allow: what is known of it, all that is known of others, or anything.") \
 ROW(proxy_url,      URL,      "MDHttpProxy",            "proxy-url",      NULL,     ANYWHERE, "url|none", \
     "HTTP proxy for requests to certificate authorities and OCSP responders.") \
 ROW(ca_file,        PATH,     "MDCACertificateFile",    "ca-certs",       NULL,     ANYWHERE, "file|none", \
     "PEM file with the roots that the certificate authority's own server is checked against.") \
 ROW(proxy_ca_file,  PATH,     "MDHttpProxyCACertificateFile", "proxy-ca-certs", NULL, ANYWHERE, "file|none", \
     "PEM file with the roots that an https: proxy is checked against.") \
 ROW(eab,            ODD,      "MDExternalAccountBinding", "eab",        NULL,     ANYWHERE, "[ca] key-id hmac|[ca] json-file|None", \
     "Key id and HMAC that bind the ACME account to one at the certificate authority, or a JSON file with the members kid and hmac; for all authorities, or for the one in front.") \
 ROW(account_key,    ODD,      "MDAccountKeyFile",       NULL,             NULL,     ANYWHERE, "file|none", \
     "PEM file with the private key of the account at the certificate authority, for an account of one's own; unset: one is made.") \
 ROW(stateless,      FLAG,     "MDStatelessChallenge",   NULL,             "off",    ANYWHERE, NULL, \
     "Answer http-01 for tokens that another server with the same account asked for.") \
 ROW(preferred_chain, TEXT,    "MDPreferredChain",       NULL,             NULL,     ANYWHERE, "issuer", \
     "Common name of the issuer that a chain shall lead to, where the certificate authority offers several.") \
 ROW(profile,        TEXT,     "MDProfile",              "profile",        NULL,     ANYWHERE, "name", \
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
 ROW(check_name,     ODD,      "MDCertificateCheck",     NULL,             "crt.sh https://crt.sh?q=", SHARED, "name url", \
     "Name and URL of a certificate monitor that server-status links to.") \
 ROW(certificate_status, FLAG, "MDCertificateStatus",    NULL,             "on",     SHARED,   NULL, \
     "Answer /.httpd/certificate-status on managed domains.") \
 ROW(dns01_version,  KEYWORD,  "MDChallengeDns01Version", NULL,            "1",      GLOBAL,   "1=1|2=2", \
     "Arguments of the teardown call of MDChallengeDns01.") \
 ROW(check_interval, DURATION, "MDCheckInterval",        NULL,             "12h",    GLOBAL,   "s>=1", \
     "How often each domain is looked at.") \
 ROW(initial_delay,  DURATION, "MDInitialDelay",         NULL,             "0s",     GLOBAL,   "s>=0", \
     "How long after start the first look happens.") \
 ROW(dns_server,     TEXT,     "MDDnsServer",            NULL,             NULL,     GLOBAL,   "address[:port]", \
     "Name server that this server asks when it looks up names itself; unset: those of the system.") \
 ROW(exclude,        FLAG,     "MDExclude",              NULL,             "off",    HOST,     NULL, \
     "Leave this virtual host out of management: no domain takes its names, and nothing of ours is served there.") \
 ROW(match_names,    KEYWORD,  "MDMatchNames",           NULL,             "all",    GLOBAL,   "all=0|servernames=1", \
     "Which names of virtual hosts are compared with managed domains: all, or only each ServerName.") \
 ROW(message_cmd,    COMMAND,  "MDMessageCmd",           NULL,             NULL,     GLOBAL,   "program [argument...]", \
     "Command that is told about events.") \
 ROW(notify_cmd,     COMMAND,  "MDNotifyCmd",            NULL,             NULL,     GLOBAL,   "program [argument...]", \
     "Command that is told about renewed certificates.") \
 ROW(port_map,       ODD,      "MDPortMap",              NULL,             "http:80 https:443", GLOBAL, "http:port|https:port|80:port|443:port...", \
     "Local ports on which http: and https: requests from outside arrive; '-' for none.") \
 ROW(concurrency,    COUNT,    "MDRenewConcurrency",     NULL,             "16",     GLOBAL,   "1..256", \
     "Certificate orders in progress side by side.") \
 ROW(retry_delay,    DURATION, "MDRetryDelay",           NULL,             "30s",    GLOBAL,   "s>0", \
     "First delay after an error; it doubles with each further one. Unless it is set, failed validations wait longer, since certificate authorities count them.") \
 ROW(retry_failover, COUNT,    "MDRetryFailover",        NULL,             "13",     GLOBAL,   "1..2147483647", \
     "Errors in a row after which the next certificate authority is tried.") \
 ROW(server_status,  FLAG,     "MDServerStatus",         NULL,             "on",     SHARED,   NULL, \
     "Show managed domains in server-status.") \
 ROW(export_vars,    FLAG,     "MDExportVars",           NULL,             "off",    EVERYWHERE, NULL, \
     "Give CGI programs and access logs the variables MD_NAME and MD_CERT_EXPIRES.") \
 ROW(staple_keep,    SLICE,    "MDStaplingKeepResponse", NULL,             "7d",     SHARED,   "any%", \
     "How long unused OCSP responses are kept; a share is one of 7 days.") \
 ROW(staple_window,  SLICE,    "MDStaplingRenewWindow",  NULL,             "33%",    SHARED,   NULL, \
     "Renew an OCSP response when this much of its life is left.") \
 ROW(store_dir,      PATH,     "MDStoreDir",             NULL,             "md",     GLOBAL,   "folder", \
     "Folder of keys, certificates and everything else; below ServerRoot unless absolute.") \
 ROW(store_locks,    ODD,      "MDStoreLocks",           NULL,             "off",    GLOBAL,   "on|off|duration", \
     "Lock the store while a starting server changes it; how long to wait for the lock ('on': 5s).")

/* Other spellings: the old name, and the row it stands for. */
#define MD_FIELD_ALIASES(ROW) \
 ROW("MDDriveMode",          renew_mode) \
 ROW("MDCertificateMonitor", check_name) \
 ROW("MDMember",             members)
/* clang-format on */

#endif

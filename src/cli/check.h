/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings of 'a2md check', and the part of it that asks others.
 */
#ifndef MD_CLI_CHECK_H
#define MD_CLI_CHECK_H

#include "cli/a2md.h"

typedef enum md_check_level { MD_CHECK_OK, MD_CHECK_WARN, MD_CHECK_BAD } md_check_level;

/** One finding. */
typedef struct md_check {
    md_check_level level;
    const char *about; /* a word: "certificate", "caa" */
    const char *text;
    const char *mend; /* what to do, or NULL */
} md_check;

/** Adds a finding to an array of md_check. */
void md_check_add(apr_array_header_t *checks, md_check_level level, const char *about, const char *mend,
                  const char *fmt, ...) MD_PRINTF(5, 6);

/** How the world is asked. */
typedef struct md_online {
    const char *resolver;      /* a name server, or NULL: those of the system */
    int http_port, https_port; /* where a CA comes to */
    apr_hash_t *cas;           /* URLs of CAs that were asked -> md_call */
} md_online;

/** What a CA will see of a domain: addresses, ports, CAA records, and of this machine: its clock. */
MD_MUST md_err *md_check_online(md_cli *cli, const md_online *how, const md_domain *domain,
                                apr_array_header_t *checks);

#endif

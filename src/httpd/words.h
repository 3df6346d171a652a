/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a directive as the operator wrote them, and where it stands.
 */
#ifndef MD_HTTPD_WORDS_H
#define MD_HTTPD_WORDS_H

#include "httpd/directives.h"

#define MD_SECTION     "<MDomain"
#define MD_SECTION_OLD "<MDomainSet"

/** For what there is one value of. */
md_server_conf *md_base_conf_of(const cmd_parms *cmd);
/** The domain of the section around the directive, or NULL. */
md_domain *md_section_of(const cmd_parms *cmd);
/** For what is odd, but no reason not to start: a clause. Shown with directive and place when all is read. */
void md_remark(const cmd_parms *cmd, const char *text);

/** Makes of the words what md_field_read() takes. Why that cannot be, as a clause, or NULL. */
const char *md_words_prepare(const cmd_parms *cmd, const md_field *field, md_names *words);
/** Adds the name of a domain, once. Why it cannot be one, as a clause, or NULL. */
const char *md_words_add_name(const cmd_parms *cmd, md_names *names, const char *name);
/** 'auto' or 'manual'? */
int md_words_is_mode(const char *word);

#endif

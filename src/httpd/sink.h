/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the lines of the core go in a server: httpd's error log, as lines of module "md".
 */
#ifndef MD_HTTPD_SINK_H
#define MD_HTTPD_SINK_H

#include <httpd.h>

/** From now on, lines go to the log of this server. */
void md_sink_open(server_rec *server);

#endif

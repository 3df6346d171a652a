/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses as text.
 */
#ifndef MD_NET_ADDRESS_H
#define MD_NET_ADDRESS_H

#include "base/text.h"

/** The addresses of this machine's interfaces; empty where they cannot be told. */
md_names *md_addresses_of_machine(apr_pool_t *p);
/** "192.0.2.1:80", "[2001:db8::1]:80". */
const char *md_address_with_port(const char *address, int port, apr_pool_t *p);

#endif

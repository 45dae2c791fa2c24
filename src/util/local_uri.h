/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which libvirt connections lead to the daemon that this host's grants are for. */
#ifndef QG_LOCAL_URI_H
#define QG_LOCAL_URI_H

#include <stdbool.h>

/*
 * Whether a connection's URI, as virConnectGetURI() has it, names the system daemon of the host
 * that this process runs on. What comes behind a `?` may still lead to another socket, and so to
 * another host: whoever cannot know takes none with one.
 */
bool uri_is_local_system(const char *uri);

/* Whether a URI that a user wrote names no host, and so this one. An alias may name any. */
bool uri_names_no_host(const char *uri);

#endif

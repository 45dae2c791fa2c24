/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client connects: libvirt opens the connection, and what its commands need is got ready. */
#ifndef QG_CONNECT_H
#define QG_CONNECT_H

#include <libvirt/libvirt.h>
#include <stdbool.h>

/* As libvirt's functions of the same names. */
virConnectPtr connect_open(const char *name);
virConnectPtr connect_open_read_only(const char *name);
virConnectPtr connect_open_auth(const char *name, virConnectAuthPtr auth, unsigned int flags);

/*
 * Whether it leads to this daemon's own QEMU driver. Clients may have a daemon connect elsewhere,
 * also to a daemon of their own, or have libvirt's test driver read a file of theirs: what these
 * say of a domain is the client's word. False when nobody can tell.
 */
bool connect_is_own(virConnectPtr connection);

/* Whether it was opened for reading only, or nobody can tell. */
bool connect_may_be_read_only(virConnectPtr connection);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's dealings with libvirt: a connection, a domain, what is in it. */
#ifndef QG_HELPER_DOMAIN_H
#define QG_HELPER_DOMAIN_H

#include "domain/domain_xml.h"
#include "helper.h"

#include <libvirt/libvirt.h>

/* Opens a connection; complains and returns NULL when there is none, or -r forbids it. */
virConnectPtr helper_connect(const HelperContext *context, bool read_only);

/*
 * Whether the connection asked for is to this host. Complains when it is not: @what, "the trail
 * is", would be this host's, and not that one's.
 */
bool helper_is_here(const HelperContext *context, const char *what);

/* `: REMEDY` for libvirt's last error, or nothing. */
const char *helper_libvirt_remedy(void);

/* Finds a domain by id, uuid or name, as virsh does; complains and returns NULL. */
virDomainPtr helper_find_domain(virConnectPtr connection, const char *wanted);

/* The UUID of the running domain of this host with the id @wanted; NULL when there is none. Caller
 * frees. Silent: @wanted may be meant as a name. */
char *helper_uuid_of_id(const HelperContext *context, const char *wanted);

/*
 * The policy in a running or defined domain. Returns 1 and a new string in @ret_xml,
 * 0 when it has none, -1 after complaining.
 */
int helper_domain_policy(virDomainPtr domain, char **ret_xml);

/* What the guard reads in a domain's XML: of libvirt, or in a file. -1 after complaining. */
int helper_read_domain(virDomainPtr domain, DomainXml *ret);
int helper_read_domain_file(const char *path, DomainXml *ret);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvirt's own access control says of the current caller: would it let him make the
 * libvirt calls that a command stands for?
 */
#ifndef QG_NATIVE_H
#define QG_NATIVE_H

#include "catalog/catalog.h"

/*
 * Which permissions of @asked libvirt's access driver gives to the current thread's caller on the
 * domain; all of them when the daemon has no access driver. Whatever is not clear is not given.
 * @domain_name and @domain_uuid must be the domain's own, not what a client's handle says. Asks
 * polkit once for each permission: a D-Bus call each, no lock is held. Clears libvirt's last error.
 */
NativeSet native_granted(const char *domain_name, const char *domain_uuid, NativeSet asked);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "connect.h"

#include "caller.h"
#include "libvirt_private.h"
#include "live_domain.h"
#include "plugin.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/*
 * Drivers open connections, too, on behalf of whoever has a domain started, and some with the
 * domain locked: to the network driver and its like, or to another host. What carries
 * passthrough is this host's QEMU driver.
 */
static bool carries_passthrough(virConnectPtr connection)
{
    CLEANUP(mem) char *uri = virConnectGetURI(connection);

    return uri && strncmp(uri, "qemu:///", strlen("qemu:///")) == 0;
}

/* Only what was opened is looked at, so the error of what was not stays libvirt's own. */
static virConnectPtr opened(virConnectPtr connection)
{
    int error = errno;

    if (connection && plugin_is_active() && !plugin_failure() && carries_passthrough(connection)) {
        live_domain_prepare();
        caller_connected();
    }
    errno = error;
    return connection;
}

virConnectPtr connect_open(const char *name)
{
    (void)plugin_is_active();
    return opened(libvirt.connect_open(name));
}

/* A read-only connection carries none: libvirt refuses it there. */
virConnectPtr connect_open_auth(const char *name, virConnectAuthPtr auth, unsigned int flags)
{
    virConnectPtr connection;

    (void)plugin_is_active();
    connection = libvirt.connect_open_auth(name, auth, flags);
    return flags & VIR_CONNECT_RO ? connection : opened(connection);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "connect.h"

#include "caller.h"
#include "libvirt_private.h"
#include "live_domain.h"
#include "plugin.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

#define READ_ONLY_MARK "qmp-guard-read-only"

bool connect_is_own(virConnectPtr connection)
{
    static const char scheme[] = "qemu:";
    CLEANUP(mem) char *uri = connection ? virConnectGetURI(connection) : NULL;
    const char *rest;

    if (!uri || strncmp(uri, scheme, strlen(scheme)) != 0)
        return false;
    /* A transport would stand before the colon, a host behind two slashes. */
    rest = uri + strlen(scheme);
    return strncmp(rest, "//", 2) != 0 || rest[2] == '/';
}

/*
 * Only what was opened is looked at, so the error of what was not stays libvirt's own. Drivers
 * open connections, too, on behalf of whoever has a domain started, and some with the domain
 * locked: to the network driver and its like, or to another host.
 */
static virConnectPtr opened(virConnectPtr connection)
{
    int error = errno;

    if (connection && plugin_is_active() && !plugin_failure() && connect_is_own(connection)) {
        live_domain_prepare();
        caller_connected();
    }
    errno = error;
    return connection;
}

/*
 * That plugin_is_active() is asked first, here and below, is for a process that loaded libvirt
 * after this library: it looks up what `libvirt` is to call.
 */
virConnectPtr connect_open(const char *name)
{
    (void)plugin_is_active();
    return opened(libvirt.connect_open(name));
}

/*
 * libvirt refuses passthrough on a read-only connection, but only behind us: nothing may be used
 * up on its way there. The mark lives and dies with the connection; what it points to is never
 * used, and only must not be NULL.
 */
static virConnectPtr opened_read_only(virConnectPtr connection)
{
    int error = errno;

    if (connection && plugin_is_active() && libvirt.object_set_data)
        libvirt.object_set_data(connection, READ_ONLY_MARK, libvirt.object_set_data);
    errno = error;
    return connection;
}

virConnectPtr connect_open_read_only(const char *name)
{
    (void)plugin_is_active();
    return opened_read_only(libvirt.connect_open_read_only(name));
}

virConnectPtr connect_open_auth(const char *name, virConnectAuthPtr auth, unsigned int flags)
{
    virConnectPtr connection;

    (void)plugin_is_active();
    connection = libvirt.connect_open_auth(name, auth, flags);
    return flags & VIR_CONNECT_RO ? opened_read_only(connection) : opened(connection);
}

bool connect_may_be_read_only(virConnectPtr connection)
{
    /* Where no mark can be set or read, any may be. */
    return !connection || !libvirt.object_set_data || !libvirt.object_get_data ||
           libvirt.object_get_data(connection, READ_ONLY_MARK);
}

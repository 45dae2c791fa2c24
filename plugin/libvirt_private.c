/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt_private.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

typedef struct Binding {
    const char *symbol;
    size_t offset; /* of the member in LibvirtPrivate */
    bool is_optional; /* an older libvirt may lack it; whoever uses it looks */
} Binding;

LibvirtPrivate libvirt;

static const Binding bindings[] = {
    {"virDomainQemuMonitorCommand", offsetof(LibvirtPrivate, monitor_command), false},
    {"virDomainQemuMonitorCommandWithFiles", offsetof(LibvirtPrivate, monitor_command_with_files),
     true},
    {"virDomainQemuAgentCommand", offsetof(LibvirtPrivate, agent_command), false},
    {"virDomainQemuAttach", offsetof(LibvirtPrivate, attach), false},
    {"virDomainOpenChannel", offsetof(LibvirtPrivate, open_channel), false},
    {"virNetServerClientSetIdentity", offsetof(LibvirtPrivate, client_set_identity), false},
    {"virConnectOpen", offsetof(LibvirtPrivate, connect_open), false},
    {"virConnectOpenReadOnly", offsetof(LibvirtPrivate, connect_open_read_only), false},
    {"virConnectOpenAuth", offsetof(LibvirtPrivate, connect_open_auth), false},
    {"virNetServerClientGetUNIXIdentity", offsetof(LibvirtPrivate, client_get_unix_identity),
     false},
    {"virLogMessage", offsetof(LibvirtPrivate, log_message), false},
    {"virReportErrorHelper", offsetof(LibvirtPrivate, report_error), false},
    {"virIdentityGetCurrent", offsetof(LibvirtPrivate, identity_get_current), false},
    {"virIdentityGetSystem", offsetof(LibvirtPrivate, identity_get_system), false},
    {"virIdentitySetCurrent", offsetof(LibvirtPrivate, identity_set_current), false},
    {"virIdentityGetUserName", offsetof(LibvirtPrivate, identity_get_user), false},
    {"virIdentityGetSASLUserName", offsetof(LibvirtPrivate, identity_get_sasl), false},
    {"virIdentityGetX509DName", offsetof(LibvirtPrivate, identity_get_x509), false},
    {"virIdentityGetUNIXUserID", offsetof(LibvirtPrivate, identity_get_uid), false},
    {"virIdentityGetUNIXGroupID", offsetof(LibvirtPrivate, identity_get_gid), false},
    {"virIdentityGetSELinuxContext", offsetof(LibvirtPrivate, identity_get_selinux), false},
    {"virIdentityGetProcessID", offsetof(LibvirtPrivate, identity_get_pid), false},
    {"virIdentityGetProcessTime", offsetof(LibvirtPrivate, identity_get_started), false},
    {"virIdentityNew", offsetof(LibvirtPrivate, identity_new), false},
    {"virIdentitySetUserName", offsetof(LibvirtPrivate, identity_set_user), false},
    {"virIdentitySetSASLUserName", offsetof(LibvirtPrivate, identity_set_sasl), false},
    {"virIdentitySetX509DName", offsetof(LibvirtPrivate, identity_set_x509), false},
    {"virIdentitySetSELinuxContext", offsetof(LibvirtPrivate, identity_set_selinux), false},
    {"virIdentitySetUNIXUserID", offsetof(LibvirtPrivate, identity_set_uid), false},
    {"virIdentitySetUNIXGroupID", offsetof(LibvirtPrivate, identity_set_gid), false},
    {"virIdentitySetProcessID", offsetof(LibvirtPrivate, identity_set_pid), false},
    {"virIdentitySetProcessTime", offsetof(LibvirtPrivate, identity_set_started), false},
    {"virAccessManagerGetDefault", offsetof(LibvirtPrivate, access_get_default), true},
    {"virAccessManagerCheckConnect", offsetof(LibvirtPrivate, access_check_connect), true},
    {"virPolkitCheckAuth", offsetof(LibvirtPrivate, polkit_check_auth), true},
    {"g_object_set_data", offsetof(LibvirtPrivate, object_set_data), true},
    {"g_object_get_data", offsetof(LibvirtPrivate, object_get_data), true},
    {"g_object_unref", offsetof(LibvirtPrivate, object_unref), false},
};

/* The libraries that have the symbols, for a process that loaded them itself, later. */
static const char *const libraries[] = {"libvirt-qemu.so.0", "libvirt.so.0", "libgobject-2.0.so.0"};

static void *find_symbol(const char *name)
{
    /* RTLD_NEXT: behind this library, where some of the names are our own. */
    void *symbol = dlsym(RTLD_NEXT, name);

    for (size_t i = 0; !symbol && i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);

        if (library) {
            symbol = dlsym(library, name);
            dlclose(library);
        }
    }
    return symbol;
}

const char *libvirt_bind(void)
{
    const char *missing = NULL;

    for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++) {
        void *symbol = find_symbol(bindings[i].symbol);

        memcpy((char *)&libvirt + bindings[i].offset, &symbol, sizeof(symbol));
        if (!symbol && !bindings[i].is_optional && !missing)
            missing = bindings[i].symbol;
    }
    return missing;
}

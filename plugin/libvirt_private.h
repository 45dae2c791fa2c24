/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only place that knows what libvirt does not promise: the symbols that
 * libvirt.so exports to its own daemons, and the layouts they take. Everything is
 * looked up once, when the plugin is loaded; a symbol that is missing means that
 * every passthrough command is refused, unless it is marked as optional.
 *
 * Source of the declarations: libvirt's src/util/virlog.h, virerror.h,
 * viridentity.h, virpolkit.h, src/access/viraccessmanager.h and
 * src/rpc/virnetserverclient.h, versions 7.0 to 12.8.
 */
#ifndef QG_LIBVIRT_PRIVATE_H
#define QG_LIBVIRT_PRIVATE_H

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct LogSource {
    const char *name;
    unsigned int priority;
    unsigned int serial;
    void *spare[4]; /* older versions have a member more */
} LogSource;

typedef struct LogMetadata {
    const char *key; /* NULL ends the list */
    const char *s;
    int iv;
} LogMetadata;

/* Opaque: a GObject that holds who a client is. */
typedef struct Identity Identity;

typedef struct LibvirtPrivate {
    /* The real entry points behind ours. */
    int (*monitor_command)(virDomainPtr, const char *, char **, unsigned int);
    int (*monitor_command_with_files)(virDomainPtr, const char *, unsigned int, int *,
                                      unsigned int *, int **, char **, unsigned int);
    char *(*agent_command)(virDomainPtr, const char *, int, unsigned int);
    virDomainPtr (*attach)(virConnectPtr, unsigned int, unsigned int);
    int (*open_channel)(virDomainPtr, const char *, virStreamPtr, unsigned int);
    void (*client_set_identity)(void *, Identity *);
    virConnectPtr (*connect_open)(const char *);
    virConnectPtr (*connect_open_read_only)(const char *);
    virConnectPtr (*connect_open_auth)(const char *, virConnectAuthPtr, unsigned int);

    int (*client_get_unix_identity)(void *, uid_t *, gid_t *, pid_t *, unsigned long long *);

    void (*log_message)(LogSource *, int, const char *, int, const char *, LogMetadata *,
                        const char *, ...);
    void (*report_error)(int, int, const char *, const char *, size_t, const char *, ...);

    Identity *(*identity_get_current)(void); /* a new reference, NULL on the event loop */
    Identity *(*identity_get_system)(void); /* a new reference */
    Identity *(*identity_new)(void); /* one that says nothing of anybody */
    int (*identity_set_current)(Identity *);
    int (*identity_get_user)(Identity *, const char **); /* 1 set, 0 absent, -1 error */
    int (*identity_get_sasl)(Identity *, const char **);
    int (*identity_get_x509)(Identity *, const char **);
    int (*identity_get_selinux)(Identity *, const char **);
    int (*identity_get_pid)(Identity *, pid_t *);
    int (*identity_get_started)(Identity *, unsigned long long *);
    int (*identity_get_uid)(Identity *, uid_t *);
    int (*identity_get_gid)(Identity *, gid_t *);
    /* For libvirt_try() alone: 0, or -1. */
    int (*identity_set_user)(Identity *, const char *);
    int (*identity_set_sasl)(Identity *, const char *);
    int (*identity_set_x509)(Identity *, const char *);
    int (*identity_set_selinux)(Identity *, const char *);
    int (*identity_set_pid)(Identity *, pid_t);
    int (*identity_set_started)(Identity *, unsigned long long);
    int (*identity_set_uid)(Identity *, uid_t);
    int (*identity_set_gid)(Identity *, gid_t);
    void (*object_unref)(void *);
    void (*object_set_data)(void *, const char *, void *); /* optional, as is */
    void *(*object_get_data)(void *, const char *); /* this */

    /* Optional: what libvirt's own access control says. */
    void *(*access_get_default)(void); /* a new reference to an object */
    int (*access_check_connect)(void *, const char *, int); /* 1 allowed, 0 denied, -1 error */
    int (*polkit_check_auth)(const char *, pid_t, unsigned long long, uid_t, const char **,
                             bool); /* 0 authorized, -1 error, -2 denied */
} LibvirtPrivate;

/* Filled by libvirt_bind(); a member whose symbol is missing is NULL. */
extern LibvirtPrivate libvirt;

/*
 * Looks every symbol up. Returns NULL when all that the guard needs are there,
 * else the name of the first that is missing.
 */
const char *libvirt_bind(void);

#endif

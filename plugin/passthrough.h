/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way of one passthrough call through the daemon: who calls, which domain it
 * really is, which policies hold, what guard_judge() says, and then the real call
 * or a refusal. Parameters and results are libvirt's own (libvirt-qemu.h).
 */
#ifndef QG_PASSTHROUGH_H
#define QG_PASSTHROUGH_H

#include "libvirt_private.h"

int passthrough_monitor(virDomainPtr domain, const char *command, char **result,
                        unsigned int flags);
int passthrough_monitor_with_files(virDomainPtr domain, const char *command, unsigned int n_in,
                                   int *in, unsigned int *n_out, int **out, char **result,
                                   unsigned int flags);
char *passthrough_agent(virDomainPtr domain, const char *command, int timeout, unsigned int flags);
virDomainPtr passthrough_attach(virConnectPtr connection, unsigned int pid, unsigned int flags);
int passthrough_channel(virDomainPtr handle, const char *name, virStreamPtr stream,
                        unsigned int flags);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon calls instead of libvirt's own: one line each, no logic.
 *
 * Covered: the three ways for a client's text to reach a monitor or agent, the stream that
 * is one more to the agent, the adoption of a foreign QEMU, and the change of a client's identity.
 * And the opening of a connection, which is let pass: virConnectOpenAuth() is what a daemon calls
 * for its client, and virConnectOpen() what it called in libvirt 7. Not covered, because no text of
 * a client's travels there: event registration (virConnectDomainQemuMonitorEventRegister) and
 * libvirt's own APIs, which have permissions of their own. Not reached: qemu:///embed and
 * virt-qemu-run, where the driver runs in the client's process.
 */
#include "caller.h"
#include "connect.h"
#include "passthrough.h"

#define EXPORTED __attribute__((visibility("default")))

void virNetServerClientSetIdentity(void *client, void *identity);
/* In libvirt-qemu.h since 8.2. */
int virDomainQemuMonitorCommandWithFiles(virDomainPtr domain, const char *cmd,
                                         unsigned int ninfiles, int *infiles,
                                         unsigned int *noutfiles, int **outfiles, char **result,
                                         unsigned int flags);

EXPORTED int virDomainQemuMonitorCommand(virDomainPtr domain, const char *cmd, char **result,
                                         unsigned int flags)
{
    return passthrough_monitor(domain, cmd, result, flags);
}

EXPORTED int virDomainQemuMonitorCommandWithFiles(virDomainPtr domain, const char *cmd,
                                                  unsigned int ninfiles, int *infiles,
                                                  unsigned int *noutfiles, int **outfiles,
                                                  char **result, unsigned int flags)
{
    return passthrough_monitor_with_files(domain, cmd, ninfiles, infiles, noutfiles, outfiles,
                                          result, flags);
}

EXPORTED char *virDomainQemuAgentCommand(virDomainPtr domain, const char *cmd, int timeout,
                                         unsigned int flags)
{
    return passthrough_agent(domain, cmd, timeout, flags);
}

EXPORTED virDomainPtr virDomainQemuAttach(virConnectPtr connection, unsigned int pid_value,
                                          unsigned int flags)
{
    return passthrough_attach(connection, pid_value, flags);
}

EXPORTED int virDomainOpenChannel(virDomainPtr domain, const char *name, virStreamPtr stream,
                                  unsigned int flags)
{
    return passthrough_channel(domain, name, stream, flags);
}

EXPORTED void virNetServerClientSetIdentity(void *client, void *identity)
{
    caller_claim(client, identity);
}

EXPORTED virConnectPtr virConnectOpen(const char *name)
{
    return connect_open(name);
}

EXPORTED virConnectPtr virConnectOpenReadOnly(const char *name)
{
    return connect_open_read_only(name);
}

EXPORTED virConnectPtr virConnectOpenAuth(const char *name, virConnectAuthPtr auth,
                                          unsigned int flags)
{
    return connect_open_auth(name, auth, flags);
}

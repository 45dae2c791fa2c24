/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sends a text through the guarded daemon, with a grant for it alone if that is wanted. All that
 * may fail for the grant's sake fails before anything is sent. Behind the sending no call of
 * libvirt's is made: each makes it forget the error that the caller is to read.
 */
#include "failure.h"

#include "domain/run.h"
#include "grant/admin.h"
#include "grant/grant_give.h"
#include "util/cleanup.h"
#include "util/local_uri.h"
#include "util/user_name.h"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <string.h>

/* The daemon judges before it does anything else; so long it may be busy with other clients. */
#define GRANT_SECONDS 30

/* With the same text at the same time. */
#define CALLS_MAX 100

/* What is wanted. Everything is borrowed. */
typedef struct Execution {
    virDomainPtr domain;
    Channel channel;
    const char *text;
    const char *reason;
    QmpguardError *error;
} Execution;

/*
 * Opened for each call: a process may be many programs in one, and its children inherit nothing.
 * Several in one process keep out of each other's way as processes do.
 */
typedef struct OwnDesk {
    GrantStore store;
    Trail trail;
    GrantDesk desk;
} OwnDesk;

static void open_desk(OwnDesk *own)
{
    *own = (OwnDesk){.store = GRANT_STORE_INIT(GRANTS_PATH), .trail = TRAIL_INIT(TRAIL_PATH)};
    own->desk = (GrantDesk){.store = &own->store, .trail = &own->trail};
}

static void close_desk(OwnDesk *own)
{
    grant_store_close(&own->store);
    trail_close(&own->trail);
}

static int check_connection(const Execution *execution)
{
    CLEANUP(mem) char *uri = virConnectGetURI(virDomainGetConnect(execution->domain));

    if (!uri)
        return failure_set(execution->error, QMPGUARD_ERROR_LIBVIRT,
                           "cannot say where the connection leads: %s", virGetLastErrorMessage());
    if (!uri_is_local_system(uri) || strchr(uri, '?'))
        return failure_set(execution->error, QMPGUARD_ERROR_CONNECTION,
                           "the connection is to %s: a grant can be given for qemu:///system of "
                           "this host only",
                           uri);
    return QMPGUARD_OK;
}

/* The grant is for the user that this process is, whom the daemon names by the same database. */
static int set_people(const Execution *execution, Grant *grant)
{
    const Admin admin = admin_at_work();

    if (user_name_read(geteuid(), grant->caller, sizeof(grant->caller)) < 0)
        return failure_set(execution->error, QMPGUARD_ERROR_PERMISSION,
                           "the user %u has no name that a grant could be given to; nothing was "
                           "sent",
                           (unsigned)geteuid());
    grant->caller_kind = GRANT_USER;
    memcpy(grant->given_by, admin.name, sizeof(admin.name));
    return QMPGUARD_OK;
}

static int check_grant_wanted(const Execution *execution)
{
    const char *reason = execution->reason;

    if (!reason || !reason[strspn(reason, " \t\n")])
        return failure_set(execution->error, QMPGUARD_ERROR_ARGUMENT,
                           "QMPGUARD_ALLOW_DANGEROUS needs a reason, for the record");
    if (strlen(reason) >= GRANT_REASON_SIZE)
        return failure_set(execution->error, QMPGUARD_ERROR_ARGUMENT,
                           "the reason is longer than %d bytes", GRANT_REASON_SIZE - 1);
    if (geteuid() != 0)
        return failure_set(execution->error, QMPGUARD_ERROR_PERMISSION,
                           "only root may give a grant; nothing was sent");
    return check_connection(execution);
}

/* The grant is for what @text asks for, however it is spelt. */
static int read_text(const Execution *execution, Grant *grant)
{
    const char *text = execution->text;
    int result;
    Reason why;
    Request *request = request_parse(execution->channel, text, strlen(text), &why);

    if (!request)
        return failure_set(execution->error, QMPGUARD_ERROR_ARGUMENT,
                           "the text cannot be read: %s; nothing was sent", why.text);
    result = grant_set_text(grant, request);
    request_free(request);
    if (result < 0)
        return failure_set(execution->error, QMPGUARD_ERROR_MEMORY,
                           "out of memory; nothing was sent");
    return QMPGUARD_OK;
}

static int prepare_grant(const Execution *execution, Grant *grant)
{
    const char *name;
    Reason why;
    int code = check_grant_wanted(execution);

    if (code == QMPGUARD_OK)
        code = read_text(execution, grant);
    if (code == QMPGUARD_OK)
        code = set_people(execution, grant);
    if (code != QMPGUARD_OK)
        return code;
    name = virDomainGetName(execution->domain);
    if (!name || virDomainGetUUIDString(execution->domain, grant->uuid) < 0)
        return failure_set(execution->error, QMPGUARD_ERROR_LIBVIRT,
                           "cannot identify the domain: %s", virGetLastErrorMessage());
    if (run_read(name, &grant->run, &why) < 0)
        return failure_set(execution->error, QMPGUARD_ERROR_DOMAIN,
                           "no run of the domain to give a grant for: %s; nothing was sent",
                           why.text);
    snprintf(grant->domain, sizeof(grant->domain), "%s", name);
    snprintf(grant->reason, sizeof(grant->reason), "%s", execution->reason);
    grant->uses = 1;
    return QMPGUARD_OK;
}

/* Sends the text as any client would; what libvirt says of it is ours to say. */
static int send_text(const Execution *execution, char **ret_reply)
{
    virErrorPtr last;
    int code;

    if (execution->channel == CHANNEL_AGENT) {
        *ret_reply = virDomainQemuAgentCommand(execution->domain, execution->text,
                                               VIR_DOMAIN_QEMU_AGENT_COMMAND_DEFAULT, 0);
        if (*ret_reply)
            return QMPGUARD_OK;
    } else {
        unsigned int flags = execution->channel == CHANNEL_HMP
                                 ? VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
                                 : VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT;

        if (virDomainQemuMonitorCommand(execution->domain, execution->text, ret_reply, flags) >= 0)
            return QMPGUARD_OK;
        *ret_reply = NULL;
    }
    last = virGetLastError();
    code = last && last->code == VIR_ERR_ACCESS_DENIED ? QMPGUARD_ERROR_DENIED
                                                       : QMPGUARD_ERROR_LIBVIRT;
    return failure_set(execution->error, (QmpguardCode)code, "%s", virGetLastErrorMessage());
}

/*
 * Gives the grant and sends the text. @ret_is_taken: it was refused although its grant was used,
 * by another call with the same text.
 */
static int send_with_grant(const Execution *execution, const GrantDesk *desk, Grant grant,
                           char **ret_reply, bool *ret_is_taken)
{
    bool is_left;
    Reason why;
    int code;

    *ret_is_taken = false;
    if (grant_give(desk, &grant, GRANT_SECONDS, &why) < 0)
        return failure_set(execution->error, QMPGUARD_ERROR_PERMISSION,
                           "no grant could be given: %s; nothing was sent", why.text);
    code = send_text(execution, ret_reply);
    /* Nobody can be told if it fails; it is over in seconds anyhow. */
    is_left = grant_revoke(desk, grant.id, grant.given_by, &why) != 0;
    *ret_is_taken = code == QMPGUARD_ERROR_DENIED && !is_left;
    return code;
}

/*
 * A grant is for a text, not for a call: of several calls with the same text one may take another's
 * and revoke its own. Each time that happens, one of them has got through.
 */
static int execute_with_grant(const Execution *execution, char **ret_reply)
{
    Grant grant = {0};
    bool is_taken = true;
    OwnDesk own;
    int code = prepare_grant(execution, &grant);

    if (code != QMPGUARD_OK)
        return code;
    open_desk(&own);
    for (int left = CALLS_MAX; is_taken && left > 0; left--)
        code = send_with_grant(execution, &own.desk, grant, ret_reply, &is_taken);
    close_desk(&own);
    return code;
}

int qmpguard_execute(virDomainPtr domain, int channel, const char *text, unsigned int flags,
                     const char *reason, char **ret_reply, QmpguardError *error)
{
    const Execution execution = {domain, (Channel)channel, text, reason, error};

    failure_clear(error);
    if (ret_reply)
        *ret_reply = NULL;
    if (!domain || !text || !ret_reply)
        return failure_set(error, QMPGUARD_ERROR_ARGUMENT,
                           "the domain, the text or ret_reply is NULL");
    if (channel < 0 || channel >= CHANNEL_COUNT)
        return failure_set(error, QMPGUARD_ERROR_ARGUMENT,
                           "the channel is none of QMPGUARD_QMP, QMPGUARD_HMP, QMPGUARD_AGENT");
    if (flags & ~QMPGUARD_ALLOW_DANGEROUS)
        return failure_set(error, QMPGUARD_ERROR_ARGUMENT,
                           "flags other than QMPGUARD_ALLOW_DANGEROUS are not known");
    return flags & QMPGUARD_ALLOW_DANGEROUS ? execute_with_grant(&execution, ret_reply)
                                            : send_text(&execution, ret_reply);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon itself knows of a domain. The name in a client's handle is what
 * the client says it is; only its UUID leads to the domain.
 */
#ifndef QG_LIVE_DOMAIN_H
#define QG_LIVE_DOMAIN_H

#include "domain/run.h"
#include "util/reason.h"

#include <libvirt/libvirt.h>
#include <stdbool.h>

typedef struct LiveDomain {
    unsigned char uuid[VIR_UUID_BUFLEN];
    char uuid_text[VIR_UUID_STRING_BUFLEN];
    virDomainPtr domain; /* looked up anew; NULL when there is none */
    const char *name; /* its true name, or the client's when there is no such domain */
    char *policy_xml; /* NULL: it has no policy */
    bool is_confidential; /* it has <launchSecurity> */
    Run run; /* its QEMU; all zero: it does not run, or that is not known */
} LiveDomain;

/* Gets ready what the first command would otherwise wait for. */
void live_domain_prepare(void);

/*
 * Looks @handle's domain up and reads its live policy, both under the daemon's own
 * identity, since a caller may have domain:write without domain:read. Returns 0, or
 * -1 with the reason. Always released with live_domain_clear().
 */
int live_domain_read(virDomainPtr handle, LiveDomain *ret, Reason *why);

/*
 * Looks it up alone. Returns whether virDomainOpenChannel() by the name @channel, which may be
 * NULL, opens the guest agent's; -1 with the reason.
 */
int live_domain_finds_agent(virDomainPtr handle, const char *channel, LiveDomain *ret, Reason *why);
void live_domain_clear(LiveDomain *domain);

#endif

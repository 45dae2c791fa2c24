/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the facts of this host and of its domains. Nothing is judged here. */
#ifndef QG_STATUS_GATHER_H
#define QG_STATUS_GATHER_H

#include "facts.h"

#include <libvirt/libvirt.h>

/* The daemon must have been spoken to before: systemd may start it only then. */
void host_gather(HostFacts *ret);

/* Always released with domain_facts_clear(). Returns 0, or -1 when out of memory. */
int domain_gather(virDomainPtr domain, const DaemonFacts *daemon, DomainFacts *ret);
void domain_facts_clear(DomainFacts *facts);

#endif

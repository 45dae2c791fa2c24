/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guard wants to know from a domain's XML. */
#ifndef QG_DOMAIN_XML_H
#define QG_DOMAIN_XML_H

#include "util/reason.h"
#include "util/string_list.h"

#include <stdbool.h>
#include <stddef.h>

/* More than libvirt's largest text on the wire, with every character of it escaped. */
#define DOMAIN_XML_BYTES_MAX ((size_t)32 * 1024 * 1024)

typedef struct DomainXml {
    char *name; /* NULL: it says none, as for the others */
    char *uuid;
    char *policy_xml; /* the policy element */
    bool is_confidential; /* has <launchSecurity> */
    char *emulator;
    StringList arguments; /* <qemu:commandline>: the values of <qemu:arg> */
    StringList environment; /* ... and the names of <qemu:env> */
    StringList paths; /* absolute ones, wherever they stand but in words for people */
    StringList programs; /* that libvirt runs: `script /path`, `binary /path` */
    StringList labels; /* <seclabel>s of the domain's own choice: `dac static` */
    StringList agent_channels; /* what opens the guest agent's: its name, its alias, "" the first */
    StringList changes; /* what else stands in QEMU's namespace: `override`, ... */
} DomainXml;

/*
 * Reads @length bytes of a domain's XML, without DTD, entities or network. Returns 0,
 * or -1 with the reason. Released with domain_xml_clear().
 */
int domain_xml_read(const char *text, size_t length, DomainXml *ret, Reason *why);
void domain_xml_clear(DomainXml *domain);

#endif

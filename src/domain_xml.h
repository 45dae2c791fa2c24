/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guard wants to know from a domain's XML. */
#ifndef QG_DOMAIN_XML_H
#define QG_DOMAIN_XML_H

#include "util/reason.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct DomainXml {
    char *policy_xml; /* the policy element; NULL: it has none */
    bool is_confidential; /* has <launchSecurity> */
} DomainXml;

/*
 * Reads @length bytes of a domain's XML, without DTD, entities or network. Returns 0,
 * or -1 with the reason. Released with domain_xml_clear().
 */
int domain_xml_read(const char *text, size_t length, DomainXml *ret, Reason *why);
void domain_xml_clear(DomainXml *domain);

#endif

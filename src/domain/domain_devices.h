/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of domain_xml.h that walks through all of a domain's elements. */
#ifndef QG_DOMAIN_DEVICES_H
#define QG_DOMAIN_DEVICES_H

#include "domain/domain_xml.h"

#include <libxml/tree.h>

/* Fills in paths, programs and labels from the element <domain>. Returns 0, or -1: no memory. */
int domain_devices_read(xmlNodePtr root, DomainXml *domain);

#endif

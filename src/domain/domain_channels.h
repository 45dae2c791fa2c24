/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of domain_xml.h that finds the guest agent's channel. */
#ifndef QG_DOMAIN_CHANNELS_H
#define QG_DOMAIN_CHANNELS_H

#include "domain/domain_xml.h"

#include <libxml/tree.h>

/* Fills in agent_channels from the element <domain>. Returns 0, or -1: no memory. */
int domain_channels_read(xmlNodePtr root, DomainXml *domain);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/domain_channels.h"

#include "util/cleanup.h"
#include "util/xml_memory.h"

#include <stdbool.h>
#include <string.h>

/* Source: libvirt's src/qemu/qemu_domain.c, qemuFindAgentConfig(). */
#define AGENT_CHANNEL "org.qemu.guest_agent.0"

static bool is_called(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && !node->ns &&
           strcmp((const char *)node->name, name) == 0;
}

/* The attribute `name` of @channel's child @element; NULL when there is none. -1: no memory. */
static int read_name(xmlNodePtr channel, const char *element, xmlChar **ret)
{
    for (xmlNodePtr node = channel->children; node && !*ret; node = node->next) {
        if (!is_called(node, element) || !xmlHasNsProp(node, (const xmlChar *)"name", NULL))
            continue;
        *ret = xml_attribute_named(node, "name");
        if (!*ret)
            return -1;
    }
    return 0;
}

/* Source: libvirt's qemuDomainOpenChannel(): by the target's name or the alias, or the first. */
static int read_channel(xmlNodePtr channel, bool is_first, DomainXml *domain)
{
    CLEANUP(xmlstr) xmlChar *target = NULL;
    CLEANUP(xmlstr) xmlChar *alias = NULL;

    if (read_name(channel, "target", &target) < 0 || read_name(channel, "alias", &alias) < 0)
        return -1;
    if (!target || strcmp((const char *)target, AGENT_CHANNEL) != 0)
        return 0;
    if (string_list_add(&domain->agent_channels, AGENT_CHANNEL) < 0 ||
        (alias && string_list_add(&domain->agent_channels, (const char *)alias) < 0))
        return -1;
    return is_first ? string_list_add(&domain->agent_channels, "") : 0;
}

int domain_channels_read(xmlNodePtr root, DomainXml *domain)
{
    bool is_first = true;

    for (xmlNodePtr devices = root->children; devices; devices = devices->next) {
        if (!is_called(devices, "devices"))
            continue;
        for (xmlNodePtr node = devices->children; node; node = node->next) {
            if (!is_called(node, "channel"))
                continue;
            if (read_channel(node, is_first, domain) < 0)
                return -1;
            is_first = false;
        }
    }
    return 0;
}

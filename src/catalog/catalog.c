/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog.h"

#include "catalog_data.h"
#include "effect.h"
#include "util/cleanup.h"
#include "util/json_text.h"

#include <stdlib.h>
#include <string.h>

static const char *const channel_names[CHANNEL_COUNT] = {
    [CHANNEL_QMP] = "qmp",
    [CHANNEL_HMP] = "hmp",
    [CHANNEL_AGENT] = "agent",
};

static const char *const class_names[CLASS_COUNT] = {
    [CLASS_UNKNOWN] = "unknown",       [CLASS_SAFE] = "safe",
    [CLASS_PRIVILEGED] = "privileged", [CLASS_MEMORY_DUMP] = "memory-dump",
    [CLASS_DANGEROUS] = "dangerous",
};

static const GroupSet class_groups[CLASS_COUNT] = {
    [CLASS_UNKNOWN] = GROUP_UNKNOWN,
    [CLASS_SAFE] = GROUP_SAFE | GROUP_KNOWN,
    [CLASS_PRIVILEGED] = GROUP_PRIVILEGED | GROUP_KNOWN,
    [CLASS_MEMORY_DUMP] = GROUP_MEMORY_DUMP | GROUP_KNOWN,
    [CLASS_DANGEROUS] = GROUP_DANGEROUS | GROUP_KNOWN,
};

typedef struct CatalogKey {
    Channel channel;
    const char *name;
} CatalogKey;

static int compare_name(const void *key, const void *row)
{
    const CatalogKey *wanted = key;
    const CatalogName *name = row;

    if (wanted->channel != name->channel)
        return wanted->channel < name->channel ? -1 : 1;
    return strcmp(wanted->name, name->name);
}

const CatalogEntry *catalog_find(Channel channel, const char *name)
{
    CatalogKey key = {channel, name};
    const CatalogName *found = bsearch(&key, catalog_names, catalog_n_names, sizeof(*catalog_names),
                                       compare_name);

    return found ? &catalog_entries[found->entry] : NULL;
}

/* Most commands have several effects that add the same. */
static bool adds(const CatalogEffect *effect, const Classification *to)
{
    return effect->groups & ~to->groups || effect->raises_to > to->command_class;
}

Classification catalog_classify(const CatalogEntry *entry, Channel channel, json_object *arguments)
{
    Classification result = {CLASS_UNKNOWN, GROUP_UNKNOWN};

    if (entry) {
        result.command_class = entry->command_class;
        result.groups = entry->groups;
    }
    for (size_t i = 0; entry && i < entry->n_effects; i++) {
        const CatalogEffect *effect = &entry->effects[i];

        if (!adds(effect, &result) || !effect_matches(effect, arguments))
            continue;
        result.groups |= effect->groups;
        if (effect->raises_to > result.command_class)
            result.command_class = effect->raises_to;
    }
    /* The group of each class it is in: an HMP line is dangerous beside what it does. */
    result.groups &= ~(GROUP_SAFE | GROUP_PRIVILEGED | GROUP_MEMORY_DUMP | GROUP_DANGEROUS);
    result.groups |= class_groups[result.command_class];
    if (channel == CHANNEL_HMP) {
        result.command_class = CLASS_DANGEROUS;
        result.groups = (result.groups & ~GROUP_SAFE) | GROUP_DANGEROUS;
    }
    return result;
}

NativeSet catalog_native(const CatalogEntry *entry, GroupSet groups)
{
    if (!entry || groups & (GROUP_HOST_EXEC | GROUP_MONITOR))
        return 0;
    return entry->native;
}

const char *native_name(unsigned bit)
{
    return bit < catalog_n_permissions ? catalog_permissions[bit] : NULL;
}

json_object *native_name_list(NativeSet native)
{
    CLEANUP(json) json_object *names = json_object_new_array();

    for (unsigned bit = 0; bit < catalog_n_permissions; bit++) {
        const char *name = catalog_permissions[bit];

        if (native & (NativeSet)1 << bit &&
            json_add_element(names, json_object_new_string(name)) < 0)
            return NULL;
    }
    return steal_pointer(&names);
}

const GroupInfo *group_find(const char *name)
{
    for (size_t i = 0; i < catalog_n_groups; i++) {
        if (strcmp(catalog_groups[i].name, name) == 0)
            return &catalog_groups[i];
    }
    return NULL;
}

const GroupInfo *group_list(size_t *ret_count)
{
    *ret_count = catalog_n_groups;
    return catalog_groups;
}

void group_try_names(Nearest *nearest)
{
    for (size_t i = 0; i < catalog_n_groups; i++)
        nearest_try(nearest, catalog_groups[i].name);
}

void catalog_try_commands(Channel channel, Nearest *nearest)
{
    for (size_t i = 0; i < catalog_n_entries; i++) {
        if (catalog_entries[i].channel == channel)
            nearest_try(nearest, catalog_entries[i].name);
    }
}

const CatalogEntry *catalog_list(size_t *ret_count)
{
    *ret_count = catalog_n_entries;
    return catalog_entries;
}

const char *channel_name(Channel channel)
{
    return channel_names[channel];
}

int channel_from_name(const char *name)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (strcmp(channel_names[channel], name) == 0)
            return channel;
    }
    return -1;
}

const char *class_name(CommandClass command_class)
{
    return class_names[command_class];
}

const char *group_next_name(GroupSet groups, size_t *at)
{
    size_t count;
    const GroupInfo *all = group_list(&count);

    while (*at < count) {
        const GroupInfo *group = &all[(*at)++];
        bool is_single = (group->set & (group->set - 1)) == 0;

        if (is_single && group->set & groups)
            return group->name;
    }
    return NULL;
}

json_object *group_name_list(GroupSet groups)
{
    CLEANUP(json) json_object *names = json_object_new_array();
    const char *name;
    size_t at = 0;

    while ((name = group_next_name(groups, &at))) {
        if (json_add_element(names, json_object_new_string(name)) < 0)
            return NULL;
    }
    return steal_pointer(&names);
}

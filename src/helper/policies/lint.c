/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules that are valid and yet hardly what their author meant: a command in another
 * channel, a name that nothing has. They are warned about, not refused: QEMU may be newer
 * than the catalogue.
 */
#include "helper.h"

#include "util/glob.h"

#include <stdio.h>
#include <string.h>

/* Does any command that the catalogue has in @channel match? */
static bool matches_any(Channel channel, const char *pattern)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    for (size_t i = 0; i < count; i++) {
        size_t budget = SIZE_MAX;

        if (entries[i].channel == channel &&
            glob_match(pattern, entries[i].name, &budget) == GLOB_YES)
            return true;
    }
    return glob_is_literal(pattern) && catalog_find(channel, pattern);
}

static int find_channel(const char *pattern)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (matches_any((Channel)channel, pattern))
            return channel;
    }
    return -1;
}

/* HMP rules match a whole line, so only what stands in front of the arguments is looked at. */
static void lint_hmp(const Rule *rule, Reason *ret)
{
    char name[128];
    const char *rest = strncmp(rule->command, "info ", 5) == 0 ? rule->command + 5 : rule->command;
    size_t length = (size_t)(rest - rule->command) + strcspn(rest, " *?");
    const CatalogEntry *entry;

    if (strstr(rule->command, "  ")) {
        reason_set(ret, "never matches: HMP lines are judged with single spaces");
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)length, rule->command);
    entry = catalog_find(CHANNEL_HMP, name);
    if (!entry && rule->command[length] != '*' && rule->command[length] != '?')
        reason_set(ret, "no HMP command '%s' is known", name);
    else if (entry && strcmp(rule->command, name) == 0 && *entry->args_type)
        reason_set(ret, "matches the bare command only: with arguments it is '%s *'", name);
}

static void lint_name(const Rule *rule, Channel channel, Reason *ret)
{
    int other;

    if (matches_any(channel, rule->command))
        return;
    other = find_channel(rule->command);
    if (other >= 0)
        reason_set(ret, "no %s command '%s' is known, but an %s one is: channel=\"%s\"?",
                   channel_name(channel), rule->command, channel_name((Channel)other),
                   channel_name((Channel)other));
    else
        reason_set(ret, "no %s command '%s' is known", channel_name(channel), rule->command);
}

bool lint_rule(const Rule *rule, Reason *ret)
{
    ret->text[0] = '\0';
    if (!rule->command)
        return false;
    if (rule->channels == 1u << CHANNEL_HMP)
        lint_hmp(rule, ret);
    else
        lint_name(rule, rule->channels == 1u << CHANNEL_AGENT ? CHANNEL_AGENT : CHANNEL_QMP, ret);
    return ret->text[0] != '\0';
}

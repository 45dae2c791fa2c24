/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules that are valid and yet hardly what their author meant: a command in another
 * channel, a name that nothing has, conditions that never hold together. They are warned
 * about, not refused: QEMU may be newer than the catalogue.
 */
#include "lint.h"

#include "util/glob.h"
#include "util/nearest.h"

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
static size_t hmp_name_length(const char *command)
{
    const char *rest = strncmp(command, "info ", 5) == 0 ? command + 5 : command;

    return (size_t)(rest - command) + strcspn(rest, " *?");
}

/* NULL when it cannot be told, or there is no such command. */
static const CatalogEntry *find_hmp(const char *command)
{
    size_t length = hmp_name_length(command);
    char name[128];

    snprintf(name, sizeof(name), "%.*s", (int)length, command);
    return command[length] && command[length] != ' ' ? NULL : catalog_find(CHANNEL_HMP, name);
}

/* The name is the first @length bytes of @command. */
static void lint_unknown(Channel channel, const char *command, size_t length, Reason *ret)
{
    char name[128] = "";
    Nearest nearest = nearest_to(name);
    char hint[NEAREST_HINT_SIZE];

    snprintf(name, sizeof(name), "%.*s", (int)length, command);
    catalog_try_commands(channel, &nearest);
    reason_set(ret, "no %s command '%.*s' is known%s", channel_name(channel), (int)length, command,
               nearest_hint(&nearest, hint, sizeof(hint)));
}

static void lint_hmp(const Rule *rule, Reason *ret)
{
    size_t length = hmp_name_length(rule->command);
    const CatalogEntry *entry = find_hmp(rule->command);

    if (strstr(rule->command, "  "))
        reason_set(ret, "never matches: HMP lines are judged with single spaces");
    else if (!entry && rule->command[length] != '*' && rule->command[length] != '?')
        lint_unknown(CHANNEL_HMP, rule->command, length, ret);
    else if (entry && !rule->command[length] && *entry->args_type)
        reason_set(ret, "matches the bare command only: with arguments it is '%s *'",
                   rule->command);
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
        lint_unknown(channel, rule->command, strlen(rule->command), ret);
}

static void lint_command(const Rule *rule, Reason *ret)
{
    if (!rule->command)
        return;
    if (rule->channels == 1u << CHANNEL_HMP)
        lint_hmp(rule, ret);
    else
        lint_name(rule, rule->channels == 1u << CHANNEL_AGENT ? CHANNEL_AGENT : CHANNEL_QMP, ret);
}

/* Of an HMP line the rule says more than the name; when in doubt, it is that command. */
static bool may_name(const Rule *rule, const CatalogEntry *entry)
{
    bool on_channel = rule->channels & (1u << entry->channel);
    size_t budget = SIZE_MAX;
    const CatalogEntry *hmp;

    if (!rule->command)
        return on_channel;
    if (entry->channel != CHANNEL_HMP)
        return on_channel && glob_match(rule->command, entry->name, &budget) == GLOB_YES;
    if (rule->channels & (1u << CHANNEL_QMP) &&
        glob_match(rule->command, HMP_WRAPPER, &budget) == GLOB_YES)
        return true;
    hmp = find_hmp(rule->command);
    return on_channel && (!hmp || hmp == entry);
}

/* All groups that it may be in, whatever its arguments are. */
static GroupSet possible_groups(const CatalogEntry *entry)
{
    GroupSet groups = catalog_classify(entry, entry->channel, NULL).groups;

    for (size_t i = 0; i < entry->n_effects; i++) {
        const CatalogEffect *effect = &entry->effects[i];
        CatalogEntry with = *entry;

        with.n_effects = 0;
        with.groups |= effect->groups;
        if (effect->raises_to > with.command_class)
            with.command_class = effect->raises_to;
        groups |= catalog_classify(&with, entry->channel, NULL).groups;
    }
    return groups;
}

/* A command that nobody knows is in @unknown, and its name is anything. */
static bool may_be_unknown(const Rule *rule)
{
    GroupSet unknown = catalog_classify(NULL, CHANNEL_QMP, NULL).groups;

    return rule->groups & unknown && (!rule->command || !glob_is_literal(rule->command));
}

static void lint_group(const Rule *rule, Reason *ret)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    if (!rule->command || !rule->groups || may_be_unknown(rule))
        return;
    for (size_t i = 0; i < count; i++) {
        if (may_name(rule, &entries[i]) && possible_groups(&entries[i]) & rule->groups)
            return;
    }
    reason_set(ret, "never matches: '%s' is never in %s", rule->command, rule->group_name);
}

static void lint_native(const Rule *rule, Reason *ret)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    if (!rule->requires_native)
        return;
    for (size_t i = 0; i < count; i++) {
        const CatalogEntry *entry = &entries[i];

        if (may_name(rule, entry) && catalog_native(entry, entry->groups) &&
            (!rule->groups || possible_groups(entry) & rule->groups))
            return;
    }
    reason_set(ret,
               "always denies: libvirt has no call of its own for %s, so require=\"native\" "
               "is never fulfilled",
               rule->command      ? rule->command
               : rule->group_name ? rule->group_name
                                  : "any of that");
}

/* A caller is known to libvirt by its UNIX user only on the host itself. */
static void lint_caller(const Rule *rule, Reason *ret)
{
    if (rule->kind != RULE_DENY && (rule->user || rule->unix_group) && (rule->sasl || rule->x509))
        reason_set(ret, "a caller over TCP or TLS has %s and no UNIX user: make two rules of it",
                   rule->sasl ? "a SASL name" : "a certificate");
}

bool lint_rule(const Rule *rule, Reason *ret)
{
    static void (*const lints[])(const Rule *rule, Reason *ret) = {lint_command, lint_group,
                                                                   lint_native, lint_caller};

    ret->text[0] = '\0';
    for (size_t i = 0; !ret->text[0] && i < sizeof(lints) / sizeof(lints[0]); i++)
        lints[i](rule, ret);
    return ret->text[0] != '\0';
}

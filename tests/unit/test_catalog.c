/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The catalogue's tables: what holds for every line, and the lines that others rely on. */
#include "unit.h"

#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static GroupSet group(const char *name)
{
    const GroupInfo *info = group_find(name);

    if (!info)
        fail_msg("there is no group %s", name);
    return info->set;
}

static void test_order(void **state)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);
    size_t by_channel[CHANNEL_COUNT] = {0};

    (void)state;
    for (size_t i = 0; i < count; i++) {
        by_channel[entries[i].channel]++;
        if (i > 0 && (entries[i - 1].channel > entries[i].channel ||
                      (entries[i - 1].channel == entries[i].channel &&
                       strcmp(entries[i - 1].name, entries[i].name) >= 0)))
            fail_msg("'%s' stands before '%s'", entries[i - 1].name, entries[i].name);
    }
    assert_true(by_channel[CHANNEL_QMP] > 200);
    assert_true(by_channel[CHANNEL_HMP] > 150);
    assert_true(by_channel[CHANNEL_AGENT] > 40);
}

/* One class, its group and no other class's; known; in a group of its own kind. */
static void test_entry(void **state)
{
    const CatalogEntry *entry = *state;
    GroupSet classes = group("@safe") | group("@privileged") | group("@memory-dump") |
                       group("@dangerous");
    GroupSet given = classes | group("@known") | group("@unknown") | group("@unstable") |
                     group("@deprecated");
    CLEANUP(mem) char *class_group = formatted("@%s", class_name(entry->command_class));

    assert_in_range(entry->command_class, CLASS_SAFE, CLASS_DANGEROUS);
    assert_int_equal(entry->groups & classes, group(class_group));
    assert_true(entry->groups & group("@known"));
    assert_false(entry->groups & group("@unknown"));
    assert_true(entry->groups & ~given);
    assert_int_equal(!!(entry->marks & MARK_UNSTABLE), !!(entry->groups & group("@unstable")));
    assert_int_equal(!!(entry->marks & MARK_DEPRECATED), !!(entry->groups & group("@deprecated")));
    assert_int_equal(entry->args_type != NULL, entry->channel == CHANNEL_HMP);
    assert_true(strtod(entry->first, NULL) <= strtod(entry->last, NULL));
    assert_ptr_equal(catalog_find(entry->channel, entry->name), entry);
}

/* What replaces a command is one libvirt command, with the domain in it once at most. */
static void test_instead(void **state)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);
    size_t with_domain = 0;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const char *text = entries[i].instead;
        const char *place = text ? strstr(text, "{domain}") : NULL;

        if (!text)
            continue;
        with_domain += place != NULL;
        if (strncmp(text, "virsh ", 6) != 0 || (place && strchr(place + 1, '{')) ||
            (!place && strchr(text, '{')) || strchr(text, '%') || strchr(text, '\n'))
            fail_msg("'%s': %s", entries[i].name, text);
    }
    assert_true(with_domain > 50);
}

static void test_effects(void **state)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);
    size_t effects = 0;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t e = 0; e < entries[i].n_effects; e++) {
            const CatalogEffect *effect = &entries[i].effects[e];

            bool has_glob = effect->test == EFFECT_GLOB || effect->test == EFFECT_NOT_GLOB;

            if (!effect->path || has_glob != !!effect->glob ||
                (!effect->groups && !effect->raises_to))
                fail_msg("'%s': %s does nothing", entries[i].name, effect->path);
            effects++;
        }
    }
    assert_true(effects > 0);
}

static void test_groups(void **state)
{
    size_t count;
    const GroupInfo *groups = group_list(&count);
    GroupSet seen = 0;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        bool is_single = (groups[i].set & (groups[i].set - 1)) == 0;

        assert_ptr_equal(group_find(groups[i].name), &groups[i]);
        assert_int_equal(groups[i].name[0], '@');
        assert_true(groups[i].help && strlen(groups[i].help) > 10);
        assert_int_not_equal(groups[i].set, 0);
        if (is_single && seen & groups[i].set)
            fail_msg("%s shares its bit", groups[i].name);
        if (is_single)
            seen |= groups[i].set;
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(groups[i].set & ~seen, 0);
    assert_null(group_find("@nonesuch"));
    assert_null(group_find("host"));
    assert_null(group_find(""));
}

/* The groups of the design, and what each is made of. */
static void test_group_members(void **state)
{
    (void)state;
    assert_int_equal(group("@host-file"), group("@host-file-read") | group("@host-file-write"));
    assert_int_equal(group("@host"), group("@monitor") | group("@host-exec") | group("@host-file") |
                                         group("@host-net") | group("@host-device"));
    assert_int_equal(group("@host") & group("@query"), 0);
}

/* A group that no command is in is a rule that never matches. */
static void test_no_group_is_empty(void **state)
{
    size_t n_groups;
    size_t count;
    const GroupInfo *groups = group_list(&n_groups);
    const CatalogEntry *entries = catalog_list(&count);
    GroupSet used = group("@unknown");

    (void)state;
    for (size_t i = 0; i < count; i++) {
        used |= entries[i].groups;
        for (size_t e = 0; e < entries[i].n_effects; e++)
            used |= entries[i].effects[e].groups;
    }
    for (size_t i = 0; i < n_groups; i++) {
        if ((groups[i].set & used) != groups[i].set)
            fail_msg("%s has no command", groups[i].name);
    }
}

/* Nothing but MAQET's two is dangerous by its name alone on the QMP channel. */
static void test_dangerous_by_name(void **state)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].channel != CHANNEL_HMP && entries[i].command_class == CLASS_DANGEROUS &&
            strcmp(entries[i].name, "human-monitor-command") != 0 &&
            strcmp(entries[i].name, "inject-nmi") != 0)
            fail_msg("%s", entries[i].name);
    }
}

/* A descriptor that came with another command stays in QEMU for whoever asks next. */
static void test_descriptor_takers(void **state)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        bool takes = entries[i].channel == CHANNEL_QMP && (strcmp(entries[i].name, "getfd") == 0 ||
                                                           strcmp(entries[i].name, "add-fd") == 0);

        if (!!(entries[i].marks & MARK_FD) != takes)
            fail_msg("%s %s takes %s descriptor", channel_name(entries[i].channel), entries[i].name,
                     takes ? "a" : "no");
    }
}

/* The mark `equals=NAME(...)+NAME(...)` of the HMP command in @line, or NULL. */
static const char *find_equals(const char *line, char *ret_name, size_t size)
{
    const char *name = strchr(line, '|');
    size_t length;

    if (strncmp(line, "hmp ", 4) != 0 || !name)
        return NULL;
    name += 1 + strspn(name + 1, " ");
    length = strcspn(name, "|");
    while (length > 0 && name[length - 1] == ' ')
        length--;
    snprintf(ret_name, size, "%.*s", (int)length, name);
    return strstr(name, "equals=");
}

/* An HMP command is in every group that the QMP commands it equals are in. */
static size_t check_equals(const char *hmp_name, const char *equals)
{
    const CatalogEntry *hmp = catalog_find(CHANNEL_HMP, hmp_name);
    GroupSet classes = group("@safe") | group("@privileged") | group("@memory-dump") |
                       group("@dangerous") | group("@unstable") | group("@deprecated");
    size_t count = 0;

    assert_non_null(hmp);
    equals += strlen("equals=");
    while (*equals && !strchr(" |\n", *equals)) {
        CLEANUP(mem) char *name = strndup(equals, strcspn(equals, "("));
        const CatalogEntry *qmp = catalog_find(CHANNEL_QMP, name);

        if (!qmp)
            fail_msg("'%s' equals '%s', which is not there", hmp_name, name);
        if (qmp->groups & ~hmp->groups & ~classes)
            fail_msg("HMP's '%s' is not in all groups of the QMP '%s' that it equals", hmp_name,
                     name);
        if (qmp->command_class > hmp->command_class)
            fail_msg("HMP's '%s' is in a lesser class than the QMP '%s' that it equals", hmp_name,
                     name);
        count++;
        equals += strcspn(equals, ")");
        equals += strspn(equals, ")+");
    }
    return count;
}

static void test_equals(void **state)
{
    FILE *file = fopen(*state, "re");
    CLEANUP(mem) char *line = NULL;
    size_t size = 0;
    size_t count = 0;
    char name[64];

    assert_non_null(file);
    while (getline(&line, &size, file) >= 0) {
        const char *equals = find_equals(line, name, sizeof(name));

        /* What `change` does depends on its arguments: test_classify.c has it. */
        if (equals && strcmp(name, "change") != 0)
            count += check_equals(name, equals);
    }
    fclose(file);
    assert_true(count > 80);
}

static void test_names(void **state)
{
    (void)state;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        assert_int_equal(channel_from_name(channel_name((Channel)channel)), channel);
    assert_int_equal(channel_from_name("QMP"), -1);
    assert_int_equal(channel_from_name(""), -1);
    for (int class = 0; class < CLASS_COUNT; class ++)
        assert_non_null(class_name((CommandClass) class));
    assert_null(catalog_find(CHANNEL_QMP, ""));
    assert_null(catalog_find(CHANNEL_QMP, "info status"));
    assert_null(catalog_find(CHANNEL_HMP, "quit|q"));
}

int main(int argc, char **argv)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    if (argc != 2)
        return 2;
    for (size_t i = 0; i < count; i++)
        unit_add(entries[i].name, test_entry, (void *)(uintptr_t)&entries[i]);
    unit_add("order", test_order, NULL);
    unit_add("what to use instead", test_instead, NULL);
    unit_add("every effect", test_effects, NULL);
    unit_add("every group", test_groups, NULL);
    unit_add("members of groups", test_group_members, NULL);
    unit_add("no group is empty", test_no_group_is_empty, NULL);
    unit_add("dangerous by name", test_dangerous_by_name, NULL);
    unit_add("who takes descriptors", test_descriptor_takers, NULL);
    unit_add("HMP commands that equal others", test_equals, argv[1]);
    unit_add("names", test_names, NULL);
    return unit_run("catalog");
}

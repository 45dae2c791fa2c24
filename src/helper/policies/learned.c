/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "learned.h"

#include "helper.h"
#include "json_add.h"
#include "request/request.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <ctype.h>
#include <string.h>

/* As in the text log: of a longer list the rest is left out. */
static const char cut_mark[] = "...";

static bool is_spelled(const char *name, const char *also)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        if (!isascii((unsigned char)name[i]) ||
            (!isalnum((unsigned char)name[i]) && !strchr(also, name[i])))
            return false;
    }
    return length > 0 && length <= COMMAND_NAME_MAX;
}

/* `info NAME` has the one blank there may be. A name with a `?` would be a pattern. */
static bool is_hmp_name(const char *name)
{
    return is_spelled(strncmp(name, "info ", 5) == 0 ? name + 5 : name, "_-");
}

/* Is there a rule that means this command and no other? */
static bool is_command_name(Channel channel, const char *name)
{
    if (strcmp(name, cut_mark) == 0)
        return false;
    return channel == CHANNEL_HMP ? is_hmp_name(name) : is_spelled(name, "-_.");
}

int learned_leave_out(LearnedSet *set, const char *name, const char *why)
{
    CLEANUP(mem) char *shown = recorded_shown(name);
    json_object *object;

    if (!set->told)
        set->told = json_object_new_object();
    if (!set->left_out)
        set->left_out = json_object_new_array();
    if (!shown || !set->told || !set->left_out)
        return complain("out of memory"), -1;
    if (json_object_object_get_ex(set->told, name, NULL))
        return 0;
    if (json_object_object_add(set->told, name, NULL) < 0)
        return complain("out of memory"), -1;
    object = json_object_new_object();
    json_add_text(object, "command", shown);
    json_add_text(object, "why", why);
    json_append(set->left_out, object);
    return 0;
}

/* A user's name as a rule has it, as far as it is printable ASCII, which a terminal shows as it is.
 * 0 or -1 after complaining. */
static int user_of(const Recorded *recorded, char **ret)
{
    CLEANUP(mem) char *name = recorded->unix_user ? recorded_decode(recorded->unix_user) : NULL;
    size_t length = name ? strlen(name) : 0;

    for (size_t at = 0; at < length;) {
        uint32_t character = 0;
        size_t size = utf8_read(name + at, length - at, &character);

        if (size == 0 || character < 0x20 || character > 0x7e)
            return 0;
        at += size;
    }
    if (recorded->unix_user && !name)
        return complain("out of memory"), -1;
    if (length > 0)
        *ret = steal_pointer(&name);
    return 0;
}

static Learned *add_learned(LearnedSet *set, const char *user, Channel channel, const char *name)
{
    Learned **grown = realloc(set->commands, (set->n_commands + 1) * sizeof(*grown));
    Learned *learned = calloc(1, sizeof(*learned));

    if (grown)
        set->commands = grown;
    if (!grown || !learned) {
        free(learned);
        return NULL;
    }
    set->commands[set->n_commands++] = learned;
    learned->user = user ? strdup(user) : NULL;
    learned->channel = channel;
    learned->name = strdup(name);
    learned->entry = catalog_find(channel, name);
    return learned->name && !learned->user == !user ? learned : NULL;
}

/* The one for this user, channel and name; made when there is none yet. */
static Learned *find_learned(LearnedSet *set, const char *user, Channel channel, const char *name)
{
    CLEANUP(mem) char *key = NULL;
    json_object *number = NULL;
    Learned *learned;

    if (!set->index)
        set->index = json_object_new_object();
    if (!set->index || asprintf(&key, "%s\n%d\n%s", user ? user : "", (int)channel, name) < 0)
        return NULL;
    if (json_object_object_get_ex(set->index, key, &number))
        return set->commands[json_object_get_int64(number)];
    learned = add_learned(set, user, channel, name);
    number = json_object_new_int64((int64_t)set->n_commands - 1);
    if (!learned || !number || json_object_object_add(set->index, key, number) < 0)
        return NULL;
    return learned;
}

/*
 * An HMP rule matches the whole line, so it counts whether there were arguments. Of a
 * command that the catalogue lacks the record cannot say.
 */
static void note_arguments(Learned *learned, const Recorded *recorded)
{
    json_object *parameters = recorded_list(recorded, "parameters");
    bool is_typed = learned->entry && learned->entry->args_type;

    if (is_typed && !*learned->entry->args_type) {
        learned->bare = true;
    } else if (is_typed && parameters) {
        bool is_bare = json_object_array_length(parameters) == 0;

        learned->bare = learned->bare || is_bare;
        learned->with_arguments = learned->with_arguments || !is_bare;
    } else {
        learned->bare = learned->with_arguments = learned->arguments_unknown = true;
    }
}

static void add(int64_t *sum, int64_t count)
{
    *sum = *sum > INT64_MAX - count ? INT64_MAX : *sum + count;
}

static void note_passed(Learned *learned, const Recorded *recorded, bool decided)
{
    add(&learned->passed, recorded->count);
    if (learned->channel == CHANNEL_HMP)
        note_arguments(learned, recorded);
    if (!decided)
        return;
    if (recorded->verdict == VERDICT_WARN)
        add(&learned->warned, recorded->count);
    if (recorded->verdict == VERDICT_AUDIT)
        add(&learned->audited, recorded->count);
    learned->groups |= recorded_groups(recorded);
    if (recorded_class(recorded) == CLASS_DANGEROUS)
        learned->was_dangerous = true;
}

/* Counts one operation of a recorded command. */
static int add_operation(LearnedSet *set, const Recorded *recorded, const char *user,
                         Channel channel, const char *name)
{
    bool decided = strcmp(name, recorded_decider(recorded)) == 0;
    Learned *learned;

    if (recorded->verdict != VERDICT_DENY && !is_command_name(channel, name))
        return learned_leave_out(set, name,
                                 strcmp(name, cut_mark) == 0 ? "a list in the log was cut here"
                                                             : "this is no command's name");
    learned = find_learned(set, user, channel, name);
    if (!learned)
        return complain("out of memory"), -1;
    if (recorded->is_outcome) {
        const char *error = recorded_text(recorded, "error");
        bool is_missing = error && strcmp(error, "CommandNotFound") == 0;

        learned->missing += is_missing ? 1 : 0;
        learned->ran += is_missing ? 0 : 1;
    } else if (recorded->verdict == VERDICT_DENY) {
        add(&learned->denied, recorded->count);
        if (recorded->is_granted)
            add(&learned->granted, recorded->count);
        if (!learned->denied_by)
            learned->denied_by = strdup(recorded->rule);
    } else {
        note_passed(learned, recorded, decided);
    }
    return 0;
}

/* A transaction passes with all of its actions, and is refused because of one. */
static int add_parts(LearnedSet *set, const Recorded *recorded, const char *user)
{
    json_object *parts = recorded_list(recorded, "parts");
    CLEANUP(json) json_object *seen = json_object_new_object();

    for (size_t i = 0; parts && i < json_object_array_length(parts); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(parts, i));

        if (!name || json_object_object_get_ex(seen, name, NULL))
            continue;
        if (json_object_object_add(seen, name, NULL) < 0)
            return complain("out of memory"), -1;
        if (add_operation(set, recorded, user, CHANNEL_QMP, name) < 0)
            return -1;
    }
    return 0;
}

int learned_add(void *data, const Recorded *recorded)
{
    LearnedSet *set = data;
    CLEANUP(mem) char *user = NULL;
    bool passes = recorded->verdict != VERDICT_DENY && !recorded->is_outcome;

    if (set->by_user && user_of(recorded, &user) < 0)
        return -1;
    if (!recorded->name)
        return recorded->is_outcome
                   ? 0
                   : learned_leave_out(set, HMP_WRAPPER,
                                       "a record does not say which HMP command it was");
    if (passes)
        add(&set->passed, recorded->count);
    if (set->by_user && !user)
        return passes ? learned_leave_out(set, recorded->user, "a rule cannot name this user") : 0;
    if (!passes)
        return add_operation(set, recorded, user, recorded->channel,
                             recorded->is_outcome ? recorded->name : recorded_decider(recorded));
    if (add_operation(set, recorded, user, recorded->channel, recorded->name) < 0)
        return -1;
    return add_parts(set, recorded, user);
}

static int compare(const void *a, const void *b)
{
    const Learned *one = *(Learned *const *)a;
    const Learned *other = *(Learned *const *)b;
    int order = (int)one->channel - (int)other->channel;

    if (order == 0)
        order = strcmp(one->name, other->name);
    if (order == 0 && one->user && other->user)
        order = strcmp(one->user, other->user);
    return order;
}

void learned_sort(LearnedSet *set)
{
    if (set->n_commands > 0)
        qsort(set->commands, set->n_commands, sizeof(*set->commands), compare);
}

bool learned_is_missing(const Learned *learned)
{
    return !learned->entry && learned->missing > 0 && learned->ran == 0;
}

void learned_clear(LearnedSet *set)
{
    for (size_t i = 0; i < set->n_commands; i++) {
        free(set->commands[i]->user);
        free(set->commands[i]->name);
        free(set->commands[i]->denied_by);
        free(set->commands[i]);
    }
    free(set->commands);
    json_object_put(set->index);
    json_object_put(set->left_out);
    json_object_put(set->told);
    *set = (LearnedSet){0};
}

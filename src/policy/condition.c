/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "condition.h"

#include "util/cleanup.h"
#include "util/glob.h"
#include "util/json_text.h"
#include "util/path.h"

#include <string.h>

#define NAME_MAX_BYTES 256

/* One call of condition_holds(). */
typedef struct Trial {
    const Condition *condition;
    bool denies;
    size_t *budget;
} Trial;

/* Is @path @directory itself or below it? Both are normalised. */
static bool lies_at(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    if (strcmp(directory, "/") == 0)
        return true;
    return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* What QEMU's block layer opens as a host path: it takes one such word off the front. */
static const char *without_protocol(const char *text)
{
    static const char *const words[] = {"file:", "host_device:", "host_cdrom:"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(text, words[i], strlen(words[i])) == 0)
            return text + strlen(words[i]);
    }
    return text;
}

/*
 * To let pass, the text is a plain absolute path. To deny, a protocol in front makes no
 * difference, and a relative path is taken from `/`, where QEMU runs. /dev/fdset/N is no place but
 * whatever was opened there: only a prefix that names /dev/fdset means it.
 */
static bool prefix_holds(const Trial *trial, const char *text)
{
    const char *prefix = trial->condition->prefix;
    CLEANUP(mem) char *absolute = NULL;
    CLEANUP(mem) char *path = NULL;

    if (!trial->denies) {
        /* Where a `..` leads is for links to say, and those may be the client's own. */
        path = steps_up(text) ? NULL : path_normalised(text);
    } else if (asprintf(&absolute, "/%s", without_protocol(text)) >= 0) {
        path = path_normalised(absolute);
    } else {
        absolute = NULL;
    }
    if (!path) /* no absolute one, or out of memory: what cannot be told is denied */
        return trial->denies;
    if (lies_at(path, "/dev/fdset") && !lies_at(prefix, "/dev/fdset"))
        return false;
    return lies_at(path, prefix);
}

static bool match_holds(const Trial *trial, const char *text)
{
    const char *match = trial->condition->match;

    return glob_match(match, text, trial->budget) == GLOB_YES &&
           (trial->denies || glob_is_literal(match) || !steps_up(text));
}

/* QEMU takes a negative number for a huge one where it wants one without a sign. */
static bool max_holds(const Trial *trial, json_object *value)
{
    int64_t max = trial->condition->max;
    int64_t number = json_object_get_int64(value);

    return json_object_is_type(value, json_type_int) && number <= max &&
           (number >= 0 || max < 0 || trial->denies);
}

static bool scalar_holds(const Trial *trial, json_object *value)
{
    const Condition *condition = trial->condition;
    bool is_text = json_object_is_type(value, json_type_string);
    char buffer[JSON_SCALAR_SIZE];
    const char *text = json_scalar(value, buffer);

    if (!text)
        return false;
    if (condition->match && !(is_text && match_holds(trial, text)))
        return false;
    if (condition->prefix && !(is_text && prefix_holds(trial, text)))
        return false;
    if (condition->value && strcmp(condition->value, text) != 0)
        return false;
    return !condition->has_max || max_holds(trial, value);
}

static bool holds_at(const Trial *trial, json_object *value, const char *path);

static bool holds_in_list(const Trial *trial, json_object *list, const char *path)
{
    size_t count = json_object_array_length(list);

    for (size_t i = 0; i < count; i++) {
        bool holds = holds_at(trial, json_object_array_get_idx(list, i), path);

        if (holds == trial->denies)
            return holds;
    }
    return !trial->denies && count > 0;
}

/* To deny, whatever is inside an object counts: it may be a text that was spelled out. */
static bool holds_in_object(const Trial *trial, json_object *object)
{
    json_object_object_foreach (object, name, member) {
        (void)name;
        if (holds_at(trial, member, ""))
            return true;
    }
    return false;
}

/* Follows what is left of the dotted name; an empty @path is the value itself. */
static bool holds_at(const Trial *trial, json_object *value, const char *path)
{
    char name[NAME_MAX_BYTES];
    size_t length = strcspn(path, ".");
    json_object *member = NULL;

    if (*trial->budget == 0)
        return false;
    --*trial->budget;
    /* A list on the way is walked; a list in the place of the value is another type. */
    if (json_object_is_type(value, json_type_array) && (*path || trial->denies))
        return holds_in_list(trial, value, path);
    if (!*path && trial->denies && json_object_is_type(value, json_type_object))
        return holds_in_object(trial, value);
    if (!*path)
        return scalar_holds(trial, value);
    if (length >= sizeof(name) || !json_object_is_type(value, json_type_object))
        return false;
    memcpy(name, path, length);
    name[length] = '\0';
    if (!json_object_object_get_ex(value, name, &member))
        return false;
    return holds_at(trial, member, path[length] ? path + length + 1 : path + length);
}

/* To deny, a name means a member at any depth: a node's driver is a driver wherever it stands. */
static bool holds_below(const Trial *trial, json_object *value)
{
    if (*trial->budget == 0)
        return false;
    --*trial->budget;
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (holds_below(trial, json_object_array_get_idx(value, i)))
                return true;
        }
    } else if (json_object_is_type(value, json_type_object)) {
        if (holds_at(trial, value, trial->condition->name))
            return true;
        json_object_object_foreach (value, name, member) {
            (void)name;
            if (holds_below(trial, member))
                return true;
        }
    }
    return false;
}

bool condition_holds(const Condition *condition, bool denies, json_object *arguments,
                     json_object *expanded, size_t *budget)
{
    Trial trial = {condition, denies, budget};
    json_object *whole = NULL;
    bool is_whole = json_object_object_get_ex(arguments, condition->name, &whole);
    bool is_below = denies && expanded == arguments && !strchr(condition->name, '.');

    /* A member whose own name has a dot in it, or none, as the client spelled it. */
    if (is_whole && !is_below && holds_at(&trial, whole, ""))
        return true;
    /* What was spelled out is what it says, and the text that it was. */
    if (denies)
        return holds_below(&trial, expanded) ||
               (expanded != arguments && holds_below(&trial, arguments));
    return !is_whole && holds_at(&trial, expanded, condition->name);
}

bool condition_holds_text(const Condition *condition, bool denies, const char *text, size_t *budget)
{
    Trial trial = {condition, denies, budget};

    return (!condition->match || match_holds(&trial, text)) &&
           (!condition->prefix || prefix_holds(&trial, text));
}

void condition_clear(Condition *condition)
{
    free(condition->name);
    free(condition->match);
    free(condition->prefix);
    free(condition->value);
}

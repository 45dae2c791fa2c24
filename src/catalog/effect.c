/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "effect.h"

#include "util/glob.h"
#include "util/json_text.h"

#include <stdio.h>
#include <string.h>

/* The table's globs are short, so this is far more than any text needs. */
#define GLOB_STEPS ((size_t)1 << 27)

#define MEMBER_MAX 128

/* Where the walk is: an object, and the object around it. */
typedef struct Place {
    json_object *object;
    json_object *parent;
} Place;

static bool walk(const CatalogEffect *effect, Place place, const char *path);

static bool text_matches(const char *glob, json_object *value)
{
    size_t budget = GLOB_STEPS;
    char buffer[JSON_SCALAR_SIZE];

    return glob_match(glob, json_scalar(value, buffer), &budget) != GLOB_NO;
}

static bool is_plain_name(json_object *value)
{
    const char *text = json_object_get_string(value);

    return json_object_is_type(value, json_type_string) && text[strcspn(text, ":/")] != ':';
}

static bool value_passes(EffectTest test, const char *glob, json_object *value);

/* A member that may be a list counts by any of its elements. */
static bool any_element_passes(EffectTest test, const char *glob, json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        if (value_passes(test, glob, json_object_array_get_idx(list, i)))
            return true;
    }
    return false;
}

/* Tests a value that is there. An object has no text. */
static bool value_passes(EffectTest test, const char *glob, json_object *value)
{
    if (test == EFFECT_PRESENT || test == EFFECT_ABSENT)
        return test == EFFECT_PRESENT;
    if (json_object_is_type(value, json_type_array))
        return any_element_passes(test, glob, value);
    /* A text that was spelled out, or none: it is at least not the one that is meant. */
    if (json_object_is_type(value, json_type_object))
        return test == EFFECT_NOT_GLOB;
    if (test == EFFECT_PLAIN)
        return is_plain_name(value);
    return text_matches(glob, value) == (test == EFFECT_GLOB);
}

static bool member_passes(json_object *object, const char *name, EffectTest test, const char *glob)
{
    json_object *value = NULL;

    if (!json_object_object_get_ex(object, name, &value))
        return test == EFFECT_ABSENT;
    return value_passes(test, glob, value);
}

static bool conditions_hold(const CatalogEffect *effect, Place place)
{
    for (size_t i = 0; i < effect->n_when; i++) {
        const EffectCondition *condition = &effect->when[i];
        json_object *object = condition->in_parent ? place.parent : place.object;

        if (!object || !member_passes(object, condition->member, condition->test, condition->glob))
            return false;
    }
    return true;
}

/* `**`: here, and below every member and element. */
static bool walk_all(const CatalogEffect *effect, Place place, const char *path, const char *rest)
{
    if (json_object_is_type(place.object, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(place.object); i++) {
            Place element = {json_object_array_get_idx(place.object, i), place.parent};

            if (walk(effect, element, path))
                return true;
        }
        return false;
    }
    if (!json_object_is_type(place.object, json_type_object))
        return false;
    if (walk(effect, place, rest))
        return true;
    json_object_object_foreach (place.object, name, member) {
        (void)name;
        if (walk(effect, (Place){member, place.object}, path))
            return true;
    }
    return false;
}

/* `x[]`: every element of the list; a value that is no list counts as its only element. */
static bool walk_list(const CatalogEffect *effect, Place place, json_object *list, const char *rest)
{
    if (!json_object_is_type(list, json_type_array))
        return *rest ? walk(effect, (Place){list, place.object}, rest)
                     : value_passes(effect->test, effect->glob, list) &&
                           conditions_hold(effect, place);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        if (walk_list(effect, place, json_object_array_get_idx(list, i), rest))
            return true;
    }
    return false;
}

static bool walk(const CatalogEffect *effect, Place place, const char *path)
{
    char name[MEMBER_MAX];
    size_t length = strcspn(path, ".");
    const char *rest = path[length] ? path + length + 1 : path + length;
    json_object *member = NULL;
    bool is_list;

    if (strncmp(path, "**", 2) == 0)
        return walk_all(effect, place, path, rest);
    if (length >= sizeof(name) || !json_object_is_type(place.object, json_type_object))
        return false;
    is_list = length > 2 && strncmp(path + length - 2, "[]", 2) == 0;
    snprintf(name, sizeof(name), "%.*s", (int)(is_list ? length - 2 : length), path);
    if (!*rest && !is_list)
        return member_passes(place.object, name, effect->test, effect->glob) &&
               conditions_hold(effect, place);
    if (!json_object_object_get_ex(place.object, name, &member))
        return false;
    if (is_list)
        return walk_list(effect, place, member, rest);
    return walk(effect, (Place){member, place.object}, rest);
}

bool effect_matches(const CatalogEffect *effect, json_object *arguments)
{
    if (!arguments)
        return effect->test == EFFECT_ABSENT && effect->n_when == 0;
    return walk(effect, (Place){arguments, NULL}, effect->path);
}

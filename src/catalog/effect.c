/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "effect.h"

#include "util/glob.h"
#include "util/json_text.h"

#include <string.h>

/* The table's globs are short, so this is far more than any text needs. */
#define GLOB_STEPS ((size_t)1 << 27)

/* To compare so many names takes less than to hash one. */
#define FEW_MEMBERS 8

/* Where the walk is: an object, and the object around it. */
typedef struct Place {
    json_object *object;
    json_object *parent;
} Place;

static bool walk(const CatalogEffect *effect, Place place, size_t at);

static bool find_member(json_object *object, const char *name, json_object **ret)
{
    if (!json_object_is_type(object, json_type_object))
        return false;
    if (json_object_object_length(object) > FEW_MEMBERS)
        return json_object_object_get_ex(object, name, ret);
    json_object_object_foreach (object, key, value) {
        if (strcmp(key, name) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

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

    if (!find_member(object, name, &value))
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
static bool walk_all(const CatalogEffect *effect, Place place, size_t at)
{
    if (json_object_is_type(place.object, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(place.object); i++) {
            Place element = {json_object_array_get_idx(place.object, i), place.parent};

            if (walk_all(effect, element, at))
                return true;
        }
        return false;
    }
    if (!json_object_is_type(place.object, json_type_object))
        return false;
    if (walk(effect, place, at + 1))
        return true;
    json_object_object_foreach (place.object, name, member) {
        (void)name;
        if (walk_all(effect, (Place){member, place.object}, at))
            return true;
    }
    return false;
}

/* `x[]`: every element of the list; a value that is no list counts as its only element. */
static bool walk_list(const CatalogEffect *effect, Place place, json_object *list, size_t at)
{
    if (!json_object_is_type(list, json_type_array))
        return at < effect->n_path ? walk(effect, (Place){list, place.object}, at)
                                   : value_passes(effect->test, effect->glob, list) &&
                                         conditions_hold(effect, place);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        if (walk_list(effect, place, json_object_array_get_idx(list, i), at))
            return true;
    }
    return false;
}

/* Whether the effect's path from step @at on leads from @place to a value that passes. */
static bool walk(const CatalogEffect *effect, Place place, size_t at)
{
    const EffectStep *step = &effect->path[at];
    json_object *member = NULL;

    if (!step->member)
        return walk_all(effect, place, at);
    if (!json_object_is_type(place.object, json_type_object))
        return false;
    if (at + 1 == effect->n_path && !step->is_list)
        return member_passes(place.object, step->member, effect->test, effect->glob) &&
               conditions_hold(effect, place);
    if (!find_member(place.object, step->member, &member))
        return false;
    if (step->is_list)
        return walk_list(effect, place, member, at + 1);
    return walk(effect, (Place){member, place.object}, at + 1);
}

bool effect_matches(const CatalogEffect *effect, json_object *arguments)
{
    if (!arguments)
        return effect->test == EFFECT_ABSENT && effect->n_when == 0;
    return walk(effect, (Place){arguments, NULL}, 0);
}

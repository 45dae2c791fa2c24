/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "expand.h"

#include "json_strict.h"
#include "util/cleanup.h"

#include <stdbool.h>
#include <string.h>

#define JSON_PREFIX "json:"

/* What a block node calls the text that stands for it. */
#define FILE_NAME "filename"

/* A json: name inside a json: name inside ...; nobody needs more. */
#define NESTED_MAX 4

static bool is_json_name(json_object *value)
{
    return json_object_is_type(value, json_type_string) &&
           strncmp(json_object_get_string(value), JSON_PREFIX, strlen(JSON_PREFIX)) == 0;
}

static bool holds_json_name(json_object *value)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (holds_json_name(json_object_array_get_idx(value, i)))
                return true;
        }
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach (value, name, member) {
            (void)name;
            if (holds_json_name(member))
                return true;
        }
    }
    return is_json_name(value);
}

/* Take @value over, whatever comes of it. */
static int put_member(json_object *object, const char *name, json_object *value)
{
    int result = json_object_object_add(object, name, value);

    if (result < 0)
        json_object_put(value);
    return result;
}

static int put_element(json_object *list, json_object *value)
{
    int result = json_object_array_add(list, value);

    if (result < 0)
        json_object_put(value);
    return result;
}

/*
 * The object at @name of @parent, made when it is not there. A text in its place is the
 * node's file name, to which more is added (`file=/x,file.locking=on`). Borrowed; NULL on
 * failure.
 */
static json_object *object_at(json_object *parent, const char *name)
{
    json_object *old = NULL;
    json_object *object;

    json_object_object_get_ex(parent, name, &old);
    if (json_object_is_type(old, json_type_object))
        return old;
    object = json_object_new_object();
    if (!object)
        return NULL;
    if (old && put_member(object, FILE_NAME, json_object_get(old)) < 0) {
        json_object_put(object);
        return NULL;
    }
    return put_member(parent, name, object) < 0 ? NULL : object;
}

/*
 * Adds one option and takes over @value; a key that comes again makes a list, as QEMU's
 * option visitor does.
 */
static int add_value(json_object *object, const char *key, json_object *value)
{
    json_object *old = NULL;
    json_object *list;

    if (!json_object_object_get_ex(object, key, &old))
        return put_member(object, key, value);
    if (json_object_is_type(old, json_type_object) && !json_object_is_type(value, json_type_object))
        return add_value(old, FILE_NAME, value);
    if (json_object_is_type(old, json_type_array))
        return put_element(old, value);
    list = json_object_new_array();
    if (!list || put_element(list, json_object_get(old)) < 0) {
        json_object_put(list);
        json_object_put(value);
        return -1;
    }
    if (put_element(list, value) < 0) {
        json_object_put(list);
        return -1;
    }
    return put_member(object, key, list);
}

/* `file.driver` is the member driver of the member file. @key is taken apart. */
static int add_option(json_object *options, char *key, json_object *value)
{
    json_object *object = options;
    char *dot;

    while ((dot = strchr(key, '.')) && dot > key) {
        *dot = '\0';
        object = object_at(object, key);
        if (!object) {
            json_object_put(value);
            return -1;
        }
        key = dot + 1;
    }
    return add_value(object, key, value);
}

static json_object *without_dots(json_object *value);

static json_object *list_without_dots(json_object *list)
{
    CLEANUP(json) json_object *plain = json_object_new_array();

    for (size_t i = 0; plain && i < json_object_array_length(list); i++) {
        json_object *element = json_object_array_get_idx(list, i);
        json_object *value = without_dots(element);

        if ((element && !value) || put_element(plain, value) < 0)
            return NULL;
    }
    return steal_pointer(&plain);
}

static json_object *object_without_dots(json_object *object)
{
    CLEANUP(json) json_object *plain = json_object_new_object();

    if (!plain)
        return NULL;
    json_object_object_foreach (object, name, member) {
        CLEANUP(mem) char *key = strdup(name);
        json_object *value = without_dots(member);

        if (!key) {
            json_object_put(value);
            return NULL;
        }
        if ((member && !value) || add_option(plain, key, value) < 0)
            return NULL;
    }
    return steal_pointer(&plain);
}

/*
 * A json: name may have dotted keys, which mean the same as nested ones. Returns a new
 * reference; NULL for null, or on failure.
 */
static json_object *without_dots(json_object *value)
{
    if (json_object_is_type(value, json_type_array))
        return list_without_dots(value);
    if (json_object_is_type(value, json_type_object))
        return object_without_dots(value);
    return json_object_get(value);
}

static int expand_json_names(json_object *value, int depth, Reason *why);

/* The object that @member stands for, or @member itself, as a new reference. */
static json_object *expanded_member(json_object *member, int depth, Reason *why)
{
    const char *text;
    CLEANUP(json) json_object *parsed = NULL;
    json_object *object;

    if (!is_json_name(member)) {
        if (expand_json_names(member, depth, why) < 0)
            return NULL;
        return json_object_get(member);
    }
    text = json_object_get_string(member) + strlen(JSON_PREFIX);
    if (depth == 0) {
        reason_set(why, "json: names nested too deep");
        return NULL;
    }
    parsed = json_strict_parse(text, strlen(text), why);
    object = parsed ? without_dots(parsed) : NULL;
    if (object && expand_json_names(object, depth - 1, why) < 0) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

/* Works in place, on a copy that nobody else sees. */
static int expand_json_names(json_object *value, int depth, Reason *why)
{
    if (!holds_json_name(value))
        return 0;
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            json_object *element = json_object_array_get_idx(value, i);
            json_object *expanded = element ? expanded_member(element, depth, why) : NULL;

            if (!element)
                continue;
            if (!expanded)
                return -1;
            if (json_object_array_put_idx(value, i, expanded) < 0) {
                json_object_put(expanded);
                return -1;
            }
        }
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach (value, name, member) {
            json_object *expanded = member ? expanded_member(member, depth, why) : NULL;

            if (member && (!expanded || put_member(value, name, expanded) < 0))
                return -1;
        }
    }
    return 0;
}

/* Copies one option up to its comma into @out; `,,` is a comma of its own. */
static const char *next_option(const char *text, char *out)
{
    while (*text) {
        if (*text == ',' && text[1] == ',')
            text++;
        else if (*text == ',')
            return text + 1;
        *out++ = *text++;
        *out = '\0';
    }
    *out = '\0';
    return text;
}

static int add_text(json_object *options, char *key, const char *text)
{
    json_object *value = json_object_new_string(text);

    return value ? add_option(options, key, value) : -1;
}

/* key=value,key=value; the first may be a bare value; a bare key later is a switch. */
static json_object *read_options(const char *text, const char *implied_key, Reason *why)
{
    CLEANUP(json) json_object *options = json_object_new_object();
    CLEANUP(mem) char *option = malloc(strlen(text) + 1);
    CLEANUP(mem) char *implied = strdup(implied_key ? implied_key : "");
    bool is_first = true;

    if (!options || !option || !implied) {
        reason_set(why, "out of memory");
        return NULL;
    }
    for (; *text; is_first = false) {
        char *equals;
        int result;

        *option = '\0';
        text = next_option(text, option);
        equals = strchr(option, '=');
        if (equals) {
            *equals = '\0';
            result = add_text(options, option, equals + 1);
        } else if (is_first && *implied) {
            result = add_text(options, implied, option);
        } else {
            result = add_text(options, option, "on");
        }
        if (result < 0) {
            reason_set(why, "out of memory");
            return NULL;
        }
    }
    return steal_pointer(&options);
}

/* Of the commands that take options only object_add's argument, type `S`, may be JSON. */
static bool takes_json(const CatalogEntry *entry)
{
    size_t length = strlen(entry->options);
    const char *at = strstr(entry->args_type, entry->options);

    return at && strncmp(at + length, ":S", 2) == 0;
}

static int expand_options(const CatalogEntry *entry, json_object *arguments, Reason *why)
{
    json_object *value = NULL;
    json_object *options;
    const char *text;

    if (!json_object_object_get_ex(arguments, entry->options, &value) ||
        !json_object_is_type(value, json_type_string))
        return 0;
    text = json_object_get_string(value);
    if (*text == '{' && !takes_json(entry))
        return reason_set(why, "the options of '%s' are NAME=VALUE, not JSON", entry->name);
    options = *text == '{' ? json_strict_parse(text, strlen(text), why)
                           : read_options(text, entry->implied_option, why);
    if (!options)
        return -1;
    return put_member(arguments, entry->options, options);
}

json_object *arguments_expand(const CatalogEntry *entry, json_object *arguments, Reason *why)
{
    CLEANUP(json) json_object *copy = NULL;
    bool has_options = entry && entry->options;

    if (!has_options && !holds_json_name(arguments))
        return json_object_get(arguments);
    reason_set(why, "out of memory");
    if (json_object_deep_copy(arguments, &copy, NULL) < 0)
        return NULL;
    if ((has_options && expand_options(entry, copy, why) < 0) ||
        expand_json_names(copy, NESTED_MAX, why) < 0)
        return NULL;
    return steal_pointer(&copy);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_arguments.h"

#include "util/cleanup.h"

#include <string.h>

/* More than any option of QEMU's has. */
#define KEYS_MAX 64

/* Where the name starts; NULL for what is no option. */
static const char *name_start(const char *argument)
{
    if (argument[0] != '-' || !argument[1])
        return NULL;
    return argument[1] == '-' ? argument + 2 : argument + 1;
}

bool qemu_is_option(const char *argument)
{
    return name_start(argument) != NULL;
}

char *qemu_option_name(const char *argument)
{
    const char *name = name_start(argument);

    return name ? strndup(name, strcspn(name, "= ")) : NULL;
}

const char *qemu_option_value(const StringList *arguments, size_t index)
{
    const char *argument = arguments->items[index];
    const char *joined = argument + strcspn(argument, "= ");

    if (*joined)
        return joined + 1;
    return index + 1 < arguments->count ? arguments->items[index + 1] : "";
}

void qemu_option_each(const StringList *arguments, const char *name, QemuOptionVisitor visit,
                      void *data)
{
    size_t length = strlen(name);

    /* Compared where it stands: without memory, one would be passed over. */
    for (size_t i = 0; i < arguments->count; i++) {
        const char *option = name_start(arguments->items[i]);

        if (option && strcspn(option, "= ") == length && strncmp(option, name, length) == 0)
            visit(data, qemu_option_value(arguments, i));
    }
}

/* Switches that may stand without a value; any other may be a key with `no` before it. */
static bool is_known_switch(const char *word)
{
    static const char *const known[] = {
        "server", "wait",     "nowait", "delay",     "nodelay", "telnet",
        "mux",    "abstract", "tight",  "logappend", "ipv4",    "ipv6",
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i], word) == 0)
            return true;
    }
    return false;
}

static void add_option(QemuOptions *options, const char *key, const char *value)
{
    if (options->keys.count == KEYS_MAX || qemu_options_get(options, key) ||
        string_list_add(&options->keys, key) < 0 || string_list_add(&options->values, value) < 0)
        options->is_odd = true;
}

/* Copies one element up to its comma into @out; `,,` is a comma of its own. */
static const char *next_element(const char *text, char *out)
{
    while (*text && !(*text == ',' && text[1] != ',')) {
        if (*text == ',')
            text++;
        *out++ = *text++;
    }
    *out = '\0';
    return *text ? text + 1 : text;
}

void qemu_options_read(const char *text, const char *implied, QemuOptions *ret)
{
    CLEANUP(mem) char *element = malloc(strlen(text) + 1);

    *ret = (QemuOptions){.is_odd = !element || *text == '{'};
    if (ret->is_odd)
        return;
    for (bool is_first = true; *text && !ret->is_odd; is_first = false) {
        /* The key ends at the first `=`, unless a comma comes before, even a doubled one. */
        size_t key = strcspn(text, "=,");
        bool has_key = text[key] == '=';

        text = next_element(text, element);
        if (has_key)
            element[key] = '\0';
        if (has_key)
            add_option(ret, element, element + key + 1);
        else if (is_first && implied)
            add_option(ret, implied, element);
        else if (is_known_switch(element))
            add_option(ret, element, "on");
        else
            ret->is_odd = true;
    }
}

const char *qemu_options_get(const QemuOptions *options, const char *key)
{
    for (size_t i = 0; i < options->values.count; i++) {
        if (strcmp(options->keys.items[i], key) == 0)
            return options->values.items[i];
    }
    return NULL;
}

void qemu_options_clear(QemuOptions *options)
{
    string_list_clear(&options->keys);
    string_list_clear(&options->values);
}

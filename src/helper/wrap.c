/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wrap.h"

#include "util/cleanup.h"
#include "util/memory_text.h"

#include <stdbool.h>
#include <string.h>

/* The words with @between between them; caller frees. */
static char *join(int argc, char **argv, const char *between)
{
    MemoryText text = {0};

    for (int i = 0; i < argc; i++) {
        memory_text_add(&text, between, i ? strlen(between) : 0);
        memory_text_add(&text, argv[i], strlen(argv[i]));
    }
    return memory_text_close(&text);
}

static bool is_object(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '{';
}

static char *wrap_as_virsh(int argc, char **argv)
{
    CLEANUP(mem) char *whole = join(argc, argv, " ");
    CLEANUP(mem) char *arguments = join(argc - 1, argv + 1, " ");
    CLEANUP(json) json_object *name = NULL;
    char *wrapped = NULL;

    if (!whole || !arguments)
        return NULL;
    if (is_object(whole))
        return steal_pointer(&whole);
    name = json_object_new_string(argv[0]);
    if (!is_object(arguments)) {
        free(arguments);
        arguments = join(argc - 1, argv + 1, ",");
    }
    if (!name || !arguments ||
        asprintf(&wrapped,
                 !*arguments            ? "{\"execute\":%s%s}"
                 : is_object(arguments) ? "{\"execute\":%s,\"arguments\":%s}"
                                        : "{\"execute\":%s,\"arguments\":{%s}}",
                 json_object_to_json_string(name), arguments) < 0)
        return NULL;
    return wrapped;
}

char *wrap_words(Channel channel, int argc, char **argv)
{
    return channel == CHANNEL_HMP ? join(argc, argv, " ") : wrap_as_virsh(argc, argv);
}

char *wrap_line(Channel channel, const char *line)
{
    size_t name = strcspn(line, " \t");
    CLEANUP(mem) char *copy = strdup(line);
    char *words[] = {copy, copy ? copy + name + 1 : NULL};

    if (!copy || channel == CHANNEL_HMP || is_object(line))
        return steal_pointer(&copy);
    if (!line[name])
        return wrap_as_virsh(1, words);
    copy[name] = '\0';
    return wrap_as_virsh(2, words);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An HMP line. What is accepted is rebuilt so that QEMU (its miniature, of the unit tests)
 * and the guard read it as what was judged, whether it came bare or inside JSON.
 */
#include "../unit/hmp_oracle.h"
#include "fuzz.h"
#include "request/hmp_line.h"
#include "request/json_strict.h"
#include "request/request.h"
#include "util/cleanup.h"

#include <string.h>

static void check_bytes(const HmpLine *line)
{
    for (const unsigned char *byte = (const unsigned char *)line->line; *byte; byte++)
        fuzz_must(*byte >= 0x20 && *byte != 0x7f, "a control character is forwarded: %s",
                  line->line);
}

static void check_again(const HmpLine *line)
{
    HmpLine again = {0};
    Reason why = {""};

    fuzz_must(hmp_line_parse(line->line, strlen(line->line), &again, &why) == 0,
              "the rebuilt line is refused: %s: %s", why.text, line->line);
    fuzz_must(strcmp(line->line, again.line) == 0, "'%s' is rebuilt as '%s'", line->line,
              again.line);
    fuzz_must(line->entry == again.entry && strcmp(line->name, again.name) == 0,
              "'%s' is another command", line->line);
    fuzz_must(json_object_equal(line->arguments, again.arguments), "'%s' has other arguments",
              line->line);
    hmp_line_clear(&again);
}

static void check_qemu(const HmpLine *line)
{
    char name[256];
    CLEANUP(json) json_object *read = NULL;

    /* Nobody knows how QEMU reads the arguments of a command that the catalogue lacks. */
    if (!line->entry || !line->entry->args_type)
        return;
    read = oracle_reads(line->line, name);
    fuzz_must(read != NULL, "QEMU refuses '%s'", line->line);
    fuzz_must(strcmp(name, line->name) == 0, "QEMU looks '%s' up, not '%s'", name, line->name);
    fuzz_must(json_object_equal(read, line->arguments), "'%s', judged as %s", line->line,
              json_object_to_json_string(line->arguments));
}

/* A new text: the line as the argument of human-monitor-command. */
static char *wrapped(const char *text, size_t length)
{
    CLEANUP(json) json_object *document = json_object_new_object();
    json_object *arguments = json_object_new_object();

    json_object_object_add(document, "execute", json_object_new_string("human-monitor-command"));
    json_object_object_add(document, "arguments", arguments);
    json_object_object_add(arguments, "command-line",
                           json_object_new_string_len(text, (int)length));
    return json_canonical_text(document);
}

static void check_channels(const char *text, size_t length, const HmpLine *line)
{
    Reason why = {""};
    CLEANUP(mem) char *json = wrapped(text, length);
    Request *bare = request_parse(CHANNEL_HMP, text, length, &why);
    Request *inside = request_parse(CHANNEL_QMP, json, strlen(json), &why);

    fuzz_must(!bare == !inside, "'%s' is only accepted %s", line->line, bare ? "bare" : "wrapped");
    if (bare) {
        const Operation *a = bare->operations;
        const Operation *b = inside->operations;

        fuzz_must(strcmp(bare->text, line->line) == 0, "'%s' is forwarded as '%s'", line->line,
                  bare->text);
        fuzz_must(bare->n_operations == 1 && inside->n_operations == 1 &&
                      a->channel == CHANNEL_HMP && b->channel == CHANNEL_HMP &&
                      a->entry == b->entry && strcmp(a->command, b->command) == 0 &&
                      json_object_equal(a->arguments, b->arguments) &&
                      json_object_equal(a->expanded, b->expanded) &&
                      json_object_equal(a->wrapper_arguments, b->wrapper_arguments) &&
                      a->is.groups == b->is.groups && a->is.command_class == b->is.command_class,
                  "'%s' is judged in two ways", line->line);
    }
    request_free(bare);
    request_free(inside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    HmpLine line = {0};
    Reason why = {""};

    if (hmp_line_parse(text, size, &line, &why) < 0) {
        fuzz_must(*why.text != '\0', "a refusal without a reason");
        fuzz_must(!request_parse(CHANNEL_HMP, text, size, &why), "two readings disagree");
        return 0;
    }
    check_bytes(&line);
    check_again(&line);
    check_qemu(&line);
    check_channels(text, size, &line);
    hmp_line_clear(&line);
    return 0;
}

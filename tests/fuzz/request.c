/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client's text, for QEMU (first byte even) or for the agent (odd). What is accepted is
 * forwarded as a text that every reader takes alike: ASCII, no member twice, and it is read
 * again as the same operations.
 */
#include "request/request.h"
#include "fuzz.h"
#include "json_walk.h"
#include "util/cleanup.h"

#include <string.h>

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_operation(const Operation *first, const Operation *again)
{
    fuzz_must(first->channel == again->channel && first->entry == again->entry &&
                  first->is.command_class == again->is.command_class &&
                  first->is.groups == again->is.groups,
              "the same text is another command: %s, %s", first->command, again->command);
    fuzz_must(is_same_text(first->name, again->name) &&
                  is_same_text(first->command, again->command),
              "the same text has another name: %s, %s", first->command, again->command);
    fuzz_must(json_object_equal(first->arguments, again->arguments) &&
                  json_object_equal(first->expanded, again->expanded) &&
                  json_object_equal(first->wrapper_arguments, again->wrapper_arguments),
              "the same text has other arguments: %s", first->command);
}

/* What is forwarded, read again, is what was judged. */
static void check_again(Channel channel, const Request *first)
{
    Reason why = {""};
    Request *again = request_parse(channel, first->text, strlen(first->text), &why);

    fuzz_must(again != NULL, "what is forwarded is refused: %s: %s", why.text, first->text);
    fuzz_must(strcmp(first->text, again->text) == 0, "forwarded as %s, and then as %s", first->text,
              again->text);
    fuzz_must(first->n_operations == again->n_operations, "%zu operations, and then %zu: %s",
              first->n_operations, again->n_operations, first->text);
    for (size_t i = 0; i < first->n_operations; i++)
        check_operation(&first->operations[i], &again->operations[i]);
    request_free(again);
}

/* json-c and another reader take the client's own text alike. */
static void check_sent(const char *text, size_t length)
{
    CLEANUP(tokener) json_tokener *tokener = json_tokener_new_ex(64);
    CLEANUP(json) json_object *read = json_tokener_parse_ex(tokener, text, (int)length);

    if (json_tokener_get_error(tokener) == json_tokener_continue)
        read = json_tokener_parse_ex(tokener, "", 1);
    fuzz_must(json_walk_says(text, length, read), "two readers disagree: %.*s", (int)length, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Channel channel = size > 0 && *data & 1 ? CHANNEL_AGENT : CHANNEL_QMP;
    const char *text = (const char *)data + (size > 0);
    size_t length = size - (size > 0);
    Reason why = {""};
    Request *request = request_parse(channel, text, length, &why);

    if (!request) {
        fuzz_must(*why.text != '\0', "a refusal without a reason");
        return 0;
    }
    fuzz_must(request->n_operations > 0, "nothing to judge: %s", request->text);
    fuzz_must_be_line(request->text, "what is forwarded");
    fuzz_must(json_walk_says(request->text, strlen(request->text), request->document),
              "what is forwarded is not what was judged: %s", request->text);
    check_sent(text, length);
    check_again(channel, request);
    request_free(request);
    return 0;
}

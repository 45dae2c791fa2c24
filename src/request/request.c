/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include "expand.h"
#include "hmp_line.h"
#include "json_strict.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* QEMU's names are letters, digits, `-`, `_` and, in a vendor's prefix, `.`. */
bool request_is_command_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isascii(text[i]) || (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i])))
            return false;
    }
    return length > 0 && length <= COMMAND_NAME_MAX;
}

static bool is_name(json_object *value)
{
    return request_is_command_name(json_object_get_string(value),
                                   (size_t)json_object_get_string_len(value));
}

static int check_envelope(json_object *document, Reason *why)
{
    json_object *execute = NULL;

    json_object_object_foreach (document, key, value) {
        if (strcmp(key, "execute") == 0) {
            execute = value;
            if (!json_object_is_type(value, json_type_string) || !is_name(value))
                return reason_set(why,
                                  "'execute' is not a command name: 1 to 255 letters, digits and "
                                  "'-', '_', '.'");
        } else if (strcmp(key, "arguments") == 0) {
            if (!json_object_is_type(value, json_type_object))
                return reason_set(why, "'arguments' is not an object");
        } else if (strcmp(key, "id") == 0 || strcmp(key, "exec-oob") == 0) {
            /* libvirt sets the id itself and negotiates no out-of-band execution. */
            return reason_set(why, "'%s' is not accepted through libvirt", key);
        } else {
            return reason_set(why, "only 'execute' and 'arguments' are accepted");
        }
    }
    return execute ? 0 : reason_set(why, "'execute' is missing");
}

/* Adds and classifies one operation. NULL with the reason when it cannot be read. */
static Operation *add_operation(Request *request, Channel channel, const char *name,
                                json_object *arguments, Reason *why)
{
    Operation *operation = &request->operations[request->n_operations++];

    operation->channel = channel;
    operation->name = operation->command = name;
    operation->arguments = arguments;
    operation->entry = catalog_find(channel, name);
    /* A json: name means something to QEMU's block layer only, never to the agent. */
    if (arguments && channel != CHANNEL_AGENT) {
        operation->expanded = arguments_expand(operation->entry, arguments, why);
        if (!operation->expanded)
            return NULL;
    }
    operation->is = catalog_classify(operation->entry, channel, operation->expanded);
    return operation;
}

/* A transaction is its actions: each is judged as the command of its own that it is. */
static int add_actions(Request *request, json_object *arguments, Reason *why)
{
    json_object *actions = NULL;
    Operation *grown;
    size_t count;

    if (!json_object_object_get_ex(arguments, "actions", &actions) ||
        !json_object_is_type(actions, json_type_array))
        return reason_set(why, "a transaction without a list of actions");
    count = json_object_array_length(actions);
    if (count > ACTIONS_MAX)
        return reason_set(why, "a transaction of %zu actions, more than %zu", count, ACTIONS_MAX);
    grown = calloc(1 + count, sizeof(*grown));
    if (!grown)
        return reason_set(why, "out of memory");
    grown[0] = request->operations[0];
    free(request->operations);
    request->operations = grown;

    for (size_t i = 0; i < count; i++) {
        json_object *action = json_object_array_get_idx(actions, i);
        json_object *type = NULL;
        json_object *data = NULL;

        if (!json_object_is_type(action, json_type_object) ||
            !json_object_object_get_ex(action, "type", &type) ||
            !json_object_is_type(type, json_type_string) || !is_name(type))
            return reason_set(why, "action %zu of the transaction has no type", i + 1);
        if (json_object_object_get_ex(action, "data", &data) &&
            !json_object_is_type(data, json_type_object))
            return reason_set(why, "action %zu of the transaction has data of a wrong type", i + 1);
        if (!add_operation(request, CHANNEL_QMP, json_object_get_string(type), data, why))
            return -1;
    }
    return 0;
}

/* Both ways to send an HMP line end here, as one operation. @wrapper is borrowed. */
static int add_hmp(Request *request, const char *line, size_t length, json_object *wrapper,
                   Reason *why)
{
    Operation *operation;
    json_object *rebuilt;

    if (hmp_line_parse(line, length, &request->hmp, why) < 0)
        return -1;
    rebuilt = json_object_new_string(request->hmp.line);
    if (!rebuilt || json_object_object_add(wrapper, "command-line", rebuilt) < 0) {
        json_object_put(rebuilt);
        return reason_set(why, "out of memory");
    }
    operation = add_operation(request, CHANNEL_HMP, request->hmp.name, request->hmp.arguments, why);
    if (!operation)
        return -1;
    operation->command = request->hmp.line;
    operation->wrapper_arguments = wrapper;
    return 0;
}

static int read_hmp(Request *request, const char *text, size_t length, Reason *why)
{
    request->document = json_object_new_object();
    if (!request->document)
        return reason_set(why, "out of memory");
    if (add_hmp(request, text, length, request->document, why) < 0)
        return -1;
    request->text = strdup(request->hmp.line);
    return 0;
}

static int read_wrapped_hmp(Request *request, json_object *arguments, Reason *why)
{
    json_object *line = NULL;

    /* QEMU takes no others; nobody has looked whether one of them is a json: name. */
    if (arguments) {
        json_object_object_foreach (arguments, name, value) {
            bool is_cpu = strcmp(name, "cpu-index") == 0 &&
                          json_object_is_type(value, json_type_int);

            if (!is_cpu && strcmp(name, "command-line") != 0)
                return reason_set(why, HMP_WRAPPER " takes a command-line and a cpu-index");
        }
    }
    if (!json_object_object_get_ex(arguments, "command-line", &line) ||
        !json_object_is_type(line, json_type_string))
        return reason_set(why, HMP_WRAPPER " without a command-line");
    return add_hmp(request, json_object_get_string(line), (size_t)json_object_get_string_len(line),
                   arguments, why);
}

static int read_json(Request *request, Channel channel, const char *text, size_t length,
                     Reason *why)
{
    json_object *execute = NULL;
    json_object *arguments = NULL;
    const char *name;
    int result = 0;

    if (channel == CHANNEL_QMP && length > QMP_BYTES_MAX)
        return reason_set(why, "%zu bytes, more than %zu", length, QMP_BYTES_MAX);
    request->document = json_strict_parse(text, length, why);
    if (!request->document || check_envelope(request->document, why) < 0)
        return -1;
    json_object_object_get_ex(request->document, "execute", &execute);
    json_object_object_get_ex(request->document, "arguments", &arguments);
    name = json_object_get_string(execute);

    if (channel == CHANNEL_QMP && strcmp(name, HMP_WRAPPER) == 0) {
        result = read_wrapped_hmp(request, arguments, why);
    } else {
        if (!add_operation(request, channel, name, arguments, why))
            return -1;
        if (channel == CHANNEL_QMP && strcmp(name, "transaction") == 0)
            result = add_actions(request, arguments, why);
    }
    if (result == 0)
        request->text = json_canonical_text(request->document);
    return result;
}

Request *request_parse(Channel channel, const char *text, size_t length, Reason *why)
{
    Request *request = calloc(1, sizeof(*request));
    int result;

    if (request)
        request->operations = calloc(1, sizeof(*request->operations));
    if (!request || !request->operations) {
        request_free(request);
        reason_set(why, "out of memory");
        return NULL;
    }
    result = channel == CHANNEL_HMP ? read_hmp(request, text, length, why)
                                    : read_json(request, channel, text, length, why);
    if (result == 0 && request->text)
        return request;
    if (result == 0)
        reason_set(why, "out of memory");
    request_free(request);
    return NULL;
}

void request_free(Request *request)
{
    if (!request)
        return;
    for (size_t i = 0; request->operations && i < request->n_operations; i++)
        json_object_put(request->operations[i].expanded);
    free(request->operations);
    free(request->text);
    hmp_line_clear(&request->hmp);
    json_object_put(request->document);
    free(request);
}

const char *request_command(const Request *request)
{
    const Operation *first = &request->operations[0];

    return first->channel == CHANNEL_HMP ? HMP_WRAPPER : first->command;
}

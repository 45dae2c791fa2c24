/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

typedef struct RequestRow {
    const char *name;
    Channel channel;
    const char *text;
    size_t length;
    const char *forwarded; /* NULL: refused ... */
    const char *operations; /* as described() writes them; or what is in the reason */
} RequestRow;

#define YES(name, channel, text, forwarded, operations)                                            \
    {                                                                                              \
        name, CHANNEL_##channel, BYTES(text), forwarded, operations                                \
    }
#define NO(name, channel, text, because)                                                           \
    {                                                                                              \
        name, CHANNEL_##channel, BYTES(text), NULL, because                                        \
    }

static const RequestRow envelope_rows[] = {
    YES("a command", QMP, "{\"execute\":\"stop\"}", "{\"execute\":\"stop\"}", "qmp stop -"),
    YES("arguments", QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":1}}",
        "{\"execute\":\"x\",\"arguments\":{\"a\":1}}", "qmp x {\"a\":1}"),
    YES("empty arguments", QMP, "{\"execute\":\"stop\",\"arguments\":{}}",
        "{\"execute\":\"stop\",\"arguments\":{}}", "qmp stop {}"),
    YES("arguments first", QMP, "{\"arguments\":{},\"execute\":\"stop\"}",
        "{\"arguments\":{},\"execute\":\"stop\"}", "qmp stop {}"),
    YES("space is not forwarded", QMP, " { \"execute\" : \"stop\" }\n", "{\"execute\":\"stop\"}",
        "qmp stop -"),
    YES("escapes are resolved before anything is judged", QMP, "{\"\\u0065xecute\":\"\\u0073top\"}",
        "{\"execute\":\"stop\"}", "qmp stop -"),
    NO("execute missing", QMP, "{\"arguments\":{}}", "'execute' is missing"),
    NO("nothing at all", QMP, "{}", "'execute' is missing"),
    NO("execute in capitals", QMP, "{\"EXECUTE\":\"stop\"}", "only 'execute' and 'arguments'"),
    NO("execute is a number", QMP, "{\"execute\":1}", "not a command name"),
    NO("execute is null", QMP, "{\"execute\":null}", "not a command name"),
    NO("execute is a list", QMP, "{\"execute\":[\"stop\"]}", "not a command name"),
    NO("execute is empty", QMP, "{\"execute\":\"\"}", "not a command name"),
    NO("arguments is null", QMP, "{\"execute\":\"x\",\"arguments\":null}", "not an object"),
    NO("arguments is a list", QMP, "{\"execute\":\"x\",\"arguments\":[]}", "not an object"),
    NO("arguments is a string", QMP, "{\"execute\":\"x\",\"arguments\":\"{}\"}", "not an object"),
    NO("id", QMP, "{\"execute\":\"x\",\"id\":1}", "'id' is not accepted"),
    NO("id is null", QMP, "{\"execute\":\"x\",\"id\":null}", "'id' is not accepted"),
    NO("exec-oob", QMP, "{\"exec-oob\":\"x\"}", "'exec-oob' is not accepted"),
    NO("exec-oob and execute", QMP, "{\"execute\":\"x\",\"exec-oob\":\"y\"}",
       "'exec-oob' is not accepted"),
    NO("control", QMP, "{\"execute\":\"x\",\"control\":{}}", "only 'execute' and 'arguments'"),
    NO("empty member", QMP, "{\"execute\":\"x\",\"\":1}", "only 'execute' and 'arguments'"),
    NO("member with a space", QMP, "{\"execute \":\"x\"}", "only 'execute' and 'arguments'"),
    NO("not JSON", QMP, "stop", "not JSON"),
    NO("empty", QMP, "", "empty text"),
    NO("HMP line on the QMP channel", QMP, "info status", "not JSON"),
    YES("every byte that a name has", QMP, "{\"execute\":\"__com.redhat_x-9Z\"}",
        "{\"execute\":\"__com.redhat_x-9Z\"}", "qmp __com.redhat_x-9Z -"),
    NO("name with a space", QMP, "{\"execute\":\"stop \"}", "not a command name"),
    NO("name with a newline", QMP, "{\"execute\":\"stop\\n\"}", "not a command name"),
    NO("name with a slash", QMP, "{\"execute\":\"stop/x\"}", "not a command name"),
    NO("name with a letter outside ASCII", QMP, "{\"execute\":\"st\\u00f6p\"}",
       "not a command name"),
    NO("id, on the agent channel", AGENT, "{\"execute\":\"guest-ping\",\"id\":1}", "'id'"),
    NO("resync byte, on the agent channel", AGENT, "\xff{\"execute\":\"guest-ping\"}", "not JSON"),
    YES("agent", AGENT, "{\"execute\":\"guest-ping\"}", "{\"execute\":\"guest-ping\"}",
        "agent guest-ping -"),
    YES("agent has no monitor", AGENT,
        "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"q\"}}",
        "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"q\"}}",
        "agent human-monitor-command {\"command-line\":\"q\"}"),
    YES("agent has no transactions", AGENT, "{\"execute\":\"transaction\"}",
        "{\"execute\":\"transaction\"}", "agent transaction -"),
};

#define WRAPPED(rest) "{\"execute\":\"human-monitor-command\",\"arguments\":" rest "}"

static const RequestRow hmp_rows[] = {
    YES("bare", HMP, " info  status ", "info status", "hmp info status {}"),
    YES("wrapped", QMP, WRAPPED("{\"command-line\":\" info  status \"}"),
        WRAPPED("{\"command-line\":\"info status\"}"), "hmp info status {}"),
    YES("bare, alias", HMP, "q", "quit", "hmp quit {}"),
    YES("wrapped, alias", QMP, WRAPPED("{\"command-line\":\"q\"}"),
        WRAPPED("{\"command-line\":\"quit\"}"), "hmp quit {}"),
    YES("bare, arguments", HMP, "migrate -d exec:x", "migrate -d exec:x",
        "hmp migrate -d exec:x {\"detach\":true,\"uri\":\"exec:x\"}"),
    YES("wrapped, arguments", QMP, WRAPPED("{\"command-line\":\"migrate -d exec:x\"}"),
        WRAPPED("{\"command-line\":\"migrate -d exec:x\"}"),
        "hmp migrate -d exec:x {\"detach\":true,\"uri\":\"exec:x\"}"),
    YES("wrapped, quotes rebuilt", QMP, WRAPPED("{\"command-line\":\"savevm\\t\\\"a b\\\"\"}"),
        WRAPPED("{\"command-line\":\"savevm \\\"a b\\\"\"}"),
        "hmp savevm \"a b\" {\"name\":\"a b\"}"),
    YES("wrapped, the name escaped", QMP,
        "{\"execute\":\"human-monitor-comman\\u0064\",\"arguments\":{\"command-line\":\"q\"}}",
        WRAPPED("{\"command-line\":\"quit\"}"), "hmp quit {}"),
    YES("wrapped, the line escaped", QMP, WRAPPED("{\"command-line\":\"\\u0071\"}"),
        WRAPPED("{\"command-line\":\"quit\"}"), "hmp quit {}"),
    YES("wrapped, cpu-index kept", QMP, WRAPPED("{\"cpu-index\":1,\"command-line\":\"q\"}"),
        WRAPPED("{\"cpu-index\":1,\"command-line\":\"quit\"}"), "hmp quit {}"),
    YES("wrapped, letter outside ASCII", QMP, WRAPPED("{\"command-line\":\"savevm \\u00e9\"}"),
        WRAPPED("{\"command-line\":\"savevm \\\"\\u00e9\\\"\"}"),
        "hmp savevm \"\xc3\xa9\" {\"name\":\"\xc3\xa9\"}"),
    YES("another command's command-line is no line", QMP,
        "{\"execute\":\"x\",\"arguments\":{\"command-line\":\" q\"}}",
        "{\"execute\":\"x\",\"arguments\":{\"command-line\":\" q\"}}",
        "qmp x {\"command-line\":\" q\"}"),
    NO("bare, nothing", HMP, "", "without a command"),
    NO("wrapped, nothing", QMP, WRAPPED("{\"command-line\":\"\"}"), "without a command"),
    NO("wrapped without arguments", QMP, "{\"execute\":\"human-monitor-command\"}",
       "without a command-line"),
    NO("wrapped with another argument", QMP, WRAPPED("{\"command-line\":\"q\",\"\":[\"json:\"]}"),
       "takes a command-line and a cpu-index"),
    NO("wrapped, cpu-index a text", QMP,
       WRAPPED("{\"command-line\":\"q\",\"cpu-index\":\"json:\"}"),
       "takes a command-line and a cpu-index"),
    NO("wrapped without a line", QMP, WRAPPED("{\"cpu-index\":1}"), "without a command-line"),
    NO("wrapped, the line is a number", QMP, WRAPPED("{\"command-line\":1}"),
       "without a command-line"),
    NO("wrapped, the line is null", QMP, WRAPPED("{\"command-line\":null}"),
       "without a command-line"),
    NO("bare, refused", HMP, "pmemsave 0 16 /x", "double quotes"),
    NO("wrapped, refused", QMP, WRAPPED("{\"command-line\":\"pmemsave 0 16 /x\"}"),
       "double quotes"),
    NO("bare, control character", HMP, "stop\x01", "control character"),
    NO("wrapped, control character", QMP, WRAPPED("{\"command-line\":\"stop\\u0001\"}"),
       "control character"),
    NO("bare, FF", HMP, "savevm x\xff{'execute':'quit'}", "invalid UTF-8"),
    NO("bare, JSON", HMP, "{\"execute\":\"stop\"}", "not an HMP command name"),
};

#define TRANSACTION(actions) "{\"execute\":\"transaction\",\"arguments\":{\"actions\":" actions "}}"

static const RequestRow transaction_rows[] = {
    YES("no actions", QMP, TRANSACTION("[]"), TRANSACTION("[]"),
        "qmp transaction {\"actions\":[]}"),
    YES("one action", QMP, TRANSACTION("[{\"type\":\"abort\",\"data\":{}}]"),
        TRANSACTION("[{\"type\":\"abort\",\"data\":{}}]"),
        "qmp transaction {\"actions\":[{\"type\":\"abort\",\"data\":{}}]}; qmp abort {}"),
    YES("action without data", QMP, TRANSACTION("[{\"type\":\"abort\"}]"),
        TRANSACTION("[{\"type\":\"abort\"}]"),
        "qmp transaction {\"actions\":[{\"type\":\"abort\"}]}; qmp abort -"),
    YES("two actions", QMP,
        TRANSACTION("[{\"type\":\"a\",\"data\":{\"x\":1}},{\"type\":\"b\",\"data\":{\"y\":2}}]"),
        TRANSACTION("[{\"type\":\"a\",\"data\":{\"x\":1}},{\"type\":\"b\",\"data\":{\"y\":2}}]"),
        "qmp transaction {\"actions\":[{\"type\":\"a\",\"data\":{\"x\":1}},"
        "{\"type\":\"b\",\"data\":{\"y\":2}}]}; qmp a {\"x\":1}; qmp b {\"y\":2}"),
    YES("properties are kept", QMP,
        "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[],\"properties\":{}}}",
        "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[],\"properties\":{}}}",
        "qmp transaction {\"actions\":[],\"properties\":{}}"),
    NO("no arguments", QMP, "{\"execute\":\"transaction\"}", "without a list of actions"),
    NO("actions missing", QMP, "{\"execute\":\"transaction\",\"arguments\":{}}",
       "without a list of actions"),
    NO("actions is an object", QMP, TRANSACTION("{}"), "without a list of actions"),
    NO("actions is null", QMP, TRANSACTION("null"), "without a list of actions"),
    NO("an action is null", QMP, TRANSACTION("[null]"), "action 1 of the transaction has no type"),
    NO("an action is a string", QMP, TRANSACTION("[\"abort\"]"), "has no type"),
    NO("the second action has no type", QMP, TRANSACTION("[{\"type\":\"abort\"},{\"data\":{}}]"),
       "action 2 of the transaction has no type"),
    NO("a type is a number", QMP, TRANSACTION("[{\"type\":1}]"), "has no type"),
    NO("a type is no name", QMP, TRANSACTION("[{\"type\":\"a b\"}]"), "has no type"),
    NO("a type is empty", QMP, TRANSACTION("[{\"type\":\"\"}]"), "has no type"),
    NO("data is a list", QMP, TRANSACTION("[{\"type\":\"a\",\"data\":[]}]"), "wrong type"),
    NO("data is null", QMP, TRANSACTION("[{\"type\":\"a\",\"data\":null}]"), "wrong type"),
};

/* `hmp info status {}; ...`: channel, what rules match, arguments. */
static char *described(const Request *request)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    for (size_t i = 0; i < request->n_operations; i++) {
        const Operation *operation = &request->operations[i];

        fprintf(out, "%s%s %s %s", i ? "; " : "", channel_name(operation->channel),
                operation->command,
                operation->arguments
                    ? json_object_to_json_string_ext(operation->arguments, JSON_C_TO_STRING_PLAIN)
                    : "-");
    }
    fclose(out);
    return text;
}

static void test_row(void **state)
{
    const RequestRow *row = *state;
    CLEANUP(mem) char *copy = malloc(row->length ? row->length : 1);
    CLEANUP(mem) char *operations = NULL;
    Reason why = {""};
    Request *request;
    Request *again;

    assert_non_null(copy);
    memcpy(copy, row->text, row->length);
    request = request_parse(row->channel, copy, row->length, &why);
    if (!row->forwarded) {
        assert_null(request);
        assert_has_word(why.text, row->operations);
        return;
    }
    if (!request)
        fail_msg("refused: %s", why.text);
    assert_string_equal(request->text, row->forwarded);
    operations = described(request);
    assert_string_equal(operations, row->operations);

    /* What is forwarded is forwarded again as it is. */
    again = request_of(row->channel, request->text);
    assert_string_equal(again->text, request->text);
    request_free(again);
    request_free(request);
}

/* However an HMP line came, it is one and the same operation. */
static void test_wrapped_equals_bare(void **state)
{
    static const char *const lines[] = {"info status",
                                        "q",
                                        "migrate -d \\\"exec:sh -c x\\\"",
                                        "x/4xw 0",
                                        "nonesuch a b",
                                        "object_add {\\\"a\\\":1}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        CLEANUP(mem) char *json = formatted(WRAPPED("{\"command-line\":\"%s\"}"), lines[i]);
        Request *wrapped = request_of(CHANNEL_QMP, json);
        Request *bare = request_of(CHANNEL_HMP, wrapped->operations[0].command);
        const Operation *left = &wrapped->operations[0];
        const Operation *right = &bare->operations[0];

        assert_int_equal(wrapped->n_operations, 1);
        assert_int_equal(bare->n_operations, 1);
        assert_int_equal(left->channel, CHANNEL_HMP);
        assert_int_equal(right->channel, CHANNEL_HMP);
        assert_string_equal(left->command, right->command);
        assert_string_equal(left->name, right->name);
        assert_true(json_object_equal(left->arguments, right->arguments));
        assert_ptr_equal(left->entry, right->entry);
        assert_int_equal(left->is.command_class, right->is.command_class);
        assert_int_equal(left->is.groups, right->is.groups);
        assert_true(json_object_equal(left->wrapper_arguments, right->wrapper_arguments));
        assert_string_equal(request_command(wrapped), "human-monitor-command");
        assert_string_equal(request_command(bare), "human-monitor-command");
        request_free(wrapped);
        request_free(bare);
    }
}

/* HMP: the name is without arguments, the command with them. */
static void test_name_and_command(void **state)
{
    Request *request = request_of(CHANNEL_HMP, "info  block d");

    (void)state;
    assert_string_equal(request->operations[0].name, "info block");
    assert_string_equal(request->operations[0].command, "info block d");
    assert_json(request->operations[0].wrapper_arguments, "{\"command-line\":\"info block d\"}");
    request_free(request);

    request = request_of(CHANNEL_QMP, "{\"execute\":\"stop\"}");
    assert_string_equal(request->operations[0].name, "stop");
    assert_string_equal(request->operations[0].command, "stop");
    assert_null(request->operations[0].wrapper_arguments);
    assert_string_equal(request_command(request), "stop");
    request_free(request);
}

static void test_name_length(void **state)
{
    static const char *const formats[] = {"{\"execute\":\"%s\"}",
                                          TRANSACTION("[{\"type\":\"%s\"}]")};
    CLEANUP(mem) char *longest = repeated('x', 255);
    CLEANUP(mem) char *longer = repeated('x', 256);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        int cut = (int)(strstr(formats[i], "%s") - formats[i]);
        const char *behind = formats[i] + cut + 2;
        CLEANUP(mem) char *good = formatted("%.*s%s%s", cut, formats[i], longest, behind);
        CLEANUP(mem) char *bad = formatted("%.*s%s%s", cut, formats[i], longer, behind);

        request_free(request_of(CHANNEL_QMP, good));
        assert_null(request_parse(CHANNEL_QMP, bad, strlen(bad), NULL));
    }
}

/* {"execute":"x","arguments":{"a":"..."}} of @length bytes. */
static char *filled(size_t length)
{
    static const char start[] = "{\"execute\":\"x\",\"arguments\":{\"a\":\"";
    char *text = repeated('x', length);

    memcpy(text, start, strlen(start));
    memcpy(text + length - 3, "\"}}", 3);
    return text;
}

/* libvirt gives up on a monitor whose answer is too long, and QEMU repeats what it is told. */
static void test_bytes(void **state)
{
    static const struct {
        Channel channel;
        size_t most;
    } limits[] = {{CHANNEL_QMP, 1048576}, {CHANNEL_AGENT, 4194304}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        CLEANUP(mem) char *at_limit = filled(limits[i].most);
        CLEANUP(mem) char *over = filled(limits[i].most + 1);
        CLEANUP(mem) char *most = formatted("more than %zu", limits[i].most);
        Reason why = {""};

        request_free(request_of(limits[i].channel, at_limit));
        assert_null(request_parse(limits[i].channel, over, strlen(over), &why));
        assert_has_word(why.text, most);
    }
}

static Request *with_actions(size_t count, Reason *why)
{
    CLEANUP(mem) char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    fputs("{\"execute\":\"transaction\",\"arguments\":{\"actions\":[", out);
    for (size_t i = 0; i < count; i++)
        fputs(i ? ",{\"type\":\"a\"}" : "{\"type\":\"a\"}", out);
    fputs("]}}", out);
    fclose(out);
    return request_parse(CHANNEL_QMP, text, strlen(text), why);
}

static void test_action_count(void **state)
{
    Reason why = {""};
    Request *request = with_actions(256, &why);

    (void)state;
    assert_non_null(request);
    assert_int_equal(request->n_operations, 257);
    request_free(request);
    assert_null(with_actions(257, &why));
    assert_has_word(why.text, "257 actions");
}

/* Each operation is classified on its own channel and by its own arguments. */
static void test_classification(void **state)
{
    Request *request = request_of(CHANNEL_QMP, TRANSACTION("[{\"type\":\"blockdev-backup\"},"
                                                           "{\"type\":\"nonesuch\"}]"));

    (void)state;
    assert_int_equal(request->n_operations, 3);
    assert_int_equal(request->operations[0].is.command_class, CLASS_SAFE);
    assert_int_equal(request->operations[1].is.command_class, CLASS_PRIVILEGED);
    assert_int_equal(request->operations[2].is.command_class, CLASS_UNKNOWN);
    assert_null(request->operations[2].entry);
    request_free(request);

    request = request_of(CHANNEL_AGENT, "{\"execute\":\"query-status\"}");
    assert_null(request->operations[0].entry);
    assert_int_equal(request->operations[0].is.command_class, CLASS_UNKNOWN);
    request_free(request);

    request = request_of(CHANNEL_HMP, "nonesuch");
    assert_null(request->operations[0].entry);
    assert_int_equal(request->operations[0].is.command_class, CLASS_DANGEROUS);
    request_free(request);
}

static void test_free_nothing(void **state)
{
    (void)state;
    request_free(NULL);
}

int main(void)
{
    UNIT_ADD_ROWS(envelope_rows, test_row);
    UNIT_ADD_ROWS(hmp_rows, test_row);
    UNIT_ADD_ROWS(transaction_rows, test_row);
    unit_add("wrapped and bare lines are the same", test_wrapped_equals_bare, NULL);
    unit_add("name and command", test_name_and_command, NULL);
    unit_add("names of 255 and 256 bytes", test_name_length, NULL);
    unit_add("1 and 4 MiB, and one byte more", test_bytes, NULL);
    unit_add("256 and 257 actions", test_action_count, NULL);
    unit_add("classification", test_classification, NULL);
    unit_add("free nothing", test_free_nothing, NULL);
    return unit_run("request");
}

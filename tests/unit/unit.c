/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "util/cleanup.h"
#include "util/printable.h"
#include "util/string_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct CMUnitTest *tests;
static size_t n_tests;

static StringList encoded_names;

/* The reports are XML, which has no control characters. */
static const char *reportable(const char *name)
{
    CLEANUP(mem) char *encoded = printable(name, "");
    bool is_plain = true;

    for (const char *byte = name; *byte; byte++)
        is_plain = is_plain && (unsigned char)*byte >= 0x20 && *byte != 0x7f;
    if (is_plain)
        return name;
    if (!encoded || string_list_add(&encoded_names, encoded) < 0)
        abort();
    return encoded_names.items[encoded_names.count - 1];
}

void unit_add(const char *name, CMUnitTestFunction test, void *state)
{
    struct CMUnitTest *grown = realloc(tests, (n_tests + 1) * sizeof(*grown));

    if (!grown)
        abort();
    tests = grown;
    tests[n_tests++] = (struct CMUnitTest){
        .name = reportable(name), .test_func = test, .initial_state = state};
}

void unit_add_rows(const void *rows, size_t count, size_t size, CMUnitTestFunction test)
{
    for (size_t i = 0; i < count; i++) {
        const char *row = (const char *)rows + i * size;

        /* cmocka hands the state on as it is: no test writes to its row. */
        unit_add(*(const char *const *)(const void *)row, test, (void *)(uintptr_t)row);
    }
}

int unit_run(const char *group)
{
    int failed = _cmocka_run_group_tests(group, tests, n_tests, NULL, NULL);

    string_list_clear(&encoded_names);
    free(tests);
    tests = NULL;
    n_tests = 0;
    return failed;
}

void assert_has_word(const char *text, const char *word)
{
    if (!text || !strstr(text, word))
        fail_msg("'%s' does not say '%s'", text ? text : "(nothing)", word);
}

void assert_json(json_object *value, const char *wanted)
{
    CLEANUP(json) json_object *expected = wanted ? json_tokener_parse(wanted) : NULL;

    if (!json_object_equal(value, expected))
        fail_msg("got %s, wanted %s", json_object_to_json_string(value),
                 wanted ? wanted : "no value");
}

char *repeated(char byte, size_t count)
{
    char *text = malloc(count + 1);

    assert_non_null(text);
    memset(text, byte, count);
    text[count] = '\0';
    return text;
}

char *formatted(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    assert_true(length >= 0);
    return text;
}

Policy *policy_of(PolicyKind kind, const char *attributes, const char *rules)
{
    CLEANUP(mem)
    char *text = formatted("<policy xmlns='" POLICY_NAMESPACE "' %s>%s</policy>", attributes,
                           rules);
    PolicyError error = {0};
    Policy *policy = policy_parse(text, strlen(text), kind, &error);

    if (!policy)
        fail_msg("%.200s: line %u: %s", text, error.line, error.reason.text);
    return policy;
}

Request *request_of(Channel channel, const char *text)
{
    Reason why = {""};
    Request *request = request_parse(channel, text, strlen(text), &why);

    if (!request)
        fail_msg("%.200s: %s", text, why.text);
    return request;
}

Request *request_of_short(Channel channel, const char *text)
{
    const char *arguments = strstr(text, " {");
    CLEANUP(mem) char *json = NULL;

    if (channel == CHANNEL_HMP)
        return request_of(channel, text);
    json = arguments ? formatted("{\"execute\":\"%.*s\",\"arguments\":%s}", (int)(arguments - text),
                                 text, arguments + 1)
                     : formatted("{\"execute\":\"%s\"}", text);
    return request_of(channel, json);
}

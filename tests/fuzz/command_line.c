/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The arguments, one behind each NUL, that a domain has for QEMU. No argument goes without
 * a finding, one dash is as good as two, and in the XML they are read as they were written.
 */
#include "start/command_line.h"

#include "domain/domain_xml.h"
#include "fuzz.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 64

static void read_arguments(FuzzInput input, StringList *ret)
{
    while (input.left > 0 && ret->count < ARGUMENTS_MAX) {
        CLEANUP(mem) char *text = fuzz_take_text(&input);

        fuzz_must(string_list_add(ret, text) == 0, "out of memory");
    }
}

static bool is_option(const char *argument)
{
    return *argument == '-' && argument[1] != '\0';
}

/* The same options, with two dashes for one, or one for two. */
static void respell(const StringList *arguments, StringList *ret)
{
    for (size_t i = 0; i < arguments->count; i++) {
        const char *argument = arguments->items[i];
        CLEANUP(mem) char *text = NULL;
        bool has_two = strncmp(argument, "--", 2) == 0;

        /* Of three dashes the last is the name's. */
        if (is_option(argument) && argument[1 + has_two] && argument[1 + has_two] != '-')
            fuzz_must(asprintf(&text, "%s%s", has_two ? "" : "-", argument + has_two) >= 0,
                      "out of memory");
        fuzz_must(string_list_add(ret, text ? text : argument) == 0, "out of memory");
    }
}

/* Values that begin with a dash would change with their spelling. */
static bool has_plain_values(const StringList *arguments)
{
    for (size_t i = 1; i < arguments->count; i++) {
        if (*arguments->items[i] == '-' && *arguments->items[i - 1] == '-')
            return false;
    }
    return true;
}

static void check_findings(const StringList *arguments, const FindingList *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        fuzz_must(finding_info(findings->items[i].kind) != NULL && findings->items[i].value &&
                      findings->items[i].reason,
                  "a finding without its words");
    fuzz_must(arguments->count == 0 || findings->count > 0 || findings->failed,
              "nothing is found in '%s'", arguments->count > 0 ? arguments->items[0] : "");
    for (size_t i = 0; i < arguments->count && !findings->failed; i++) {
        size_t options = 0;

        for (size_t j = 0; j <= i; j++)
            options += is_option(arguments->items[j]);
        fuzz_must(findings->count >= options, "%zu options, %zu findings", options,
                  findings->count);
    }
}

static void check_spelling(const StringList *arguments, const FindingList *findings)
{
    StringList respelled = {0};
    FindingList *other = calloc(1, sizeof(*other));

    fuzz_must(other != NULL, "out of memory");
    respell(arguments, &respelled);
    command_line_look(&respelled, other);
    fuzz_must(other->failed == findings->failed && other->count == findings->count,
              "%zu findings with one dash, %zu with two", findings->count, other->count);
    for (size_t i = 0; i < findings->count && !findings->failed; i++)
        fuzz_must(other->items[i].kind == findings->items[i].kind, "%s: %s with the other dashes",
                  findings->items[i].reason, other->items[i].reason);
    finding_list_clear(other);
    free(other);
    string_list_clear(&respelled);
}

/* True when XML can say it: no controls, valid UTF-8, none of the noncharacters. */
static bool is_xml_text(const char *text)
{
    size_t length = strlen(text);

    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = utf8_read(text + at, length - at, &character);

        if (size == 0 || character < 0x20)
            return false;
        at += size;
    }
    return true;
}

static void write_value(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("<>&'\"", *text))
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
    }
}

static void check_xml(const StringList *arguments)
{
    CLEANUP(mem) char *xml = NULL;
    size_t size;
    FILE *out = open_memstream(&xml, &size);
    DomainXml domain = {0};
    Reason why = {""};

    fuzz_must(out != NULL, "out of memory");
    fputs("<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline>", out);
    for (size_t i = 0; i < arguments->count; i++) {
        fputs("<q:arg value='", out);
        if (is_xml_text(arguments->items[i]))
            write_value(out, arguments->items[i]);
        fputs("'/>", out);
    }
    fputs("</q:commandline></domain>", out);
    fclose(out);
    fuzz_must(domain_xml_read(xml, size, &domain, &why) == 0, "%s: %s", why.text, xml);
    fuzz_must(domain.arguments.count == arguments->count, "%zu arguments of %zu",
              domain.arguments.count, arguments->count);
    for (size_t i = 0; i < arguments->count; i++)
        fuzz_must(!is_xml_text(arguments->items[i]) ||
                      strcmp(arguments->items[i], domain.arguments.items[i]) == 0,
                  "'%s' is read as '%s'", arguments->items[i], domain.arguments.items[i]);
    domain_xml_clear(&domain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    StringList arguments = {0};
    FindingList *findings = calloc(1, sizeof(*findings));

    fuzz_must(findings != NULL, "out of memory");
    read_arguments((FuzzInput){data, size}, &arguments);
    command_line_look(&arguments, findings);
    check_findings(&arguments, findings);
    if (has_plain_values(&arguments))
        check_spelling(&arguments, findings);
    check_xml(&arguments);
    finding_list_clear(findings);
    free(findings);
    string_list_clear(&arguments);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reader.h"

#include "helper.h"
#include "json_line.h"
#include "lines.h"
#include "scan.h"
#include "text_line.h"
#include "when.h"

#include <string.h>

/* Of a record; libvirt's and QEMU's own answers, which are not ours, may be deeper. */
#define TOKENER_DEPTH 32

struct AuditReader {
    AuditSource source;
    AuditLines *lines;
    const char *file; /* that the next two are of */
    bool holds_json; /* every line is to be a record */
    bool holds_text; /* other programs may write there, too */
    uint64_t unreadable;
    json_tokener *tokener;
    json_object *json; /* the record that is handed out */
};

AuditReader *audit_reader_open(const AuditSource *source)
{
    AuditReader *reader = calloc(1, sizeof(*reader));

    if (!reader) {
        complain("out of memory");
        return NULL;
    }
    reader->source = *source;
    reader->tokener = json_tokener_new_ex(TOKENER_DEPTH);
    if (!reader->tokener)
        complain("out of memory");
    else
        reader->lines = audit_lines_open(source->files, source->n_files, source->follows);
    if (!reader->lines) {
        audit_reader_close(reader);
        return NULL;
    }
    json_tokener_set_flags(reader->tokener, JSON_TOKENER_STRICT);
    return reader;
}

void audit_reader_close(AuditReader *reader)
{
    if (!reader)
        return;
    json_object_put(reader->json);
    if (reader->tokener)
        json_tokener_free(reader->tokener);
    audit_lines_close(reader->lines);
    free(reader);
}

uint64_t audit_reader_unreadable(const AuditReader *reader)
{
    return reader->unreadable;
}

void audit_reader_progress(const AuditReader *reader, uint64_t *ret_done, uint64_t *ret_all)
{
    audit_lines_progress(reader->lines, ret_done, ret_all);
}

static void note_unreadable(AuditReader *reader, const AuditLine *line, const char *why)
{
    reader->unreadable++;
    if (reader->source.complain)
        reader->source.complain(reader->source.data, line->source, line->number, why);
}

static bool is_own_trail(const AuditReader *reader)
{
    return reader->source.n_files == 0;
}

/* Nobody else writes into the host's own trail, whatever its lines look like. */
static void note_text(AuditReader *reader)
{
    reader->holds_text = !is_own_trail(reader);
}

/* libvirt's log, the system's, or a bare line. A record, NULL for none. */
static json_object *read_text(AuditReader *reader, const AuditLine *line, struct timespec *ret_when,
                              const char **why)
{
    TextPrefix prefix;
    json_object *json;

    text_prefix_read(line->text, line->length, &prefix);
    if (prefix.length > 0)
        note_text(reader);
    if (prefix.is_foreign && !is_own_trail(reader))
        return NULL;
    json = prefix.is_foreign
               ? NULL
               : text_record_read(line->text + prefix.length, line->length - prefix.length,
                                  prefix.is_warning, ret_when, why);
    if (prefix.when.tv_sec && (prefix.is_exact || !ret_when->tv_sec))
        *ret_when = prefix.when;
    if (json)
        text_record_set_time(json, *ret_when);
    if (json || *why) {
        note_text(reader);
        return json;
    }
    /* Other programs write into logs, too; nobody else writes into the trail. */
    if (memchr(line->text, '\0', line->length))
        *why = "NUL bytes: this is no text";
    else if (reader->holds_json && !reader->holds_text)
        *why = "not a JSON object";
    return NULL;
}

/* Messages of several lines may have JSON in them. */
static bool looks_like_ours(const AuditReader *reader, const AuditLine *line)
{
    static const char start[] = "{\"time\":\"";

    return !reader->holds_text ||
           memcmp(line->text, start,
                  line->length < sizeof(start) - 1 ? line->length : sizeof(start) - 1) == 0;
}

/* A record, NULL for none. */
static json_object *read_json(AuditReader *reader, const AuditLine *line, bool *ret_is_journal,
                              struct timespec *ret_when, const char **why)
{
    json_object *json = json_line_read(reader->tokener, line->text, line->length, ret_is_journal,
                                       ret_when, why);

    if (!json && !*why && is_own_trail(reader))
        *why = "an entry of a journal";
    if (!*why)
        reader->holds_json = true;
    else if (!looks_like_ours(reader, line))
        *why = NULL;
    return json;
}

/* True for a whole record of the trail, whose members need not be known yet. */
static bool may_wait(const AuditReader *reader, const AuditLine *line, struct timespec *ret_when)
{
    return reader->source.is_lazy && json_line_is_trail(line->text, line->length) &&
           when_read(json_line_time(line->text), JSON_LINE_TIME_LENGTH, WHEN_UTC, ret_when) ==
               JSON_LINE_TIME_LENGTH &&
           scan_is_sound(line->text, line->length) &&
           !scan_may_have_twice(line->text, line->length);
}

/* Reads one line. Returns true with a record; what cannot be read has been told of. */
static bool read_line(AuditReader *reader, const AuditLine *line, AuditEntry *ret)
{
    struct timespec when = {0};
    const char *why = NULL;
    bool waits = false;
    bool is_converted = false;

    json_object_put(reader->json);
    reader->json = NULL;
    if (may_wait(reader, line, &when)) {
        reader->holds_json = waits = true;
    } else if (line->is_dropped) {
        why = "a line of more than 4 MiB";
    } else if (line->text[0] == '{') {
        reader->json = read_json(reader, line, &is_converted, &when, &why);
    } else {
        reader->json = read_text(reader, line, &when, &why);
        is_converted = true;
    }
    if (why)
        note_unreadable(reader, line, why);
    if (!reader->json && !waits)
        return false;
    *ret = (AuditEntry){
        .json = reader->json,
        .line = line->text,
        .length = line->length,
        .when = when,
        .source = line->source,
        .line_number = line->number,
        .is_converted = is_converted,
    };
    return true;
}

int audit_reader_next(AuditReader *reader, AuditEntry *ret)
{
    AuditLine line;
    int result;

    while ((result = audit_lines_next(reader->lines, &line)) > 0) {
        if (line.source != reader->file) {
            reader->file = line.source;
            reader->holds_json = is_own_trail(reader);
            reader->holds_text = false;
        }
        if (line.length == 0 && !line.is_dropped)
            continue;
        /* Also where every record is skipped. */
        if (!reader->holds_json)
            reader->holds_json = json_line_is_trail(line.text, line.length);
        if (reader->source.prefilter && !line.is_dropped &&
            !reader->source.prefilter(reader->source.data, line.text, line.length))
            continue;
        if (read_line(reader, &line, ret))
            return 1;
    }
    return result;
}

int audit_entry_parse(AuditReader *reader, AuditEntry *entry)
{
    struct timespec when;
    bool is_journal;
    const char *why;

    if (entry->json)
        return 0;
    reader->json = json_line_read(reader->tokener, entry->line, entry->length, &is_journal, &when,
                                  &why);
    entry->json = reader->json;
    if (!entry->json)
        complain("%s:%llu: %s", entry->source, (unsigned long long)entry->line_number,
                 why ? why : "no record");
    return entry->json ? 0 : -1;
}

const char *audit_entry_text(const AuditEntry *entry, const char *member)
{
    json_object *value = json_object_object_get(entry->json, member);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

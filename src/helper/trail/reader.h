/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads audit records, one by one and in constant memory, from any of the places where they
 * are: the trail (JSON lines), libvirt's text log, and what `journalctl -o json` prints.
 * Which it is, is seen line by line, so that a merged file is read too.
 */
#ifndef QG_AUDIT_READER_H
#define QG_AUDIT_READER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* One record. Borrowed until the next one is read. */
typedef struct AuditEntry {
    json_object *json; /* members as docs/audit-record.schema.json has them, whatever the source;
                        * NULL: not parsed, see AuditSource.is_lazy */
    const char *line; /* as it was read, without the newline */
    size_t length;
    struct timespec when; /* {0, 0}: the record does not say */
    const char *source; /* the file's name; `-` for standard input */
    uint64_t line_number; /* in that file, counted from 1 */
    bool is_converted; /* @line is a text, or an entry of the journal, that @json was made of */
} AuditEntry;

typedef struct AuditReader AuditReader;

/* A line that may be a record and cannot be read: told of with its number and why. */
typedef void (*AuditComplaint)(void *data, const char *source, uint64_t line_number,
                               const char *why);

/* Of the lines that cannot be read a command names so many, and tells the number of all. */
#define UNREADABLE_NAMED 5

/* Asked of each line before it is parsed: false skips it. For filters that can tell early. */
typedef bool (*AuditPrefilter)(void *data, const char *line, size_t length);

typedef struct AuditSource {
    const char *const *files; /* `-` is standard input; none: the trail with its rotated parts */
    size_t n_files;
    bool follows; /* waits for more at the end of the last file, across rotations */
    AuditComplaint complain; /* NULL: nobody listens; they are counted all the same */
    AuditPrefilter prefilter; /* NULL: every line is parsed */
    void *data; /* for both */
    bool is_lazy; /* the trail's own lines are looked over, and parsed by audit_entry_parse() */
} AuditSource;

/* Opens the first file. NULL after complaining on stderr. @source is borrowed. */
AuditReader *audit_reader_open(const AuditSource *source);

/* Returns 1 and the next record, 0 at the end, -1 after complaining on stderr. */
int audit_reader_next(AuditReader *reader, AuditEntry *ret);

/* Lines that could not be read so far; bytes read so far and in all (0: not known). */
uint64_t audit_reader_unreadable(const AuditReader *reader);
void audit_reader_progress(const AuditReader *reader, uint64_t *ret_done, uint64_t *ret_all);

void audit_reader_close(AuditReader *reader);

/* Parses a record that was not parsed yet. Returns 0, or -1 after complaining. */
int audit_entry_parse(AuditReader *reader, AuditEntry *entry);

/* A member's text; NULL when it is not there. Borrowed. */
const char *audit_entry_text(const AuditEntry *entry, const char *member);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify.h"

#include "audit/trail.h"
#include "helper.h"
#include "json_add.h"
#include "lines.h"
#include "output.h"
#include "progress.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Of torn lines so many are named. */
#define TORN_NAMED 5

typedef struct Verifier {
    AuditLines *lines;
    bool as_json;
    bool is_own; /* the host's own trail, which always has a .head */
    const char *last_file;
    TrailHead before; /* the last record that was found sound; seq 0: none yet */
    uint64_t first; /* the record that the chain starts with here */
    uint64_t n_records;
    uint64_t n_torn;
    TrailHead head; /* seq 0: there is none */
    bool has_head;
    bool head_differs; /* from the record of its number */
    bool is_no_trail;
    Reason problem; /* empty: none */
    const char *problem_file;
    uint64_t problem_line;
    uint64_t problem_seq;
    Progress progress;
} Verifier;

/* Notes the first problem. */
static void note(Verifier *verifier, const AuditLine *line, uint64_t seq, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void note(Verifier *verifier, const AuditLine *line, uint64_t seq, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    reason_setv(&verifier->problem, format, args);
    va_end(args);
    verifier->problem_file = line ? line->source : verifier->last_file;
    verifier->problem_line = line ? line->number : 0;
    verifier->problem_seq = seq;
}

static bool is_record(const AuditLine *line, size_t *ret_hashed, TrailHead *ret)
{
    return line->length > 0 && line->text[0] == '{' &&
           trail_read_end(line->text, line->length, ret_hashed, ret) == 0;
}

static bool follows(const TrailHead *before, const AuditLine *line, size_t hashed,
                    const TrailHead *record)
{
    char chain[DIGEST_TEXT_SIZE];

    trail_chain(before->chain, line->text, hashed, chain);
    return strcmp(chain, record->chain) == 0;
}

/* A record that is looked at beside the one that is to be judged. */
typedef struct Other {
    AuditLine line;
    size_t hashed;
    TrailHead record;
} Other;

/* The next line, if it is a record at all. */
static bool read_other(Verifier *verifier, Other *ret)
{
    return audit_lines_next(verifier->lines, &ret->line) > 0 &&
           is_record(&ret->line, &ret->hashed, &ret->record);
}

/* True for the record that ought to come behind the last sound one. */
static bool is_wanted(const Verifier *verifier, const Other *other)
{
    return other->record.seq == verifier->before.seq + 1 &&
           follows(&verifier->before, &other->line, other->hashed, &other->record);
}

/* Looks for it in all that follows. Returns true and where it is. */
static bool find_later(Verifier *verifier, Other *ret)
{
    while (audit_lines_next(verifier->lines, &ret->line) > 0) {
        if (is_record(&ret->line, &ret->hashed, &ret->record) && is_wanted(verifier, ret))
            return true;
    }
    return false;
}

/* A record that ought to come is not the next one. */
static void explain_gap(Verifier *verifier, const AuditLine *line, const TrailHead *record)
{
    const AuditLine here = *line;
    uint64_t missing = verifier->before.seq + 1;
    Other other = {0};
    bool is_there = read_other(verifier, &other);

    if (is_there && other.record.seq == missing + 1 &&
        follows(record, &other.line, other.hashed, &other.record))
        note(verifier, &here, missing,
             "record %" PRIu64 " was altered: it says that its number is %" PRIu64, missing,
             record->seq);
    else if ((is_there && is_wanted(verifier, &other)) || find_later(verifier, &other))
        note(verifier, &here, record->seq,
             "record %" PRIu64 " stands where %" PRIu64 " belongs, which comes only in %s:%" PRIu64
             ": they were reordered",
             record->seq, missing, other.line.source, other.line.number);
    else if (record->seq == missing + 1)
        note(verifier, &here, missing, "record %" PRIu64 " is missing in front of it", missing);
    else
        note(verifier, &here, missing,
             "the records %" PRIu64 " to %" PRIu64 " are missing in front of it", missing,
             record->seq - 1);
}

/* A record has the right number, and not the hash that it should have. */
static void explain_mismatch(Verifier *verifier, const AuditLine *line, const TrailHead *record)
{
    const AuditLine here = *line;
    Other other;

    if (find_later(verifier, &other))
        note(verifier, &here, record->seq,
             "a record with the number %" PRIu64 " was put in: the right one is in %s:%" PRIu64,
             record->seq, other.line.source, other.line.number);
    else
        note(verifier, &here, record->seq,
             "record %" PRIu64 " was altered: its hash is not that of what it says", record->seq);
}

/* A record comes with a number that was there already. */
static void explain_repetition(Verifier *verifier, const AuditLine *line, size_t hashed,
                               const TrailHead *record)
{
    static const TrailHead none;
    const AuditLine here = *line;
    uint64_t before = verifier->before.seq;
    bool starts_anew = record->seq == 1 && follows(&none, line, hashed, record);
    Other other;

    if (verifier->n_records == 1 && record->seq + 1 == before)
        note(verifier, &here, record->seq,
             "record %" PRIu64 " comes after record %" PRIu64 ": they were reordered", record->seq,
             before);
    else if (starts_anew)
        note(verifier, &here, record->seq,
             "a new chain starts after record %" PRIu64 ": the trail and its .head were removed",
             before);
    else if (read_other(verifier, &other) && other.record.seq == before + 2 &&
             follows(record, &other.line, other.hashed, &other.record))
        note(verifier, &here, before + 1,
             "record %" PRIu64 " was altered: it says that its number is %" PRIu64, before + 1,
             record->seq);
    else
        note(verifier, &here, record->seq,
             "record %" PRIu64 " comes after record %" PRIu64 ": it was put in, or moved",
             record->seq, before);
}

/* Returns false with the problem. */
static bool check_record(Verifier *verifier, const AuditLine *line, size_t hashed,
                         const TrailHead *record)
{
    static const TrailHead none;
    bool is_first = verifier->n_records == 0;

    if (is_first) {
        verifier->first = record->seq;
        if (record->seq == 1 && !follows(&none, line, hashed, record)) {
            explain_mismatch(verifier, line, record);
            return false;
        }
    } else if (record->seq > verifier->before.seq + 1) {
        explain_gap(verifier, line, record);
        return false;
    } else if (record->seq <= verifier->before.seq) {
        explain_repetition(verifier, line, hashed, record);
        return false;
    } else if (!follows(&verifier->before, line, hashed, record)) {
        explain_mismatch(verifier, line, record);
        return false;
    }
    if (verifier->has_head && verifier->head.seq == record->seq)
        verifier->head_differs = strcmp(verifier->head.chain, record->chain) != 0;
    verifier->before = *record;
    verifier->n_records++;
    return true;
}

/* A host that lost power may have left the end of a file full of zeros. */
static size_t length_without_zeros(const AuditLine *line)
{
    size_t length = line->length;

    while (length > 0 && line->text[length - 1] == '\0')
        length--;
    return length;
}

/* JSON that ends too early; what is whole, or wrong, is not. */
static bool is_unfinished(const char *text, size_t length)
{
    CLEANUP(tokener) json_tokener *tokener = json_tokener_new();
    CLEANUP(json) json_object *parsed = NULL;

    if (!tokener || length > TRAIL_LINE_MAX)
        return false;
    parsed = json_tokener_parse_ex(tokener, text, (int)length);
    return !parsed && json_tokener_get_error(tokener) == json_tokener_continue;
}

/*
 * The start of a record, as a writer leaves it that was killed in the midst: the next one
 * goes on behind it, and the chain passes it by. One with a chain's member is none, for that
 * comes last: it would be read as a record by others.
 */
static bool is_torn(const AuditLine *line)
{
    static const char start[] = "{\"time\":\"";
    size_t length = length_without_zeros(line);
    size_t size = length < sizeof(start) - 1 ? length : sizeof(start) - 1;

    if (length == 0)
        return line->length > 0;
    return memcmp(line->text, start, size) == 0 && is_unfinished(line->text, length) &&
           !memmem(line->text, length, ",\"chain\":\"", strlen(",\"chain\":\""));
}

static void note_torn(Verifier *verifier, const AuditLine *line)
{
    if (verifier->n_torn++ >= TORN_NAMED || verifier->as_json)
        return;
    progress_clear(&verifier->progress);
    printf("%s:%" PRIu64 ": torn: the start of a record that was not written to its end\n",
           line->source, line->number);
}

/* A file without a single record is something else, and not a trail that was altered. */
static bool has_records(Verifier *verifier)
{
    AuditLine line;
    TrailHead record;
    size_t hashed;

    if (verifier->n_records > 0 || verifier->n_torn > 0)
        return true;
    while (audit_lines_next(verifier->lines, &line) > 0) {
        if (is_record(&line, &hashed, &record))
            return true;
    }
    return false;
}

/* Returns false with the problem. */
static bool check_line(Verifier *verifier, const AuditLine *line)
{
    TrailHead record;
    size_t hashed;
    bool is_json;

    if (is_record(line, &hashed, &record))
        return check_record(verifier, line, hashed, &record);
    if (is_torn(line)) {
        note_torn(verifier, line);
        return true;
    }
    is_json = line->length > 0 && line->text[0] == '{';
    note(verifier, line, verifier->before.seq + 1,
         "this is no record of the trail: it was put in%s",
         is_json ? ", or its end was altered" : "");
    verifier->is_no_trail = !is_json && !verifier->has_head && !has_records(verifier);
    return false;
}

/*
 * Whoever takes records away at the end takes the .head away too. A daemon that wrote its
 * first record meanwhile has made one by now.
 */
static void check_missing_head(Verifier *verifier)
{
    TrailHead now;
    Reason why;

    if (!verifier->is_own || verifier->n_records == 0)
        return;
    if (trail_read_head(verifier->last_file, &now, &why) > 0)
        verifier->has_head = true;
    else
        note(verifier, NULL, verifier->before.seq + 1,
             ".head is missing: whether records are missing at the end cannot be told");
}

/* The file's .head knows how many records there were. */
static void check_end(Verifier *verifier)
{
    uint64_t last = verifier->before.seq;
    uint64_t head = verifier->head.seq;

    if (!verifier->has_head)
        check_missing_head(verifier);
    else if (head == last + 1)
        note(verifier, NULL, head, "record %" PRIu64 " is missing at the end", head);
    else if (head > last)
        note(verifier, NULL, last + 1,
             "the records %" PRIu64 " to %" PRIu64 " are missing at the end", last + 1, head);
    else if (verifier->head_differs)
        note(verifier, NULL, head,
             "record %" PRIu64 " is not the one that its .head names: the end was written anew",
             head);
}

/* Of a chain whose beginning is not here the first record's own hash says nothing. */
static uint64_t first_checked(const Verifier *verifier)
{
    return verifier->first > 1 ? verifier->first + 1 : verifier->first;
}

static int print_json(const Verifier *verifier, bool is_sound)
{
    CLEANUP(json) json_object *object = json_object_new_object();

    json_add(object, "sound", json_object_new_boolean(is_sound));
    json_add(object, "records", json_object_new_int64((int64_t)verifier->n_records));
    json_add(object, "first", json_object_new_int64((int64_t)verifier->first));
    json_add(object, "last", json_object_new_int64((int64_t)verifier->before.seq));
    json_add(object, "first_checked", json_object_new_int64((int64_t)first_checked(verifier)));
    json_add(object, "torn", json_object_new_int64((int64_t)verifier->n_torn));
    json_add(object, "head", json_object_new_boolean(verifier->has_head));
    if (!is_sound) {
        json_add_text(object, "file", verifier->problem_file);
        if (verifier->problem_line)
            json_add(object, "line", json_object_new_int64((int64_t)verifier->problem_line));
        json_add(object, "seq", json_object_new_int64((int64_t)verifier->problem_seq));
        json_add_text(object, "problem", verifier->problem.text);
    }
    return output_json(object);
}

static void print_text(const Verifier *verifier, bool is_sound)
{
    if (verifier->n_torn > TORN_NAMED)
        printf("%" PRIu64 " lines are torn in all\n", verifier->n_torn);
    if (verifier->first > 1)
        output_remark("the chain starts here with record %" PRIu64
                      ": neither those before it nor that one itself can be checked\n",
                      verifier->first);
    if (!is_sound && verifier->problem_line)
        printf("%s:%" PRIu64 ": %s\n", verifier->problem_file, verifier->problem_line,
               verifier->problem.text);
    else if (!is_sound)
        printf("%s: %s\n", verifier->problem_file, verifier->problem.text);
    if (verifier->n_records > 1 || verifier->first == 1)
        output_remark("%s: records %" PRIu64 " to %" PRIu64 "%s\n",
                      is_sound ? "sound" : "sound before that", first_checked(verifier),
                      verifier->before.seq,
                      is_sound && !verifier->has_head
                          ? "; there is no .head, so records may be missing at the end"
                          : "");
}

/* Returns the exit status. */
static int print(const Verifier *verifier, bool is_sound)
{
    if (!verifier->as_json)
        print_text(verifier, is_sound);
    else if (print_json(verifier, is_sound) < 0)
        return complain("out of memory");
    return is_sound ? EXIT_YES : EXIT_NO;
}

/* Reads on to the first problem. Returns the exit status. */
static int verify(Verifier *verifier)
{
    bool is_sound = true;
    AuditLine line;
    int result = 0;

    while (is_sound && (result = audit_lines_next(verifier->lines, &line)) > 0) {
        is_sound = check_line(verifier, &line);
        if (progress_is_due(&verifier->progress)) {
            uint64_t done;
            uint64_t all;

            audit_lines_progress(verifier->lines, &done, &all);
            progress_draw(&verifier->progress, done, all);
        }
    }
    progress_clear(&verifier->progress);
    if (is_sound && result < 0)
        return EXIT_UNSURE;
    if (is_sound)
        check_end(verifier);
    if (verifier->is_no_trail)
        return complain("%s is no trail: only the guard's own has a chain to verify",
                        verifier->problem_file);
    is_sound = !*verifier->problem.text;
    if (is_sound && verifier->n_records == 0)
        return complain("%s: there is not one record to verify", verifier->last_file);
    return print(verifier, is_sound);
}

int audit_verify(const char *const *files, size_t n_files, bool as_json)
{
    Verifier verifier = {
        .as_json = as_json,
        .is_own = n_files == 0,
        .progress = progress_start(true),
    };
    int status;
    int found;
    Reason why;

    verifier.last_file = n_files > 0 ? files[n_files - 1] : TRAIL_PATH;
    /* First the head: what is written meanwhile is no problem. */
    found = trail_read_head(verifier.last_file, &verifier.head, &why);
    if (found < 0)
        return complain("%s%s", why.text,
                        n_files == 0 && geteuid() != 0 ? ": run this as root" : "");
    verifier.has_head = found > 0;
    verifier.lines = audit_lines_open(files, n_files, false);
    if (!verifier.lines && n_files == 0 && verifier.has_head && access(TRAIL_PATH, F_OK) < 0 &&
        errno == ENOENT) {
        check_end(&verifier);
        return print(&verifier, false);
    }
    if (!verifier.lines)
        return EXIT_UNSURE;
    status = verify(&verifier);
    audit_lines_close(verifier.lines);
    return status;
}

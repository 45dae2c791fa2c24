/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text_line.h"

#include "catalog/catalog.h"
#include "json_add.h"
#include "json_line.h"
#include "policy/policy.h"
#include "util/cleanup.h"
#include "when.h"

#include <stdint.h>
#include <string.h>

#define NONE (-1)

/* One kind of line: what is in front of the first colon, and what that says. */
typedef struct LineKind {
    const char *prefix;
    const char *event;
    int verdict; /* NONE: it says nothing of it, ... */
    int command_class; /* ... and of this */
    const char *second; /* the member that the second part is; NULL: there is none */
} LineKind;

/* Behind it stands what became of the grant. */
#define GRANT_PREFIX "QMP grant "

static const LineKind kinds[] = {
    {"QMP", "decision", VERDICT_ALLOW, CLASS_SAFE, "command"},
    {"QMP privileged", "decision", VERDICT_WARN, CLASS_PRIVILEGED, "command"},
    {"QMP memory dump", "decision", VERDICT_ALLOW, CLASS_MEMORY_DUMP, "command"},
    {"QMP blocked", "decision", VERDICT_DENY, NONE, "command"},
    {"QMP dangerous", "decision", VERDICT_ALLOW, CLASS_DANGEROUS, "command"},
    {"QMP unknown", "decision", VERDICT_WARN, CLASS_UNKNOWN, "command"},
    {"QMP would block", "decision", VERDICT_AUDIT, NONE, "command"},
    {"QMP refused by libvirt", "outcome", NONE, NONE, "command"},
    {"QMP identity refused", "identity", VERDICT_DENY, NONE, NULL},
    {GRANT_PREFIX "given", "grant", NONE, NONE, "command"},
    {GRANT_PREFIX "confirmed", "grant", NONE, NONE, "command"},
    {GRANT_PREFIX "revoked", "grant", NONE, NONE, "command"},
    {GRANT_PREFIX "expired", "grant", NONE, NONE, "command"},
    {GRANT_PREFIX "ended", "grant", NONE, NONE, "command"},
    {GRANT_PREFIX "failed", "grant", NONE, NONE, "command"},
    {"VM start", "start", VERDICT_ALLOW, NONE, "operation"},
    {"VM start warning", "start", VERDICT_WARN, NONE, "finding"},
    {"VM start would refuse", "start", VERDICT_AUDIT, NONE, "finding"},
    {"VM start refused", "start", VERDICT_DENY, NONE, "finding"},
    {"domain policy in force", "policy", NONE, NONE, NULL},
    {"domain policy changed", "policy", NONE, NONE, NULL},
};

/* The fields of a line, and the members that they are. */
static const struct {
    const char *field;
    const char *member;
} fields[] = {
    {"user", "user"},       {"purpose", "purpose"}, {"rule", "rule"},
    {"reason", "reason"},   {"class", "class"},     {"channel", "channel"},
    {"profile", "profile"}, {"hmp", "hmp"},         {"part", "part"},
    {"policy", "policy"},   {"was", "was"},         {"operation", "operation"},
    {"grant", "grant"},     {"for", "for"},         {"text", "granted-text"},
};

static const char *const numbers[] = {"findings", "left", "seconds"};

/* In front of why a grant does not count. */
static const char obstacle[] = "it is ";

/* A piece of the line, not ended by a NUL. */
typedef struct Piece {
    const char *text;
    size_t length;
} Piece;

static bool is_text(Piece piece, const char *text)
{
    return piece.length == strlen(text) && memcmp(piece.text, text, piece.length) == 0;
}

/* Takes the piece up to the next " | " off @rest. */
static Piece next_piece(Piece *rest, const char *separator)
{
    size_t size = strlen(separator);
    const char *end = memmem(rest->text, rest->length, separator, size);
    Piece piece = {rest->text, end ? (size_t)(end - rest->text) : rest->length};
    size_t taken = end ? piece.length + size : piece.length;

    rest->text += taken;
    rest->length -= taken;
    return piece;
}

static int hex_digit(char c)
{
    const char *at = c ? strchr("0123456789abcdef", c) : NULL;

    return at ? (int)(at - "0123456789abcdef") : -1;
}

/*
 * A line encodes more than the trail does: `|` and the like would look like its own signs.
 * Those are decoded, so that one name is written in one way.
 */
static json_object *recoded(Piece piece)
{
    CLEANUP(mem) char *text = malloc(piece.length + 1);
    size_t length = 0;

    if (!text)
        return NULL;
    for (size_t i = 0; i < piece.length; i++) {
        const char *at = piece.text + i;

        if (*at == '\\' && piece.length - i >= 4 && at[1] == 'x') {
            int high = hex_digit(at[2]);
            int low = hex_digit(at[3]);
            int byte = high < 0 || low < 0 ? -1 : high * 16 + low;

            if (byte >= 0x20 && byte <= 0x7e && byte != '\\') {
                text[length++] = (char)byte;
                i += 3;
                continue;
            }
        }
        text[length++] = *at;
    }
    return json_object_new_string_len(text, (int)length);
}

/* `[a,b]` */
static json_object *read_list(Piece piece)
{
    json_object *list;
    Piece rest = {piece.text + 1, piece.length - 2};

    if (piece.length < 2 || piece.text[0] != '[' || piece.text[piece.length - 1] != ']')
        return NULL;
    list = json_object_new_array();
    while (rest.length > 0)
        json_append(list, recoded(next_piece(&rest, ",")));
    return list;
}

static int64_t number_of(Piece piece)
{
    int64_t number = 0;

    for (size_t i = 0; i < piece.length && i < 18; i++) {
        if (piece.text[i] < '0' || piece.text[i] > '9')
            break;
        number = 10 * number + (piece.text[i] - '0');
    }
    return number;
}

/* Of a piece that is a count and nothing else. */
static bool is_count(Piece piece)
{
    for (size_t i = 0; i < piece.length; i++) {
        if (piece.text[i] < '0' || piece.text[i] > '9')
            return false;
    }
    return piece.length <= 16 && number_of(piece) >= 1 && number_of(piece) <= JSON_LINE_COUNT_MAX;
}

static bool is_event(json_object *record, const char *event)
{
    const char *found = json_object_get_string(json_object_object_get(record, "event"));

    return found && strcmp(found, event) == 0;
}

static json_object *last_of(json_object *list)
{
    size_t count = list ? json_object_array_length(list) : 0;

    return count > 0 ? json_object_array_get_idx(list, count - 1) : NULL;
}

/*
 * A decision may name several grants, each with what is left of it and its reason behind it.
 * Returns false when the field is about something else.
 */
static bool add_used_grant(json_object *record, Piece name, Piece value)
{
    json_object *grants = json_object_object_get(record, "grants");
    json_object *last = last_of(grants);

    if (is_event(record, "grant"))
        return false;
    if (is_text(name, "grant")) {
        last = json_object_new_object();
        json_add(last, "grant", recoded(value));
        if (grants) {
            json_append(grants, last);
            return true;
        }
        grants = json_object_new_array();
        json_append(grants, last);
        json_add(record, "grants", grants);
        return true;
    }
    if (last && is_text(name, "left"))
        json_add(last, "left", json_object_new_int64(number_of(value)));
    else if (last && is_text(name, "reason"))
        json_add(last, "reason", recoded(value));
    else
        return false;
    return true;
}

/*
 * A grant of which nothing is said to be left is one that does not count. Returns NULL, or why
 * it cannot be read.
 */
static const char *read_refused_grant(json_object *record, const LineKind *kind)
{
    json_object *grants = json_object_object_get(record, "grants");
    json_object *last = last_of(grants);
    json_object *reason = json_object_object_get(last, "reason");
    const char *text = json_object_get_string(reason);

    if (!last || (reason && json_object_object_get(last, "left")))
        return NULL;
    if (!text || strncmp(text, obstacle, sizeof(obstacle) - 1) != 0 ||
        kind->verdict != VERDICT_DENY)
        return "a grant without its reason: it is torn";
    json_object_get(last);
    json_add_text(last, "reason", text + sizeof(obstacle) - 1);
    json_add(record, "refused-grant", last);
    if (json_object_array_length(grants) == 1)
        json_object_object_del(record, "grants");
    else
        json_object_array_del_idx(grants, json_object_array_length(grants) - 1, 1);
    return NULL;
}

/* Returns NULL, or why the field cannot be read. */
static const char *add_field(json_object *record, Piece name, Piece value,
                             struct timespec *ret_when)
{
    if (add_used_grant(record, name, value))
        return NULL;
    if (is_text(name, "params") || is_text(name, "parts")) {
        json_object *list = read_list(value);

        if (!list)
            return "a list without its end";
        json_add(record, is_text(name, "parts") ? "parts" : "parameters", list);
    } else if (is_text(name, "timestamp")) {
        if (when_read(value.text, value.length, WHEN_LOCAL, ret_when) != value.length)
            return "its timestamp is no time";
    } else if (is_text(name, "repeated")) {
        if (!is_count(value))
            return JSON_LINE_BAD_COUNT;
        json_add_text(record, "event", "repeat");
        json_add(record, "count", json_object_new_int64(number_of(value)));
    } else if (is_text(name, "claimed")) {
        json_object *who = json_object_new_object();

        json_add(who, "claimed", recoded(value));
        json_add(record, "who", who);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (is_text(name, numbers[i]))
            json_add(record, numbers[i], json_object_new_int64(number_of(value)));
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (is_text(name, fields[i].field))
            json_add(record, fields[i].member, recoded(value));
    }
    return NULL;
}

/* Returns NULL, or why they cannot be read. */
static const char *add_fields(json_object *record, Piece rest, struct timespec *ret_when)
{
    while (rest.length > 0) {
        Piece value = next_piece(&rest, " | ");
        Piece name = {value.text, 0};
        const char *equals = memchr(value.text, '=', value.length);
        const char *why;

        if (!equals)
            return "a field without a value";
        name.length = (size_t)(equals - value.text);
        value.text = equals + 1;
        value.length -= name.length + 1;
        why = add_field(record, name, value, ret_when);
        if (why)
            return why;
    }
    return NULL;
}

/* Who asked to be taken for another: `uid:7`, or `-` and the reason in words. */
static const char *read_identity(json_object *record, Piece user, Piece rest)
{
    struct timespec unused;
    const char *equals = memchr(rest.text, '=', rest.length);

    if (user.length == 0)
        return "a record without a user";
    json_add(record, "user", recoded(user));
    if (equals)
        return add_fields(record, rest, &unused);
    json_add(record, "reason", recoded(rest));
    return NULL;
}

/* What follows from the others: how a command came, and what became of it. */
static void add_implied(json_object *record, const LineKind *kind, bool is_warning)
{
    int verdict = kind->verdict;
    bool is_hmp = strcmp(json_object_get_string(json_object_object_get(record, "command")) ?: "",
                         HMP_WRAPPER) == 0;

    /* <warn> raises the level of what else would pass in silence. */
    if (verdict == VERDICT_ALLOW && is_warning && kind->second &&
        strcmp(kind->second, "command") == 0 && kind->command_class != CLASS_DANGEROUS)
        verdict = VERDICT_WARN;
    /* What passes by a grant would be denied without it. */
    if (verdict != NONE && verdict != VERDICT_AUDIT && json_object_object_get(record, "grants"))
        verdict = VERDICT_GRANT;
    if (strcmp(kind->event, "grant") == 0)
        json_add_text(record, "step", kind->prefix + sizeof(GRANT_PREFIX) - 1);
    if (strcmp(kind->event, "outcome") == 0)
        json_add_text(record, "result", "failure");
    if (verdict != NONE)
        json_add_text(record, "verdict", verdict_name((Verdict)verdict));
    if (kind->command_class != NONE)
        json_add_text(record, "class", class_name((CommandClass)kind->command_class));
    if (kind->second && strcmp(kind->second, "command") == 0 &&
        !json_object_object_get(record, "channel"))
        json_add_text(record, "channel", is_hmp ? "hmp" : "qmp");
}

/* Returns NULL, or why it cannot be read. */
static const char *read_parts(json_object *record, const LineKind *kind, Piece rest,
                              struct timespec *ret_when)
{
    Piece first = next_piece(&rest, " | ");
    Piece second;

    if (strcmp(kind->event, "identity") == 0)
        return read_identity(record, first, rest);
    /* A client may call its domain nothing: then, too, something follows. */
    if (first.length == 0 && rest.length == 0)
        return "a record without a domain";
    json_add(record, "domain", recoded(first));
    if (kind->second) {
        second = next_piece(&rest, " | ");
        if (second.length == 0)
            return "a record without its second part: it is torn";
        json_add(record, kind->second, recoded(second));
    }
    return add_fields(record, rest, ret_when);
}

static const LineKind *find_kind(Piece name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (is_text(name, kinds[i].prefix))
            return &kinds[i];
    }
    return NULL;
}

/* The members whose absence shows that a line was cut off. */
static const char *find_lack(json_object *record, const LineKind *kind)
{
    if (kind->second && strcmp(kind->second, "command") == 0 &&
        !json_object_object_get(record, "user"))
        return "a record without a user: it is torn";
    if (strcmp(kind->event, "start") == 0 && !json_object_object_get(record, "policy"))
        return "a record without a policy: it is torn";
    if (strcmp(kind->event, "grant") == 0 && !json_object_object_get(record, "reason"))
        return "a grant without its reason: it is torn";
    return read_refused_grant(record, kind);
}

json_object *text_record_read(const char *text, size_t length, bool is_warning,
                              struct timespec *ret_when, const char **why)
{
    CLEANUP(json) json_object *record = NULL;
    Piece rest = {text, length};
    Piece name;
    const LineKind *kind;

    *why = NULL;
    *ret_when = (struct timespec){0};
    if (length < 4 ||
        (memcmp(text, "QMP", 3) != 0 && memcmp(text, "VM ", 3) != 0 && memcmp(text, "dom", 3) != 0))
        return NULL;
    name = next_piece(&rest, ": ");
    kind = find_kind(name);
    if (!kind || name.length == length)
        return NULL;
    record = json_object_new_object();
    if (!record) {
        *why = "out of memory";
        return NULL;
    }
    json_add_null(record, "time"); /* the first, once it is known */
    json_add_text(record, "event", kind->event);
    *why = read_parts(record, kind, rest, ret_when);
    if (!*why)
        *why = find_lack(record, kind);
    if (*why)
        return NULL;
    add_implied(record, kind, is_warning);
    if (!json_is_whole(record)) {
        *why = "out of memory";
        return NULL;
    }
    return steal_pointer(&record);
}

void text_record_set_time(json_object *record, struct timespec when)
{
    char text[WHEN_TEXT_SIZE];

    if (when.tv_sec == 0) {
        json_object_object_del(record, "time");
        return;
    }
    when_write(when, text);
    json_add_text(record, "time", text);
}

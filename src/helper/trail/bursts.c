/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --burst: who sent many commands to a VM in a short time. */
#include "helper.h"
#include "json_add.h"
#include "output.h"
#include "print.h"
#include "table_lines.h"
#include "util/cleanup.h"
#include "when.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/linkhash.h>
#include <string.h>

#define COMMANDS_MAX 100000

/* Of one record so many are spread out. */
#define REPEATS_MAX 1000000
#define SECONDS_MAX (366L * 24 * 60 * 60)

/* Nanoseconds of CLOCK_REALTIME. */
typedef int64_t Moment;

#define SECOND INT64_C(1000000000)

/* Of all senders in memory: far more than are busy at one time. */
#define BYTES_MAX ((size_t)64 * 1024 * 1024)

/* What one user sends to one VM. */
typedef struct Sender {
    struct Sender *older; /* by when the last command came */
    struct Sender *younger;
    Moment *ring; /* of the last commands, as many as make a burst */
    size_t space; /* of the ring, which grows up to that */
    size_t n_seen; /* in the ring */
    size_t next; /* where the next one goes */
    Moment first; /* of the burst that goes on */
    Moment last;
    uint64_t count; /* 0: none goes on */
    const char *user; /* behind the VM in @name */
    char name[];
} Sender;

struct Bursts {
    size_t commands;
    Moment window;
    bool as_json;
    struct lh_table *senders; /* name -> Sender */
    Sender *oldest;
    Sender *youngest;
    size_t bytes; /* of all of them */
    bool told; /* that some were let go */
    TableLines table;
};

static void free_sender(struct lh_entry *entry)
{
    Sender *sender = lh_entry_v(entry);

    free(sender->ring);
    free(sender);
}

Bursts *bursts_new(const char *text, bool as_json, Reason *why)
{
    Bursts *bursts = calloc(1, sizeof(*bursts));
    unsigned long commands = 0;
    unsigned long seconds = 0;
    int end = 0;

    if (sscanf(text, "%9lu/%9lu%n", &commands, &seconds, &end) != 2 || text[end] || commands < 2 ||
        commands > COMMANDS_MAX || seconds < 1 || seconds > SECONDS_MAX) {
        reason_set(why,
                   "--burst '%s' is not COMMANDS/SECONDS: 100/60 lists who sent at least 100 "
                   "within 60 seconds (2 to %d commands)",
                   text, COMMANDS_MAX);
        free(bursts);
        return NULL;
    }
    if (bursts)
        bursts->senders = lh_kchar_table_new(64, free_sender);
    if (!bursts || !bursts->senders) {
        reason_set(why, "out of memory");
        free(bursts);
        return NULL;
    }
    bursts->commands = commands;
    bursts->window = (Moment)seconds * SECOND;
    bursts->as_json = as_json;
    bursts->table = (TableLines){
        .columns = {{"first", 19}, {"last", 19}, {"count", 8, true}, {"vm", 10}, {"user", 8}},
        .n_columns = 5,
    };
    return bursts;
}

void bursts_free(Bursts *bursts)
{
    if (!bursts)
        return;
    lh_table_free(bursts->senders);
    free(bursts);
}

static struct timespec time_of(Moment moment)
{
    struct timespec when = {.tv_sec = (time_t)(moment / SECOND),
                            .tv_nsec = (long)(moment % SECOND)};

    return when;
}

static Moment moment_of(struct timespec when)
{
    if (when.tv_sec < 0)
        return 0;
    if (when.tv_sec > INT64_MAX / SECOND - 1)
        return (INT64_MAX / SECOND - 1) * SECOND;
    return (Moment)when.tv_sec * SECOND + when.tv_nsec;
}

static int print_burst_json(const Sender *sender, const char *vm)
{
    CLEANUP(json) json_object *object = json_object_new_object();
    char first[WHEN_TEXT_SIZE];
    char last[WHEN_TEXT_SIZE];

    when_write(time_of(sender->first), first);
    when_write(time_of(sender->last), last);
    json_add_text(object, "vm", vm);
    json_add_text(object, "user", sender->user);
    json_add(object, "count", json_object_new_int64((int64_t)sender->count));
    json_add_text(object, "first", first);
    json_add_text(object, "last", last);
    return output_json(object);
}

/* Tells of the burst, which is over. */
static int end_burst(Bursts *bursts, Sender *sender)
{
    char first[PRINT_TIME_SIZE];
    char last[PRINT_TIME_SIZE];
    char count[24];
    CLEANUP(mem) char *vm = strndup(sender->name, (size_t)(sender->user - 1 - sender->name));
    const char *const cells[] = {
        print_time(time_of(sender->first), first),
        print_time(time_of(sender->last), last),
        count,
        vm,
        sender->user,
    };

    if (!vm)
        return -1;
    snprintf(count, sizeof(count), "%" PRIu64, sender->count);
    if (bursts->as_json && print_burst_json(sender, vm) < 0)
        return -1;
    if (!bursts->as_json)
        table_lines_print(&bursts->table, cells);
    sender->count = 0;
    return 0;
}

/* Makes room for one more, as long as a burst is more than there is room for. */
static int grow(Bursts *bursts, Sender *sender)
{
    size_t space = sender->space ? 4 * sender->space : 16;
    Moment *grown;

    if (sender->n_seen < sender->space || sender->space == bursts->commands)
        return 0;
    if (space > bursts->commands)
        space = bursts->commands;
    grown = realloc(sender->ring, space * sizeof(*grown));
    if (!grown)
        return -1;
    sender->ring = grown;
    bursts->bytes += (space - sender->space) * sizeof(*grown);
    sender->next = sender->n_seen; /* until it is full there is nothing behind its end */
    sender->space = space;
    return 0;
}

static int note(Bursts *bursts, Sender *sender, Moment when)
{
    Moment oldest;

    if (grow(bursts, sender) < 0)
        return -1;
    sender->ring[sender->next] = when;
    sender->next = (sender->next + 1) % sender->space;
    if (sender->n_seen < sender->space)
        sender->n_seen++;
    if (sender->n_seen < bursts->commands)
        return 0;
    oldest = sender->ring[sender->next]; /* the one that the next one will replace */
    if (when - oldest <= bursts->window) {
        if (sender->count == 0) {
            sender->first = oldest;
            sender->count = bursts->commands - 1;
        }
        sender->count = audit_sum(sender->count, 1);
        sender->last = when;
        return 0;
    }
    return sender->count > 0 ? end_burst(bursts, sender) : 0;
}

static void unlink_sender(Bursts *bursts, Sender *sender)
{
    if (sender->older)
        sender->older->younger = sender->younger;
    else if (bursts->oldest == sender)
        bursts->oldest = sender->younger;
    if (sender->younger)
        sender->younger->older = sender->older;
    else if (bursts->youngest == sender)
        bursts->youngest = sender->older;
    sender->older = sender->younger = NULL;
}

static void make_youngest(Bursts *bursts, Sender *sender)
{
    unlink_sender(bursts, sender);
    sender->older = bursts->youngest;
    if (bursts->youngest)
        bursts->youngest->younger = sender;
    else
        bursts->oldest = sender;
    bursts->youngest = sender;
}

static size_t size_of(const Sender *sender)
{
    /* Each has an entry of the table, too, which is at most half empty after it grew. */
    return sizeof(*sender) + strlen(sender->name) + 1 + sender->space * sizeof(*sender->ring) +
           3 * sizeof(struct lh_entry);
}

/* Lets go of those that were idle the longest. At once of half: then the table is made anew. */
static int make_room(Bursts *bursts)
{
    if (bursts->bytes <= BYTES_MAX)
        return 0;
    if (!bursts->told)
        complain("--burst: too many VMs and users to keep all in mind: those who were idle the "
                 "longest are forgotten");
    bursts->told = true;
    while (bursts->bytes > BYTES_MAX / 2 && bursts->oldest != bursts->youngest) {
        Sender *sender = bursts->oldest;

        if (sender->count > 0 && end_burst(bursts, sender) < 0)
            return -1;
        unlink_sender(bursts, sender);
        bursts->bytes -= size_of(sender);
        lh_table_delete(bursts->senders, sender->name);
    }
    return lh_table_resize(bursts->senders, bursts->senders->size);
}

static Sender *find_sender(Bursts *bursts, const AuditRow *row)
{
    const char *vm = row->fields[ROW_DOMAIN] ? row->fields[ROW_DOMAIN] : "-";
    const char *user = row->fields[ROW_USER] ? row->fields[ROW_USER] : "-";
    CLEANUP(mem) char *name = NULL;
    struct lh_entry *entry;
    Sender *sender;

    if (asprintf(&name, "%s\n%s", vm, user) < 0)
        return NULL;
    entry = lh_table_lookup_entry(bursts->senders, name);
    if (entry)
        return lh_entry_v(entry);
    sender = calloc(1, sizeof(*sender) + strlen(name) + 1);
    if (!sender)
        return NULL;
    strcpy(sender->name, name);
    sender->user = sender->name + strlen(vm) + 1;
    if (lh_table_insert(bursts->senders, sender->name, sender) < 0) {
        free(sender);
        return NULL;
    }
    bursts->bytes += size_of(sender);
    return sender;
}

/* Of repetitions only the first and the last time are known: they are spread out evenly. */
static int note_repeats(Bursts *bursts, Sender *sender, const AuditRow *row)
{
    uint64_t count = audit_row_weight(row);
    struct timespec first = row->when;
    struct timespec last = row->when;
    const char *text = row->fields[ROW_FIRST];
    Moment start;
    Moment length;
    int result = 0;

    if (text)
        when_read(text, strlen(text), WHEN_UTC, &first);
    text = row->fields[ROW_LAST];
    if (text)
        when_read(text, strlen(text), WHEN_UTC, &last);
    start = moment_of(first);
    length = moment_of(last) - start;
    for (uint64_t i = 0; result == 0 && i < count && i < REPEATS_MAX; i++)
        result = note(
            bursts, sender,
            start + (count > 1 ? (Moment)((double)length * (double)i / (double)(count - 1)) : 0));
    return result;
}

static int take(void *data, const AuditRow *row)
{
    Bursts *bursts = data;
    Sender *sender;

    if (!audit_row_is_command(row) || row->when.tv_sec == 0)
        return 0;
    sender = find_sender(bursts, row);
    if (!sender)
        return -1;
    make_youngest(bursts, sender);
    if (make_room(bursts) < 0)
        return -1;
    if (row->fields[ROW_COUNT])
        return note_repeats(bursts, sender, row);
    return note(bursts, sender, moment_of(row->when));
}

static int finish(void *data)
{
    Bursts *bursts = data;
    struct lh_entry *entry;

    lh_foreach(bursts->senders, entry)
    {
        Sender *sender = lh_entry_v(entry);

        if (sender->count > 0 && end_burst(bursts, sender) < 0)
            return -1;
    }
    return 0;
}

AuditView bursts_view(Bursts *bursts)
{
    AuditView view = {take, finish, bursts};

    return view;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trail under threads, while it is rotated: one chain goes through all parts, each record
 * that was said to be written is in it once, and no other.
 */
#include "unit.h"

#include "audit/trail.h"
#include "util/cleanup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRAILS_MAX 2
#define WRITERS 8
#define EACH 100

static char folder[] = "/tmp/qmp-guard-unit-XXXXXX";
static char path[64];
static char head_path[80];

static Trail trails[TRAILS_MAX];

typedef struct Writer {
    Trail *trail;
    unsigned number;
    bool has_written[EACH]; /* by record */
} Writer;

static Writer writers[WRITERS];
static atomic_uint at_work;
static atomic_uint parts; /* that were moved away */

static void *write_records(void *data)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    Writer *writer = data;

    for (unsigned i = 0; i < EACH; i++) {
        char json[64];
        Reason why;

        /* Nobody is through before it was rotated at all. */
        while (i == EACH / 2 && atomic_load(&parts) == 0)
            nanosleep(&pause, NULL);
        snprintf(json, sizeof(json), "{\"writer\":%u,\"record\":%u}", writer->number, i);
        writer->has_written[i] = trail_append(writer->trail, json, &why) == 0;
    }
    atomic_fetch_sub(&at_work, 1);
    return NULL;
}

static char *part_name(unsigned part)
{
    return formatted("%s.%u", path, part);
}

/* As logrotate does it: whenever it likes. */
static void rotate_meanwhile(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    while (atomic_load(&at_work) > 0) {
        CLEANUP(mem) char *name = part_name(parts);

        if (rename(path, name) == 0)
            atomic_fetch_add(&parts, 1);
        nanosleep(&pause, NULL);
    }
}

/* What was read of all parts so far. */
typedef struct Reading {
    TrailHead head;
    unsigned counts[WRITERS][EACH];
    unsigned next[WRITERS]; /* the record that may be the next of each */
} Reading;

static void read_line(Reading *reading, const char *line)
{
    char chain[DIGEST_TEXT_SIZE];
    size_t hashed;
    TrailHead end;
    unsigned writer;
    unsigned record;

    assert_int_equal(trail_read_end(line, strlen(line), &hashed, &end), 0);
    trail_chain(reading->head.chain, line, hashed, chain);
    assert_string_equal(end.chain, chain);
    assert_int_equal(end.seq, reading->head.seq + 1);
    reading->head = end;
    assert_int_equal(sscanf(line, "{\"writer\":%u,\"record\":%u,", &writer, &record), 2);
    assert_true(writer < WRITERS && record < EACH && record >= reading->next[writer]);
    reading->next[writer] = record + 1;
    reading->counts[writer][record]++;
}

/* A part that is the file itself may be missing: nothing was written since it was moved away. */
static void read_part(Reading *reading, const char *name)
{
    CLEANUP(file) FILE *file = fopen(name, "re");
    CLEANUP(mem) char *line = NULL;
    size_t size = 0;
    ssize_t length;

    assert_true(file || strcmp(name, path) == 0);
    while (file && (length = getline(&line, &size, file)) > 0) {
        assert_int_equal(line[length - 1], '\n');
        line[length - 1] = '\0';
        read_line(reading, line);
    }
    unlink(name);
}

static void check_reading(const Reading *reading)
{
    TrailHead head;
    Reason why;

    for (unsigned i = 0; i < WRITERS; i++) {
        for (unsigned n = 0; n < EACH; n++)
            assert_int_equal(reading->counts[i][n], writers[i].has_written[n]);
    }
    assert_int_equal(trail_read_head(path, &head, &why), 1);
    assert_int_equal(head.seq, reading->head.seq);
    assert_string_equal(head.chain, reading->head.chain);
}

static void prepare_trails(void)
{
    const Trail closed = {.path = path,
                          .head_path = head_path,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .records.fd = -1,
                          .head.fd = -1};

    for (size_t i = 0; i < TRAILS_MAX; i++)
        trails[i] = closed;
    unlink(head_path);
}

typedef struct RaceRow {
    const char *name;
    unsigned trails; /* each has the files open for itself, as a process does */
    bool is_lossless; /* nobody waits for a lock that others pass round for longer than he likes */
} RaceRow;

static const RaceRow race_rows[] = {
    {"threads of one daemon", 1, true},
    {"threads of two that share the file", 2, false},
};

static void test_race_row(void **state)
{
    const RaceRow *row = *state;
    pthread_t threads[WRITERS];
    Reading reading = {.head = {0}};

    prepare_trails();
    atomic_store(&at_work, WRITERS);
    atomic_store(&parts, 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (Writer){.trail = &trails[i % row->trails], .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_records, &writers[i]), 0);
    }
    rotate_meanwhile();
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < parts; i++) {
        CLEANUP(mem) char *name = part_name(i);

        read_part(&reading, name);
        /* What was written after the first rotation is not in the file that was moved away. */
        assert_true(i > 0 || reading.head.seq < WRITERS * EACH / 2 + WRITERS);
    }
    read_part(&reading, path);
    check_reading(&reading);
    assert_true(!row->is_lossless || reading.head.seq == WRITERS * EACH);
    for (size_t i = 0; i < TRAILS_MAX; i++)
        trail_close(&trails[i]);
}

int main(void)
{
    int failed;

    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/audit.log", folder);
    snprintf(head_path, sizeof(head_path), "%s.head", path);
    UNIT_ADD_ROWS(race_rows, test_race_row);
    failed = unit_run("trail_race");
    unlink(head_path);
    rmdir(folder);
    return failed;
}

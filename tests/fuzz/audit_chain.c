/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A trail of a few records, altered as the input says: each four bytes of it are one step.
 * The check of the chain calls no trail sound from which a record was taken, or in which one
 * was altered, put in or moved; and sound the one that was left alone.
 */
#include "audit/trail.h"
#include "fuzz.h"
#include "helper.h"
#include "trail/verify.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define N_RECORDS 6
#define LINES_MAX 24

typedef struct Line {
    char *text; /* without the newline; it may hold any byte */
    size_t length;
} Line;

typedef struct AlteredTrail {
    Line lines[LINES_MAX];
    size_t count;
    bool has_head;
    bool is_forged; /* with hashes made anew, which only the .head tells from the right ones */
} AlteredTrail;

static Line originals[N_RECORDS];
static TrailHead last; /* of the originals */
static char directory[256];
static char *trail_file;
static char *head_file;

static Line copied(const char *text, size_t length)
{
    Line line = {malloc(length + 1), length};

    fuzz_must(line.text != NULL, "out of memory");
    memcpy(line.text, text, length);
    line.text[length] = '\0';
    return line;
}

/* A record's line: @open with the members of the chain, as the guard writes it. */
static Line chained(const char *open, const char *before, char ret_chain[DIGEST_TEXT_SIZE])
{
    char *text = NULL;
    Line line;

    trail_chain(before, open, strlen(open), ret_chain);
    fuzz_must(asprintf(&text, "%s,\"chain\":\"%s\"}", open, ret_chain) >= 0, "out of memory");
    line = copied(text, strlen(text));
    free(text);
    return line;
}

static void make_originals(void)
{
    for (unsigned i = 0; i < N_RECORDS; i++) {
        char open[200];
        char before[DIGEST_TEXT_SIZE];

        snprintf(
            open, sizeof(open),
            "{\"time\":\"2026-11-21T10:00:00.%06uZ\",\"event\":\"decision\",\"domain\":\"d%u\","
            "\"user\":\"alice\",\"seq\":%u",
            i, i, i + 1);
        memcpy(before, last.chain, sizeof(before));
        originals[i] = chained(open, before, last.chain);
        last.seq = i + 1;
    }
}

static void remove_files(void)
{
    unlink(trail_file);
    unlink(head_file);
    rmdir(directory);
}

static void make_directory(void)
{
    const char *above = getenv("TMPDIR");

    snprintf(directory, sizeof(directory), "%s/fuzz-chain.XXXXXX", above ? above : "/tmp");
    fuzz_must(mkdtemp(directory) != NULL, "no directory %s", directory);
    fuzz_must(asprintf(&trail_file, "%s/audit.log", directory) >= 0 &&
                  asprintf(&head_file, "%s%s", trail_file, TRAIL_HEAD_SUFFIX) >= 0,
              "out of memory");
    atexit(remove_files);
}

static void put_in(AlteredTrail *trail, size_t at, Line line)
{
    if (trail->count == LINES_MAX) {
        free(line.text);
        return;
    }
    memmove(trail->lines + at + 1, trail->lines + at, (trail->count - at) * sizeof(Line));
    trail->lines[at] = line;
    trail->count++;
}

static void take_out(AlteredTrail *trail, size_t at)
{
    free(trail->lines[at].text);
    trail->count--;
    memmove(trail->lines + at, trail->lines + at + 1, (trail->count - at) * sizeof(Line));
}

static void swap(AlteredTrail *trail, size_t a, size_t b)
{
    Line line = trail->lines[a];

    trail->lines[a] = trail->lines[b];
    trail->lines[b] = line;
}

static void put_byte(Line *line, size_t offset, char byte)
{
    Line longer = copied(line->text, line->length);

    longer.text = realloc(longer.text, line->length + 2);
    fuzz_must(longer.text != NULL, "out of memory");
    memmove(longer.text + offset + 1, longer.text + offset, line->length + 1 - offset);
    longer.text[offset] = byte;
    longer.length++;
    free(line->text);
    *line = longer;
}

static void take_byte(Line *line, size_t offset)
{
    memmove(line->text + offset, line->text + offset + 1, line->length - offset);
    line->length--;
}

/* What somebody does who knows how the hash is made: a right one for what the line says now. */
static void hash_anew(AlteredTrail *trail, size_t at)
{
    Line *line = &trail->lines[at];
    TrailHead before = {0};
    TrailHead record;
    CLEANUP(mem) char *open = NULL;
    size_t hashed;

    if (trail_read_end(line->text, line->length, &hashed, &record) < 0 ||
        memchr(line->text, '\0', hashed))
        return;
    if (at > 0)
        (void)trail_read_end(trail->lines[at - 1].text, trail->lines[at - 1].length, &(size_t){0},
                             &before);
    open = strndup(line->text, hashed);
    free(line->text);
    *line = chained(open, before.chain, record.chain);
    trail->is_forged = true;
}

/* One step: what to do, to which line, where in it or with which other, with which byte. */
static void alter(AlteredTrail *trail, FuzzInput *input)
{
    uint8_t step = fuzz_take_byte(input);
    size_t at = fuzz_take_byte(input) % trail->count;
    Line *line = &trail->lines[at];
    size_t where = fuzz_take_byte(input);
    char byte = (char)fuzz_take_byte(input);
    size_t offset = line->length > 0 ? (where | (size_t)(step & 0xf0) << 4) % line->length : 0;

    switch (step & 0x0f) {
    case 0:
        if (line->length > 0)
            line->text[offset] = byte;
        break;
    case 1:
        put_byte(line, offset, byte);
        break;
    case 2:
        if (line->length > 0)
            take_byte(line, offset);
        break;
    case 3:
        if (trail->count > 1)
            take_out(trail, at);
        break;
    case 4:
        put_in(trail, where % trail->count, copied(line->text, line->length));
        break;
    case 5:
        swap(trail, at, where % trail->count);
        break;
    case 6: /* torn */
        line->length = offset;
        break;
    case 7:
        hash_anew(trail, at);
        break;
    case 8:
        while (trail->count > at + 1)
            take_out(trail, at + 1);
        break;
    case 9: /* a torn line of its own */
        put_in(trail, at, copied(line->text, offset));
        break;
    case 10:
        trail->has_head = !trail->has_head;
        break;
    default:
        break;
    }
}

/* The lines as the file's bytes. Bytes that were put in may be newlines. */
static char *written(const AlteredTrail *trail, size_t *ret_size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_size);

    fuzz_must(out != NULL, "out of memory");
    for (size_t i = 0; i < trail->count; i++) {
        fwrite(trail->lines[i].text, 1, trail->lines[i].length, out);
        fputc('\n', out);
    }
    fclose(out);
    return text;
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    CLEANUP(file) FILE *file = fopen(path, "w");

    fuzz_must(file && fwrite(bytes, 1, size, file) == size, "cannot write %s", path);
}

static int verify(const char *bytes, size_t size, bool has_head)
{
    char head[128];
    const char *name = trail_file;

    snprintf(head, sizeof(head), "%" PRIu64 " %s\n", last.seq, last.chain);
    write_file(trail_file, bytes, size);
    if (has_head)
        write_file(head_file, head, strlen(head));
    else
        unlink(head_file);
    return audit_verify(&name, 1, true);
}

static bool is_original(size_t index, const char *line, size_t length)
{
    return index < N_RECORDS && length == originals[index].length &&
           memcmp(line, originals[index].text, length) == 0;
}

/*
 * Of the records, from the second on if those before are not there, each is the original one,
 * one follows on the other, and with the .head the last one is there. Behind that one
 * somebody who knows how the hash is made may put more.
 */
static void check_sound(const char *bytes, size_t size, const AlteredTrail *trail)
{
    uint64_t expected = 0; /* the next number; 0: there was none */

    for (const char *line = bytes; line < bytes + size;) {
        const char *end = memchr(line, '\n', (size_t)(bytes + size - line));
        size_t length = (size_t)(end - line);
        TrailHead record;
        size_t hashed;

        if (trail_read_end(line, length, &hashed, &record) == 0 && *line == '{') {
            fuzz_must(expected == 0 || record.seq == expected, "sound, with a gap: %.*s", (int)size,
                      bytes);
            fuzz_must((expected == 0 && record.seq > 1) ||
                          (trail->is_forged && record.seq > last.seq) ||
                          is_original((size_t)record.seq - 1, line, length),
                      "sound, with another record: %.*s", (int)size, bytes);
            expected = record.seq + 1;
        } else {
            fuzz_must(!memmem(line, length, "\"chain\":\"", strlen("\"chain\":\"")),
                      "sound, with half a record: %.*s", (int)size, bytes);
        }
        line = end + 1;
    }
    fuzz_must(!trail->has_head || expected > last.seq, "sound, without its end: %.*s", (int)size,
              bytes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    make_originals();
    make_directory();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = {data, size};
    AlteredTrail trail = {.count = N_RECORDS, .has_head = true};
    CLEANUP(mem) char *bytes = NULL;
    size_t written_size;
    int result;

    for (size_t i = 0; i < N_RECORDS; i++)
        trail.lines[i] = copied(originals[i].text, originals[i].length);
    while (input.left > 0)
        alter(&trail, &input);
    bytes = written(&trail, &written_size);
    result = verify(bytes, written_size, trail.has_head);
    if (result == EXIT_YES && (trail.has_head || !trail.is_forged))
        check_sound(bytes, written_size, &trail);
    fuzz_must(size > 0 || result == EXIT_YES, "what was left alone is not sound");
    while (trail.count > 0)
        take_out(&trail, trail.count - 1);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "texts.h"

#include "common.h"
#include "request/json_strict.h"

#include <stdlib.h>
#include <string.h>

#define ACTIONS 10

static void write_small(FILE *out)
{
    fputs("{\"execute\":\"query-status\"}", out);
}

static void write_blockdev(FILE *out)
{
    fputs(
        "{\"execute\":\"blockdev-add\",\"arguments\":{\"node-name\":\"libvirt-2-format\","
        "\"read-only\":false,\"discard\":\"unmap\",\"detect-zeroes\":\"unmap\","
        "\"cache\":{\"direct\":true,\"no-flush\":false},\"driver\":\"qcow2\","
        "\"l2-cache-size\":8388608,\"overlap-check\":{\"template\":\"cached\","
        "\"bitmap-directory\":true},\"encrypt\":{\"format\":\"luks\",\"key-secret\":\"sec0\"},"
        "\"file\":{\"driver\":\"file\",\"filename\":\"/var/lib/libvirt/images/demo/disk-1.qcow2\","
        "\"aio\":\"native\",\"locking\":\"auto\",\"node-name\":\"libvirt-2-storage\","
        "\"cache\":{\"direct\":true,\"no-flush\":false},\"auto-read-only\":true},"
        "\"backing\":{\"driver\":\"raw\",\"node-name\":\"libvirt-3-format\",\"read-only\":true,"
        "\"file\":{\"driver\":\"nbd\",\"export\":\"base\",\"reconnect-delay\":10,"
        "\"server\":{\"type\":\"inet\",\"host\":\"storage.example.org\",\"port\":\"10809\"}}}}}",
        out);
}

static void write_transaction(FILE *out)
{
    fputs("{\"execute\":\"transaction\",\"arguments\":{\"actions\":[", out);
    for (int i = 0; i < ACTIONS; i++)
        fprintf(
            out,
            "%s{\"type\":\"blockdev-snapshot-sync\",\"data\":{\"device\":\"drive-virtio-disk%d\","
            "\"snapshot-file\":\"/var/lib/libvirt/images/demo/disk-%d.snap\","
            "\"format\":\"qcow2\",\"mode\":\"absolute-paths\"}}",
            i > 0 ? "," : "", i, i);
    fputs("]}}", out);
}

/* Behind what is there already, to the guard's limit for a text with @end behind it. */
static size_t room_before(FILE *out, const char *end)
{
    return QMP_BYTES_MAX - (size_t)ftell(out) - strlen(end);
}

static void write_long_string(FILE *out)
{
    static const char end[] = "\"}}";

    fputs("{\"execute\":\"ringbuf-write\",\"arguments\":{\"device\":\"ring\",\"data\":\"", out);
    for (size_t left = room_before(out, end); left > 0; left--)
        fputc('a' + (char)(left % 26), out);
    fputs(end, out);
}

/* As many as there may be tokens: a member has four, an element two, and the envelope fourteen. */
static void write_members(FILE *out)
{
    const size_t count = (REQUEST_TOKENS_MAX - 14) / 4;

    fputs("{\"execute\":\"object-add\",\"arguments\":{", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\"property-with-a-name-%zu\":\"value-that-is-long-%zu\"", i > 0 ? "," : "",
                i, i);
    fputs("}}", out);
}

static void write_elements(FILE *out)
{
    const size_t count = (REQUEST_TOKENS_MAX - 14) / 2;

    fputs("{\"execute\":\"object-add\",\"arguments\":{\"list\":[", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\"value-that-is-long-%zu\"", i > 0 ? "," : "", i);
    fputs("]}}", out);
}

static const struct TextRow {
    const char *name;
    unsigned repeats;
    void (*write)(FILE *out);
} rows[BENCH_TEXTS] = {
    {"small", 100, write_small},
    {"blockdev-add", 30, write_blockdev},
    {"transaction", 20, write_transaction},
    {"1 MB string", 1, write_long_string},
    {"1 MB members", 1, write_members},
    {"1 MB list", 1, write_elements},
};

void bench_texts_make(BenchText ret[BENCH_TEXTS])
{
    for (size_t i = 0; i < BENCH_TEXTS; i++) {
        FILE *out;

        ret[i] = (BenchText){.name = rows[i].name, .repeats = rows[i].repeats};
        out = open_memstream(&ret[i].text, &ret[i].length);
        if (!out)
            bench_fail("out of memory");
        rows[i].write(out);
        fclose(out);
    }
}

void bench_texts_clear(BenchText texts[BENCH_TEXTS])
{
    for (size_t i = 0; i < BENCH_TEXTS; i++)
        free(texts[i].text);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into the helper for a test: the first allocation fails that comes by a way on which
 * none has failed before. $QMP_GUARD_ALLOCATIONS is the file of those ways; this run's is added to
 * it. A way is the program's innermost calls: what json-c and libc allocate for it counts, what
 * libxml2, libvirt and the loader allocate does not; nor what is left to do when main() is over.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAMES_MAX 64
#define WAY_LENGTH 4 /* calls of the program's own; those further out seldom make a difference */
#define WAYS_MAX 65536

typedef struct Range {
    uintptr_t start;
    uintptr_t end;
} Range;

static Range program;
static Range passable[8]; /* the libraries whose allocations are the program's */
static size_t n_passable;

static uint64_t ways[WAYS_MAX];
static size_t n_ways;
static int ways_fd = -1;
static bool is_ready;
static __thread bool is_inside;

static Range range_of(const struct dl_phdr_info *info)
{
    Range range = {0};

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type == PT_LOAD && header->p_flags & PF_X)
            range = (Range){info->dlpi_addr + header->p_vaddr,
                            info->dlpi_addr + header->p_vaddr + header->p_memsz};
    }
    return range;
}

static int note_object(struct dl_phdr_info *info, size_t size, void *data)
{
    static const char *const names[] = {"/libc.so",        "/libjson-c.so", "/libsmartcols.so",
                                        "/allocations.so", "/libz.so",      "/libnettle.so"};

    if (!info->dlpi_name || !*info->dlpi_name) {
        if (!program.end)
            program = range_of(info);
        return 0;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strstr(info->dlpi_name, names[i]))
            passable[n_passable++] = range_of(info);
    }
    return 0;
}

static bool is_within(Range range, uintptr_t address)
{
    return address >= range.start && address < range.end;
}

static bool is_passable(uintptr_t address)
{
    for (size_t i = 0; i < n_passable; i++) {
        if (is_within(passable[i], address))
            return true;
    }
    return false;
}

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("QMP_GUARD_ALLOCATIONS");
    void *frame;
    ssize_t size;

    if (!path)
        return;
    dl_iterate_phdr(note_object, NULL);
    (void)backtrace(&frame, 1); /* loads what it needs */
    ways_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    size = ways_fd < 0 ? -1 : read(ways_fd, ways, sizeof(ways));
    if (size < 0)
        abort();
    n_ways = (size_t)size / sizeof(ways[0]);
    is_ready = true;
}

/* 0: the allocation is not the program's. */
static uint64_t find_way(void)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    uint64_t way = 0;
    int length = 0;

    for (int i = 0; i < count; i++) {
        uintptr_t address = (uintptr_t)frames[i];

        if (is_within(program, address)) {
            if (length++ < WAY_LENGTH)
                way = (way ^ (address - program.start)) * UINT64_C(0x9e3779b97f4a7c15);
        } else if (!is_passable(address)) {
            return 0;
        }
    }
    return way;
}

static bool fails(void)
{
    uint64_t way;

    if (!is_ready || is_inside)
        return false;
    is_inside = true;
    way = find_way();
    is_inside = false;
    if (way == 0)
        return false;
    for (size_t i = 0; i < n_ways; i++) {
        if (ways[i] == way)
            return false;
    }
    is_ready = false;
    if (write(ways_fd, &way, sizeof(way)) != (ssize_t)sizeof(way))
        abort();
    return true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

#pragma GCC visibility push(default)

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

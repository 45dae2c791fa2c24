/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run.h"

#include "util/cleanup.h"
#include "util/memory_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/* Where the daemon of qemu:///system keeps them (libvirt's src/qemu/qemu_conf.c). */
#define PID_DIRECTORY "/run/libvirt/qemu"

/* Which word of /proc/PID/stat, counted behind the name, which may hold anything. */
#define STARTED_WORD 20

/* The start of a small file, as a text. Returns 0 or -1. */
static int read_start(const char *path, char *ret, size_t size)
{
    CLEANUP(fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    ssize_t length = fd < 0 ? -1 : read(fd, ret, size - 1);

    if (length < 0)
        return -1;
    ret[length] = '\0';
    return 0;
}

static int read_started(int64_t pid, uint64_t *ret)
{
    char path[64];
    char stat[1024];
    const char *word;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
    if (read_start(path, stat, sizeof(stat)) < 0)
        return -1;
    word = strrchr(stat, ')');
    for (int i = 0; word && i < STARTED_WORD; i++)
        word = strchr(word + 1, ' ');
    return word && sscanf(word, " %" SCNu64, ret) == 1 && *ret > 0 ? 0 : -1;
}

/* Where libvirt has written the number. In the file's name it escapes XML's letters. */
static char *pid_path(const char *name)
{
    static const struct Escape {
        char letter;
        const char *text;
    } escapes[] = {
        {'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&apos;"}, {'\0', ""},
    };
    MemoryText path;
    FILE *out = memory_text_open(&path);

    if (!out)
        return NULL;
    fputs(PID_DIRECTORY "/", out);
    for (; *name; name++) {
        const struct Escape *escape = escapes;

        while (escape->letter && escape->letter != *name)
            escape++;
        if (escape->letter)
            fputs(escape->text, out);
        else
            fputc(*name, out);
    }
    fputs(".pid", out);
    return memory_text_close(&path);
}

int run_read(const char *name, Run *ret, Reason *why)
{
    CLEANUP(mem) char *path = strchr(name, '/') ? NULL : pid_path(name);
    char text[32];
    Run run = {0};

    if (!path)
        return reason_set(why, "no file can say which process '%s' is", name);
    if (read_start(path, text, sizeof(text)) < 0)
        return reason_set(why, "cannot read %s: %s", path, strerror(errno));
    if (sscanf(text, "%" SCNd64, &run.pid) != 1 || run.pid <= 0)
        return reason_set(why, "%s holds no process number", path);
    if (read_started(run.pid, &run.started) < 0)
        return reason_set(why, "process %" PRId64 " of %s is not there", run.pid, path);
    *ret = run;
    return 0;
}

bool run_is_same(const Run *a, const Run *b)
{
    return a->pid > 0 && a->pid == b->pid && a->started == b->started;
}

bool run_is_alive(const Run *run)
{
    Run now = {.pid = run->pid};

    return run->pid > 0 && read_started(run->pid, &now.started) == 0 && run_is_same(run, &now);
}

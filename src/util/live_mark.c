/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live_mark.h"

#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

/* `ADDRESS PERMISSIONS OFFSET DEVICE INODE PATH`: is PATH the memfd of that name? */
static bool is_mark(const char *line, const char *name)
{
    static const char front[] = "/memfd:";
    int at = 0;

    (void)sscanf(line, "%*s %*s %*s %*s %*s %n", &at);
    line += at;
    return at > 0 && strncmp(line, front, sizeof(front) - 1) == 0 &&
           strncmp(line + sizeof(front) - 1, name, strlen(name)) == 0 &&
           strcmp(line + sizeof(front) - 1 + strlen(name), " (deleted)\n") == 0;
}

/* The plugin, and its file is gone, or another took its place. */
static bool is_old_plugin(const char *line)
{
    static const char end[] = "/" PLUGIN_FILE_NAME " (deleted)\n";
    size_t length = strlen(line);

    return length >= sizeof(end) && strcmp(line + length - (sizeof(end) - 1), end) == 0;
}

int live_marks_read(pid_t pid, LiveMarks *ret, Reason *why)
{
    CLEANUP(file) FILE *maps = NULL;
    CLEANUP(mem) char *line = NULL;
    LiveMarks marks = {0};
    size_t space = 0;
    char path[64];

    *ret = (LiveMarks){0};
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    maps = fopen(path, "re");
    if (!maps)
        return reason_set(why, "cannot read %s: %s", path, strerror(errno));
    while (getline(&line, &space, maps) >= 0) {
        marks.is_guarded = marks.is_guarded || is_mark(line, LIVE_MARK);
        marks.had_host_file = marks.had_host_file || is_mark(line, HOST_FILE_MARK);
        marks.is_outdated = marks.is_outdated || is_old_plugin(line);
    }
    if (ferror(maps))
        return reason_set(why, "cannot read %s: %s", path, strerror(errno));
    *ret = marks;
    return 0;
}

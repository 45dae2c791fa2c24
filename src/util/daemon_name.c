/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon_name.h"

#include "util/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const guarded[] = {"libvirtd", "virtqemud", NULL};

/* The guarded ones, and those for the other drivers: any of them serves clients of its own. */
static const char *const all[] = {"libvirtd",   "virtbhyved",   "virtchd",      "virtinterfaced",
                                  "virtlxcd",   "virtnetworkd", "virtnodedevd", "virtnwfilterd",
                                  "virtproxyd", "virtqemud",    "virtsecretd",  "virtstoraged",
                                  "virtvboxd",  "virtvzd",      "virtxend",     NULL};

static bool is_among(const char *path, const char *const *names)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    while (*names && strcmp(name, *names) != 0)
        names++;
    return *names;
}

/* Reads which file @pid runs; the empty path, with errno, when that cannot be told. */
static void read_program(pid_t pid, char path[PATH_MAX])
{
    static const char deleted[] = " (deleted)";
    char link[64];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
    errno = 0;
    length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
    /* An upgrade replaces the file of a daemon that runs. */
    if (length > (ssize_t)strlen(deleted) && strcmp(path + length - strlen(deleted), deleted) == 0)
        path[length - (ssize_t)strlen(deleted)] = '\0';
}

/*
 * What @pid calls itself, which any process may choose: as good as its file for root's processes
 * that are not to be mistaken for others. Every daemon's name is short enough to be there whole.
 */
static void read_own_name(pid_t pid, char name[PATH_MAX])
{
    CLEANUP(file) FILE *file = NULL;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    *name = '\0';
    file = fopen(path, "re");
    if (file && !fgets(name, PATH_MAX, file))
        *name = '\0';
    name[strcspn(name, "\n")] = '\0';
}

bool is_guarded_daemon_name(const char *path)
{
    return is_among(path, guarded);
}

bool is_guarded_daemon_process(pid_t pid)
{
    char path[PATH_MAX];

    read_program(pid, path);
    return is_guarded_daemon_name(path);
}

bool is_libvirt_daemon_name(const char *path)
{
    return is_among(path, all);
}

bool may_be_libvirt_daemon_process(pid_t pid)
{
    char path[PATH_MAX];

    read_program(pid, path);
    if (!*path && (errno == EACCES || errno == EPERM))
        read_own_name(pid, path);
    return !*path || is_libvirt_daemon_name(path);
}

bool is_roots_process(pid_t pid, const char *program)
{
    const char *slash = strrchr(program, '/');
    const char *const names[] = {slash ? slash + 1 : program, NULL};
    char directory[64];
    char path[PATH_MAX];
    struct stat info;

    snprintf(directory, sizeof(directory), "/proc/%d", (int)pid);
    read_program(pid, path);
    return is_among(path, names) && stat(directory, &info) == 0 && info.st_uid == 0;
}

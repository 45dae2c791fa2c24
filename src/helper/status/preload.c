/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preload.h"

#include "util/cleanup.h"
#include "util/string_list.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define VARIABLE "LD_PRELOAD="
#define LIBRARY "/" PLUGIN_FILE_NAME
/* What the commands of the drop-in of `enable` look for. */
#define LIBRARY_DIRECTORY "libvirt-qmp-guard"

const char *const unit_directories[] = {
    "/usr/lib/systemd/system", "/lib/systemd/system", "/usr/local/lib/systemd/system",
    "/run/systemd/system",     "/etc/systemd/system", NULL,
};

/* One line of a [Service] section, or of a file that it names. */
typedef void (*LineReader)(char *line, PreloadFacts *facts);

/* A line that ends in a backslash goes on. Returns 0, or -1 with errno. */
static int read_lines(const char *path, LineReader reader, PreloadFacts *facts)
{
    CLEANUP(file) FILE *file = fopen(path, "re");
    CLEANUP(mem) char *line = NULL;
    CLEANUP(mem) char *whole = NULL;
    size_t space = 0;
    ssize_t length;

    if (!file)
        return -1;
    while ((length = getline(&line, &space, file)) >= 0) {
        CLEANUP(mem) char *before = whole;
        bool goes_on;

        whole = NULL;
        line[strcspn(line, "\r\n")] = '\0';
        length = (ssize_t)strlen(line);
        goes_on = length > 0 && line[length - 1] == '\\';
        if (goes_on)
            line[length - 1] = ' ';
        if (asprintf(&whole, "%s%s", before ? before : "", line) < 0) {
            whole = NULL;
            return -1;
        }
        if (goes_on)
            continue;
        reader(whole, facts);
        free(whole);
        whole = NULL;
    }
    if (whole)
        reader(whole, facts);
    return 0;
}

/* Whether the text of a variable's value, up to its end, names the guard. */
static bool names_guard(const char *value)
{
    size_t length = strcspn(value, "\"'");
    CLEANUP(mem) char *copy = strndup(value, length);

    return copy && strstr(copy, LIBRARY);
}

/* A line `NAME=value` of a file of variables. */
static void read_variable(char *line, PreloadFacts *facts)
{
    line += strspn(line, " \t");
    if (strncmp(line, VARIABLE, strlen(VARIABLE)) == 0) {
        line += strlen(VARIABLE);
        facts->is_set = names_guard(line + strspn(line, "\"'"));
    }
}

/* `"A=1 2" LD_PRELOAD=/x`; nothing at all takes back what was set before. */
static void read_environment(const char *value, PreloadFacts *facts)
{
    const char *variable = strstr(value, VARIABLE);

    if (!*value)
        facts->is_set = false;
    else if (variable)
        facts->is_set = names_guard(variable + strlen(VARIABLE));
}

/* A word of the list is a variable's name, or that with the value. It holds above all else. */
static void read_unset(const char *value, PreloadFacts *facts)
{
    static const char name[] = "LD_PRELOAD";

    if (!*value)
        facts->is_unset = false;
    for (const char *at = strstr(value, name); at; at = strstr(at + 1, name)) {
        bool begins = at == value || strchr(" \t\"'", at[-1]);

        if (begins && strchr(" \t\"'=", at[strlen(name)]))
            facts->is_unset = true;
    }
}

/* One that is not there counts only when no `-` says that it need not be: as nothing. */
static void read_environment_file(const char *value, PreloadFacts *facts)
{
    (void)read_lines(*value == '-' ? value + 1 : value, read_variable, facts);
}

/* A `-` says that the command may fail. */
static void read_command(const char *value, PreloadFacts *facts)
{
    size_t prefixes = strspn(value, "@-:+!|");

    if (!*value)
        facts->is_asserted = false;
    else if (!memchr(value, '-', prefixes) && strstr(value, LIBRARY_DIRECTORY))
        facts->is_asserted = true;
}

static const struct UnitKey {
    const char *name;
    void (*read)(const char *value, PreloadFacts *facts);
} keys[] = {
    {"Environment", read_environment},
    {"UnsetEnvironment", read_unset},
    {"ExecStartPre", read_command},
    {"ExecStartPost", read_command},
};

/* The files of variables hold above `Environment=`, wherever they stand: they come second. */
static const struct UnitKey file_keys[] = {
    {"EnvironmentFile", read_environment_file},
};

static void read_unit_line(char *line, const struct UnitKey *rows, size_t count,
                           PreloadFacts *facts)
{
    size_t length;
    char *value;

    line += strspn(line, " \t");
    value = strchr(line, '=');
    if (!value || *line == '#' || *line == ';')
        return;
    for (length = (size_t)(value - line); length > 0 && strchr(" \t", line[length - 1]);)
        length--;
    value++;
    value += strspn(value, " \t");
    for (size_t i = 0; i < count; i++) {
        if (strlen(rows[i].name) == length && strncmp(rows[i].name, line, length) == 0)
            rows[i].read(value, facts);
    }
}

static void read_own_line(char *line, PreloadFacts *facts)
{
    read_unit_line(line, keys, sizeof(keys) / sizeof(keys[0]), facts);
}

static void read_file_line(char *line, PreloadFacts *facts)
{
    read_unit_line(line, file_keys, sizeof(file_keys) / sizeof(file_keys[0]), facts);
}

/* A drop-in, by its name; a stronger directory's takes the place of one of the same name. */
typedef struct DropIns {
    StringList names;
    StringList paths;
} DropIns;

static int add_drop_in(DropIns *drop_ins, const char *directory, const char *unit, const char *name)
{
    CLEANUP(mem) char *path = NULL;
    size_t at = 0;

    if (asprintf(&path, "%s/%s.d/%s", directory, unit, name) < 0) {
        path = NULL;
        return -1;
    }
    while (at < drop_ins->names.count && strcmp(drop_ins->names.items[at], name) < 0)
        at++;
    if (at < drop_ins->names.count && strcmp(drop_ins->names.items[at], name) == 0) {
        free(drop_ins->paths.items[at]);
        drop_ins->paths.items[at] = steal_pointer(&path);
        return 0;
    }
    if (string_list_add(&drop_ins->names, name) < 0 || string_list_add(&drop_ins->paths, path) < 0)
        return -1;
    for (size_t i = drop_ins->names.count - 1; i > at; i--) {
        char *last_name = drop_ins->names.items[i];
        char *last_path = drop_ins->paths.items[i];

        drop_ins->names.items[i] = drop_ins->names.items[i - 1];
        drop_ins->paths.items[i] = drop_ins->paths.items[i - 1];
        drop_ins->names.items[i - 1] = last_name;
        drop_ins->paths.items[i - 1] = last_path;
    }
    return 0;
}

static bool is_drop_in(const char *name)
{
    size_t length = strlen(name);

    return *name != '.' && length > 5 && strcmp(name + length - 5, ".conf") == 0;
}

/* Returns 0, or -1 with errno. */
static int find_drop_ins(const char *directory, const char *unit, DropIns *drop_ins)
{
    CLEANUP(mem) char *path = NULL;
    struct dirent *entry;
    int result = 0;
    DIR *opened;

    if (asprintf(&path, "%s/%s.d", directory, unit) < 0) {
        path = NULL;
        return -1;
    }
    opened = opendir(path);
    if (!opened)
        return errno == ENOENT ? 0 : -1;
    while (result == 0 && (entry = readdir(opened))) {
        if (is_drop_in(entry->d_name))
            result = add_drop_in(drop_ins, directory, unit, entry->d_name);
    }
    closedir(opened);
    return result;
}

/* The unit's own file comes first. Returns 0, or -1 with errno. */
static int find_files(const char *const *directories, const char *unit, char **ret_unit,
                      DropIns *drop_ins)
{
    for (size_t i = 0; directories[i]; i++) {
        CLEANUP(mem) char *path = NULL;

        if (asprintf(&path, "%s/%s", directories[i], unit) < 0) {
            path = NULL;
            return -1;
        }
        if (access(path, F_OK) == 0) {
            free(*ret_unit);
            *ret_unit = steal_pointer(&path);
        }
        if (find_drop_ins(directories[i], unit, drop_ins) < 0)
            return -1;
    }
    return 0;
}

static int read_all(const char *unit, const DropIns *drop_ins, LineReader reader,
                    PreloadFacts *facts)
{
    if (read_lines(unit, reader, facts) < 0)
        return -1;
    for (size_t i = 0; i < drop_ins->paths.count; i++) {
        if (read_lines(drop_ins->paths.items[i], reader, facts) < 0)
            return -1;
    }
    return 0;
}

/* Returns whether there is such a unit, or -1 with errno. */
static int read_unit(const char *const *directories, const char *unit, DropIns *drop_ins,
                     PreloadFacts *facts)
{
    CLEANUP(mem) char *own = NULL;

    if (find_files(directories, unit, &own, drop_ins) < 0)
        return -1;
    if (!own)
        return 0;
    if (read_all(own, drop_ins, read_own_line, facts) < 0 ||
        read_all(own, drop_ins, read_file_line, facts) < 0)
        return -1;
    facts->is_set = facts->is_set && !facts->is_unset;
    return 1;
}

void preload_read(const char *const *directories, const char *unit, PreloadFacts *ret)
{
    DropIns drop_ins = {0};
    int result;

    *ret = (PreloadFacts){0};
    result = read_unit(directories, unit, &drop_ins, ret);
    if (result < 0)
        reason_set(&ret->why, "cannot read the unit %s: %s", unit, strerror(errno));
    else
        ret->knowledge = result ? KNOWN : NOT_THERE;
    string_list_clear(&drop_ins.names);
    string_list_clear(&drop_ins.paths);
}

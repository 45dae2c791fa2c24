/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log_levels.h"

#include "util/cleanup.h"
#include "util/glob.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* libvirt's own default. */
#define LEVEL_DEFAULT AUDIT_WARNING

#define MATCH_STEPS ((size_t)100000)

/* The settings of a file; of one that stands there twice the last holds. */
typedef struct LogSettings {
    unsigned level; /* 0: not set */
    char *filters;
    char *outputs;
} LogSettings;

/* Behind `KEY =`, without its quotes: a new string. NULL: it is another key, or no memory. */
static char *value_of(const char *line, const char *key)
{
    size_t length = strlen(key);
    char quote;

    line += strspn(line, " \t");
    if (strncmp(line, key, length) != 0)
        return NULL;
    line += length;
    line += strspn(line, " \t");
    if (*line++ != '=')
        return NULL;
    line += strspn(line, " \t");
    quote = *line;
    if (quote == '"' || quote == '\'')
        return strndup(line + 1, strcspn(line + 1, quote == '"' ? "\"" : "'"));
    return strndup(line, strcspn(line, " \t\r\n#"));
}

static void take_over(char **slot, char *value)
{
    if (!value)
        return;
    free(*slot);
    *slot = value;
}

static void read_line(const char *line, LogSettings *settings)
{
    CLEANUP(mem) char *level = value_of(line, "log_level");

    if (level)
        settings->level = (unsigned)strtoul(level, NULL, 10);
    take_over(&settings->filters, value_of(line, "log_filters"));
    take_over(&settings->outputs, value_of(line, "log_outputs"));
}

/* libvirt finds the word anywhere in the source's name, also with wildcards in it. */
static bool is_for_us(const char *match)
{
    CLEANUP(mem) char *pattern = NULL;
    size_t budget = MATCH_STEPS;

    if (asprintf(&pattern, "*%s*", match) < 0) {
        pattern = NULL;
        return false;
    }
    return glob_match(pattern, LOG_SOURCE_NAME, &budget) == GLOB_YES;
}

/* `LEVEL:REST`: returns REST, or NULL for what is no such word. */
static const char *read_level(const char *word, unsigned *ret)
{
    if (word[0] < '1' || word[0] > '4' || word[1] != ':')
        return NULL;
    *ret = (unsigned)(word[0] - '0');
    return word + 2;
}

/* The first filter that matches holds. */
static unsigned filtered_level(char *filters, unsigned otherwise)
{
    char *rest = NULL;

    for (char *word = strtok_r(filters, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        unsigned level = 0;
        const char *match = read_level(word, &level);

        if (match && is_for_us(*match == '+' ? match + 1 : match))
            return level;
    }
    return otherwise;
}

static unsigned lowest_level(char *outputs, unsigned otherwise)
{
    unsigned lowest = 0;
    char *rest = NULL;

    for (char *word = strtok_r(outputs, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        unsigned level = 0;

        if (read_level(word, &level) && (lowest == 0 || level < lowest))
            lowest = level;
    }
    return lowest ? lowest : otherwise;
}

void log_levels_read(const char *path, LogFacts *ret)
{
    CLEANUP(file) FILE *file = fopen(path, "re");
    CLEANUP(mem) char *line = NULL;
    LogSettings settings = {0};
    size_t space = 0;
    unsigned level;

    *ret = (LogFacts){0};
    if (!file && errno != ENOENT) {
        reason_set(&ret->why, "cannot read %s: %s", path, strerror(errno));
        return;
    }
    while (file && getline(&line, &space, file) >= 0)
        read_line(line, &settings);
    level = settings.level ? settings.level : LEVEL_DEFAULT;
    ret->source = settings.filters ? filtered_level(settings.filters, level) : level;
    ret->output = settings.outputs ? lowest_level(settings.outputs, level) : level;
    ret->knowledge = KNOWN;
    free(settings.filters);
    free(settings.outputs);
}

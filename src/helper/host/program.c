/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program.h"

#include "helper.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define OUTPUT_MAX 8192

/* As env(1): there is no such program. */
#define EXIT_NOT_RUN 127

/* In the child: root's environment is nobody's way into what we run. */
static void execute(const char *const *words, const char *preload, int output)
{
    if (output >= 0 && (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0))
        _exit(EXIT_NOT_RUN);
    clearenv();
    signal(SIGPIPE, SIG_DFL);
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    if (preload)
        setenv("LD_PRELOAD", preload, 1);
    execvp(words[0], (char *const *)words);
    fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    _exit(EXIT_NOT_RUN);
}

/* Reads to the end, and keeps the beginning. */
static char *read_output(int fd)
{
    char *text = calloc(1, OUTPUT_MAX + 1);
    size_t length = 0;
    char rest[1024];
    ssize_t count;

    do {
        if (text && length < OUTPUT_MAX)
            count = read(fd, text + length, OUTPUT_MAX - length);
        else
            count = read(fd, rest, sizeof(rest));
        if (count > 0 && text && length < OUTPUT_MAX)
            length += (size_t)count;
    } while (count > 0 || (count < 0 && errno == EINTR));
    return text;
}

static int wait_for(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int program_run(const char *const *words, const char *preload, char **ret_output)
{
    int ends[2] = {-1, -1};
    int status = -1;
    pid_t child;

    /* What we have printed comes before what the program prints, and once. */
    fflush(NULL);
    if (ret_output && pipe2(ends, O_CLOEXEC) < 0)
        return complain("cannot run %s: %s", words[0], strerror(errno)), -1;
    child = fork();
    if (child == 0)
        execute(words, preload, ends[1]);
    if (ret_output)
        close(ends[1]);
    if (child > 0) {
        if (ret_output)
            *ret_output = read_output(ends[0]);
        status = wait_for(child);
    }
    if (status < 0)
        complain("cannot run %s: %s", words[0], strerror(errno));
    if (ret_output)
        close(ends[0]);
    return status;
}

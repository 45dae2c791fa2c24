/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libvirt `qemu` hook. libvirt runs it as
 *
 *   /etc/libvirt/hooks/qemu.d/50-qmp-guard DOMAIN OPERATION SUB-OPERATION EXTRA
 *
 * at every step of every domain's life, with the domain's XML on standard input. At most of
 * them there is nothing to do, and while a guest runs there must be no way to fail. So this
 * program needs nothing but the C library, and runs the one that judges (judge.c, beside
 * it) only when there is something to judge. Source: libvirt, docs/hooks.rst.
 */
#include "operation.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Replaces this process by the judge; returns only when that cannot be. */
static int run_judge(char **argv)
{
    char path[PATH_MAX + sizeof(JUDGE_NAME) + 1];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);

    if (length > 0 && length < PATH_MAX) {
        path[length] = '\0';
        dirname(path);
        strcat(path, "/" JUDGE_NAME);
        execv(path, argv);
    }
    fprintf(stderr, "qmp-guard: cannot run %s: %s: is qmp-guard installed whole?\n", JUDGE_NAME,
            strerror(errno));
    return EXIT_FAILURE;
}

/*
 * The domain runs, and libvirt kills it if this fails. So the judge is a process of its own,
 * whose end, however it comes, changes nothing; nor does that there is none.
 */
static int record_reconnect(char **argv)
{
    pid_t child = fork();

    if (child == 0)
        _exit(run_judge(argv));
    if (child > 0)
        waitpid(child, NULL, 0);
    return EXIT_SUCCESS;
}

/* Grants end with a run; that there never was one is the usual case. */
static int end_run(char **argv)
{
    return access(GRANTS_PATH, F_OK) < 0 ? EXIT_SUCCESS : run_judge(argv);
}

static int do_nothing(char **argv)
{
    (void)argv;
    return EXIT_SUCCESS;
}

static int (*const actions[HOOK_COUNT])(char **argv) = {
    [HOOK_OTHER] = do_nothing,
    [HOOK_START] = run_judge,
    [HOOK_RECONNECT] = record_reconnect,
    [HOOK_RELEASE] = end_run,
};

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: 50-qmp-guard DOMAIN OPERATION SUB-OPERATION EXTRA <DOMAIN.xml\n"
              "libvirt runs this hook; to ask by hand: "
              "virt-qmp-guard check --domain-xml FILE --start\n",
              stderr);
        return EXIT_FAILURE;
    }
    /* A user's own daemon (qemu:///session) runs QEMU with no more than the user's rights. */
    if (geteuid() != 0)
        return EXIT_SUCCESS;
    return actions[hook_operation(argv)](argv);
}

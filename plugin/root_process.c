/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "root_process.h"

#include "domain/run.h"
#include "util/daemon_name.h"

#include <pthread.h>
#include <stddef.h>

/* One that is pushed out is looked at again. */
#define SLOTS 64

typedef struct Process {
    pid_t pid; /* 0: free */
    unsigned long long started;
} Process;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Process others[SLOTS]; /* guarded by lock: they are no daemons */
static size_t next; /* guarded by lock */

static bool is_known(pid_t pid, unsigned long long started)
{
    bool found = false;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; !found && i < SLOTS; i++)
        found = others[i].pid == pid && others[i].started == started;
    pthread_mutex_unlock(&lock);
    return found;
}

static void remember(pid_t pid, unsigned long long started)
{
    pthread_mutex_lock(&lock);
    others[next++ % SLOTS] = (Process){pid, started};
    pthread_mutex_unlock(&lock);
}

bool root_process_may_be_daemon(pid_t pid, unsigned long long started)
{
    const Run process = {.pid = pid, .started = started};

    if (pid <= 0 || (started && is_known(pid, started)))
        return false;
    if (may_be_libvirt_daemon_process(pid))
        return true;
    if (!started)
        return false;
    if (!run_is_alive(&process)) /* that was another's program, by the same number */
        return true;
    remember(pid, started);
    return false;
}

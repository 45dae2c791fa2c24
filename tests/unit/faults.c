/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checked variants would come between what is defined here and what it stands for. */
#undef _FORTIFY_SOURCE

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is still to come before something fails; 0: nothing will. */
typedef struct Countdown {
    unsigned left;
    bool stays;
    bool has_failed;
} Countdown;

static Countdown allocations;
static Countdown files;
static FileFault file_fault;

static bool fails(Countdown *countdown)
{
    if (countdown->left == 0 || --countdown->left > 0)
        return false;
    countdown->left = countdown->stays ? 1 : 0;
    countdown->has_failed = true;
    return true;
}

void faults_allocation(unsigned nth, bool stays)
{
    allocations = (Countdown){.left = nth, .stays = stays};
}

void faults_file(FileFault fault, unsigned nth, bool stays)
{
    file_fault = fault;
    files = (Countdown){.left = nth, .stays = stays};
}

bool faults_end(void)
{
    bool has_failed = allocations.has_failed || files.has_failed;

    allocations = files = (Countdown){0};
    return has_failed;
}

/*
 * libc's own, and AddressSanitizer's in their place when it is there. Not asked of dlsym(3), which
 * allocates.
 */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));

ssize_t __pread64_chk(int fd, void *buffer, size_t size, off_t at, size_t room);
const char *__lsan_default_suppressions(void);

/* json-c loses the copy of a key for which there is no place in its table. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:json_object_object_add_ex\n";
}

static bool no_memory(void)
{
    if (!fails(&allocations))
        return false;
    errno = ENOMEM;
    return true;
}

void *faults_spared_malloc(size_t size)
{
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *faults_spared_realloc(void *old, size_t size)
{
    return __interceptor_realloc ? __interceptor_realloc(old, size) : __libc_realloc(old, size);
}

char *faults_spared_strdup(const char *text)
{
    char *copy = faults_spared_malloc(strlen(text) + 1);

    return copy ? strcpy(copy, text) : NULL;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    return no_memory() ? NULL : faults_spared_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    if (no_memory())
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    return no_memory() ? NULL : faults_spared_realloc(old, size);
}

/* The exit status of a child. */
enum { ENDED, ENDED_WITH_FAULT, ENDED_WRONG };

static void try_and_exit(FaultsTried *tried, const void *data, unsigned nth, bool stays)
{
    int nowhere = open("/dev/null", O_WRONLY);
    const char *wrong;
    bool has_failed;

    signal(SIGSEGV, SIG_DFL); /* not cmocka's, which goes on with the next test */
    signal(SIGABRT, SIG_DFL);
    dup2(nowhere, STDERR_FILENO);
    faults_allocation(nth, stays);
    wrong = tried(data);
    has_failed = faults_end();
    if (wrong)
        dprintf(STDOUT_FILENO, "# allocation %u: %s\n", nth, wrong);
    _exit(wrong ? ENDED_WRONG : has_failed ? ENDED_WITH_FAULT : ENDED);
}

int faults_in_children(FaultsTried *tried, const void *data)
{
    int fewest = INT_MAX;

    for (int stays = 0; stays < 2; stays++) {
        unsigned nth = 0;
        int ended = 0;
        int status;

        do {
            pid_t child = fork();

            nth++;
            if (child == 0)
                try_and_exit(tried, data, nth, stays);
            if (child < 0 || waitpid(child, &status, 0) != child)
                return -1;
            if (WIFEXITED(status) && WEXITSTATUS(status) == ENDED_WRONG)
                return -1;
            ended += WIFEXITED(status);
        } while (!WIFEXITED(status) || WEXITSTATUS(status) != ENDED);
        fewest = ended < fewest ? ended : fewest;
    }
    return fewest;
}

/* What a failing call leaves behind; false when it is not to fail. */
static bool no_file(void)
{
    static const int errors[FILE_FAULT_COUNT] = {[FAULT_EIO] = EIO,
                                                 [FAULT_ENOSPC] = ENOSPC,
                                                 [FAULT_EMFILE] = EMFILE,
                                                 [FAULT_EACCES] = EACCES};

    if (file_fault == FAULT_SHORT || !fails(&files))
        return false;
    errno = errors[file_fault];
    return true;
}

static size_t shortened(size_t size)
{
    return file_fault == FAULT_SHORT && size > 1 && fails(&files) ? size / 2 : size;
}

__attribute__((visibility("default"))) int openat(int directory, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return no_file() ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);
}

__attribute__((visibility("default"))) int open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return no_file() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

__attribute__((visibility("default"))) ssize_t read(int fd, void *buffer, size_t size)
{
    return no_file() ? -1 : syscall(SYS_read, fd, buffer, shortened(size));
}

__attribute__((visibility("default"))) ssize_t pread(int fd, void *buffer, size_t size, off_t at)
{
    return no_file() ? -1 : syscall(SYS_pread64, fd, buffer, shortened(size), at);
}

/* What the guard's own reads become where the compiler cannot tell that they fit. */
__attribute__((visibility("default"))) ssize_t __pread64_chk(int fd, void *buffer, size_t size,
                                                             off_t at, size_t room)
{
    return size <= room ? pread(fd, buffer, size, at) : -1;
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *bytes, size_t size)
{
    return no_file() ? -1 : syscall(SYS_write, fd, bytes, shortened(size));
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *bytes, size_t size,
                                                      off_t at)
{
    return no_file() ? -1 : syscall(SYS_pwrite64, fd, bytes, shortened(size), at);
}

__attribute__((visibility("default"))) int fstat(int fd, struct stat *ret)
{
    return no_file() ? -1 : fstatat(fd, "", ret, AT_EMPTY_PATH);
}

__attribute__((visibility("default"))) int lstat(const char *path, struct stat *ret)
{
    return no_file() ? -1 : fstatat(AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW);
}

__attribute__((visibility("default"))) int flock(int fd, int operation)
{
    return no_file() ? -1 : (int)syscall(SYS_flock, fd, operation);
}

__attribute__((visibility("default"))) int ftruncate(int fd, off_t size)
{
    return no_file() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

__attribute__((visibility("default"))) off_t lseek(int fd, off_t offset, int whence)
{
    return no_file() ? -1 : syscall(SYS_lseek, fd, offset, whence);
}

__attribute__((visibility("default"))) int mkdir(const char *path, mode_t mode)
{
    return no_file() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

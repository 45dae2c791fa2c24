# SPDX-License-Identifier: LGPL-2.1-or-later
"""A library that makes each change of a grant take its time.

Between reading how many uses are left and writing it there is time for others then, and for a kill. On two processors
hardly anything would ever be in time, and tests of either would show nothing.
"""

from clients import run

_SLOW = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    useconds_t pause = size > 1000 ? 1000 : 0;      /* a grant, and not the trail's head */
    ssize_t written;

    usleep(pause);
    written = real(fd, data, size, offset);
    usleep(pause);
    return written;
}
"""


def slow_store(directory):
    """Makes it in @directory, and returns its path: for LD_PRELOAD."""
    path = directory / "slow.so"
    run("gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", path, "-x", "c", "-", input=_SLOW, check=True)
    return path

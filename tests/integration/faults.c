/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded behind guard.so for a test: makes the nth call of one function from the guard's own
 * code fail. /etc/libvirt/faults says which: `NAME NTH TOKEN`; another token begins to count anew.
 * When it failed, the token is written to /etc/libvirt/faults.hit.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where guard.so's code is; all zero until it was looked for. */
static atomic_uintptr_t guard_start;
static atomic_uintptr_t guard_end;

static char token[64];
static char wanted[64];
static atomic_long left; /* until the fault; 0: none is to come */

static int find_guard(struct dl_phdr_info *info, size_t size, void *data)
{
    const char *slash = info->dlpi_name ? strrchr(info->dlpi_name, '/') : NULL;

    (void)size;
    (void)data;
    if (!slash || strcmp(slash, "/guard.so") != 0)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type == PT_LOAD && header->p_flags & PF_X) {
            guard_start = info->dlpi_addr + header->p_vaddr;
            guard_end = info->dlpi_addr + header->p_vaddr + header->p_memsz;
        }
    }
    return 1;
}

static bool is_guard(const void *caller)
{
    if (!guard_end)
        dl_iterate_phdr(find_guard, NULL);
    return (uintptr_t)caller >= guard_start && (uintptr_t)caller < guard_end;
}

/* The test sends one command after the other, so there is nobody to race with. */
static void read_orders(void)
{
    FILE *file = fopen("/etc/libvirt/faults", "re");
    char name[64];
    char fresh[64];
    long nth;

    if (!file)
        return;
    if (fscanf(file, "%63s %ld %63s", name, &nth, fresh) == 3 && strcmp(fresh, token) != 0) {
        strcpy(token, fresh);
        strcpy(wanted, name);
        left = nth;
    }
    fclose(file);
}

static bool is_hit(const char *name)
{
    if (left == 0 || strcmp(name, wanted) != 0)
        return false;
    return --left == 0;
}

static void tell(void)
{
    FILE *file = fopen("/etc/libvirt/faults.hit", "we");

    if (file) {
        fputs(token, file);
        fclose(file);
    }
}

static bool fails(const char *name, const void *caller)
{
    if (!is_guard(caller))
        return false;
    read_orders();
    if (!is_hit(name))
        return false;
    tell();
    return true;
}

/* No function has more than six arguments, and all of them are in registers. */
#define FAILING(name, failure)                                                                     \
    long name(long a, long b, long c, long d, long e, long f);                                     \
    long name(long a, long b, long c, long d, long e, long f)                                      \
    {                                                                                              \
        static long (*real)(long, long, long, long, long, long);                                   \
                                                                                                   \
        if (fails(#name, __builtin_return_address(0)))                                             \
            return failure;                                                                        \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return real(a, b, c, d, e, f);                                                             \
    }

#pragma GCC visibility push(default)

FAILING(virDomainLookupByUUID, 0)
FAILING(virDomainGetMetadata, 0)
FAILING(virDomainGetXMLDesc, 0)
FAILING(virDomainGetName, 0)
FAILING(virDomainGetUUID, -1)
FAILING(virDomainGetUUIDString, -1)
FAILING(virDomainGetConnect, 0)
FAILING(virIdentityGetCurrent, 0)
FAILING(virIdentitySetCurrent, -1)
FAILING(virIdentityGetUserName, -1)
FAILING(virIdentityGetSASLUserName, -1)
FAILING(virIdentityGetX509DName, -1)
FAILING(virIdentityGetSELinuxContext, -1)
FAILING(virIdentityGetUNIXUserID, -1)
FAILING(virIdentityGetUNIXGroupID, -1)
FAILING(virIdentityGetProcessID, -1)
FAILING(virIdentityGetProcessTime, -1)
FAILING(xmlCtxtReadMemory, 0)
FAILING(nanosleep, -1)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool lacks_memory(const void *caller)
{
    if (!guard_end || !is_guard(caller) || !is_hit("malloc"))
        return false;
    tell();
    return true;
}

void *malloc(size_t size)
{
    return lacks_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return lacks_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return lacks_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

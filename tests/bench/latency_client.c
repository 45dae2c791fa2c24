/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client that tells how long each of its calls took.
 *
 *   build/tests/bench/latency_client URI DOMAIN [SOCKET]
 *
 * Reads lines `CALL COUNT` and answers each with COUNT times in nanoseconds, as 64 bits in the
 * machine's order. SOCKET is a virt-qemu-qmp-proxy's, for the call `proxy`.
 */
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX 1000000
#define LINE_END "\r\n"

static const char status[] = "{\"execute\":\"query-status\"}";

static virConnectPtr connection;
static virDomainPtr domain;
static const char *domain_name;
static int proxy = -1;

static void fail(const char *what)
{
    fprintf(stderr, "latency_client: %s: %s\n", what, virGetLastErrorMessage());
    exit(1);
}

static bool call_monitor(void)
{
    char *answer = NULL;
    int result = virDomainQemuMonitorCommand(domain, status, &answer, 0);

    free(answer);
    return result == 0;
}

static bool call_info(void)
{
    virDomainInfo info;

    return virDomainGetInfo(domain, &info) == 0;
}

static bool call_lookup(void)
{
    virDomainPtr found = virDomainLookupByName(connection, domain_name);

    return found && virDomainFree(found) == 0;
}

static bool call_xml(void)
{
    char *xml = virDomainGetXMLDesc(domain, 0);
    bool is_there = xml;

    free(xml);
    return is_there;
}

static bool call_list(void)
{
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(connection, &domains, 0);

    for (int i = 0; i < count; i++)
        virDomainFree(domains[i]);
    free(domains);
    return count > 0;
}

/* Reads to the end of a line; there is never more than one under way. */
static bool read_line(void)
{
    char buffer[4096];
    size_t size = 0;

    while (size < sizeof(buffer)) {
        ssize_t got = read(proxy, buffer + size, sizeof(buffer) - size);

        if (got <= 0)
            return false;
        size += (size_t)got;
        if (memmem(buffer, size, LINE_END, strlen(LINE_END)))
            return true;
    }
    return false;
}

static bool call_proxy(void)
{
    size_t size = strlen(status);

    return proxy >= 0 && write(proxy, status, size) == (ssize_t)size && read_line();
}

static const struct CallRow {
    const char *name;
    bool (*call)(void);
} calls[] = {
    {"monitor", call_monitor}, {"info", call_info}, {"lookup", call_lookup},
    {"xml", call_xml},         {"list", call_list}, {"proxy", call_proxy},
};

static const struct CallRow *find_call(const char *name)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    }
    fprintf(stderr, "latency_client: no such call: %s\n", name);
    exit(2);
}

static uint64_t nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void measure(const struct CallRow *row, size_t count)
{
    static uint64_t times[COUNT_MAX];

    for (size_t i = 0; i < count; i++) {
        uint64_t start = nanoseconds();

        if (!row->call())
            fail(row->name);
        times[i] = nanoseconds() - start;
    }
    if (fwrite(times, sizeof(times[0]), count, stdout) != count || fflush(stdout) != 0)
        exit(1);
}

static void open_proxy(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    proxy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(proxy, (const struct sockaddr *)&address, sizeof(address)) < 0 || !read_line()) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    char name[32];
    size_t count;

    if (argc < 3)
        return 2;
    domain_name = argv[2];
    connection = virConnectOpen(argv[1]);
    domain = connection ? virDomainLookupByName(connection, domain_name) : NULL;
    if (!domain)
        fail(argv[1]);
    if (argc > 3)
        open_proxy(argv[3]);
    while (scanf("%31s %zu", name, &count) == 2 && count > 0 && count <= COUNT_MAX)
        measure(find_call(name), count);
    virDomainFree(domain);
    virConnectClose(connection);
    return 0;
}

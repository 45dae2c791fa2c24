/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many clients at once, each with a connection of its own.
 *
 *   build/tests/bench/throughput_client URI CLIENTS
 *
 * Reads lines `MILLISECONDS`. For so long each client sends query-status to one running domain
 * after the other, beginning with another than its neighbour; then prints `CALLS NANOSECONDS`.
 */
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct Client {
    virConnectPtr connection;
    virDomainPtr *domains;
    int n_domains;
    int at;
    uint64_t until;
    uint64_t n_calls;
    pthread_t thread;
} Client;

static uint64_t nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "throughput_client: %s: %s\n", what, virGetLastErrorMessage());
    exit(1);
}

static void *run_client(void *data)
{
    Client *client = data;

    for (client->n_calls = 0; nanoseconds() < client->until; client->n_calls++) {
        char *answer = NULL;

        if (virDomainQemuMonitorCommand(client->domains[client->at],
                                        "{\"execute\":\"query-status\"}", &answer, 0) < 0)
            fail("query-status");
        free(answer);
        client->at = (client->at + 1) % client->n_domains;
    }
    return NULL;
}

static void open_client(Client *client, const char *uri, int number, int n_clients)
{
    client->connection = virConnectOpen(uri);
    if (!client->connection)
        fail(uri);
    client->n_domains = virConnectListAllDomains(client->connection, &client->domains,
                                                 VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (client->n_domains < 1)
        fail("no running domain");
    client->at = number * client->n_domains / n_clients;
}

static void run_all(Client *clients, int n_clients, uint64_t duration)
{
    uint64_t start = nanoseconds();
    uint64_t n_calls = 0;

    for (int i = 0; i < n_clients; i++) {
        clients[i].until = start + duration;
        if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
            fail("no thread");
    }
    for (int i = 0; i < n_clients; i++) {
        pthread_join(clients[i].thread, NULL);
        n_calls += clients[i].n_calls;
    }
    printf("%llu %llu\n", (unsigned long long)n_calls, (unsigned long long)(nanoseconds() - start));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int n_clients = argc == 3 ? atoi(argv[2]) : 0;
    unsigned milliseconds;
    Client *clients;

    if (n_clients < 1)
        return 2;
    clients = calloc((size_t)n_clients, sizeof(*clients));
    for (int i = 0; i < n_clients; i++)
        open_client(&clients[i], argv[1], i, n_clients);
    while (scanf("%u", &milliseconds) == 1)
        run_all(clients, n_clients, (uint64_t)milliseconds * 1000000);
    for (int i = 0; i < n_clients; i++) {
        for (int j = 0; j < clients[i].n_domains; j++)
            virDomainFree(clients[i].domains[j]);
        free(clients[i].domains);
        virConnectClose(clients[i].connection);
    }
    free(clients);
    return 0;
}

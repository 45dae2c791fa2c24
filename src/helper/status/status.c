/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status: is the guard at work on this host, and how much is behind a domain's monitor? */
#include "status.h"

#include "domain.h"
#include "gather.h"
#include "helper.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "util/cleanup.h"
#include "util/local_uri.h"

#include <libvirt/virterror.h>

const char status_help[] =
    "  DOMAIN          only these of the running domains, by name, id or UUID\n"
    "  --json          a JSON array, an object for each check\n"
    "\nWith -q only what is no PASS. Does not speak to any monitor. What only root can look at is "
    "WARN for anybody else.\n"
    "Exit status 1 when a check fails.\n";

/* The domains to look at; each is the caller's to free. */
typedef struct Domains {
    virDomainPtr *items;
    size_t count;
} Domains;

static void free_domains(Domains *domains)
{
    for (size_t i = 0; i < domains->count; i++)
        virDomainFree(domains->items[i]);
    free(domains->items);
    *domains = (Domains){0};
}

static int find_running(virConnectPtr connection, Domains *ret)
{
    int count = virConnectListAllDomains(connection, &ret->items, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

    if (count < 0)
        return complain("cannot list the domains: %s%s", virGetLastErrorMessage(),
                        helper_libvirt_remedy()),
               -1;
    ret->count = (size_t)count;
    return 0;
}

static int find_named(virConnectPtr connection, char **names, size_t count, Domains *ret)
{
    ret->items = calloc(count, sizeof(virDomainPtr));
    if (!ret->items)
        return complain("out of memory"), -1;
    for (size_t i = 0; i < count; i++) {
        virDomainPtr domain = helper_find_domain(connection, names[i]);
        int active;

        if (!domain)
            return -1;
        ret->items[ret->count++] = domain;
        active = virDomainIsActive(domain);
        if (active < 0)
            return complain("cannot tell whether '%s' runs: %s%s", names[i],
                            virGetLastErrorMessage(), helper_libvirt_remedy()),
                   -1;
        if (!active)
            return complain("domain '%s' is not running: 'virsh start' starts it",
                            virDomainGetName(domain)),
                   -1;
    }
    return 0;
}

/* What is looked at is this host. Returns 0, or -1 after complaining. */
static int check_local(virConnectPtr connection)
{
    CLEANUP(mem) char *uri = virConnectGetURI(connection);

    if (!uri)
        return complain("cannot tell what is connected: %s%s", virGetLastErrorMessage(),
                        helper_libvirt_remedy()),
               -1;
    if (!uri_is_local_system(uri))
        return complain(
                   "status is about qemu:///system of this host, not about %s: give no -c, or run "
                   "this there",
                   uri),
               -1;
    return 0;
}

/* Returns 0, or -1 after complaining. */
static int look(const Domains *domains, json_object *rows)
{
    CLEANUP(mem) HostFacts *host = calloc(1, sizeof(*host));
    bool is_root = geteuid() == 0;
    int result = 0;

    if (!host)
        return complain("out of memory"), -1;
    host_gather(host);
    report_host(rows, host, is_root);
    for (size_t i = 0; result == 0 && i < domains->count; i++) {
        DomainFacts facts;

        result = domain_gather(domains->items[i], &host->daemon, &facts);
        if (result == 0)
            report_domain(rows, &facts, is_root);
        else
            complain("out of memory");
        domain_facts_clear(&facts);
    }
    return result;
}

static int print(json_object *rows, bool as_json)
{
    if ((as_json ? report_print_json(rows)
                 : report_print_lines(rows, output_has_colours(), output_is_quiet())) < 0)
        return complain("out of memory");
    return report_has_failure(rows) ? EXIT_NO : EXIT_YES;
}

int status_run(HelperContext *context, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    CLEANUP(json) json_object *rows = json_object_new_array();
    Domains domains = {0};
    virConnectPtr connection;
    bool as_json = false;
    int option;
    int result;

    while ((option = helper_option(context, argc, argv, "", options)) != -1) {
        if (option != 'j')
            return EXIT_UNSURE;
        as_json = true;
    }
    if (!rows)
        return complain("out of memory");
    connection = helper_is_here(context, "what status looks at is") ? helper_connect(context, true)
                                                                    : NULL;
    if (!connection)
        return EXIT_UNSURE;
    result = check_local(connection);
    if (result == 0 && optind == argc)
        result = find_running(connection, &domains);
    else if (result == 0)
        result = find_named(connection, argv + optind, (size_t)(argc - optind), &domains);
    if (result == 0)
        result = look(&domains, rows);
    free_domains(&domains);
    virConnectClose(connection);
    return result < 0 ? EXIT_UNSURE : print(rows, as_json);
}

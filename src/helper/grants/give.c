/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grant: gives one. */
#include "domain.h"
#include "grant/admin.h"
#include "grant_command.h"
#include "grant_options.h"
#include "grant_row.h"
#include "ledger.h"
#include "output.h"
#include "util/cleanup.h"
#include "util/local_uri.h"

#include <libvirt/virterror.h>
#include <string.h>

/* What the host policy asks of a second person. Returns 0, or -1 after complaining. */
static int read_confirmed_groups(GroupSet *ret)
{
    CLEANUP(mem) char *told = NULL;
    Policy *policy = NULL;
    PolicyError error = {0};
    int result = helper_host_policy(NULL, &policy, &error);

    if (result == 1) {
        told = helper_policy_error(HOST_POLICY_PATH, &error);
        complain("%s: nothing passes under an invalid host policy, with a grant or without",
                 told ? told : "out of memory");
    }
    if (result != 0)
        return -1;
    *ret = policy->confirmed_groups;
    policy_unref(policy);
    return 0;
}

static int set_run(virDomainPtr domain, Grant *grant)
{
    const char *name = virDomainGetName(domain);
    int active = virDomainIsActive(domain);
    Reason why;

    if (active < 0)
        return complain("cannot tell whether '%s' runs: %s%s", name, virGetLastErrorMessage(),
                        helper_libvirt_remedy()),
               -1;
    if (!active)
        return complain("domain '%s' is not running: a grant is for one run of a domain", name), -1;
    if (strlen(name) >= sizeof(grant->domain))
        return complain("the domain's name is longer than %zu bytes", sizeof(grant->domain) - 1),
               -1;
    memcpy(grant->domain, name, strlen(name) + 1);
    if (virDomainGetUUIDString(domain, grant->uuid) < 0)
        return complain("domain '%s': %s%s", name, virGetLastErrorMessage(),
                        helper_libvirt_remedy()),
               -1;
    if (run_read(name, &grant->run, &why) < 0)
        return complain("cannot tell which run of '%s' this is: %s", name, why.text), -1;
    return 0;
}

/* A grant is kept here, and the run is one of this host's. */
static int check_host(virConnectPtr connection)
{
    CLEANUP(mem) char *uri = virConnectGetURI(connection);

    if (uri && uri_is_local_system(uri))
        return 0;
    return complain("the connection is to %s: a grant can be given for qemu:///system of this host "
                    "only: run this there",
                    uri ? uri : "nobody knows what"),
           -1;
}

/* Returns 0, or -1 after complaining. */
static int find_run(const HelperContext *context, const char *wanted, Grant *grant)
{
    virConnectPtr connection = helper_connect(context, true);
    bool is_here = connection && check_host(connection) == 0;
    virDomainPtr domain = is_here ? helper_find_domain(connection, wanted) : NULL;
    int result = domain ? set_run(domain, grant) : -1;

    if (domain)
        virDomainFree(domain);
    if (connection)
        virConnectClose(connection);
    return result;
}

/* Returns 0, or -1 after complaining. */
static int give(const GrantOptions *options, Grant *grant)
{
    Admin admin = admin_at_work();
    Reason why;

    memcpy(grant->given_by, admin.name, sizeof(admin.name));
    if (grant_give(&ledger_desk, grant, options->seconds, &why) < 0)
        return complain("nothing is granted: %s", why.text), -1;
    return 0;
}

static void tell(const Grant *grant, const GrantedGroups *granted, GroupSet confirmed_groups)
{
    if (output_is_quiet()) {
        puts(grant->id); /* what confirm and revoke ask for */
        return;
    }
    grant_print("granted", grant);
    if (granted->always & confirmed_groups)
        printf("counts only once another admin confirms it: virt-qmp-guard confirm %s\n",
               grant->id);
    else if (granted->by_arguments & confirmed_groups)
        printf("with some arguments it counts only once another admin confirms it: "
               "virt-qmp-guard confirm %s\n",
               grant->id);
}

int grant_run(HelperContext *context, int argc, char **argv)
{
    GrantOptions options;
    Grant grant = {0};
    GrantedGroups granted;
    GroupSet confirmed_groups;

    if (grant_parse_options(context, argc, argv, &options) < 0 || ledger_open(context) < 0 ||
        read_confirmed_groups(&confirmed_groups) < 0 ||
        grant_from_options(&options, &grant, &granted) < 0 ||
        find_run(context, options.domain, &grant) < 0 || give(&options, &grant) < 0)
        return EXIT_UNSURE;
    if (options.as_json)
        return grant_print_json(grant_json(&grant, confirmed_groups));
    tell(&grant, &granted, confirmed_groups);
    return EXIT_YES;
}

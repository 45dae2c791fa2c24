/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * catalog --against and --diff: what a QEMU has that the catalogue lacks, what an upgrade
 * brings, and what the policy in force does to it.
 */
#include "catalog_compare.h"

#include "domain.h"
#include "json_add.h"
#include "name_verdict.h"
#include "schema.h"
#include "util/cleanup.h"

#include <string.h>
#include <unistd.h>

/* The policies in force for what is compared. */
typedef struct InForce {
    Policy *host;
    Policy *domain;
} InForce;

static void clear_in_force(InForce *in_force)
{
    policy_unref(in_force->host);
    policy_unref(in_force->domain);
}

static int load_host(InForce *ret, const char *path)
{
    PolicyError error = {0};
    CLEANUP(mem) char *told = NULL;
    int result = helper_host_policy(path, &ret->host, &error);

    if (result == 1) {
        told = helper_policy_error(path ? path : HOST_POLICY_PATH, &error);
        complain("%s", told ? told : "out of memory");
    }
    return result == 0 ? 0 : -1;
}

static int load_domain(InForce *ret, virDomainPtr domain)
{
    CLEANUP(mem) char *xml = NULL;
    CLEANUP(mem) char *told = NULL;
    PolicyError error = {0};
    int found = helper_domain_policy(domain, &xml);

    if (found < 1)
        return found;
    ret->domain = policy_parse(xml, strlen(xml), POLICY_DOMAIN, &error);
    if (ret->domain)
        return 0;
    told = helper_policy_error(virDomainGetName(domain), &error);
    complain("%s", told ? told : "out of memory");
    return -1;
}

static bool is_in(json_object *names, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(names); i++) {
        if (strcmp(json_object_get_string(json_object_array_get_idx(names, i)), name) == 0)
            return true;
    }
    return false;
}

/* Adds a row for @name: what it is, and what the policy in force does to it. */
static void add_row(json_object *rows, const char *what, const char *name, const InForce *in_force)
{
    json_object *row = json_object_new_object();
    const CatalogEntry *entry = catalog_find(CHANNEL_QMP, name);
    Verdict verdict = name_verdict(CHANNEL_QMP, name, in_force->host, in_force->domain);

    json_add_text(row, "what", what);
    json_add_text(row, "name", name);
    json_add_text(row, "class", class_name(entry ? entry->command_class : 0));
    json_add_text(row, "verdict", verdict_name(verdict));
    json_append(rows, row);
}

static json_object *names_of(const HelperContext *context, const char *against, InForce *in_force)
{
    virConnectPtr connection;
    virDomainPtr domain;
    json_object *names = NULL;

    if (access(against, F_OK) == 0 || strcmp(against, "-") == 0)
        return schema_read_file(against);
    connection = helper_connect(context, false);
    domain = connection ? helper_find_domain(connection, against) : NULL;
    if (domain && load_domain(in_force, domain) == 0)
        names = schema_ask(domain);
    if (domain)
        virDomainFree(domain);
    if (connection)
        virConnectClose(connection);
    return names;
}

json_object *catalog_against(const HelperContext *context, const char *against,
                             const char *host_policy)
{
    InForce in_force = {0};
    CLEANUP(json) json_object *names = NULL;
    json_object *rows = NULL;

    if (load_host(&in_force, host_policy) == 0)
        names = names_of(context, against, &in_force);
    if (names && !(rows = json_object_new_array()))
        complain("out of memory");
    for (size_t i = 0; rows && i < json_object_array_length(names); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));

        if (!catalog_find(CHANNEL_QMP, name))
            add_row(rows, "unknown", name, &in_force);
    }
    clear_in_force(&in_force);
    return rows;
}

json_object *catalog_diff(const char *old_path, const char *new_path, const char *host_policy)
{
    CLEANUP(json) json_object *before = schema_read_file(old_path);
    CLEANUP(json) json_object *after = before ? schema_read_file(new_path) : NULL;
    InForce in_force = {0};
    json_object *rows = NULL;

    if (after && load_host(&in_force, host_policy) == 0 && !(rows = json_object_new_array()))
        complain("out of memory");
    for (size_t i = 0; rows && i < json_object_array_length(after); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(after, i));

        if (!is_in(before, name))
            add_row(rows, "new", name, &in_force);
    }
    for (size_t i = 0; rows && i < json_object_array_length(before); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(before, i));

        if (!is_in(after, name))
            add_row(rows, "gone", name, &in_force);
    }
    clear_in_force(&in_force);
    return rows;
}

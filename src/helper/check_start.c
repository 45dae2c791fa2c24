/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* check --start: would the libvirt hook let this domain start? */
#include "check_start.h"

#include "domain.h"
#include "json_add.h"
#include "output.h"
#include "start/start.h"
#include "table.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <libvirt/virterror.h>
#include <string.h>

static const char *const columns[] = {"action", "finding", "rule", "reason"};

static json_object *finding_rows(const FindingList *findings)
{
    json_object *rows = json_object_new_array();

    for (size_t i = 0; rows && i < findings->count; i++) {
        const Finding *finding = &findings->items[i];
        json_object *row = json_object_new_object();

        table_add_text(row, "action", start_action_name(finding->action));
        table_add_text(row, "finding", finding_info(finding->kind)->name);
        table_add_text(row, "rule", finding->rule);
        table_add_text(row, "reason", finding->reason);
        json_append(rows, row);
    }
    return rows;
}

static int print_answer(const StartAnswer *answer, const char *name, bool is_audit, bool as_json)
{
    CLEANUP(json) json_object *rows = finding_rows(&answer->findings);
    CLEANUP(json) json_object *object = json_object_new_object();
    CLEANUP(mem) char *encoded = audit_name(name);

    if (!rows || !object || !encoded)
        return complain("out of memory");
    if (as_json) {
        json_add_text(object, "verdict",
                      verdict_name(answer->passes ? VERDICT_ALLOW : VERDICT_DENY));
        if (answer->message)
            table_add_text(object, "message", answer->message);
        table_add_text(object, "policy", answer->policy);
        json_add(object, "findings", json_object_get(rows));
        if (output_json(object) < 0)
            return complain("out of memory");
    } else {
        if (answer->passes)
            printf("allow: domain '%s' may start%s\n", encoded,
                   is_audit ? "; the host policy only audits" : "");
        else
            printf("deny: %s\n", answer->message ? answer->message : "out of memory");
        if (table_print(rows, columns, sizeof(columns) / sizeof(columns[0])) < 0)
            return complain("out of memory");
    }
    return answer->passes ? EXIT_YES : EXIT_NO;
}

/* The XML with which a domain would start the next time. NULL after complaining. */
static char *read_live_xml(const HelperContext *context, const char *wanted)
{
    virConnectPtr connection = helper_connect(context, true);
    virDomainPtr domain = connection ? helper_find_domain(connection, wanted) : NULL;
    char *xml = domain ? virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE) : NULL;

    if (domain && !xml)
        complain("cannot read domain '%s': %s%s", wanted, virGetLastErrorMessage(),
                 helper_libvirt_remedy());
    if (domain)
        virDomainFree(domain);
    if (connection)
        virConnectClose(connection);
    return xml;
}

/* Its own name, if it can be read: the hook is told by libvirt. */
static char *name_in(const char *xml, size_t length)
{
    DomainXml domain = {0};
    Reason why;
    char *name = NULL;

    if (domain_xml_read(xml, length, &domain, &why) == 0)
        name = steal_pointer(&domain.name);
    domain_xml_clear(&domain);
    return name ? name : strdup("DOMAIN");
}

int check_start(const HelperContext *context, const CheckStart *wanted)
{
    StartCall call = {.operation = "prepare"};
    CLEANUP(mem) char *host_failure = NULL;
    CLEANUP(mem) char *xml = NULL;
    CLEANUP(mem) char *name = NULL;
    PolicyError error = {0};
    Policy *host = NULL;
    StartAnswer answer;
    int status = helper_host_policy(wanted->host_policy_file, &host, &error);

    if (status < 0)
        return EXIT_UNSURE;
    if (status == 1)
        host_failure = helper_policy_error(
            wanted->host_policy_file ? wanted->host_policy_file : HOST_POLICY_PATH, &error);
    if (wanted->domain)
        xml = read_live_xml(context, wanted->domain);
    else
        xml = read_file(wanted->domain_xml_file, &call.length);
    if (xml && wanted->domain)
        call.length = strlen(xml);
    name = xml ? name_in(xml, call.length) : NULL;
    if (!name) {
        policy_unref(host);
        return EXIT_UNSURE;
    }
    call.domain_name = name;
    call.xml = xml;
    call.host = host;
    call.host_failure = host_failure;
    start_judge(&call, NULL, NULL, &answer);
    status = print_answer(&answer, name, host && host->mode == MODE_AUDIT, wanted->as_json);
    start_answer_clear(&answer);
    policy_unref(host);
    return status;
}

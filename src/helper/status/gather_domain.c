/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gather.h"

#include "domain/domain_xml.h"
#include "domain/run.h"
#include "policy/policy.h"
#include "start/command_line.h"
#include "util/cleanup.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <string.h>

/* Where the daemon keeps what it knows of a running domain, for its own next start. */
#define STATE_DIRECTORY "/run/libvirt/qemu"

static void gather_policy(virDomainPtr domain, PolicyFacts *ret)
{
    CLEANUP(mem) char *xml = virDomainGetXMLDesc(domain, 0);
    DomainXml read = {0};
    PolicyError error = {0};
    Policy *policy = NULL;

    *ret = (PolicyFacts){0};
    if (!xml) {
        reason_set(&ret->why, "cannot read the domain: %s", virGetLastErrorMessage());
        return;
    }
    if (domain_xml_read(xml, strlen(xml), &read, &ret->why) < 0)
        return;
    ret->knowledge = read.policy_xml ? KNOWN : NOT_THERE;
    if (read.policy_xml)
        policy = policy_parse(read.policy_xml, strlen(read.policy_xml), POLICY_DOMAIN, &error);
    ret->is_valid = policy != NULL;
    ret->only_audits = policy && policy->mode == MODE_AUDIT;
    if (read.policy_xml && !policy)
        reason_set(&ret->why, "line %u: %s", error.line, error.reason.text);
    policy_unref(policy);
    domain_xml_clear(&read);
}

/* `<domstatus><monitor path='...'/>`. A new string; NULL when there is none. */
static char *monitor_path(xmlDocPtr doc)
{
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;

    for (xmlNodePtr node = root ? root->children : NULL; node; node = node->next) {
        CLEANUP(xmlstr) xmlChar *path = NULL;

        if (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, "monitor") != 0)
            continue;
        path = xmlGetNoNsProp(node, (const xmlChar *)"path");
        return path ? strdup((const char *)path) : NULL;
    }
    return NULL;
}

static void gather_monitor(const char *name, FileFacts *ret)
{
    CLEANUP(mem) char *state = NULL;
    CLEANUP(mem) char *path = NULL;
    CLEANUP(xmldoc) xmlDocPtr doc = NULL;

    *ret = (FileFacts){0};
    if (asprintf(&state, STATE_DIRECTORY "/%s.xml", name) < 0) {
        state = NULL;
        return;
    }
    if (access(state, R_OK) < 0) {
        reason_set(&ret->why, "cannot read %s: %s", state, strerror(errno));
        return;
    }
    doc = xmlReadFile(state, NULL,
                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE);
    path = monitor_path(doc);
    if (path && *path == '/')
        file_look(path, ret);
    else
        reason_set(&ret->why, "%s names no monitor socket", state);
}

static int add_monitors(const FindingList *findings, DomainFacts *facts)
{
    facts->extra = calloc(findings->count + 1, sizeof(*facts->extra));
    if (!facts->extra)
        return -1;
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];
        ExtraMonitor *extra = &facts->extra[facts->n_extra++];

        extra->kind = finding->kind;
        extra->reason = strdup(finding->reason);
        extra->path = strdup(finding->value);
        if (!extra->reason || !extra->path)
            return -1;
        if (finding->kind == FINDING_UNIX_MONITOR && *extra->path == '/')
            file_look(extra->path, &extra->socket);
    }
    return 0;
}

static int gather_extra(const StringList *arguments, DomainFacts *facts)
{
    CLEANUP(mem) FindingList *findings = calloc(1, sizeof(*findings));
    int result;

    if (!findings)
        return -1;
    command_line_look_for_monitors(arguments, findings);
    facts->extra_knowledge = findings->failed ? NOT_KNOWN : KNOWN;
    reason_set(&facts->extra_why, "more than %d monitors, or no memory", FINDINGS_MAX);
    result = add_monitors(findings, facts);
    finding_list_clear(findings);
    return result;
}

/* The number of a process that has ended may be another's by now. */
static bool is_domains_own(const StringList *arguments, const char *uuid)
{
    for (size_t i = 0; i + 1 < arguments->count; i++) {
        if (strcmp(arguments->items[i], "-uuid") == 0)
            return strcmp(arguments->items[i + 1], uuid) == 0;
    }
    return false;
}

static void nothing_known(DomainFacts *facts, const Reason *why)
{
    facts->process = (ProcessFacts){.why = *why};
    facts->mount_namespace = (NamespaceFacts){.why = *why};
    facts->label = (LabelFacts){.why = *why};
    facts->limits = (LimitFacts){.why = *why};
    facts->monitor = (FileFacts){.why = *why};
    facts->extra_knowledge = NOT_KNOWN;
    facts->extra_why = *why;
}

/* Returns 0, also when nothing is known; -1 when out of memory. */
static int gather_process(const Run *run, const char *uuid, const DaemonFacts *daemon,
                          DomainFacts *facts)
{
    StringList arguments = {0};
    char directory[64];
    char daemons[64];
    Reason why;
    int result = 0;

    snprintf(directory, sizeof(directory), "/proc/%d", (int)run->pid);
    snprintf(daemons, sizeof(daemons), "/proc/%d", (int)daemon->pid);
    if (command_line_read(directory, &arguments, &why) < 0) {
        nothing_known(facts, &why);
        return 0;
    }
    process_read(directory, &facts->process);
    if (daemon->pid)
        mount_namespace_read(directory, daemons, &facts->mount_namespace);
    else
        facts->mount_namespace.why = daemon->why;
    label_read(directory, &facts->label);
    limits_read(directory, CGROUP_MOUNT, &facts->limits);
    gather_monitor(facts->name, &facts->monitor);
    result = gather_extra(&arguments, facts);
    if (!is_domains_own(&arguments, uuid) || !run_is_alive(run)) {
        reason_set(&why, "process %d is not this domain's, or no more", (int)run->pid);
        nothing_known(facts, &why);
    }
    string_list_clear(&arguments);
    return result;
}

int domain_gather(virDomainPtr domain, const DaemonFacts *daemon, DomainFacts *ret)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    Reason why;
    Run run;

    *ret = (DomainFacts){.name = strdup(virDomainGetName(domain))};
    if (!ret->name)
        return -1;
    (void)virDomainGetUUIDString(domain, uuid);
    gather_policy(domain, &ret->policy);
    if (run_read(ret->name, &run, &why) < 0) {
        nothing_known(ret, &why);
        return 0;
    }
    return gather_process(&run, uuid, daemon, ret);
}

void domain_facts_clear(DomainFacts *facts)
{
    for (size_t i = 0; i < facts->n_extra; i++) {
        free(facts->extra[i].reason);
        free(facts->extra[i].path);
    }
    free(facts->extra);
    free(facts->name);
    *facts = (DomainFacts){0};
}

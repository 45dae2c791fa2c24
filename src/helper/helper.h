/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the subcommands of virt-qmp-guard share. */
#ifndef QG_HELPER_H
#define QG_HELPER_H

#include "domain/domain_xml.h"
#include "policy/policy.h"

#include <getopt.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit status of every subcommand. */
enum {
    EXIT_YES = 0, /* yes, allowed, done, sound */
    EXIT_NO = 1, /* no, denied, problems found */
    EXIT_UNSURE = 2, /* could not tell: usage, unreadable file, no connection */
};

/* What goes with every subcommand, as the options say that stand in front of it or behind it. */
typedef struct HelperContext {
    const char *uri; /* NULL: libvirt's default */
    bool read_only; /* -r */
    bool wants_help;
    const char *command; /* the subcommand's name */
    bool changes_host; /* it does more than to look, so that it is not done with -r */
} HelperContext;

typedef struct Subcommand {
    const char *name;
    int (*run)(HelperContext *context, int argc, char **argv);
    const char *usage; /* one line behind the name */
    const char *help; /* one line */
    const char *options; /* a line for each */
    bool changes_host;
} Subcommand;

int check_run(HelperContext *context, int argc, char **argv);
int explain_run(HelperContext *context, int argc, char **argv);
int catalog_run(HelperContext *context, int argc, char **argv);
int policy_run(HelperContext *context, int argc, char **argv);

/*
 * As getopt_long(), of which @letters and @own are arguments; takes the options that all
 * subcommands have into @context. Returns '?' when the subcommand is to end, after getopt or we
 * complained, or because the help is wanted.
 */
int helper_option(HelperContext *context, int argc, char **argv, const char *letters,
                  const struct option *own);

/* check --start: what is to be judged, by which host policy. */
typedef struct CheckStart {
    const char *domain; /* one of these two */
    const char *domain_xml_file;
    const char *host_policy_file; /* NULL: the host's */
    bool as_json;
} CheckStart;

/* Returns the exit status. Whether a daemon is guarded is left out. */
int check_start(const HelperContext *context, const CheckStart *wanted);

/* Writes `virt-qmp-guard: MESSAGE` to stderr; returns EXIT_UNSURE. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A variable of the environment; NULL also for one that is set and empty. */
const char *helper_variable(const char *name);

/* Reads a whole file (`-`: stdin), with a NUL behind it. NULL after complaining. Caller frees. */
char *read_file(const char *path, size_t *ret_length);

/* What --hmp and --agent say. Returns 0, or -1 after complaining. */
int helper_choose_channel(bool is_hmp, bool is_agent, Channel *ret);

/* Opens a connection; complains and returns NULL when there is none, or -r forbids it. */
virConnectPtr helper_connect(const HelperContext *context, bool read_only);

/*
 * Whether the connection asked for is to this host. Complains when it is not: @what, "the trail
 * is", would be this host's, and not that one's.
 */
bool helper_is_here(const HelperContext *context, const char *what);

/* `: REMEDY` for libvirt's last error, or nothing. */
const char *helper_libvirt_remedy(void);

/* Finds a domain by id, uuid or name, as virsh does; complains and returns NULL. */
virDomainPtr helper_find_domain(virConnectPtr connection, const char *wanted);

/* The UUID of the running domain of this host with the id @wanted; NULL when there is none. Caller
 * frees. Silent: @wanted may be meant as a name. */
char *helper_uuid_of_id(const HelperContext *context, const char *wanted);

/*
 * The policy in a running or defined domain. Returns 1 and a new string in @ret_xml,
 * 0 when it has none, -1 after complaining.
 */
int helper_domain_policy(virDomainPtr domain, char **ret_xml);

/* What the guard reads in a domain's XML: of libvirt, or in a file. -1 after complaining. */
int helper_read_domain(virDomainPtr domain, DomainXml *ret);
int helper_read_domain_file(const char *path, DomainXml *ret);

/*
 * The host policy: of the file @given, which need not be root's as it is only tried out,
 * or (NULL) the one that a daemon that starts now would have. Returns 0 and the policy, 1
 * and the error when the file holds none, -1 after complaining.
 */
int helper_host_policy(const char *given, Policy **ret_policy, PolicyError *ret_error);

/*
 * A policy's XML with its namespace taken off: libvirt puts it on every element itself,
 * under the prefix it is given, and refuses a text that has it already. NULL when out of
 * memory; caller frees.
 */
char *policy_without_namespace(const char *xml, size_t length);

/* True, with what to say, when a valid rule is hardly what its author meant. */
bool lint_rule(const Rule *rule, Reason *ret);

/* `FILE:3: reason`; caller frees. */
char *helper_policy_error(const char *where, const PolicyError *error);

#endif

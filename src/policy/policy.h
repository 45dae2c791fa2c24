/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy: rules read from the XML element {urn:qmp-guard:policy:1}policy. The
 * same language serves a domain's metadata, the host's file and the profiles.
 *
 * A Policy never changes once it is read, so threads share it by reference count.
 */
#ifndef QG_POLICY_H
#define QG_POLICY_H

#include "catalog/catalog.h"
#include "policy/condition.h"
#include "policy/rule_index.h"
#include "policy/start_rule.h"
#include "util/digest.h"
#include "util/reason.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define POLICY_NAMESPACE "urn:qmp-guard:policy:1"

/* A larger policy is refused: every domain's owner may write one into the daemon. */
#define POLICY_BYTES_MAX ((size_t)1048576)
#define POLICY_RULES_MAX ((size_t)20000)

/* How many profiles one policy may name. */
#define POLICY_PROFILES_MAX 4

/* What is done with an operation. Ordered: the strictest of several is the smallest. */
typedef enum Verdict {
    VERDICT_DENY = 0,
    VERDICT_AUDIT, /* would be denied; passes because the policy only audits */
    VERDICT_GRANT, /* is denied by the policy; passes by a grant of root's */
    VERDICT_WARN, /* passes, recorded at WARNING */
    VERDICT_ALLOW,
    VERDICT_COUNT,
} Verdict;

typedef enum RuleKind {
    RULE_DENY = 0,
    RULE_WARN,
    RULE_ALLOW,
    RULE_DELEGATE, /* host policy: the domain's policy decides, if it has one */
    RULE_KIND_COUNT,
} RuleKind;

typedef enum PolicyKind {
    POLICY_DOMAIN = 0,
    POLICY_HOST, /* may delegate */
    POLICY_PROFILE, /* has a name and a default of its own */
} PolicyKind;

typedef enum PolicyMode {
    MODE_ENFORCE = 0,
    MODE_AUDIT,
} PolicyMode;

/* All conditions of a rule must hold; one that is NULL or 0 is not there. */
typedef struct Rule {
    RuleKind kind;
    unsigned channels; /* bit 1 << Channel */
    char *command; /* glob */
    char *group_name;
    GroupSet groups;
    char *user;
    char *unix_group;
    char *sasl;
    char *x509;
    char *selinux; /* glob */
    bool requires_native; /* lets pass only what libvirt itself would let this caller do */
    char *record; /* names of arguments whose values go into the trail */
    char *purpose; /* for the audit record of a memory dump */
    Condition *arguments;
    size_t n_arguments;
    unsigned line;
    unsigned cost; /* of trying it: decide() has a budget */
    char *id; /* how records name the rule: `baseline:@dangerous`, `domain:quit#2` */
} Rule;

/* The limits one policy may set. */
#define LIMITS_MAX 64

/* What its rule matches, as a <deny> does, passes so many times in a while, and no more. */
typedef struct Limit {
    Rule rule;
    unsigned count;
    unsigned seconds;
} Limit;

/* What still passes while the audit trail cannot be written. */
typedef enum Unrecorded {
    UNRECORDED_QUERY = 0, /* what only reads state */
    UNRECORDED_DENY, /* nothing */
    UNRECORDED_ALLOW, /* everything */
} Unrecorded;

typedef struct Policy {
    atomic_uint references;
    PolicyKind kind;
    PolicyMode mode;
    bool enforces_domains; /* host: a domain's mode="audit" is not honoured */
    Unrecorded unrecorded; /* host */
    unsigned repeat_seconds; /* host: repetitions are counted for that long; 0: not */
    char *origin; /* "domain", "host", or the profile's name */
    const struct Policy *profiles[POLICY_PROFILES_MAX]; /* consulted after the rules */
    size_t n_profiles;
    bool has_default; /* a profile that has something to say of every operation ... */
    Verdict otherwise; /* ... says this when no rule matches */
    bool is_complete; /* it, or a profile below it, has a default */
    Rule *rules;
    size_t n_rules;
    RuleIndex index;
    bool names_unix_groups; /* a rule asks for the caller's groups */
    Limit *limits;
    size_t n_limits;
    GroupSet confirmed_groups; /* host: a grant for these needs a second person's word */
    StartRule *start_rules; /* of the <start> element; never in a domain's policy */
    size_t n_start_rules;
    char digest[DIGEST_TEXT_SIZE]; /* of what it says: see policy_digest.c */
} Policy;

/* Where a policy is wrong, and how. */
typedef struct PolicyError {
    unsigned line; /* counted from 1; 0 when no line is to blame */
    Reason reason;
    bool is_transient; /* it could not be read this time; nothing is said of what it holds */
    bool is_misplaced; /* in a policy of another kind it would be right */
} PolicyError;

/*
 * Reads a policy from @length bytes of XML. A domain or host policy names itself
 * so in records. Returns a new reference (policy_unref()), or NULL with the error:
 * anything that is not understood makes the whole policy invalid.
 */
Policy *policy_parse(const char *text, size_t length, PolicyKind kind, PolicyError *ret_error);

/* Takes a further reference; returns @policy. */
Policy *policy_ref(Policy *policy);

/* Gives a reference back. Accepts NULL. */
void policy_unref(Policy *policy);

/*
 * Finds a profile that is built in, by name; NULL when there is none or when it
 * cannot be read. It lives as long as the process.
 */
const Policy *policy_profile(const char *name);

/* The name of profile @index, counted from 0; NULL behind the last one. */
const char *policy_profile_name(size_t index);

/*
 * What stands in for the policy of a domain that has none and yet is not to be judged
 * by the host alone: no rules, so everything is left to a profile. Lives as long as the
 * process; NULL when it cannot be made.
 */
const Policy *policy_empty(void);

/*
 * The host policy of a host that has no file: baseline, everything delegated.
 * Returns a new reference, or NULL when out of memory.
 */
Policy *policy_shipped_default(PolicyError *ret_error);

/*
 * Opens @path safely and reads a host policy from it: a regular file, root's (or
 * the daemon's own user's), writable by nobody else, checked on the open
 * descriptor. Returns 1 and the policy in @ret_policy, 0 when there is no file,
 * -1 with the error.
 */
int policy_read_host_file(const char *path, Policy **ret_policy, PolicyError *ret_error);

/* "deny", "allow" and so on, and back; verdict_from_name() returns -1 for none of them. */
const char *verdict_name(Verdict verdict);
int verdict_from_name(const char *name);

const char *rule_kind_name(RuleKind kind);

#endif

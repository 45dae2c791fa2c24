/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The catalogue: what is known of each QMP command, HMP line and guest-agent
 * command. It is read from the tables beside this file when the guard is built. Only the
 * two commands that carry others, HMP_WRAPPER and transaction, are known elsewhere.
 */
#ifndef QG_CATALOG_H
#define QG_CATALOG_H

#include "util/nearest.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a command is spoken. HMP lines travel inside QMP, but are judged as their own. */
typedef enum Channel {
    CHANNEL_QMP = 0,
    CHANNEL_HMP,
    CHANNEL_AGENT,
    CHANNEL_COUNT,
} Channel;

/* The QMP command that carries HMP lines, and whose rules they also match. */
#define HMP_WRAPPER "human-monitor-command"

/* How loud a command is. Ordered: a larger one wins. */
typedef enum CommandClass {
    CLASS_UNKNOWN = 0,
    CLASS_SAFE,
    CLASS_PRIVILEGED,
    CLASS_MEMORY_DUMP,
    CLASS_DANGEROUS,
    CLASS_COUNT,
} CommandClass;

/* A set of the groups in groups.table, one bit each. */
typedef uint64_t GroupSet;

typedef struct GroupInfo {
    const char *name; /* with the leading @ */
    const char *help;
    GroupSet set; /* more than one bit when the group contains others */
} GroupInfo;

/* A set of libvirt's permissions on a domain, one bit each: see native_name(). */
typedef uint64_t NativeSet;

/* What an effect asks of a value. */
typedef enum EffectTest {
    EFFECT_GLOB = 0, /* there, and matches */
    EFFECT_NOT_GLOB, /* there, and does not match */
    EFFECT_PRESENT,
    EFFECT_ABSENT,
    EFFECT_PLAIN, /* a string without `:` before its first `/`: a file name to the block layer */
} EffectTest;

/* A condition on a member of the object that holds the effect's value. */
typedef struct EffectCondition {
    const char *member;
    bool in_parent; /* of the object around that one */
    EffectTest test;
    const char *glob;
} EffectCondition;

/* One part of a path: `x`, `x[]` or `**`. */
typedef struct EffectStep {
    const char *member; /* NULL: any depth, this object included */
    bool is_list; /* any element of the member, if it is a list */
} EffectStep;

/* Arguments that make a command worse than its name alone says: a line of effects.table. */
typedef struct CatalogEffect {
    const EffectStep *path; /* from the arguments to the value */
    size_t n_path;
    EffectTest test;
    const char *glob;
    const EffectCondition *when; /* all of them must hold */
    size_t n_when;
    GroupSet groups; /* added when it matches */
    CommandClass raises_to; /* CLASS_UNKNOWN: the class stays */
} CatalogEffect;

typedef enum CatalogMark {
    MARK_UNSTABLE = 1 << 0,
    MARK_DEPRECATED = 1 << 1,
    MARK_FD = 1 << 2, /* takes a file descriptor passed over the socket */
} CatalogMark;

typedef struct CatalogEntry {
    const char *name; /* HMP: `migrate`, `info block` */
    Channel channel;
    CommandClass command_class;
    GroupSet groups; /* includes the groups of its class and @known */
    unsigned marks;
    const char
        *instead; /* the libvirt command that does it properly, or NULL; {domain} is the name */
    const char *args_type; /* HMP: QEMU's own argument types, or NULL when not known */
    const char *options; /* HMP: the argument that is an option string, or NULL */
    const char *implied_option; /* the key that its first value may leave out, or NULL */
    const char *first; /* QEMU versions it was seen in */
    const char *last;
    const CatalogEffect *effects;
    size_t n_effects;
    NativeSet native; /* as in native.table, whatever the arguments are: use catalog_native() */
} CatalogEntry;

/* What one operation is, after looking at its arguments. */
typedef struct Classification {
    CommandClass command_class;
    GroupSet groups;
} Classification;

/* Finds a command by its exact name or alias; NULL when the catalogue lacks it. */
const CatalogEntry *catalog_find(Channel channel, const char *name);

/*
 * Says what a command with these arguments is. @entry may be NULL (unknown
 * command), @arguments NULL (none). Every HMP operation is in class dangerous,
 * as human-monitor-command is.
 */
Classification catalog_classify(const CatalogEntry *entry, Channel channel, json_object *arguments);

/*
 * The permissions of which any is enough for a libvirt call that does what an operation does: the
 * command @entry, with arguments that put it in @groups. 0: there is no such call. That holds for
 * what the catalogue lacks (@entry is NULL), and for whatever runs a program on the host or
 * opens a monitor.
 */
NativeSet catalog_native(const CatalogEntry *entry, GroupSet groups);

/* libvirt's name of the permission with the number @bit, as in `core_dump`; NULL: none is left. */
const char *native_name(unsigned bit);

/* The names of the permissions in @native, a new array (caller puts it); NULL: no memory. */
json_object *native_name_list(NativeSet native);

/* Finds a group by its name with the @; NULL when there is none. */
const GroupInfo *group_find(const char *name);

/* All groups in table order; @ret_count is their number. */
const GroupInfo *group_list(size_t *ret_count);

/* Shows @nearest the names of all groups, or of all commands of a channel. */
void group_try_names(Nearest *nearest);
void catalog_try_commands(Channel channel, Nearest *nearest);

/*
 * The name of the next single group in @groups, in table order; @at is 0 before the first. NULL:
 * there are no more.
 */
const char *group_next_name(GroupSet groups, size_t *at);

/* All of them, a new array (caller puts it); NULL: no memory. */
json_object *group_name_list(GroupSet groups);

/* All commands, by channel and then name; @ret_count is their number. */
const CatalogEntry *catalog_list(size_t *ret_count);

/* "qmp", "hmp", "agent" and back; channel_from_name() returns -1 for none of them. */
const char *channel_name(Channel channel);
int channel_from_name(const char *name);

const char *class_name(CommandClass command_class);

#endif

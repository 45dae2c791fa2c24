/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of a domain's life at which there is something to do: libvirt's operation and
 * sub-operation. A start is always announced as `prepare`; `migrate` is the target's side of a
 * migration. Source: libvirt, docs/hooks.rst.
 */
#ifndef QG_HOOK_OPERATION_H
#define QG_HOOK_OPERATION_H

typedef enum HookOperation {
    HOOK_OTHER = 0, /* nothing to us */
    HOOK_START, /* prepare, restore, migrate, attach */
    HOOK_RECONNECT, /* the daemon has come back to a domain that runs */
    HOOK_RELEASE, /* a run is over */
    HOOK_COUNT,
} HookOperation;

/* @argv as libvirt passes it: of four arguments at least. */
HookOperation hook_operation(char **argv);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host policy in force. The file is looked at (one stat) at each command and
 * read again only when it has changed; a change that is not valid is reported and
 * the policy before it stays in force.
 */
#ifndef QG_HOST_POLICY_H
#define QG_HOST_POLICY_H

#include "policy/policy.h"

/* Reads the file for the first time; complains on stderr, as no log is open yet. */
void host_policy_load(void);

/*
 * The policy in force. Returns a new reference, or NULL with the reason: the file
 * was not valid when the daemon started, so everything is refused.
 */
Policy *host_policy_get(Reason *why);

#endif

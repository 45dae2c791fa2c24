/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's policy can be edited while it runs, by whoever may send it commands. What was
 * in force at a domain's last command is remembered, so that a change is on record.
 */
#ifndef QG_POLICY_WATCH_H
#define QG_POLICY_WATCH_H

/*
 * Says in the log what policy domain @name has, when it is seen for the first time or has
 * changed. @uuid is VIR_UUID_BUFLEN bytes, @uuid_text the same in words; @policy a digest, or
 * `none` or `invalid`.
 */
void policy_watch(const unsigned char *uuid, const char *uuid_text, const char *name,
                  const char *policy);

#endif

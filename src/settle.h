/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what the policies say to what holds: decide() is pure, and some rules need to know or to
 * change what is outside of it. This asks libvirt for its own permissions, counts what a limit
 * counts, and takes the uses of grants.
 */
#ifndef QG_SETTLE_H
#define QG_SETTLE_H

#include "guard.h"

/*
 * Fills in @answer's decision, and what it says of grants and of a repeated denial. @question has
 * everything but what comes of @call: the domain's UUID and run, grants, native permissions. What
 * is taken stays taken: a command that meets a refusal behind this has used its permission up.
 * @record is told of grants that are found to have run out; NULL for a dry run.
 */
void settle(const GuardCall *call, Question *question, GuardAnswer *answer, GuardRecorder record,
            void *record_data);

#endif

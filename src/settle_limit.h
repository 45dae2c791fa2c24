/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of settling that is limits: counts a request for each limit that it comes under, and
 * denies it when one of them is over.
 */
#ifndef QG_SETTLE_LIMIT_H
#define QG_SETTLE_LIMIT_H

#include "guard.h"

/*
 * Changes @answer's decision, which lets @question pass, when a limit is over. What was counted
 * stays counted.
 */
void settle_limits(const GuardCall *call, const Question *question, GuardAnswer *answer);

#endif

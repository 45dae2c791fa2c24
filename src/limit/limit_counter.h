/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts operations against limits of the form "at most so many in any stretch of so many
 * seconds". It remembers when each operation passed, so there is no moment at which a new
 * stretch begins and twice as many get through.
 */
#ifndef QG_LIMIT_COUNTER_H
#define QG_LIMIT_COUNTER_H

#include <stddef.h>
#include <stdint.h>

/* What a limit may ask for. */
#define LIMIT_COUNT_MAX 1000u
#define LIMIT_SECONDS_MAX 86400u

/*
 * What is remembered at most: keys, the bytes of each, and the times of all of them. An owner who
 * has a fourth of what is left gets no more, so however many keys one brings, others have room.
 */
#define LIMIT_KEYS_MAX ((size_t)16384)
#define LIMIT_KEY_BYTES_MAX ((size_t)4096)
#define LIMIT_TIMES_MAX ((size_t)1048576)
#define LIMIT_OWNER_PART ((size_t)4) /* a fourth */

typedef struct LimitCounters LimitCounters;

/* One limit that a text comes under. */
typedef struct LimitUse {
    const char *key; /* what is counted apart: the limit, the domain and the caller */
    unsigned amount; /* the text's operations that come under it; not 0 */
    unsigned count; /* at most so many ... */
    unsigned seconds; /* ... in any stretch of so many seconds */
    const char *owner; /* on whose account the key is kept; NULL: its own */
} LimitUse;

/* Only the last lets the text pass. */
typedef enum LimitAnswer {
    LIMIT_OVER, /* too many, for the first time since something under this key passed */
    LIMIT_OVER_AGAIN, /* too many, and that was said already */
    LIMIT_FULL, /* cannot be counted: no room or memory is left, or it is out of the bounds above */
    LIMIT_TAKEN,
} LimitAnswer;

/* NULL when out of memory. */
LimitCounters *limit_counters_new(void);
void limit_counters_free(LimitCounters *counters);

/*
 * Takes all @uses or none. When it takes none, *@ret_which is the first that refused.
 * @now_ms is a monotonic clock's. A time before one that was given already counts as that:
 * threads that look at the clock may come here in another order. A key whose limit was
 * edited keeps what it remembers. Without @counters nothing can be counted.
 */
LimitAnswer limit_take(LimitCounters *counters, const LimitUse *uses, size_t n_uses, int64_t now_ms,
                       size_t *ret_which);

#endif

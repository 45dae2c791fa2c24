/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A grant: root's permission for one thing, to one caller or all, on one run of one domain, for
 * a while and so many times. What a policy denies passes with it, and nothing else does.
 *
 * Nothing in here reads a file or a clock; grant_store.h keeps grants.
 */
#ifndef QG_GRANT_H
#define QG_GRANT_H

#include "domain/run.h"
#include "request/caller.h"
#include "request/request.h"
#include "util/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define GRANT_ID_SIZE 9 /* eight hexadecimal digits and a NUL */

/* Bytes, with a NUL. */
#define GRANT_NAME_SIZE 256
#define GRANT_ADMIN_SIZE 64
#define GRANT_REASON_SIZE 256

#define GRANT_USES_MAX 1000000
#define GRANT_SECONDS_MAX ((int64_t)7 * 24 * 3600)

/* Zero is a slot that holds nothing. */
typedef enum GrantState {
    GRANT_FREE = 0,
    GRANT_GIVEN,
    GRANT_REVOKED,
    GRANT_EXPIRED,
    GRANT_ENDED, /* with its domain's run */
    GRANT_STATE_COUNT,
} GrantState;

/* What is named by GrantCaller's text. */
typedef enum GrantCallerKind {
    GRANT_NOBODY = 0,
    GRANT_ANYBODY,
    GRANT_USER,
    GRANT_SASL,
    GRANT_X509,
    GRANT_SELINUX,
    GRANT_CALLER_KIND_COUNT,
} GrantCallerKind;

/*
 * As it is in the file: plain memory of one size, each text ended by a NUL. What does not change
 * after a grant was given comes first.
 */
typedef struct Grant {
    char id[GRANT_ID_SIZE + 7]; /* for people; alignment */
    char uuid[40]; /* of the domain */
    char domain[GRANT_NAME_SIZE]; /* its name, for people */
    Run run;
    int32_t channel;
    int32_t caller_kind;
    char caller[GRANT_NAME_SIZE];
    char command[GRANT_NAME_SIZE]; /* what passes: this command, as a rule's `command` means it ...
                                    */
    char text[DIGEST_TEXT_SIZE + 7]; /* ... or, when this is not empty, this text alone */
    GroupSet groups; /* that its text is in, or its command by name: for people */
    int64_t given; /* seconds since 1970, for people */
    int64_t expires; /* milliseconds of grant_clock() */
    uint32_t uses; /* how many were given */
    char reason[GRANT_REASON_SIZE];
    char given_by[GRANT_ADMIN_SIZE];

    int32_t state;
    uint32_t left; /* uses */
    int64_t finished; /* milliseconds of grant_clock(): since when it is not open; 0: it is */
    uint32_t slot; /* where it is in the file */
    char confirmed_by[GRANT_ADMIN_SIZE]; /* empty: nobody yet */
} Grant;

/* Uses of one grant that a text takes. */
typedef struct GrantTake {
    const Grant *grant; /* as it was read */
    uint32_t count;
    uint32_t left; /* set when they are taken */
} GrantTake;

/* Why a grant does not count. Zero is that it has nothing to do with it; a larger one is nearer. */
typedef enum GrantObstacle {
    GRANT_UNRELATED = 0, /* another domain, channel, command or text */
    GRANT_OTHER_CALLER,
    GRANT_OTHER_RUN,
    GRANT_IS_REVOKED,
    GRANT_IS_EXPIRED,
    GRANT_IS_SPENT,
    GRANT_UNCONFIRMED,
    GRANT_COUNTS, /* and, where it is refused all the same, has too few uses left */
    GRANT_OBSTACLE_COUNT,
} GrantObstacle;

/* Gives it a random id. Returns 0, or -1 when there is no random number to be had. */
int grant_make_id(Grant *grant);

/* What a text is, for a grant of that text alone: see grant_text_digest(). */
typedef struct GrantText {
    char digest[DIGEST_TEXT_SIZE];
} GrantText;

/*
 * The digest of what a text asks for: the channel and the text as it goes on, so that white
 * space and escapes make no difference, nor an `arguments` without members, which some clients
 * add. An HMP line is itself, however it came, unless its wrapper says more. Returns 0, or -1 when
 * out of memory: then @ret means nothing.
 */
int grant_text_digest(const Request *request, GrantText *ret);

/*
 * Milliseconds since the host was started, asleep or not: nobody can set that clock. 0 when
 * there is no such clock: then no grant counts.
 */
int64_t grant_clock(void);

/* Whom, what and when it is asked for. */
typedef struct GrantQuestion {
    const Operation *operation;
    const GrantText *text; /* of the whole request */
    const Caller *caller;
    const char *uuid; /* NULL: not known, ... */
    const Run *run; /* ... as for this: then no grant counts */
    int64_t now; /* of grant_clock() */
    GroupSet confirmed_groups; /* what is in one of them needs a second person's word */
} GrantQuestion;

/* Whether @grant lets @question's operation pass. */
GrantObstacle grant_try(const Grant *grant, const GrantQuestion *question);

/* `revoked`, `expired`, ...: what records and people are told. */
const char *grant_obstacle_name(GrantObstacle obstacle);

/* `given`, `spent`, `expired`, ...: how it stands at @now. */
const char *grant_standing(const Grant *grant, int64_t now);

/* Whether it can still be used, by somebody, at @now. */
bool grant_is_open(const Grant *grant, int64_t now);

/*
 * Ends one that was given and has uses left: nothing is to be said of any other. @how is
 * GRANT_REVOKED, GRANT_EXPIRED or GRANT_ENDED. Returns false when it is left as it is.
 */
bool grant_finish(Grant *grant, GrantState how, int64_t now);

/* `anybody`, `user`, ... */
const char *grant_caller_kind_name(GrantCallerKind kind);

/*
 * Whether what was read from a file is a grant: every text ends, every number is one that was
 * given. Anything may stand in a file.
 */
bool grant_is_sound(const Grant *grant);

#endif

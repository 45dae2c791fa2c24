/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grant.h"

#include "util/cleanup.h"
#include "util/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static const char *const caller_kind_names[GRANT_CALLER_KIND_COUNT] = {
    [GRANT_NOBODY] = "nobody", [GRANT_ANYBODY] = "anybody", [GRANT_USER] = "user",
    [GRANT_SASL] = "sasl",     [GRANT_X509] = "x509",       [GRANT_SELINUX] = "selinux",
};

static const char *const obstacle_names[GRANT_OBSTACLE_COUNT] = {
    [GRANT_UNRELATED] = "unrelated",       [GRANT_OTHER_CALLER] = "for another caller",
    [GRANT_OTHER_RUN] = "for another run", [GRANT_IS_REVOKED] = "revoked",
    [GRANT_IS_EXPIRED] = "expired",        [GRANT_IS_SPENT] = "spent",
    [GRANT_UNCONFIRMED] = "unconfirmed",   [GRANT_COUNTS] = "for fewer uses",
};

const char *grant_caller_kind_name(GrantCallerKind kind)
{
    return caller_kind_names[kind];
}

const char *grant_obstacle_name(GrantObstacle obstacle)
{
    return obstacle_names[obstacle];
}

int64_t grant_clock(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int grant_make_id(Grant *grant)
{
    uint32_t number;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
        return -1;
    snprintf(grant->id, sizeof(grant->id), "%08" PRIx32, number);
    return 0;
}

/* All members of @object but @without. Returns 0, or -1 when out of memory. */
static int add_members(Digest *digest, json_object *object, const char *without)
{
    json_object_object_foreach (object, name, value) {
        CLEANUP(mem) char *text = NULL;

        if (without && strcmp(name, without) == 0)
            continue;
        text = value ? json_canonical_text(value) : strdup("null");
        if (!text)
            return -1;
        digest_add_text(digest, name);
        digest_add_text(digest, text);
    }
    return 0;
}

int grant_text_digest(const Request *request, GrantText *ret)
{
    const Operation *first = &request->operations[0];
    Digest digest;
    int result;

    digest_start(&digest);
    digest_add_text(&digest, channel_name(first->channel));
    if (first->channel == CHANNEL_HMP) {
        /* What it is wrapped in may also name a processor. */
        digest_add_text(&digest, first->command);
        result = add_members(&digest, first->wrapper_arguments, "command-line");
    } else {
        bool is_bare = !first->arguments || json_object_object_length(first->arguments) == 0;

        result = add_members(&digest, request->document, is_bare ? "arguments" : NULL);
    }
    digest_finish(&digest, ret->digest);
    return result;
}

static bool is_caller(const Grant *grant, const Caller *caller)
{
    const char *const known[GRANT_CALLER_KIND_COUNT] = {
        [GRANT_USER] = caller->user,
        [GRANT_SASL] = caller->sasl,
        [GRANT_X509] = caller->x509,
        [GRANT_SELINUX] = caller->selinux,
    };

    if (grant->caller_kind == GRANT_ANYBODY)
        return true;
    return known[grant->caller_kind] && strcmp(known[grant->caller_kind], grant->caller) == 0;
}

static bool is_about(const Grant *grant, const GrantQuestion *question)
{
    const Operation *operation = question->operation;
    bool is_same = strcmp(grant->command, operation->command) == 0;

    if (!question->uuid || strcmp(grant->uuid, question->uuid) != 0)
        return false;
    if (*grant->text)
        return strcmp(grant->text, question->text->digest) == 0;
    if (grant->channel == CHANNEL_QMP && operation->channel == CHANNEL_HMP)
        return strcmp(grant->command, HMP_WRAPPER) == 0;
    return grant->channel == (int32_t)operation->channel && is_same;
}

/* What has become of it, whoever asks. */
static GrantObstacle obstacle_of(const Grant *grant, int64_t now)
{
    switch ((GrantState)grant->state) {
    case GRANT_GIVEN:
        break;
    case GRANT_REVOKED:
        return GRANT_IS_REVOKED;
    case GRANT_EXPIRED:
        return GRANT_IS_EXPIRED;
    case GRANT_ENDED:
        return GRANT_OTHER_RUN;
    case GRANT_FREE:
    case GRANT_STATE_COUNT:
    default: /* it may come from a file */
        return GRANT_UNRELATED;
    }
    if (now <= 0 || now >= grant->expires)
        return GRANT_IS_EXPIRED;
    return grant->left > 0 ? GRANT_COUNTS : GRANT_IS_SPENT;
}

GrantObstacle grant_try(const Grant *grant, const GrantQuestion *question)
{
    bool needs_second = question->operation->is.groups & question->confirmed_groups;
    GrantObstacle obstacle;

    if (grant->state == GRANT_FREE || !is_about(grant, question))
        return GRANT_UNRELATED;
    if (!is_caller(grant, question->caller))
        return GRANT_OTHER_CALLER;
    if (!question->run || !run_is_same(&grant->run, question->run))
        return GRANT_OTHER_RUN;
    obstacle = obstacle_of(grant, question->now);
    if (obstacle == GRANT_COUNTS && needs_second && !*grant->confirmed_by)
        return GRANT_UNCONFIRMED;
    return obstacle;
}

bool grant_is_open(const Grant *grant, int64_t now)
{
    return obstacle_of(grant, now) == GRANT_COUNTS;
}

bool grant_finish(Grant *grant, GrantState how, int64_t now)
{
    if (grant->state != GRANT_GIVEN || grant->left == 0)
        return false;
    grant->state = how;
    grant->finished = now;
    return true;
}

const char *grant_standing(const Grant *grant, int64_t now)
{
    if (grant->state == GRANT_ENDED)
        return "ended";
    return grant_is_open(grant, now) ? "given" : obstacle_names[obstacle_of(grant, now)];
}

static bool ends(const char *text, size_t size)
{
    return memchr(text, '\0', size);
}

bool grant_is_sound(const Grant *grant)
{
    return ends(grant->id, sizeof(grant->id)) && ends(grant->uuid, sizeof(grant->uuid)) &&
           ends(grant->domain, sizeof(grant->domain)) &&
           ends(grant->caller, sizeof(grant->caller)) &&
           ends(grant->command, sizeof(grant->command)) && ends(grant->text, sizeof(grant->text)) &&
           ends(grant->reason, sizeof(grant->reason)) &&
           ends(grant->given_by, sizeof(grant->given_by)) &&
           ends(grant->confirmed_by, sizeof(grant->confirmed_by)) && grant->channel >= 0 &&
           grant->channel < CHANNEL_COUNT && grant->caller_kind > GRANT_NOBODY &&
           grant->caller_kind < GRANT_CALLER_KIND_COUNT && grant->state > GRANT_FREE &&
           grant->state < GRANT_STATE_COUNT && grant->left <= grant->uses &&
           grant->uses <= GRANT_USES_MAX && grant->run.pid > 0 && grant->expires > 0 &&
           grant->finished >= 0 && (*grant->command || *grant->text);
}

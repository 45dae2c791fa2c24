/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule_index.h"

#include "policy.h"
#include "util/glob.h"

#include <stdlib.h>

/* FNV-1a. A rule with another command and the same hash is tried, and does not match. */
static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static int compare_named(const void *a, const void *b)
{
    const NamedRule *first = a;
    const NamedRule *second = b;

    if (first->hash != second->hash)
        return first->hash < second->hash ? -1 : 1;
    return first->number < second->number ? -1 : first->number > second->number;
}

int rule_index_build(Policy *policy)
{
    RuleIndex *index = &policy->index;

    index->named = calloc(policy->n_rules + 1, sizeof(*index->named));
    index->others = calloc(policy->n_rules + 1, sizeof(*index->others));
    if (!index->named || !index->others)
        return -1;
    for (size_t i = 0; i < policy->n_rules; i++) {
        const char *command = policy->rules[i].command;

        if (command && glob_is_literal(command))
            index->named[index->n_named++] = (NamedRule){hash_of(command), (uint32_t)i};
        else
            index->others[index->n_others++] = (uint32_t)i;
    }
    qsort(index->named, index->n_named, sizeof(*index->named), compare_named);
    return 0;
}

void rule_index_clear(RuleIndex *index)
{
    free(index->named);
    free(index->others);
}

/* The first rule whose hash is at least @hash. */
static const NamedRule *lower_bound(const RuleIndex *index, uint64_t hash)
{
    size_t low = 0;
    size_t high = index->n_named;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (index->named[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return &index->named[low];
}

void rule_cursor_start(RuleCursor *cursor, const Policy *policy, const char *command,
                       const char *also, bool reads_all)
{
    const char *commands[] = {command, also};

    *cursor = (RuleCursor){.policy = policy,
                           .reads_all = reads_all,
                           .other = policy->index.others,
                           .other_end = policy->index.others + policy->index.n_others};
    for (size_t i = 0; i < 2; i++) {
        uint64_t hash = commands[i] ? hash_of(commands[i]) : 0;

        if (!commands[i] || policy->index.n_named == 0)
            continue;
        cursor->named[i] = lower_bound(&policy->index, hash);
        cursor->named_end[i] = lower_bound(&policy->index, hash + 1);
    }
}

const Rule *rule_cursor_next(RuleCursor *cursor)
{
    const Policy *policy = cursor->policy;
    uint32_t least = UINT32_MAX;

    if (cursor->reads_all)
        return cursor->next < policy->n_rules ? &policy->rules[cursor->next++] : NULL;
    if (cursor->other < cursor->other_end)
        least = *cursor->other;
    for (size_t i = 0; i < 2; i++) {
        if (cursor->named[i] < cursor->named_end[i] && cursor->named[i]->number < least)
            least = cursor->named[i]->number;
    }
    if (least == UINT32_MAX)
        return NULL;
    /* Two commands with one hash lead to the same rule: all runs step over it. */
    if (cursor->other < cursor->other_end && *cursor->other == least)
        cursor->other++;
    for (size_t i = 0; i < 2; i++) {
        if (cursor->named[i] < cursor->named_end[i] && cursor->named[i]->number == least)
            cursor->named[i]++;
    }
    return &policy->rules[least];
}

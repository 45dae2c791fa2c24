/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rejudge.h"

#include "util/cleanup.h"

#include <pwd.h>
#include <string.h>

#define ALL_CHANNELS ((1u << CHANNEL_COUNT) - 1)

/* What stands for the policy of a domain that nobody knows. */
static const char unknown_domain[] = "the domain's policy";

/* A rule, and what it does if it is the first to match. */
typedef struct Outcome {
    const Rule *rule;
    bool lacks_native; /* it denies: libvirt itself would not let the caller do that */
} Outcome;

/* What the rules of a policy may do to one operation. */
typedef struct Reach {
    Outcome *outcomes;
    size_t count;
    bool goes_on; /* or none of them, and the profiles decide */
} Reach;

/* One way it may be: which rule of each policy matches first; NULL: none. */
typedef struct World {
    Policy host;
    Policy domain;
    Rule host_rule;
    Rule domain_rule;
} World;

#define CALLER_NAMES 4

/* One operation of what was recorded. */
typedef struct Part {
    Rejudging *rejudging;
    const Recorded *recorded;
    UnsureOperation unsure;
    Caller caller;
    char *names[CALLER_NAMES]; /* of the caller, decoded */
    const Policy *domain; /* the one to judge by; NULL: none, or not known */
    const Policy *domain_profile;
    bool has_unknown_domain;
    Rejudged *ret;
    bool failed;
} Part;

static const KnownUser *find_user(Rejudging *rejudging, const char *name)
{
    const struct passwd *entry;
    KnownUser *grown;
    KnownUser *user;

    for (size_t i = 0; i < rejudging->n_users; i++) {
        if (strcmp(rejudging->users[i].name, name) == 0)
            return &rejudging->users[i];
    }
    grown = realloc(rejudging->users, (rejudging->n_users + 1) * sizeof(*grown));
    if (!grown)
        return NULL;
    rejudging->users = grown;
    user = &grown[rejudging->n_users];
    *user = (KnownUser){.name = strdup(name)};
    if (!user->name)
        return NULL;
    rejudging->n_users++;
    entry = getpwnam(name);
    user->is_known = entry && unix_groups_read(name, entry->pw_gid, &user->groups) == 0;
    return user;
}

static bool asks_for_groups(const Part *part)
{
    return part->rejudging->host->names_unix_groups ||
           (part->domain && part->domain->names_unix_groups);
}

/* The names as they are, where the record encodes them. Returns 0 or -1. */
static int decode_names(Part *part)
{
    const Recorded *recorded = part->recorded;
    const char *const encoded[CALLER_NAMES] = {recorded->unix_user, recorded->sasl, recorded->x509,
                                               recorded->selinux};

    for (size_t i = 0; i < CALLER_NAMES; i++) {
        part->names[i] = encoded[i] ? recorded_decode(encoded[i]) : NULL;
        if (encoded[i] && !part->names[i])
            return -1;
    }
    return 0;
}

static int set_caller(Part *part)
{
    const KnownUser *user = NULL;

    if (decode_names(part) < 0)
        return -1;
    part->caller = (Caller){.label = "somebody",
                            .user = part->names[0],
                            .sasl = part->names[1],
                            .x509 = part->names[2],
                            .selinux = part->names[3],
                            .uid = -1,
                            .gid = -1,
                            .pid = -1};
    part->unsure.names_unknown = !json_object_object_get(part->recorded->json, "who");
    if (!part->caller.user || !asks_for_groups(part))
        return 0;
    user = find_user(part->rejudging, part->caller.user);
    if (!user)
        return -1;
    part->unsure.groups_unknown = !user->is_known;
    part->caller.unix_groups = (const char *const *)user->groups.names;
    part->caller.n_unix_groups = user->groups.n_names;
    return 0;
}

/*
 * Which policy of the domain's holds. Where the host's is tried, a domain that had one is
 * taken to have it still; the record says only which verdicts it can give.
 */
static int set_domain(Part *part)
{
    const Recorded *recorded = part->recorded;
    const char *policy = recorded_text(recorded, "policy");
    const char *profile_name = recorded_text(recorded, "profile");
    const Policy *profile = profile_name ? policy_profile(profile_name) : NULL;

    part->domain = part->rejudging->domain;
    if (!part->domain && (!policy || strcmp(policy, "none") != 0)) {
        part->has_unknown_domain = true;
        return 0;
    }
    if (profile && !(part->domain && part->domain->is_complete)) {
        part->domain_profile = profile;
        if (!part->domain)
            part->domain = policy_empty();
    }
    return profile && !part->domain ? -1 : 0;
}

/* What @rule may do: a record does not say what libvirt itself would let its caller do. */
static void add_outcomes(Part *part, const Rule *rule, Reach *ret)
{
    const Operation *operation = &part->unsure.operation;
    bool may_pass = !rule->requires_native ||
                    catalog_native(operation->entry, operation->is.groups) != 0;

    if (may_pass)
        ret->outcomes[ret->count++] = (Outcome){rule, false};
    if (rule->requires_native)
        ret->outcomes[ret->count++] = (Outcome){rule, true};
    if (rule->requires_native && may_pass)
        part->ret->depends |= DEPENDS_ON_NATIVE;
}

static int reach_of(Part *part, const Policy *policy, Reach *ret)
{
    /* None of them, or each in two ways. */
    *ret = (Reach){.outcomes = calloc(2 * policy->n_rules + 1, sizeof(*ret->outcomes)),
                   .goes_on = true};
    if (!ret->outcomes)
        return -1;
    for (size_t i = 0; i < policy->n_rules && ret->goes_on; i++) {
        const Rule *rule = &policy->rules[i];
        unsigned depends = 0;
        RuleMatch match;

        /* Handed over to nobody: the reading goes on behind it. */
        if (rule->kind == RULE_DELEGATE && !part->domain && !part->has_unknown_domain)
            continue;
        match = unsure_match(&part->unsure, &part->caller, rule, &depends);
        if (match == RULE_MATCHES_NOT)
            continue;
        add_outcomes(part, rule, ret);
        ret->goes_on = match == RULE_MAY_MATCH;
        part->ret->depends |= depends;
    }
    return 0;
}

/* @policy with one rule, which always matches, for all of its rules: outcome @index, or none. */
static void make_world(const Policy *policy, const Reach *reach, size_t index, Policy *ret_policy,
                       Rule *ret_rule)
{
    const Outcome *outcome = &reach->outcomes[index];

    *ret_policy = (Policy){.kind = policy->kind,
                           .mode = policy->mode,
                           .enforces_domains = policy->enforces_domains,
                           .origin = policy->origin,
                           .n_profiles = policy->n_profiles,
                           .has_default = policy->has_default,
                           .otherwise = policy->otherwise,
                           .is_complete = policy->is_complete};
    memcpy(ret_policy->profiles, policy->profiles, sizeof(policy->profiles));
    if (index == reach->count)
        return;
    *ret_rule = (Rule){.kind = outcome->lacks_native ? RULE_DENY : outcome->rule->kind,
                       .channels = ALL_CHANNELS,
                       .id = outcome->rule->id};
    ret_policy->rules = ret_rule;
    ret_policy->n_rules = 1;
}

static void note_rule(Part *part, const char *id)
{
    json_object *rules = part->ret->rules;

    for (size_t i = 0; i < json_object_array_length(rules); i++) {
        if (strcmp(json_object_get_string(json_object_array_get_idx(rules, i)), id) == 0)
            return;
    }
    if (json_object_array_add(rules, json_object_new_string(id)) < 0)
        part->failed = true;
}

static void judge_world(Part *part, World *world, bool has_domain)
{
    const Request request = {.operations = &part->unsure.operation, .n_operations = 1};
    const Question question = {.request = &request,
                               .caller = &part->caller,
                               .host = &world->host,
                               .domain = has_domain ? &world->domain : NULL,
                               .domain_profile = part->domain_profile,
                               .native_granted = ~(NativeSet)0, /* nobody can ask any more */
                               .ignores_index = true};
    Decision decision = decide(&question);
    char buffer[64];

    part->ret->verdicts |= 1u << decision.verdict;
    note_rule(part, decision_rule_id(&decision, buffer, sizeof(buffer)));
}

/*
 * The domain's policy is not known, but what it can have said is: never less than the
 * recorded verdict, which is the stricter one or its own.
 */
static void judge_unknown_domain(Part *part, World *world)
{
    bool was_its_own = part->unsure.is_decider &&
                       strncmp(part->recorded->rule, "domain:", 7) == 0 &&
                       strncmp(part->recorded->rule, "domain:limit:", 13) != 0;
    Verdict least = part->recorded->verdict;

    for (int verdict = (int)least; verdict < VERDICT_COUNT; verdict++) {
        bool is_denial = verdict == VERDICT_DENY || verdict == VERDICT_AUDIT;
        char id[sizeof(unknown_domain)];

        if (verdict == VERDICT_GRANT) /* no policy says that */
            continue;
        memcpy(id, unknown_domain, sizeof(id));
        world->domain_rule = (Rule){.kind = is_denial                 ? RULE_DENY
                                            : verdict == VERDICT_WARN ? RULE_WARN
                                                                      : RULE_ALLOW,
                                    .channels = ALL_CHANNELS,
                                    .id = id};
        world->domain = (Policy){.kind = POLICY_DOMAIN,
                                 .mode = verdict == VERDICT_AUDIT ? MODE_AUDIT : MODE_ENFORCE,
                                 .is_complete = true,
                                 .rules = &world->domain_rule,
                                 .n_rules = 1};
        judge_world(part, world, true);
        if (was_its_own)
            return;
    }
    part->ret->depends |= DEPENDS_ON_DOMAIN;
}

/* Every way the rules may match, for one class and set of groups of the operation. */
static int judge_class(Part *part)
{
    Reach host = {0};
    Reach domain = {0};
    World world;

    if (reach_of(part, part->rejudging->host, &host) < 0 ||
        (part->domain && reach_of(part, part->domain, &domain) < 0)) {
        free(host.outcomes);
        return -1;
    }
    /* One more than there are rules: that none of them matches. */
    for (size_t h = 0; h < host.count + host.goes_on; h++) {
        make_world(part->rejudging->host, &host, h, &world.host, &world.host_rule);
        if (part->has_unknown_domain)
            judge_unknown_domain(part, &world);
        else if (!part->domain)
            judge_world(part, &world, false);
        for (size_t d = 0; part->domain && d < domain.count + domain.goes_on; d++) {
            make_world(part->domain, &domain, d, &world.domain, &world.domain_rule);
            judge_world(part, &world, true);
        }
    }
    free(host.outcomes);
    free(domain.outcomes);
    return part->failed ? -1 : 0;
}

/* One operation of the recorded ones, as unsure_make() has it. */
static int judge_part(Rejudging *rejudging, const Recorded *recorded, const char *name,
                      size_t number, Rejudged *ret)
{
    Part part = {.rejudging = rejudging, .recorded = recorded, .ret = ret};
    int result = -1;

    ret->rules = json_object_new_array();
    if (ret->rules && set_domain(&part) == 0 &&
        unsure_make(recorded, name, number, &part.unsure) == 0 && set_caller(&part) == 0) {
        result = 0;
        for (size_t i = 0; result == 0 && i < part.unsure.n_classes; i++) {
            part.unsure.operation.is = part.unsure.classes[i];
            result = judge_class(&part);
        }
        if (part.unsure.n_classes > 1)
            ret->depends |= DEPENDS_ON_ARGUMENTS;
    }
    for (size_t i = 0; i < CALLER_NAMES; i++)
        free(part.names[i]);
    unsure_clear(&part.unsure);
    return result;
}

static unsigned strictest(unsigned verdicts, unsigned others)
{
    unsigned both = 0;

    for (int a = 0; a < VERDICT_COUNT; a++) {
        for (int b = 0; b < VERDICT_COUNT; b++) {
            if (verdicts & (1u << a) && others & (1u << b))
                both |= 1u << (a < b ? a : b);
        }
    }
    return both;
}

static bool is_certain(unsigned verdicts)
{
    return (verdicts & (verdicts - 1)) == 0;
}

/* Puts the answer on one more operation into that on those before it. */
static int add_part(Rejudged *all, Rejudged *part)
{
    unsigned before = all->verdicts;

    all->verdicts = strictest(before, part->verdicts);
    all->depends |= part->depends;
    if (is_certain(all->verdicts) && all->verdicts == before)
        return 0;
    if (is_certain(all->verdicts) && all->verdicts == part->verdicts) {
        json_object_put(all->rules);
        all->rules = json_object_get(part->rules);
        return 0;
    }
    for (size_t i = 0; i < json_object_array_length(part->rules); i++) {
        if (json_object_array_add(all->rules,
                                  json_object_get(json_object_array_get_idx(part->rules, i))) < 0)
            return -1;
    }
    return 0;
}

static int judge_parts(Rejudging *rejudging, const Recorded *recorded, Rejudged *ret)
{
    json_object *parts = recorded_list(recorded, "parts");
    size_t count = parts ? json_object_array_length(parts) : 0;

    for (size_t i = 0; i < count; i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(parts, i));
        Rejudged part = {0};
        int result = name ? judge_part(rejudging, recorded, name, i + 1, &part) : 0;

        if (result == 0 && name)
            result = add_part(ret, &part);
        rejudged_clear(&part);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* Refusals that no policy has to do with. */
static bool is_refused_anyway(const Recorded *recorded)
{
    return strncmp(recorded->rule, "request:", 8) == 0 ||
           strcmp(recorded->rule, "guard:unknown-caller") == 0 ||
           strcmp(recorded->name ? recorded->name : "", "(unreadable)") == 0;
}

static int set_refused(const Recorded *recorded, Rejudged *ret)
{
    ret->verdicts = 1u << VERDICT_DENY;
    ret->rules = json_object_new_array();
    return ret->rules &&
                   json_object_array_add(ret->rules, json_object_new_string(recorded->rule)) == 0
               ? 0
               : -1;
}

int rejudge(Rejudging *rejudging, const Recorded *recorded, Rejudged *ret)
{
    const char *policy = recorded_text(recorded, "policy");

    *ret = (Rejudged){0};
    if (is_refused_anyway(recorded))
        return set_refused(recorded, ret);
    if (!recorded->name) {
        ret->verdicts = ((1u << VERDICT_COUNT) - 1) & ~(1u << VERDICT_GRANT);
        ret->depends = DEPENDS_ON_LINE;
        ret->rules = json_object_new_array();
        return ret->rules ? 0 : -1;
    }
    /* The domain keeps its policy, which is invalid still. */
    if (!rejudging->domain && policy && strcmp(policy, "invalid") == 0)
        return set_refused(recorded, ret);
    if (judge_part(rejudging, recorded, recorded->name, 0, ret) < 0 ||
        judge_parts(rejudging, recorded, ret) < 0)
        return -1;
    if (is_certain(ret->verdicts))
        ret->depends = 0;
    return 0;
}

Verdict rejudged_verdict(const Rejudged *rejudged)
{
    for (int verdict = VERDICT_COUNT - 1; verdict > 0; verdict--) {
        if (rejudged->verdicts & (1u << verdict))
            return (Verdict)verdict;
    }
    return VERDICT_DENY;
}

void rejudged_clear(Rejudged *rejudged)
{
    json_object_put(rejudged->rules);
    *rejudged = (Rejudged){0};
}

void rejudging_clear(Rejudging *rejudging)
{
    for (size_t i = 0; i < rejudging->n_users; i++) {
        free(rejudging->users[i].name);
        unix_groups_clear(&rejudging->users[i].groups);
    }
    free(rejudging->users);
    rejudging->users = NULL;
    rejudging->n_users = 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "name_verdict.h"

Verdict name_verdict(Channel channel, const char *name, const Policy *host, const Policy *domain)
{
    static const Caller anybody = {.label = "anybody"};
    Operation operation = {
        .channel = channel, .name = name, .command = name, .entry = catalog_find(channel, name)};
    Request request = {.operations = &operation, .n_operations = 1};
    Question question = {.request = &request, .caller = &anybody, .host = host, .domain = domain};

    operation.is = catalog_classify(operation.entry, channel, NULL);
    return decide(&question).verdict;
}

Verdict name_verdict_of_profile(Channel channel, const char *name, const Policy *profile)
{
    /* A host policy without a rule leaves everything to its profile. */
    Policy host = {.kind = POLICY_HOST,
                   .profiles = {profile},
                   .n_profiles = 1,
                   .is_complete = profile->is_complete};

    return name_verdict(channel, name, &host, NULL);
}

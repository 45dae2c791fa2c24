/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a valid policy is warned of. Each warning has its like that is no reason for one. */
#include "unit.h"

#include "policies/lint.h"

#include <string.h>

typedef struct LintRow {
    const char *name;
    const char *rule; /* the only one of a host's policy, or its only limit */
    const char *warning; /* NULL: none */
} LintRow;

#define LIMIT(conditions) "<limit " conditions " count='1' per='1m'/>"

static const LintRow rows[] = {
    {"a command", "<deny command='quit'/>", NULL},
    {"a command that nobody knows", "<deny command='qiut'/>", "no qmp command 'qiut' is known"},
    {"a command that is near to one", "<deny command='inject-nm'/>",
     "'inject-nm' is known; did you mean 'inject-nmi'?"},
    {"a command of the agent", "<deny command='guest-exec'/>", "channel=\"agent\"?"},
    {"a bare line", "<allow channel='hmp' command='info block'/>", "'info block *'"},
    {"a line with arguments", "<allow channel='hmp' command='info block *'/>", NULL},
    {"a line of another command", "<allow channel='hmp' command='inof block *'/>",
     "no hmp command 'inof' is known"},
    {"a line that is near to one", "<allow channel='hmp' command='device_ad *'/>",
     "'device_ad' is known; did you mean 'device_add'?"},
    {"a line with two blanks", "<allow channel='hmp' command='info  block'/>", "single spaces"},

    {"a limit", LIMIT("command='quit'"), NULL},
    {"a limit of everything", LIMIT(""), NULL},
    {"a limit of a command that nobody knows", LIMIT("command='qiut'"), "'qiut' is known"},
    {"a limit of a bare line", LIMIT("channel='hmp' command='info block'"), "'info block *'"},
    {"a limit of a command that is not in its group", LIMIT("command='quit' group='@query'"),
     "never matches: 'quit' is never in @query"},

    {"a command in its group", "<deny command='quit' group='@guest-power'/>", NULL},
    {"a command that is not", "<deny command='quit' group='@query'/>", "'quit' is never in @query"},
    {"a command that arguments put there", "<deny command='migrate' group='@dangerous'/>", NULL},
    {"a pattern, and some are in it", "<deny command='s*' group='@guest-power'/>", NULL},
    {"a pattern, and none is", "<deny command='query-*' group='@hotplug'/>",
     "'query-*' is never in @hotplug"},
    {"a pattern, and unknown ones", "<deny command='quit*' group='@unknown'/>", NULL},
    {"the command that carries lines", "<deny command='human-monitor-command' group='@query'/>",
     NULL},
    {"a line in its group", "<deny channel='hmp' command='pmemsave *' group='@memory-dump'/>",
     NULL},
    {"a line that is not", "<deny channel='hmp' command='info block *' group='@memory-dump'/>",
     "never in @memory-dump"},
    {"a line with a star in its name", "<deny channel='hmp' command='i*' group='@memory-dump'/>",
     NULL},

    {"a call of libvirt's", "<allow command='screendump' require='native'/>", NULL},
    {"no call of libvirt's", "<allow command='qom-set' require='native'/>",
     "always denies: libvirt has no call of its own for qom-set"},
    {"no call, and a warning", "<warn command='object-add' require='native'/>", "always denies"},
    {"a group with such calls", "<allow group='@guest-power' require='native'/>", NULL},
    {"a group without", "<allow group='@unknown' require='native'/>", "for @unknown"},
    {"calls for all", "<allow require='native'/>", NULL},
    {"a pattern with such calls", "<allow command='system_*' require='native'/>", NULL},
    {"a pattern without", "<allow command='qom-*' require='native'/>", "for qom-*"},
    {"lines with such calls", "<allow channel='hmp' command='pmemsave *' require='native'/>", NULL},
    {"lines without", "<allow channel='hmp' command='qom-set *' require='native'/>",
     "always denies"},
    {"lines by what carries them", "<allow command='human-monitor-command' require='native'/>",
     NULL},

    {"a user", "<allow user='a' selinux='*'/>", NULL},
    {"a SASL name", "<allow sasl='a'/>", NULL},
    {"a user with a SASL name", "<allow user='a' sasl='a'/>", "has a SASL name and no UNIX user"},
    {"a group with a certificate", "<delegate unix-group='a' x509='CN=a'/>",
     "has a certificate and no UNIX user"},
    {"a user with a SASL name, denied", "<deny user='a' sasl='a'/>", NULL},
    {"a user with a SASL name, limited", LIMIT("user='a' sasl='a'"), NULL},
};

static void test_row(void **state)
{
    const LintRow *row = *state;
    Policy *policy = policy_of(POLICY_HOST, "", row->rule);
    Reason why;
    bool warned;

    assert_int_equal(policy->n_rules + policy->n_limits, 1);
    warned = lint_rule(policy->n_rules ? policy->rules : &policy->limits[0].rule, &why);
    assert_int_equal(warned, row->warning != NULL);
    if (row->warning)
        assert_has_word(why.text, row->warning);
    else
        assert_string_equal(why.text, "");
    policy_unref(policy);
}

int main(void)
{
    UNIT_ADD_ROWS(rows, test_row);
    return unit_run("lint");
}

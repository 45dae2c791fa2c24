/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "util/unix_groups.h"

#include <string.h>

static bool has_name(const UnixGroups *groups, const char *name)
{
    for (size_t i = 0; i < groups->n_names; i++) {
        if (strcmp(groups->names[i], name) == 0)
            return true;
    }
    return false;
}

static void test_root(void **state)
{
    UnixGroups groups = {0};

    (void)state;
    assert_int_equal(unix_groups_read("root", 0, &groups), 0);
    assert_true(has_name(&groups, "root"));
    assert_false(has_name(&groups, "nonesuch"));
    unix_groups_clear(&groups);
    assert_null(groups.names);
    unix_groups_clear(&groups);
}

/* newgrp(1) adds a group; it does not take the user's own away. */
static void test_other_group(void **state)
{
    UnixGroups groups = {0};

    (void)state;
    assert_int_equal(unix_groups_read("root", 1, &groups), 0);
    assert_true(has_name(&groups, "root"));
    assert_true(has_name(&groups, "daemon") || has_name(&groups, "bin"));
    unix_groups_clear(&groups);
}

/* Who did not connect came with no group: none is added, whatever that number may be called. */
static void test_no_other_group(void **state)
{
    UnixGroups with = {0};
    UnixGroups without = {0};

    (void)state;
    assert_int_equal(unix_groups_read("root", 0, &with), 0);
    assert_int_equal(unix_groups_read("root", (gid_t)-1, &without), 0);
    assert_true(has_name(&without, "root"));
    /* A user's own group is there twice when it is also the one that it came with. */
    assert_int_equal(without.n_names + 1, with.n_names);
    unix_groups_clear(&with);
    unix_groups_clear(&without);
}

/* Who is in no list could be in any group. */
static void test_unknown_user(void **state)
{
    UnixGroups groups = {0};

    (void)state;
    assert_int_equal(unix_groups_read("no-such-user-here", 0, &groups), -1);
    assert_null(groups.names);
}

int main(void)
{
    unit_add("root", test_root, NULL);
    unit_add("another group", test_other_group, NULL);
    unit_add("no other group", test_no_other_group, NULL);
    unit_add("unknown user", test_unknown_user, NULL);
    return unit_run("unix_groups");
}

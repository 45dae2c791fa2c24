/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operation.h"

#include <stddef.h>
#include <string.h>

static const struct OperationRow {
    const char *operation;
    const char *sub_operation;
    HookOperation is;
} rows[] = {
    {"prepare", "begin", HOOK_START},       {"restore", "begin", HOOK_START},
    {"migrate", "begin", HOOK_START},       {"attach", "begin", HOOK_START},
    {"reconnect", "begin", HOOK_RECONNECT}, {"release", "end", HOOK_RELEASE},
};

HookOperation hook_operation(char **argv)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].operation, argv[2]) == 0 && strcmp(rows[i].sub_operation, argv[3]) == 0)
            return rows[i].is;
    }
    return HOOK_OTHER;
}

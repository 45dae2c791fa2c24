/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

const char *check_result_name(CheckResult result)
{
    static const char *const names[] = {
        [CHECK_FAIL] = "FAIL",
        [CHECK_UNKNOWN] = "WARN",
        [CHECK_WARN] = "WARN",
        [CHECK_PASS] = "PASS",
    };

    return names[result];
}

CheckResult found(CheckResult result, Reason *ret_detail, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    reason_setv(ret_detail, format, args);
    va_end(args);
    return result;
}

CheckResult unknown(Reason *ret_detail, const Reason *why)
{
    return found(CHECK_UNKNOWN, ret_detail, "not known: %s", why->text);
}

CheckResult worse(CheckResult a, CheckResult b)
{
    return a < b ? a : b;
}

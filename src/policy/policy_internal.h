/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of this folder only. */
#ifndef QG_POLICY_INTERNAL_H
#define QG_POLICY_INTERNAL_H

#include "policy.h"

/* policy_profile() while the profiles are being loaded: those that are there so far. */
const Policy *policy_loaded_profile(const char *name);

/* Reads a profile while the profiles are being loaded; @text ends with a NUL. */
Policy *policy_parse_builtin(const char *text, PolicyError *ret_error);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a policy does to a command by its name alone, without any argument. */
#ifndef QG_NAME_VERDICT_H
#define QG_NAME_VERDICT_H

#include "decide.h"

/*
 * The verdict on @name, sent by nobody in particular, under the host's policy and the
 * domain's (NULL: none). @name need not be in the catalogue.
 */
Verdict name_verdict(Channel channel, const char *name, const Policy *host, const Policy *domain);

/* The verdict of one of the built-in profiles alone. */
Verdict name_verdict_of_profile(Channel channel, const char *name, const Policy *profile);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QG_CATALOG_COMPARE_H
#define QG_CATALOG_COMPARE_H

#include "helper.h"

#include <json-c/json.h>

/*
 * The QMP commands of @against (a domain, or a file with the answer to query-commands or
 * query-qmp-schema) that the catalogue lacks, each with what the policy in force does to
 * it. @host_policy NULL: the host's own. NULL after complaining.
 */
json_object *catalog_against(const HelperContext *context, const char *against,
                             const char *host_policy);

/* What is new in the second of two such files, and gone from it, each with its verdict. */
json_object *catalog_diff(const char *old_path, const char *new_path, const char *host_policy);

#endif

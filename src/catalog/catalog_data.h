/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What generate.py makes of the tables. Only catalog.c looks in here. */
#ifndef QG_CATALOG_DATA_H
#define QG_CATALOG_DATA_H

#include "catalog.h"
#include "catalog_groups.h" /* generated: GROUP_QUERY, ..., NATIVE_RESET, ... */

/* Every name a command goes by, sorted by channel and name for bsearch(). */
typedef struct CatalogName {
    Channel channel;
    const char *name;
    size_t entry; /* index into catalog_entries */
} CatalogName;

extern const char *const catalog_permissions[]; /* by bit of a NativeSet */
extern const size_t catalog_n_permissions;
extern const GroupInfo catalog_groups[];
extern const size_t catalog_n_groups;
extern const CatalogEntry catalog_entries[];
extern const size_t catalog_n_entries;
extern const CatalogName catalog_names[];
extern const size_t catalog_n_names;

#endif

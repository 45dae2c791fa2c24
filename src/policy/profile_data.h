/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The profiles of xml/profiles, built in so that the daemon opens no file for them. */
#ifndef QG_PROFILE_DATA_H
#define QG_PROFILE_DATA_H

#include "profile_count.h" /* generated: PROFILE_DATA_COUNT */

/* The XML of each profile; one that builds on another comes behind it. */
extern const char *const profile_data[PROFILE_DATA_COUNT];

#endif

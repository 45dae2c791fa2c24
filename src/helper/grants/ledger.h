/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grants of this host, and the records of what becomes of them. */
#ifndef QG_LEDGER_H
#define QG_LEDGER_H

#include "grant/grant_give.h"
#include "helper.h"

extern GrantStore ledger_store;
extern const GrantDesk ledger_desk;

/*
 * Opens the ledger: only root may, and only this host's. Marks the grants that are over, by time or
 * with their run, and records that. Returns 0, or -1 after complaining.
 */
int ledger_open(const HelperContext *context);

/* Records one step, done by @by (NULL: nobody). Returns 0, or -1 after complaining. */
int ledger_record(GrantStep step, const Grant *grant, const char *by);

/* All grants, as by grant_store_read(). Returns 0, or -1 after complaining. */
int ledger_read(Grant **ret_grants, size_t *ret_count);

/* Whether @grant is for the domain of this name or UUID, which may be gone. */
bool grant_is_on(const Grant *grant, const char *domain);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether libvirt's private symbols, once they are found, do what their declarations say. */
#ifndef QG_LIBVIRT_TRY_H
#define QG_LIBVIRT_TRY_H

/*
 * Tells an identity who it is and asks it, for that is what a verdict stands and falls with.
 * Needs libvirt_bind(). Returns NULL when it says the same, else the symbol that does not.
 */
const char *libvirt_try(void);

#endif

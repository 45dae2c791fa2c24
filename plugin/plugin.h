/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the plugin is on. */
#ifndef QG_PLUGIN_H
#define QG_PLUGIN_H

#include <stdbool.h>

/*
 * False outside libvirtd and virtqemud: then every entry point only passes on. A process
 * that loaded libvirt after this library has its symbols looked up now.
 */
bool plugin_is_active(void);

/* NULL, or why every command is refused: a symbol that this libvirt lacks. */
const char *plugin_failure(void);

#endif

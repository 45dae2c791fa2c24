/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain tells QEMU past libvirt: the arguments of its <qemu:commandline>. */
#ifndef QG_COMMAND_LINE_H
#define QG_COMMAND_LINE_H

#include "start/finding.h"
#include "util/string_list.h"

/*
 * Adds a finding for each option in @arguments. Which of QEMU's options take a value is not
 * relied on: a value that looks like an option is judged as one too, so that nothing hides
 * behind an option that QEMU takes differently.
 */
void command_line_look(const StringList *arguments, FindingList *findings);

/*
 * The same for monitors and debuggers alone, of the whole command line of a QEMU that runs: so
 * libvirt's own monitor is passed over.
 */
void command_line_look_for_monitors(const StringList *arguments, FindingList *findings);

/* Adds a finding for each variable. @names are names only. */
void environment_look(const StringList *names, FindingList *findings);

#endif

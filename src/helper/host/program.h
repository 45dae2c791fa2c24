/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the host's programs, for `enable` and `disable`. */
#ifndef QG_PROGRAM_H
#define QG_PROGRAM_H

/*
 * Runs @words (NULL behind the last one), with nothing in its environment but a PATH and, when
 * it is not NULL, LD_PRELOAD. What it prints, on both streams, goes to @ret_output (caller
 * frees) when that is not NULL, else to ours. Returns its exit status, 128 when a signal ended
 * it, -1 after complaining.
 */
int program_run(const char *const *words, const char *preload, char **ret_output);

#endif

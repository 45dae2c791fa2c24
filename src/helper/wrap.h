/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what people type to the text that a client sends. */
#ifndef QG_WRAP_H
#define QG_WRAP_H

#include "catalog/catalog.h"

/*
 * What virsh makes of its words: a JSON object is sent as it is, of bare words it makes a
 * command whose arguments are the others, an object or members of one
 * (`pmemsave '"val":0' '"size":4096'`); an HMP line is the words themselves. For the agent
 * virsh wraps nothing; a bare command is wrapped here all the same, as there is nothing else
 * it could mean. Caller frees; NULL when out of memory.
 */
char *wrap_words(Channel channel, int argc, char **argv);

/* The same for one line: the command and, behind the first blank, its arguments. */
char *wrap_line(Channel channel, const char *line);

#endif

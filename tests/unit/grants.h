/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants, and a directory to keep them in, for the tests that need some. */
#ifndef QG_TEST_GRANTS_H
#define QG_TEST_GRANTS_H

#include "grant/grant_store.h"

/* What grant_of() is for, and when it is open. */
#define GRANTS_UUID "11111111-2222-3333-4444-555555555555"
#define GRANTS_OTHER_UUID "99999999-2222-3333-4444-555555555555"
#define GRANTS_RUN ((Run){.pid = 4242, .started = 77})

/* A grant of a QMP command, for anybody, open from now on for a minute. */
Grant grant_of(const char *command, uint32_t uses);

/* The same for the text of @request alone. */
Grant grant_of_text(const Request *request, uint32_t uses);

/* The store's file and its directory, below one that is the test's own. */
extern char grants_directory[64];
extern char grants_path[80];

/* Makes the test's own directory; grants_empty() takes all out of it, the other it as well. */
void grants_make_folder(void);
void grants_empty(void);
void grants_remove_folder(void);

/* Adds to the file at grants_path, as a process of its own would; fails the test. */
void grants_add(Grant *grant);

/* As it is in the file now; the test fails when it is not there. */
Grant grants_find(const char *id);

/* How many there are. */
size_t grants_count(void);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the unit tests share. A test here is mostly a table: each row runs as a test
 * of its own under its own name, so one wrong row hides no other.
 */
#ifndef QG_UNIT_H
#define QG_UNIT_H

#include "policy/policy.h"
#include "request/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A literal and its length, for texts that hold U+0000. */
#define BYTES(literal) (literal), (sizeof(literal) - 1)

/* Adds one test; @state is handed to it. @name is borrowed until unit_run(). */
void unit_add(const char *name, CMUnitTestFunction test, void *state);

/* Adds a test for each row. The first member of a row is its name. */
#define UNIT_ADD_ROWS(rows, test) unit_add_rows((rows), COUNT_OF(rows), sizeof((rows)[0]), (test))
void unit_add_rows(const void *rows, size_t count, size_t size, CMUnitTestFunction test);

/* Runs what was added; what it returns is for main() to return. */
int unit_run(const char *group);

/* Fails the test with both texts unless @text holds @word. */
void assert_has_word(const char *text, const char *word);

/* Fails the test unless both are the same JSON; @wanted is JSON text, NULL wants no value. */
void assert_json(json_object *value, const char *wanted);

/* A string of @count times @byte (caller frees). */
char *repeated(char byte, size_t count);

/* As asprintf(), but a failure fails the test (caller frees). */
char *formatted(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A policy with @rules inside a <policy> element that has @attributes. It must be
 * valid: the test fails otherwise. The caller gives it back with policy_unref().
 */
Policy *policy_of(PolicyKind kind, const char *attributes, const char *rules);

/* A text that must be readable (caller frees with request_free()). */
Request *request_of(Channel channel, const char *text);

/* The same of a short form: the line, or `NAME {ARGUMENTS}`, or `NAME` without any. */
Request *request_of_short(Channel channel, const char *text);

#endif

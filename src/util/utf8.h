/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UTF-8 as RFC 3629 has it, less what QEMU's JSON reader refuses. libvirt and
 * QEMU disagree on overlong forms, surrogates and noncharacters, so nothing
 * downstream may ever see one.
 */
#ifndef QG_UTF8_H
#define QG_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the character that starts at @text, at most @length bytes.
 * Returns its size in bytes and sets @ret_character; 0 when there is none
 * (nothing left, overlong, surrogate, noncharacter, above U+10FFFF).
 */
size_t utf8_read(const char *text, size_t length, uint32_t *ret_character);

/* True for a code point that QEMU takes in a string (never U+0000). */
bool is_sendable_character(uint32_t character);

#endif

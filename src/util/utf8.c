/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "utf8.h"

bool is_sendable_character(uint32_t character)
{
    bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
    bool is_noncharacter = (character >= 0xfdd0 && character <= 0xfdef) ||
                           (character & 0xfffe) == 0xfffe;

    return character > 0 && character <= 0x10ffff && !is_surrogate && !is_noncharacter;
}

size_t utf8_read(const char *text, size_t length, uint32_t *ret_character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* below it: overlong */
    const unsigned char *byte = (const unsigned char *)text;
    uint32_t character;
    size_t size;

    if (length == 0)
        return 0;
    if (byte[0] < 0x80)
        size = 1;
    else if ((byte[0] & 0xe0) == 0xc0)
        size = 2;
    else if ((byte[0] & 0xf0) == 0xe0)
        size = 3;
    else if ((byte[0] & 0xf8) == 0xf0)
        size = 4;
    else
        return 0;
    if (size > length)
        return 0;

    character = size == 1 ? byte[0] : byte[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (byte[i] & 0x3f);
    }
    if (character < least[size] || !is_sendable_character(character))
        return 0;
    *ret_character = character;
    return size;
}

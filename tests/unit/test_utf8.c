/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "util/utf8.h"

typedef struct Utf8Row {
    const char *name;
    const char *text;
    size_t length;
    size_t size; /* 0: no character */
    uint32_t character;
} Utf8Row;

static const Utf8Row rows[] = {
    {"ASCII", BYTES("a"), 1, 'a'},
    {"only the first", BYTES("ab"), 1, 'a'},
    {"nothing", BYTES(""), 0, 0},
    {"U+0001", BYTES("\x01"), 1, 1},
    {"U+0000", BYTES("\x00"), 0, 0},
    {"U+007F, last of one byte", BYTES("\x7f"), 1, 0x7f},
    {"U+0080, first of two bytes", BYTES("\xc2\x80"), 2, 0x80},
    {"U+07FF, last of two bytes", BYTES("\xdf\xbf"), 2, 0x7ff},
    {"U+0800, first of three bytes", BYTES("\xe0\xa0\x80"), 3, 0x800},
    {"U+FFFD, last sendable of three bytes", BYTES("\xef\xbf\xbd"), 3, 0xfffd},
    {"U+10000, first of four bytes", BYTES("\xf0\x90\x80\x80"), 4, 0x10000},
    {"U+10FFFD, last sendable", BYTES("\xf4\x8f\xbf\xbd"), 4, 0x10fffd},
    {"U+00A0", BYTES("\xc2\xa0"), 2, 0xa0},
    {"U+FEFF, a byte order mark", BYTES("\xef\xbb\xbf"), 3, 0xfeff},
    {"U+D7FF, below the surrogates", BYTES("\xed\x9f\xbf"), 3, 0xd7ff},
    {"U+D800, first surrogate", BYTES("\xed\xa0\x80"), 0, 0},
    {"U+DFFF, last surrogate", BYTES("\xed\xbf\xbf"), 0, 0},
    {"U+E000, above the surrogates", BYTES("\xee\x80\x80"), 3, 0xe000},
    {"U+FDCF, below the noncharacters", BYTES("\xef\xb7\x8f"), 3, 0xfdcf},
    {"U+FDD0, a noncharacter", BYTES("\xef\xb7\x90"), 0, 0},
    {"U+FDEF, a noncharacter", BYTES("\xef\xb7\xaf"), 0, 0},
    {"U+FDF0, above the noncharacters", BYTES("\xef\xb7\xb0"), 3, 0xfdf0},
    {"U+FFFE, a noncharacter", BYTES("\xef\xbf\xbe"), 0, 0},
    {"U+FFFF, a noncharacter", BYTES("\xef\xbf\xbf"), 0, 0},
    {"U+1FFFD, sendable", BYTES("\xf0\x9f\xbf\xbd"), 4, 0x1fffd},
    {"U+1FFFE, a noncharacter", BYTES("\xf0\x9f\xbf\xbe"), 0, 0},
    {"U+10FFFF, a noncharacter", BYTES("\xf4\x8f\xbf\xbf"), 0, 0},
    {"U+110000, above Unicode", BYTES("\xf4\x90\x80\x80"), 0, 0},
    {"F5, above Unicode", BYTES("\xf5\x80\x80\x80"), 0, 0},
    {"overlong U+0000", BYTES("\xc0\x80"), 0, 0},
    {"overlong slash", BYTES("\xc0\xaf"), 0, 0},
    {"overlong U+007F", BYTES("\xc1\xbf"), 0, 0},
    {"overlong U+07FF in three", BYTES("\xe0\x9f\xbf"), 0, 0},
    {"overlong U+FFFF in four", BYTES("\xf0\x8f\xbf\xbf"), 0, 0},
    {"continuation alone", BYTES("\x80"), 0, 0},
    {"last continuation alone", BYTES("\xbf"), 0, 0},
    {"FE", BYTES("\xfe"), 0, 0},
    {"FF", BYTES("\xff"), 0, 0},
    {"five bytes", BYTES("\xf8\x88\x80\x80\x80"), 0, 0},
    {"six bytes", BYTES("\xfc\x84\x80\x80\x80\x80"), 0, 0},
    {"cut after one of two", BYTES("\xc3"), 0, 0},
    {"cut after two of three", BYTES("\xe2\x82"), 0, 0},
    {"cut after three of four", BYTES("\xf0\x9f\x98"), 0, 0},
    {"ASCII instead of a continuation", BYTES("\xc3\x28"), 0, 0},
    {"a start instead of a continuation", BYTES("\xe2\xc2\x80"), 0, 0},
    {"last continuation missing", BYTES("\xe2\x82x"), 0, 0},
};

static void test_row(void **state)
{
    const Utf8Row *row = *state;
    uint32_t character = 0x5555;

    assert_int_equal(utf8_read(row->text, row->length, &character), row->size);
    assert_int_equal(character, row->size ? row->character : 0x5555);
}

/* A length that ends in the middle of a character must not be read past. */
static void test_length_is_kept(void **state)
{
    static const char euro[] = "\xe2\x82\xac";
    uint32_t character = 0;

    (void)state;
    assert_int_equal(utf8_read(euro, 2, &character), 0);
    assert_int_equal(utf8_read(euro, 3, &character), 3);
    assert_int_equal(character, 0x20ac);
}

static void test_every_code_point(void **state)
{
    size_t refused = 0;

    (void)state;
    for (uint32_t character = 0; character < 0x120000; character++)
        refused += !is_sendable_character(character);
    /* U+0000, 2048 surrogates, 32 + 34 noncharacters, and what lies above Unicode. */
    assert_int_equal(refused, 1 + 2048 + 32 + 34 + 0x10000);
}

int main(void)
{
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("length is kept", test_length_is_kept, NULL);
    unit_add("every code point", test_every_code_point, NULL);
    return unit_run("utf8");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "util/glob.h"

#include <stdlib.h>
#include <string.h>

#define PLENTY ((size_t)1000000)

typedef struct GlobRow {
    const char *name;
    const char *pattern;
    const char *text;
    GlobResult wanted;
} GlobRow;

static const GlobRow rows[] = {
    {"literal", "quit", "quit", GLOB_YES},
    {"literal, longer text", "quit", "quits", GLOB_NO},
    {"literal, shorter text", "quit", "qui", GLOB_NO},
    {"case counts", "quit", "Quit", GLOB_NO},
    {"nothing is nothing", "", "", GLOB_YES},
    {"nothing is not something", "", "a", GLOB_NO},
    {"something is not nothing", "a", "", GLOB_NO},
    {"star takes nothing", "*", "", GLOB_YES},
    {"star takes anything", "*", "device_add", GLOB_YES},
    {"star takes a slash", "/var/*", "/var/lib/x", GLOB_YES},
    {"star does not eat its neighbour", "/var/*", "/vax/lib", GLOB_NO},
    {"star in front", "*-del", "blockdev-del", GLOB_YES},
    {"star in front is anchored behind", "*-del", "blockdev-delete", GLOB_NO},
    {"star in the middle", "query-*s", "query-status", GLOB_YES},
    {"star in the middle, other end", "query-*s", "query-cpu", GLOB_NO},
    {"star may start again", "*ab", "aab", GLOB_YES},
    {"star may start again, twice", "*a*b*c", "xaxxabbbxc", GLOB_YES},
    {"order counts between stars", "*a*b", "ba", GLOB_NO},
    {"many stars are one", "a***b", "axyzb", GLOB_YES},
    {"trailing stars take nothing", "ab**", "ab", GLOB_YES},
    {"one byte", "?", "a", GLOB_YES},
    {"one byte is not none", "?", "", GLOB_NO},
    {"one byte is not two", "?", "ab", GLOB_NO},
    {"one byte of two in UTF-8", "?", "\xc3\xa9", GLOB_NO},
    {"two bytes in UTF-8", "??", "\xc3\xa9", GLOB_YES},
    {"star and one byte", "*?", "", GLOB_NO},
    {"one byte takes a slash", "a?b", "a/b", GLOB_YES},
    {"one byte takes a star", "a?b", "a*b", GLOB_YES},
    {"brackets are themselves", "[ab]", "[ab]", GLOB_YES},
    {"brackets are no set", "[ab]", "a", GLOB_NO},
    {"backslash is itself", "\\*", "\\x", GLOB_YES},
    {"backslash does not quote", "\\*", "*", GLOB_NO},
    {"leading dot is not special", "*", ".hidden", GLOB_YES},
    {"braces are no choice", "{a,b}", "a", GLOB_NO},
};

static void test_row(void **state)
{
    const GlobRow *row = *state;
    size_t budget = PLENTY;

    assert_int_equal(glob_match(row->pattern, row->text, &budget), row->wanted);
}

/* The obvious matcher: exponential, and therefore only for short patterns. */
static bool slow_match(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return slow_match(pattern + 1, text) || (*text && slow_match(pattern, text + 1));
    return *text && (*pattern == '?' || *pattern == *text) && slow_match(pattern + 1, text + 1);
}

/* Writes the @number-th string of @length letters. */
static void spell(char *out, const char *letters, size_t length, unsigned number)
{
    for (size_t i = 0; i < length; i++) {
        out[i] = letters[number % strlen(letters)];
        number /= (unsigned)strlen(letters);
    }
    out[length] = '\0';
}

static void test_all_short_ones(void **state)
{
    char pattern[6];
    char text[6];
    size_t pairs = 0;

    (void)state;
    for (unsigned p = 0; p < 1024; p++) {
        spell(pattern, "ab*?", 5, p);
        for (unsigned t = 0; t < 64; t++) {
            size_t budget = PLENTY;
            bool wanted;

            spell(text, "ab", t % 6, t);
            wanted = slow_match(pattern, text);
            pairs++;
            if (glob_match(pattern, text, &budget) != (wanted ? GLOB_YES : GLOB_NO))
                fail_msg("pattern '%s', text '%s': wanted %d", pattern, text, wanted);
        }
    }
    assert_int_equal(pairs, 1024 * 64);
}

static void test_budget(void **state)
{
    size_t budget = 3;

    (void)state;
    assert_int_equal(glob_match("abc", "abc", &budget), GLOB_YES);
    assert_int_equal(budget, 0);
    assert_int_equal(glob_match("abc", "abc", &budget), GLOB_UNDECIDED);
    assert_int_equal(budget, 0);
    budget = 2;
    assert_int_equal(glob_match("abc", "abc", &budget), GLOB_UNDECIDED);
    assert_int_equal(budget, 0);
    budget = 4;
    assert_int_equal(glob_match("abc", "abc", &budget), GLOB_YES);
    assert_int_equal(budget, 1);
}

/* What fnmatch(3) takes exponential time for. */
static void test_hostile_pattern(void **state)
{
    char *text = repeated('a', 2000);
    size_t budget = PLENTY;

    (void)state;
    assert_int_equal(glob_match("*a*a*a*a*a*a*a*a*a*a*b", text, &budget), GLOB_NO);
    budget = 1000;
    assert_int_equal(glob_match("*a*a*a*a*a*a*a*a*a*a*b", text, &budget), GLOB_UNDECIDED);
    free(text);
}

/*
 * The budget is what bounds a decision's time, so whatever takes time must use it up:
 * a policy may hold a thousand patterns of a thousand stars.
 */
static void test_budget_counts_trailing_stars(void **state)
{
    char *stars = repeated('*', 1000);
    size_t budget = PLENTY;

    (void)state;
    assert_int_equal(glob_match(stars, "", &budget), GLOB_YES);
    assert_true(budget < PLENTY);
    free(stars);
}

static void test_literal(void **state)
{
    (void)state;
    assert_true(glob_is_literal("/var/lib/[x]"));
    assert_true(glob_is_literal(""));
    assert_false(glob_is_literal("/var/*"));
    assert_false(glob_is_literal("a?"));
}

int main(void)
{
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("every short pattern against every short text", test_all_short_ones, NULL);
    unit_add("the budget counts steps", test_budget, NULL);
    unit_add("a hostile pattern", test_hostile_pattern, NULL);
    unit_add("the budget counts stars at the end", test_budget_counts_trailing_stars, NULL);
    unit_add("is literal", test_literal, NULL);
    return unit_run("glob");
}

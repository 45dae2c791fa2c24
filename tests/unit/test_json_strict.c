/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A text is taken only if libvirt 9.0 (yajl), 11.3 and 12.8 (json-c) and QEMU all read
 * it as one and the same object. Each row that is refused is one on which two of them
 * were seen to differ, and beside it stands the nearest one on which they agree.
 */
#include "unit.h"

#include "request/json_strict.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

typedef struct JsonRow {
    const char *name;
    const char *text;
    size_t length;
    const char *becomes; /* what is forwarded; NULL: the text is refused ... */
    const char *because; /* ... with this in its reason */
} JsonRow;

#define YES(name, text, becomes)                                                                   \
    {                                                                                              \
        name, BYTES(text), becomes, NULL                                                           \
    }
#define NO(name, text, because)                                                                    \
    {                                                                                              \
        name, BYTES(text), NULL, because                                                           \
    }

static const JsonRow document_rows[] = {
    YES("object", "{\"execute\":\"x\"}", "{\"execute\":\"x\"}"),
    YES("empty object", "{}", "{}"),
    YES("white space of JSON", " \t\r\n{ \t\r\n} \t\r\n", "{}"),
    NO("form feed as white space", "{\f}", "not JSON at byte 1"),
    NO("vertical tab as white space", "{\v}", "not JSON at byte 1"),
    NO("no-break space as white space", "{\xc2\xa0}", "not JSON at byte 1"),
    NO("empty text", "", "empty text"),
    NO("only white space", " \n", "ends in the middle"),
    NO("raw NUL behind", "{}\0", "not JSON at byte 2"),
    NO("raw NUL inside", "{\0}", "not JSON at byte 1"),
    NO("byte order mark", "\xef\xbb\xbf{}", "not JSON at byte 0"),
    NO("resync byte of the agent", "\xff{}", "not JSON at byte 0"),
    NO("string", "\"x\"", "not a JSON object"),
    NO("number", "1", ""),
    NO("word", "true", ""),
    NO("null", "null", ""),
    NO("array", "[]", "not a JSON object"),
    NO("array of commands", "[{\"execute\":\"x\"}]", "not a JSON object"),
    NO("second document", "{}{}", "at byte 2"),
    NO("second document on a line of its own", "{}\n{\"execute\":\"quit\"}", "at byte 3"),
    NO("word behind", "{} x", "not JSON at byte 3"),
    NO("comma behind", "{},", "at byte 2"),
    NO("bracket behind", "{}]", "the end is expected at byte 2"),
    NO("brace missing", "{\"a\":1", "ends in the middle"),
    NO("bracket of the other kind", "{\"a\":[1}", "at byte"),
    NO("closing before opening", "}{", "a value is expected at byte 0"),
    NO("comment of C", "{/*x*/}", "not JSON at byte 1"),
    NO("comment of C++", "{}//x", "not JSON at byte 2"),
    NO("comment of the shell", "{}#x", "not JSON at byte 2"),
    NO("trailing comma in an object", "{\"a\":1,}", "at byte"),
    NO("trailing comma in an array", "{\"a\":[1,]}", "at byte"),
    NO("leading comma", "{,\"a\":1}", "at byte"),
    NO("two commas", "{\"a\":1,,\"b\":2}", "at byte"),
    NO("comma missing", "{\"a\":1 \"b\":2}", "at byte"),
    NO("colon missing", "{\"a\" 1}", "at byte"),
    NO("two colons", "{\"a\"::1}", "at byte"),
    NO("value missing", "{\"a\":}", "at byte"),
    NO("single quotes", "{'execute':'x'}", "not JSON at byte 1"),
    NO("single quotes around a value", "{\"a\":'x'}", "not JSON at byte 5"),
    NO("no quotes around a key", "{execute:\"x\"}", "not JSON at byte 1"),
    NO("number as a key", "{1:2}", "at byte"),
    NO("word as a key", "{null:2}", "at byte"),
    NO("interpolation of QEMU", "{\"a\":%s}", "not JSON at byte 5"),
};

static const JsonRow number_rows[] = {
    YES("zero", "{\"a\":0}", "{\"a\":0}"),
    YES("minus zero", "{\"a\":-0}", "{\"a\":0}"),
    YES("integer", "{\"a\":10}", "{\"a\":10}"),
    YES("negative integer", "{\"a\":-7}", "{\"a\":-7}"),
    YES("fraction", "{\"a\":1.50}", "{\"a\":1.50}"),
    YES("fraction below one", "{\"a\":-0.5}", "{\"a\":-0.5}"),
    YES("exponent", "{\"a\":1e5}", "{\"a\":1e5}"),
    YES("exponent, large letter and sign", "{\"a\":1E+5}", "{\"a\":1E+5}"),
    YES("fraction and exponent", "{\"a\":1.5e-5}", "{\"a\":1.5e-5}"),
    YES("zero, fraction and exponent", "{\"a\":0.0e1}", "{\"a\":0.0e1}"),
    YES("2^63-1", "{\"a\":9223372036854775807}", "{\"a\":9223372036854775807}"),
    YES("2^63", "{\"a\":9223372036854775808}", "{\"a\":9223372036854775808}"),
    YES("2^64-1", "{\"a\":18446744073709551615}", "{\"a\":18446744073709551615}"),
    NO("2^64", "{\"a\":18446744073709551616}", "fit 64 bits"),
    NO("2^64, negative", "{\"a\":-18446744073709551616}", "fit 64 bits"),
    YES("-2^63", "{\"a\":-9223372036854775808}", "{\"a\":-9223372036854775808}"),
    NO("-2^63-1", "{\"a\":-9223372036854775809}", "fit 64 bits"),
    NO("2^64 inside an array", "{\"a\":[[18446744073709551616]]}", "fit 64 bits"),
    NO("integer of 400 digits beyond double",
       "{\"a\":1"
       "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "}",
       "fit 64 bits"),
    YES("1e308", "{\"a\":1e308}", "{\"a\":1e308}"),
    NO("1e999", "{\"a\":1e999}", "too large"),
    NO("-1e999", "{\"a\":-1e999}", "too large"),
    NO("1e999 inside", "{\"a\":[{\"b\":1e999}]}", "too large"),
    NO("NaN", "{\"a\":NaN}", "not JSON at byte 5"),
    NO("nan", "{\"a\":nan}", "not JSON at byte 5"),
    NO("Infinity", "{\"a\":Infinity}", "not JSON at byte 5"),
    NO("-Infinity", "{\"a\":-Infinity}", "not a JSON number at byte 5"),
    NO("1.", "{\"a\":1.}", "without digits after its point at byte 5"),
    NO("0.", "{\"a\":0.}", "without digits after its point"),
    NO("-1.", "{\"a\":-1.}", "without digits after its point"),
    NO("1.e5", "{\"a\":1.e5}", "without digits after its point"),
    NO("-.5", "{\"a\":-.5}", "not a JSON number"),
    NO(".5", "{\"a\":.5}", "not JSON"),
    NO("010", "{\"a\":010}", "not a JSON number"),
    NO("00", "{\"a\":00}", "not a JSON number"),
    NO("-01", "{\"a\":-01}", "not a JSON number"),
    NO("+1", "{\"a\":+1}", "not JSON"),
    NO("0x10", "{\"a\":0x10}", "not JSON"),
    NO("1e", "{\"a\":1e}", "without digits in its exponent"),
    NO("1e+", "{\"a\":1e+}", "without digits in its exponent"),
    NO("1e5e5", "{\"a\":1e5e5}", "not JSON"),
    NO("1e5.5", "{\"a\":1e5.5}", "not JSON"),
    NO("1.5.5", "{\"a\":1.5.5}", "not JSON"),
    NO("1-2", "{\"a\":1-2}", "expected at byte 6"),
    NO("--1", "{\"a\":--1}", "not a JSON number"),
    NO("-", "{\"a\":-}", "not a JSON number"),
    NO("0e1", "{\"a\":0e1}", "0 with an exponent"),
    NO("-0E1", "{\"a\":-0E1}", "0 with an exponent"),
    NO("1_000", "{\"a\":1_000}", "not JSON"),
    NO("1/2", "{\"a\":1/2}", "not JSON"),
    NO("number with a word glued to it", "{\"a\":1true}", "expected at byte 6"),
    YES("true, false, null", "{\"a\":[true,false,null]}", "{\"a\":[true,false,null]}"),
    NO("TRUE", "{\"a\":TRUE}", "not JSON"),
    NO("True", "{\"a\":True}", "not JSON"),
    NO("Null", "{\"a\":Null}", "not JSON"),
    NO("tru", "{\"a\":tru}", "not JSON"),
    NO("truex", "{\"a\":truex}", "not JSON"),
    NO("truefalse", "{\"a\":truefalse}", "expected at byte 9"),
};

static const JsonRow string_rows[] = {
    YES("every short escape", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
        "{\"a\":\"\\\"\\\\/\\b\\f\\n\\r\\t\"}"),
    NO("escaped single quote", "{\"a\":\"\\'\"}", "unknown escape"),
    NO("\\x41", "{\"a\":\"\\x41\"}", "unknown escape"),
    NO("\\a", "{\"a\":\"\\a\"}", "unknown escape"),
    NO("\\U0041", "{\"a\":\"\\U0041\"}", "unknown escape"),
    NO("escaped NUL byte", "{\"a\":\"\\\0\"}", "unknown escape"),
    NO("backslash at the end", "{\"a\":\"\\", "unknown escape at byte 7"),
    NO("no closing quote", "{\"a\":\"x", "without an end"),
    NO("no closing quote of a key", "{\"a", "without an end"),
    YES("slash stays", "{\"a\":\"/x\"}", "{\"a\":\"/x\"}"),
    YES("escaped letter", "{\"\\u0061\":\"\\u0041\"}", "{\"a\":\"A\"}"),
    YES("escape, large and small digits", "{\"a\":\"\\u00e9\\u00E9\"}",
        "{\"a\":\"\\u00e9\\u00e9\"}"),
    NO("\\u with three digits", "{\"a\":\"\\u00e\"}", "four hexadecimal digits"),
    NO("\\u with a sign", "{\"a\":\"\\u+041\"}", "four hexadecimal digits"),
    NO("\\u with 0x", "{\"a\":\"\\u0x41\"}", "four hexadecimal digits"),
    NO("\\u at the end", "{\"a\":\"\\u00", "four hexadecimal digits"),
    NO("\\u0000 in a value", "{\"a\":\"x\\u0000y\"}", "U+0000"),
    NO("\\u0000 in a key", "{\"execute\\u0000x\":\"a\"}", "U+0000"),
    NO("\\u0000 in a nested key", "{\"a\":[{\"b\\u0000\":1}]}", "U+0000"),
    NO("raw NUL in a value", "{\"a\":\"x\0y\"}", "at byte 7"),
    NO("raw NUL in a key", "{\"execute\0x\":\"a\"}", "at byte 9"),
    YES("\\u0001", "{\"a\":\"\\u0001\"}", "{\"a\":\"\\u0001\"}"),
    NO("raw control character in a value", "{\"a\":\"\x01\"}", "control character"),
    NO("raw control character in a key", "{\"\x01\":1}", "control character"),
    NO("raw tab in a value", "{\"a\":\"\t\"}", "control character"),
    NO("raw newline in a key", "{\"\n\":1}", "control character"),
    NO("raw 1F in a value", "{\"a\":\"\x1f\"}", "control character"),
    YES("space, the first that is none", "{\"a\":\" \"}", "{\"a\":\" \"}"),
    YES("escaped DEL", "{\"a\":\"\\u007f\"}", "{\"a\":\"\\u007f\"}"),
    NO("raw DEL", "{\"a\":\"\x7f\"}", "control character"),
    YES("raw two bytes", "{\"a\":\"\xc3\xa9\"}", "{\"a\":\"\\u00e9\"}"),
    YES("raw two bytes in a key", "{\"\xc3\xa9\":1}", "{\"\\u00e9\":1}"),
    YES("raw three bytes", "{\"a\":\"\xe2\x82\xac\"}", "{\"a\":\"\\u20ac\"}"),
    YES("raw four bytes", "{\"a\":\"\xf0\x9f\x98\x80\"}", "{\"a\":\"\\ud83d\\ude00\"}"),
    YES("raw U+10FFFD", "{\"a\":\"\xf4\x8f\xbf\xbd\"}", "{\"a\":\"\\udbff\\udffd\"}"),
    NO("byte 80", "{\"a\":\"\x80\"}", "invalid UTF-8"),
    NO("byte FE", "{\"a\":\"\xfe\"}", "invalid UTF-8"),
    NO("byte FF", "{\"a\":\"\xff\"}", "invalid UTF-8"),
    NO("byte FF in a key", "{\"a\xff\":1}", "invalid UTF-8"),
    NO("five bytes", "{\"a\":\"\xf8\x88\x80\x80\x80\"}", "invalid UTF-8"),
    NO("overlong C0 80", "{\"a\":\"\xc0\x80\"}", "invalid UTF-8"),
    NO("overlong C0 AF", "{\"a\":\"\xc0\xaf\"}", "invalid UTF-8"),
    NO("raw surrogate ED A0 80", "{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8"),
    NO("raw surrogate ED B0 80", "{\"a\":\"\xed\xb0\x80\"}", "invalid UTF-8"),
    NO("character cut by its quote", "{\"a\":\"\xc3\"}", "invalid UTF-8"),
    NO("character cut by the end", "{\"a\":\"\xc3", "invalid UTF-8"),
    NO("raw U+FFFE", "{\"a\":\"\xef\xbf\xbe\"}", "noncharacter"),
    NO("raw U+FDD0", "{\"a\":\"\xef\xb7\x90\"}", "noncharacter"),
    YES("escaped U+FFFD", "{\"a\":\"\\ufffd\"}", "{\"a\":\"\\ufffd\"}"),
    NO("escaped U+FFFE", "{\"a\":\"\\ufffe\"}", "noncharacter"),
    NO("escaped U+FFFF", "{\"a\":\"\\uFFFF\"}", "noncharacter"),
    NO("escaped U+FDD0", "{\"a\":\"\\ufdd0\"}", "noncharacter"),
    YES("surrogate pair", "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\\ud83d\\ude00\"}"),
    YES("surrogate pair in a key", "{\"\\uD83D\\uDE00\":1}", "{\"\\ud83d\\ude00\":1}"),
    YES("first surrogate pair", "{\"a\":\"\\ud800\\udc00\"}", "{\"a\":\"\\ud800\\udc00\"}"),
    NO("pair that is U+1FFFE", "{\"a\":\"\\ud83f\\udffe\"}", "noncharacter"),
    NO("pair that is U+10FFFF", "{\"a\":\"\\udbff\\udfff\"}", "noncharacter"),
    NO("high surrogate alone", "{\"a\":\"\\ud800\"}", "lone surrogate"),
    NO("high surrogate alone in a key", "{\"\\ud800\":1}", "lone surrogate"),
    NO("high surrogate before a letter", "{\"a\":\"\\ud800abcdef\"}", "lone surrogate"),
    NO("high surrogate before an escaped letter", "{\"a\":\"\\ud800\\u0041\"}", "lone surrogate"),
    NO("high surrogate before a short escape", "{\"a\":\"\\ud800\\n12345\"}", "lone surrogate"),
    NO("high surrogate before what lies above the low ones", "{\"a\":\"\\ud800\\ue000\"}",
       "lone surrogate"),
    NO("two high surrogates", "{\"a\":\"\\ud800\\ud800\"}", "lone surrogate"),
    NO("low surrogate alone", "{\"a\":\"\\udc00\"}", "lone surrogate"),
    NO("pair in the wrong order", "{\"a\":\"\\ude00\\ud83d\"}", "lone surrogate"),
    NO("pair cut by the end", "{\"a\":\"\\ud83d\\ude", "surrogate"),
};

static const JsonRow key_rows[] = {
    YES("two keys", "{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":1}"),
    NO("a key twice", "{\"a\":1,\"a\":1}", "appears twice"),
    YES("order of keys is kept", "{\"b\":1,\"a\":2,\"0\":3}", "{\"b\":1,\"a\":2,\"0\":3}"),
    YES("keys differ by case", "{\"a\":1,\"A\":1}", "{\"a\":1,\"A\":1}"),
    NO("escaped key is the other", "{\"execute\":\"x\",\"\\u0065xecute\":\"quit\"}",
       "appears twice"),
    NO("escaped in two ways", "{\"\\u00e9\":1,\"\xc3\xa9\":1}", "appears twice"),
    NO("slash escaped and not", "{\"a/b\":1,\"a\\/b\":1}", "appears twice"),
    YES("a key again one level down", "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}"),
    YES("a key again in the next element", "{\"a\":[{\"b\":1},{\"b\":1}]}",
        "{\"a\":[{\"b\":1},{\"b\":1}]}"),
    NO("twice one level down", "{\"a\":{\"b\":1,\"b\":1}}", "appears twice"),
    NO("twice inside an array", "{\"a\":[1,{\"b\":1,\"c\":2,\"b\":1}]}", "appears twice"),
    NO("twice, one holding objects", "{\"a\":{\"x\":{\"y\":1}},\"a\":1}", "appears twice"),
    NO("twice in what is thrown away", "{\"a\":{\"b\":1,\"b\":1},\"a\":1}", "appears twice"),
    YES("empty key", "{\"\":1}", "{\"\":1}"),
    NO("empty key twice", "{\"\":1,\"\":1}", "appears twice"),
    YES("colons and quotes inside strings are no members", "{\"a:\\\":\":\"b:{\\\"c\\\":1}\"}",
        "{\"a:\\\":\":\"b:{\\\"c\\\":1}\"}"),
};

/* What makes QEMU forget its braces and run the rest: parsing.md, section 3. */
static const JsonRow resumption_rows[] = {
    NO("command behind NaN",
       "{\"execute\":\"query-status\",\"arguments\":{\"a\":NaN,\"b\":{\"execute\":\"quit\"}}}",
       "not JSON"),
    NO("command behind 1.",
       "{\"execute\":\"query-status\",\"arguments\":{\"a\":1.,\"b\":{\"execute\":\"quit\"}}}",
       "without digits"),
    NO("command behind FF", "{\"execute\":\"x\",\"arguments\":{\"a\":\"\xff{'execute':'quit'}\"}}",
       "invalid UTF-8"),
    NO("command behind a control character",
       "{\"execute\":\"x\",\"arguments\":{\"a\x01\":{\"execute\":\"quit\"}}}", "control character"),
    NO("command behind 0e1",
       "{\"execute\":\"x\",\"arguments\":{\"a\":0e1,\"b\":{\"execute\":\"quit\"}}}",
       "0 with an exponent"),
    NO("command behind a bad escape",
       "{\"execute\":\"x\",\"arguments\":{\"a\":\"\\x\",\"b\":{\"execute\":\"quit\"}}}",
       "unknown escape"),
    YES("an object that is only data",
        "{\"execute\":\"x\",\"arguments\":{\"a\":1,\"b\":{\"execute\":\"quit\"}}}",
        "{\"execute\":\"x\",\"arguments\":{\"a\":1,\"b\":{\"execute\":\"quit\"}}}"),
    YES("braces inside a string are data", "{\"a\":\"}{'execute':'quit'}\"}",
        "{\"a\":\"}{'execute':'quit'}\"}"),
};

/* What is forwarded is ASCII, is read back as the same, and then stays as it is. */
static void check_round_trip(json_object *object, const char *canonical)
{
    CLEANUP(json) json_object *again = NULL;
    CLEANUP(mem) char *same = NULL;
    Reason why = {""};

    for (const char *byte = canonical; *byte; byte++)
        assert_in_range((unsigned char)*byte, 0x20, 0x7e);
    again = json_strict_parse(canonical, strlen(canonical), &why);
    assert_true(json_object_equal(object, again));
    same = json_canonical_text(again);
    assert_string_equal(same, canonical);
}

static void test_row(void **state)
{
    const JsonRow *row = *state;
    /* Without a NUL behind it, so that reading on is seen by the sanitizer. */
    CLEANUP(mem) char *copy = malloc(row->length ? row->length : 1);
    CLEANUP(json) json_object *object = NULL;
    CLEANUP(mem) char *canonical = NULL;
    Reason why = {""};

    assert_non_null(copy);
    memcpy(copy, row->text, row->length);
    object = json_strict_parse(copy, row->length, &why);
    if (!row->becomes) {
        assert_null(object);
        assert_has_word(why.text, row->because);
        assert_true(strlen(why.text) > 0);
        return;
    }
    if (!object)
        fail_msg("refused: %s", why.text);
    canonical = json_canonical_text(object);
    assert_string_equal(canonical, row->becomes);
    check_round_trip(object, canonical);
}

static bool is_taken(const char *text, size_t length, Reason *why)
{
    CLEANUP(json) json_object *object = json_strict_parse(text, length, why);

    return object != NULL;
}

/* {"a":[[...]]}, @depth brackets in all, with a number in the innermost. */
static char *nested(size_t depth)
{
    CLEANUP(mem) char *opening = repeated('[', depth - 1);
    CLEANUP(mem) char *closing = repeated(']', depth - 1);

    return formatted("{\"a\":%s1%s}", opening, closing);
}

static void test_depth(void **state)
{
    CLEANUP(mem) char *at_limit = nested(32);
    CLEANUP(mem) char *over = nested(33);
    CLEANUP(mem) char *brackets = repeated('[', 2000000);
    Reason why = {""};

    (void)state;
    assert_true(is_taken(at_limit, strlen(at_limit), &why));
    assert_false(is_taken(over, strlen(over), &why));
    assert_has_word(why.text, "deeper than 32");
    /* libvirt 9.0 itself crashes on these. */
    assert_false(is_taken(brackets, strlen(brackets), &why));
    assert_has_word(why.text, "deeper than 32");
}

static void test_depth_of_objects(void **state)
{
    char text[33 * 5 + 33 + 2];
    char *at = text;
    Reason why = {""};

    (void)state;
    for (int i = 0; i < 31; i++)
        at = stpcpy(at, "{\"a\":");
    at = stpcpy(at, "{}");
    memset(at, '}', 31);
    assert_true(is_taken(text, (size_t)(at - text) + 31, &why));
    at = stpcpy(at - 2, "{\"a\":{}");
    memset(at, '}', 32);
    assert_false(is_taken(text, (size_t)(at - text) + 32, &why));
    assert_has_word(why.text, "deeper than 32");
}

/* {"a":[@first,0,0,...]}: 6 tokens, those of @first, and two for each of the zeros. */
static char *listed(const char *first, size_t zeros)
{
    CLEANUP(mem) char *rest = repeated(',', 2 * zeros);

    for (size_t i = 0; i < zeros; i++)
        rest[2 * i + 1] = '0';
    return formatted("{\"a\":[%s%s]}", first, rest);
}

/* Commas and colons count, as they do in QEMU. */
static void test_tokens(void **state)
{
    CLEANUP(mem) char *at_limit = listed("[]", (65536 - 6 - 2) / 2);
    CLEANUP(mem) char *over = listed("0", (65537 - 6 - 1) / 2);
    Reason why = {""};

    (void)state;
    assert_true(is_taken(at_limit, strlen(at_limit), &why));
    assert_false(is_taken(over, strlen(over), &why));
    assert_has_word(why.text, "more than 65536 tokens");
}

static void test_key_length(void **state)
{
    CLEANUP(mem) char *longest = repeated('k', 255);
    CLEANUP(mem) char *at_limit = formatted("{\"a\":[{\"%s\":1}]}", longest);
    CLEANUP(mem) char *over = formatted("{\"a\":[{\"%sk\":1}]}", longest);
    Reason why = {""};

    (void)state;
    assert_true(is_taken(at_limit, strlen(at_limit), &why));
    assert_false(is_taken(over, strlen(over), &why));
    assert_has_word(why.text, "longer than 255 bytes");
}

/* Valid JSON that QEMU reads as two commands, since it forgets its braces on the way. */
static void test_two_million_tokens(void **state)
{
    CLEANUP(mem) char *text = listed("0", 1048576);
    Reason why = {""};

    (void)state;
    assert_false(is_taken(text, strlen(text), &why));
    assert_has_word(why.text, "more than 65536 tokens");
}

/* An object around a string that fills it to @length bytes. */
static char *filled(size_t length)
{
    char *text = repeated('x', length);

    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + length - 2, "\"}", 2);
    return text;
}

static void test_bytes(void **state)
{
    CLEANUP(mem) char *at_limit = filled(4194304);
    CLEANUP(mem) char *over = filled(4194305);
    Reason why = {""};

    (void)state;
    assert_true(is_taken(at_limit, strlen(at_limit), &why));
    assert_false(is_taken(over, strlen(over), &why));
    assert_has_word(why.text, "4194305 bytes");
}

static void test_longest_canonical_text(void **state)
{
    CLEANUP(json) json_object *object = json_object_new_object();
    CLEANUP(mem) char *deletes = repeated('\x7f', 1000);
    CLEANUP(mem) char *canonical = NULL;

    (void)state;
    json_object_object_add(object, "a", json_object_new_string(deletes));
    canonical = json_canonical_text(object);
    assert_int_equal(strlen(canonical), strlen("{\"a\":\"\"}") + 6 * 1000);
}

/* Nothing that could not be sent is ever written, whoever made the object. */
static void test_unsendable_object(void **state)
{
    static const char *const values[] = {"\xff", "\xed\xa0\x80", "\xc0\x80", "\xef\xbf\xbe"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        CLEANUP(json) json_object *object = json_object_new_object();

        json_object_object_add(object, "a", json_object_new_string(values[i]));
        assert_null(json_canonical_text(object));
    }
}

static void test_no_reason_wanted(void **state)
{
    (void)state;
    assert_false(is_taken("{", 1, NULL));
    assert_true(is_taken("{}", 2, NULL));
}

int main(void)
{
    UNIT_ADD_ROWS(document_rows, test_row);
    UNIT_ADD_ROWS(number_rows, test_row);
    UNIT_ADD_ROWS(string_rows, test_row);
    UNIT_ADD_ROWS(key_rows, test_row);
    UNIT_ADD_ROWS(resumption_rows, test_row);
    unit_add("32 and 33 levels", test_depth, NULL);
    unit_add("32 and 33 levels of objects", test_depth_of_objects, NULL);
    unit_add("65536 and 65537 tokens", test_tokens, NULL);
    unit_add("keys of 255 and 256 bytes", test_key_length, NULL);
    unit_add("2 million tokens", test_two_million_tokens, NULL);
    unit_add("4194304 and 4194305 bytes", test_bytes, NULL);
    unit_add("the longest canonical text", test_longest_canonical_text, NULL);
    unit_add("an object that cannot be sent", test_unsendable_object, NULL);
    unit_add("nobody wants the reason", test_no_reason_wanted, NULL);
    return unit_run("json_strict");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HMP lines, as parsing.md section 4 says that QEMU reads them. A line is either
 * rebuilt so that QEMU reads it as it was judged, or refused.
 */
#include "unit.h"

#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

typedef struct LineRow {
    const char *name;
    const char *text;
    size_t length;
    const char *line; /* what is forwarded; NULL: the line is refused ... */
    const char *arguments; /* as JSON; or what is in the reason */
} LineRow;

#define YES(name, text, line, arguments)                                                           \
    {                                                                                              \
        name, BYTES(text), line, arguments                                                         \
    }
#define NO(name, text, because)                                                                    \
    {                                                                                              \
        name, BYTES(text), NULL, because                                                           \
    }

static const LineRow name_rows[] = {
    YES("a command", "stop", "stop", "{}"),
    YES("space around it", " \t\n\rstop \t\n\r", "stop", "{}"),
    NO("nothing", "", "without a command"),
    NO("only space", " \t\n\r", "without a command"),
    NO("only a slash", "/", "without a command"),
    YES("alias q", "q", "quit", "{}"),
    YES("alias c", "c", "cont", "{}"),
    YES("alias s", "s", "stop", "{}"),
    YES("alias p", "p 1", "print 1", "{\"val\":1}"),
    YES("alias ?", "?", "help", "{}"),
    YES("alias ? with a word", "? info", "help info", "{\"name\":\"info\"}"),
    NO("all names of the table row", "quit|q", "not an HMP command name"),
    YES("no abbreviations", "qui", "qui", "{}"),
    YES("case counts", "QUIT", "QUIT", "{}"),
    YES("slash ends a name", "logfile/etc/x", "logfile /etc/x", "{\"filename\":\"/etc/x\"}"),
    YES("slash ends a name, screendump", "screendump/x", "screendump /x", "{\"filename\":\"/x\"}"),
    YES("slash ends a name, dump-guest-memory", "dump-guest-memory/x", "dump-guest-memory /x",
        "{\"filename\":\"/x\"}"),
    YES("slash ends a name, qom-get", "qom-get/machine type", "qom-get /machine type",
        "{\"path\":\"/machine\",\"property\":\"type\"}"),
    YES("slash ends an alias", "?/x", "help /x", "{\"name\":\"/x\"}"),
    NO("slash leaves an argument over", "quit/", "goes on after its last argument"),
    NO("slash and an alias leave an argument over", "q/", "goes on after its last argument"),
    YES("info", "info", "info", "{}"),
    YES("info and space", "info ", "info", "{}"),
    YES("info sub-command", "info status", "info status", "{}"),
    YES("info sub-command, any space", "\tinfo\n status\r", "info status", "{}"),
    YES("info sub-command with an argument", "info block drive0", "info block drive0",
        "{\"device\":\"drive0\"}"),
    YES("slash ends a sub-command", "info rocker/x", "info rocker /x", "{\"name\":\"/x\"}"),
    NO("slash instead of a sub-command", "info/status", "`/`"),
    NO("slash before a sub-command", "info /status", "without a command"),
    NO("slash behind a sub-command", "info status/", "goes on after its last argument"),
    NO("argument of a sub-command left over", "info status x", "goes on after its last argument"),
    YES("sub-command that nobody knows", "info nonesuch", "info nonesuch", "{}"),
    YES("aliases are not for sub-commands", "info q", "info q", "{}"),
    YES("a sub-command is no command", "status", "status", "{}"),
    YES("human-monitor-command is no HMP command", "human-monitor-command x",
        "human-monitor-command x", "{}"),
    NO("quoted name", "\"quit\"", "not an HMP command name"),
    NO("name with a no-break space", "quit\xc2\xa0", "not an HMP command name"),
    NO("name with a letter outside ASCII", "qu\xc3\xadt", "not an HMP command name"),
    NO("semicolon", "stop;quit", "not an HMP command name"),
    NO("comment sign", "# quit", "not an HMP command name"),
    NO("second command behind a newline", "stop\nquit", "goes on after its last argument"),
    NO("second command behind a semicolon", "stop ;quit", "goes on after its last argument"),
    YES("name of 63 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "{}"),
    NO("name of 64 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
       "longer than 63 bytes"),
};

static const LineRow byte_rows[] = {
    NO("NUL", "stop\0", "at byte 4"),
    NO("NUL in front of more", "stop\0quit", "at byte 4"),
    NO("control character", "stop\x01", "at byte 4"),
    NO("form feed, white space to QEMU", "info\fstatus", "at byte 4"),
    NO("vertical tab, white space to QEMU", "info\vstatus", "at byte 4"),
    NO("backspace", "quit\bstop", "at byte 4"),
    NO("escape sequence", "\x1b[2J", "at byte 0"),
    NO("DEL", "stop\x7f", "at byte 4"),
    NO("FE", "savevm x\xfe{'execute':'quit'}", "at byte 8"),
    NO("FF", "savevm x\xff{'execute':'quit'}", "at byte 8"),
    NO("FF in quotes", "savevm \"\xff\"", "at byte 8"),
    NO("FF in the rest of the line", "object_add x\xff", "at byte 12"),
    NO("byte 80", "savevm \x80", "at byte 7"),
    NO("overlong NUL", "savevm \xc0\x80", "at byte 7"),
    NO("surrogate", "savevm \xed\xa0\x80", "at byte 7"),
    NO("noncharacter", "savevm \xef\xbf\xbe", "at byte 7"),
    NO("character cut by the end", "savevm \xc3", "at byte 7"),
    YES("letter outside ASCII", "savevm caf\xc3\xa9", "savevm \"caf\xc3\xa9\"",
        "{\"name\":\"caf\\u00e9\"}"),
    YES("no-break space is no space",
        "savevm a\xc2\xa0"
        "b",
        "savevm \"a\xc2\xa0"
        "b\"",
        "{\"name\":\"a\\u00a0b\"}"),
    YES("tab between words", "qom-get\t/a\tb", "qom-get /a b",
        "{\"path\":\"/a\",\"property\":\"b\"}"),
    YES("newline between words", "qom-get\n/a\r\nb", "qom-get /a b",
        "{\"path\":\"/a\",\"property\":\"b\"}"),
    YES("space in quotes", "savevm \"a b\"", "savevm \"a b\"", "{\"name\":\"a b\"}"),
    NO("tab in quotes", "savevm \"a\tb\"", "control character"),
    NO("newline in quotes", "savevm \"a\nb\"", "control character"),
    NO("carriage return in quotes", "savevm \"a\rb\"", "control character"),
    NO("tab in the rest of the line", "object_add a\tb", "control character"),
    NO("newline in the rest of the line", "object_add a\nb", "control character"),
    YES("newline behind the rest of the line", "object_add a b\n", "object_add a b",
        "{\"object\":\"a b\"}"),
};

static const LineRow string_rows[] = {
    YES("word", "savevm x", "savevm x", "{\"name\":\"x\"}"),
    YES("word in quotes that needs none", "savevm \"x\"", "savevm x", "{\"name\":\"x\"}"),
    YES("left out", "savevm", "savevm", "{}"),
    NO("left out, but needed", "loadvm", "'name' is missing"),
    YES("empty", "savevm \"\"", "savevm \"\"", "{\"name\":\"\"}"),
    NO("no closing quote", "savevm \"x", "closing quote"),
    NO("quote alone", "savevm \"", "closing quote"),
    YES("escaped quote", "savevm \"a\\\"b\"", "savevm \"a\\\"b\"", "{\"name\":\"a\\\"b\"}"),
    YES("escaped backslash", "savevm \"a\\\\\"", "savevm \"a\\\\\"", "{\"name\":\"a\\\\\"}"),
    YES("escaped single quote", "savevm \"a\\'b\"", "savevm a'b", "{\"name\":\"a'b\"}"),
    NO("escaped newline", "savevm \"a\\nb\"", "unknown escape"),
    NO("escaped carriage return", "savevm \"a\\rb\"", "unknown escape"),
    NO("escaped letter, which QEMU aborts on", "savevm \"a\\tb\"", "unknown escape"),
    NO("escaped space", "savevm \"a\\ b\"", "unknown escape"),
    NO("escape at the end", "savevm \"a\\", "unknown escape"),
    YES("backslash without quotes is itself", "savevm a\\nb", "savevm \"a\\\\nb\"",
        "{\"name\":\"a\\\\nb\"}"),
    NO("backslash does not hide a space", "savevm a\\ b", "goes on after its last argument"),
    NO("single quotes are themselves", "savevm 'a b'", "goes on after its last argument"),
    YES("single quotes around a word", "savevm 'a'", "savevm \"'a'\"", "{\"name\":\"'a'\"}"),
    YES("quote inside a word is itself", "savevm a\"b\"c", "savevm \"a\\\"b\\\"c\"",
        "{\"name\":\"a\\\"b\\\"c\"}"),
    YES("semicolon inside a word is itself", "savevm a;b", "savevm a;b", "{\"name\":\"a;b\"}"),
    YES("dollar in a word is itself", "savevm a$pc", "savevm a$pc", "{\"name\":\"a$pc\"}"),
    NO("text behind a closing quote", "savevm \"a\"b", "goes on after its last argument"),
    YES("next argument right behind a closing quote", "qom-get \"/a\"b", "qom-get /a b",
        "{\"path\":\"/a\",\"property\":\"b\"}"),
    YES("quotes right behind a closing quote", "qom-get \"/a\"\"b\"", "qom-get /a b",
        "{\"path\":\"/a\",\"property\":\"b\"}"),
    NO("one argument too many", "savevm a b", "goes on after its last argument"),
    YES("dash where no flag is", "savevm -x", "savevm \"-x\"", "{\"name\":\"-x\"}"),
    YES("words keep their order", "info stats vm \"\" kvm", "info stats vm \"\" kvm",
        "{\"target\":\"vm\",\"names\":\"\",\"provider\":\"kvm\"}"),
    YES("options in one word", "device_add e1000,id=n1,,x", "device_add e1000,id=n1,,x",
        "{\"device\":\"e1000,id=n1,,x\"}"),
    YES("options in quotes", "device_add \"x,id=a b\"", "device_add \"x,id=a b\"",
        "{\"device\":\"x,id=a b\"}"),
    YES("options left out", "device_add", "device_add", "{}"),
    NO("options in two words", "device_add e1000 id=n1", "goes on after its last argument"),
    YES("rest of the line keeps its quotes", "object_add \"a b\"  c\\", "object_add \"a b\"  c\\",
        "{\"object\":\"\\\"a b\\\"  c\\\\\"}"),
    YES("rest of the line may be JSON", "object_add {'qom-type':'x', \"id\":\"y\"}",
        "object_add {'qom-type':'x', \"id\":\"y\"}",
        "{\"object\":\"{'qom-type':'x', \\\"id\\\":\\\"y\\\"}\"}"),
    NO("rest of the line is needed", "object_add  ", "'object' is missing"),
    YES("rest of the line behind a word", "qom-set /a b c  d", "qom-set /a b c  d",
        "{\"path\":\"/a\",\"property\":\"b\",\"value\":\"c  d\"}"),
    YES("rest of the line right behind a closing quote", "qom-set /a \"b\"c", "qom-set /a b c",
        "{\"path\":\"/a\",\"property\":\"b\",\"value\":\"c\"}"),
};

static const LineRow number_rows[] = {
    YES("decimal", "balloon 1024", "balloon 1024", "{\"value\":1024}"),
    YES("hexadecimal", "balloon 0x10", "balloon 0x10", "{\"value\":16}"),
    YES("octal", "balloon 010", "balloon 010", "{\"value\":8}"),
    YES("negative", "gva2gpa -5", "gva2gpa -5", "{\"addr\":-5}"),
    YES("2^63-1", "gva2gpa 9223372036854775807", "gva2gpa 9223372036854775807",
        "{\"addr\":9223372036854775807}"),
    NO("2^64-1, which is -1", "gva2gpa 0xffffffffffffffff", "not a plain number"),
    NO("2^64", "gva2gpa 0x10000000000000000", "not a plain number"),
    NO("-2^63-1", "gva2gpa -9223372036854775809", "not a plain number"),
    NO("missing", "balloon", "not a plain number"),
    NO("word", "balloon x", "not a plain number"),
    NO("number in quotes", "balloon \"1\"", "not a plain number"),
    NO("digits and letters", "balloon 1x", "not a plain number"),
    NO("8 in octal", "balloon 08", "not a plain number"),
    NO("0x alone", "balloon 0x", "not a plain number"),
    NO("fraction", "balloon 1.5", "not a plain number"),
    NO("plus sign", "balloon +1", "not a plain number"),
    NO("two minus signs", "balloon --1", "not a plain number"),
    NO("minus and space", "balloon - 1", "not a plain number"),
    NO("complement", "balloon ~1", "not a plain number"),
    NO("character", "balloon 'a'", "not a plain number"),
    NO("register", "x $pc", "not a plain number"),
    NO("brackets", "balloon (1)", "not a plain number"),
    NO("sum", "balloon 1+1", "not a plain number"),
    NO("sum with space", "balloon 1 + 1", "arithmetic"),
    NO("difference with space", "balloon 1 -1", "arithmetic"),
    NO("product with space", "balloon 2 *3", "arithmetic"),
    NO("remainder with space", "balloon 2 % 3", "arithmetic"),
    NO("and with space", "balloon 2 & 3", "arithmetic"),
    NO("or with space", "balloon 2 | 3", "arithmetic"),
    NO("exclusive or with space", "balloon 2 ^ 3", "arithmetic"),
    NO("register behind an operator", "balloon 2 +$pc", "arithmetic"),
    NO("glued to quotes", "pmemsave 0 8-4\"x\"", "not a plain number"),
    NO("glued to quotes without an operator", "pmemsave 0 4\"x\"", "not a plain number"),
    NO("path behind a number is a division", "pmemsave 0 16 /x", "double quotes"),
    YES("path behind a number, in quotes", "pmemsave 0 16 \"/x\"", "pmemsave 0 16 \"/x\"",
        "{\"val\":0,\"size\":16,\"filename\":\"/x\"}"),
    NO("path behind a number, over a newline", "memsave 0 16\n/x", "double quotes"),
    YES("word behind a number", "pmemsave 0 16 x", "pmemsave 0 16 x",
        "{\"val\":0,\"size\":16,\"filename\":\"x\"}"),
    YES("quoted word behind a number that needs no quotes", "pmemsave 0 16 \"x\"",
        "pmemsave 0 16 x", "{\"val\":0,\"size\":16,\"filename\":\"x\"}"),
    YES("operator behind a number, in quotes", "pmemsave 0 16 \"+x\"", "pmemsave 0 16 \"+x\"",
        "{\"val\":0,\"size\":16,\"filename\":\"+x\"}"),
    YES("path behind a word needs no quotes", "qom-get \"/a\" \"/b\"", "qom-get /a /b",
        "{\"path\":\"/a\",\"property\":\"/b\"}"),
    YES("number left out", "sendkey a", "sendkey a", "{\"keys\":\"a\"}"),
    YES("number not left out", "sendkey a 5", "sendkey a 5", "{\"keys\":\"a\",\"hold-time\":5}"),
    YES("32 bits", "cpu 4294967295", "cpu 4294967295", "{\"index\":4294967295}"),
    NO("33 bits, where QEMU takes 32", "cpu 4294967296", "'index'"),
    NO("negative, where QEMU takes 32 bits", "cpu -1", "'index'"),
    YES("64 bits", "gva2gpa 4294967296", "gva2gpa 4294967296", "{\"addr\":4294967296}"),
    NO("number behind a dot", "i 0x60 .5", "dot"),
    YES("number behind a dot left out", "i 0x60", "i 0x60", "{\"addr\":96}"),
};

static const LineRow other_rows[] = {
    YES("format glued to the name", "x/10i 0x1000", "x /10i 0x1000",
        "{\"fmt\":\"/10i\",\"addr\":4096}"),
    YES("format as a word", "xp /4xw 0", "xp /4xw 0", "{\"fmt\":\"/4xw\",\"addr\":0}"),
    YES("format left out", "x 0", "x 0", "{\"addr\":0}"),
    YES("format of one letter", "o/b 0x70 1", "o /b 0x70 1",
        "{\"fmt\":\"/b\",\"addr\":112,\"val\":1}"),
    YES("bare slash", "x/ 0", "x / 0", "{\"fmt\":\"/\",\"addr\":0}"),
    NO("format letter that is not listed", "x/s 0", "'fmt' is not readable"),
    NO("digits behind the format's letters", "x/x5 0", "'fmt' is not readable"),
    NO("two slashes", "x//x 0", "'fmt' is not readable"),
    NO("format without an address", "x/i", "not a plain number"),
    NO("register behind a format", "x/10i $pc", "not a plain number"),
    YES("size with a suffix", "block_resize d 10G", "block_resize d 10G",
        "{\"device\":\"d\",\"size\":\"10G\"}"),
    YES("size with a fraction", "block_resize d 1.5k", "block_resize d 1.5k",
        "{\"device\":\"d\",\"size\":\"1.5k\"}"),
    YES("size in hexadecimal", "block_resize d 0x1000", "block_resize d 0x1000",
        "{\"device\":\"d\",\"size\":\"0x1000\"}"),
    NO("size in hexadecimal with a suffix", "block_resize d 0x10k", "'size' is not readable"),
    YES("word behind a size", "block_stream d 1k abc", "block_stream d 1k abc",
        "{\"device\":\"d\",\"speed\":\"1k\",\"base\":\"abc\"}"),
    NO("word glued to a size is the next argument to QEMU", "block_stream d 1kabc",
       "'speed' is not readable"),
    NO("size without digits", "block_resize d abc", "'size' is not readable"),
    NO("size without digits before its point", "block_resize d .5k", "'size' is not readable"),
    NO("size with an exponent, or exabytes and a rest", "block_resize d 1e5",
       "'size' is not readable"),
    NO("size in quotes", "block_resize d \"1\"", "'size' is not readable"),
    NO("negative size", "block_resize d -1", "'size' is not readable"),
    NO("sum of sizes", "block_resize d 1+1", "'size' is not readable"),
    YES("time", "migrate_set_downtime 1.5ms", "migrate_set_downtime 1.5ms",
        "{\"value\":\"1.5ms\"}"),
    YES("time without a unit", "migrate_set_downtime 2", "migrate_set_downtime 2",
        "{\"value\":\"2\"}"),
    NO("time without digits", "migrate_set_downtime ms", "'value' is not readable"),
    NO("time of another unit", "migrate_set_downtime 1h", "'value' is not readable"),
    YES("on", "set_link n on", "set_link n on", "{\"name\":\"n\",\"up\":\"on\"}"),
    YES("off", "set_link n off", "set_link n off", "{\"name\":\"n\",\"up\":\"off\"}"),
    NO("true", "set_link n true", "'up' is not readable"),
    NO("neither on nor off", "set_link n no", "'up' is not readable"),
    NO("on, in quotes", "set_link n \"on\"", "'up' is not readable"),
    NO("on and more", "set_link n on x", "goes on after its last argument"),
    YES("flag", "eject -f cd", "eject -f cd", "{\"force\":true,\"device\":\"cd\"}"),
    YES("flag left out", "eject cd", "eject cd", "{\"device\":\"cd\"}"),
    NO("flag that is not declared", "eject -x cd", "not known here"),
    NO("dash alone", "eject - cd", "not known here"),
    NO("text glued to a flag", "migrate -dexec:x", "glued"),
    NO("quotes glued to a flag", "migrate -d\"exec:x\"", "glued"),
    NO("flag glued to a flag", "migrate -dr tcp:x", "glued"),
    YES("flags in the declared order", "migrate -d -r tcp:x", "migrate -d -r tcp:x",
        "{\"detach\":true,\"resume\":true,\"uri\":\"tcp:x\"}"),
    YES("only the second flag", "migrate -r tcp:x", "migrate -r tcp:x",
        "{\"resume\":true,\"uri\":\"tcp:x\"}"),
    NO("flags in another order", "migrate -r -d tcp:x", "goes on after its last argument"),
    NO("flag twice", "migrate -d -d tcp:x", "not known here"),
    YES("flag in quotes is a word", "eject \"-f\"", "eject \"-f\"", "{\"device\":\"-f\"}"),
    NO("flag behind the word", "eject cd -f", "goes on after its last argument"),
    NO("flag and nothing behind it", "eject -f", "'device' is missing"),
    YES("flag with a string", "screendump /x -f png", "screendump /x -f png",
        "{\"filename\":\"/x\",\"format\":\"png\"}"),
    YES("flag with a string in quotes", "screendump /x -f \"a b\" d 1",
        "screendump /x -f \"a b\" d 1",
        "{\"filename\":\"/x\",\"format\":\"a b\",\"device\":\"d\",\"head\":1}"),
    NO("flag with its string glued on", "screendump /x -fpng", "glued"),
    NO("flag without its string", "screendump /x -f", "'format' is missing"),
    YES("flag before it is declared is a word", "screendump -f", "screendump \"-f\"",
        "{\"filename\":\"-f\"}"),
    YES("migration to a program", "migrate \"exec:sh -c x\"", "migrate \"exec:sh -c x\"",
        "{\"uri\":\"exec:sh -c x\"}"),
};

static const LineRow unknown_rows[] = {
    YES("alone", "nonesuch", "nonesuch", "{}"),
    YES("words", "nonesuch  a\tb ", "nonesuch a b", "{}"),
    YES("slash", "nonesuch/a/b", "nonesuch /a/b", "{}"),
    NO("quotes", "nonesuch \"a\"", "not in the catalogue"),
    NO("quote inside a word", "nonesuch a\"b", "not in the catalogue"),
    NO("backslash", "nonesuch a\\b", "not in the catalogue"),
    NO("letter outside ASCII", "nonesuch \xc3\xa9", "not in the catalogue"),
    YES("single quotes", "nonesuch 'a'", "nonesuch 'a'", "{}"),
    NO("sub-command with quotes", "info nonesuch \"a\"", "not in the catalogue"),
};

static void test_row(void **state)
{
    const LineRow *row = *state;
    CLEANUP(mem) char *copy = malloc(row->length ? row->length : 1);
    HmpLine line = {0};
    HmpLine again = {0};
    Reason why = {""};

    /* Without a NUL behind it, so that reading on is seen by the sanitizer. */
    assert_non_null(copy);
    memcpy(copy, row->text, row->length);
    if (!row->line) {
        assert_int_equal(hmp_line_parse(copy, row->length, &line, &why), -1);
        assert_has_word(why.text, row->arguments);
        assert_null(line.line);
        return;
    }
    if (hmp_line_parse(copy, row->length, &line, &why) < 0)
        fail_msg("refused: %s", why.text);
    assert_string_equal(line.line, row->line);
    assert_json(line.arguments, row->arguments);

    /* What was rebuilt reads as itself. */
    assert_int_equal(hmp_line_parse(line.line, strlen(line.line), &again, &why), 0);
    assert_string_equal(again.line, line.line);
    assert_string_equal(again.name, line.name);
    assert_true(json_object_equal(again.arguments, line.arguments));
    assert_ptr_equal(again.entry, line.entry);
    hmp_line_clear(&again);
    hmp_line_clear(&line);
}

static bool is_taken(const char *text, Reason *why)
{
    HmpLine line = {0};
    bool taken = hmp_line_parse(text, strlen(text), &line, why) == 0;

    hmp_line_clear(&line);
    return taken;
}

/* QEMU cuts at 1023 bytes without a word. */
static void test_string_length(void **state)
{
    static const char *const formats[] = {"savevm %s", "savevm \"%s\"", "device_add %s",
                                          "screendump x -f %s"};
    CLEANUP(mem) char *at_limit = repeated('x', 1023);
    CLEANUP(mem) char *over = repeated('x', 1024);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        int cut = (int)(strstr(formats[i], "%s") - formats[i]);
        const char *behind = formats[i] + cut + 2;
        CLEANUP(mem) char *good = formatted("%.*s%s%s", cut, formats[i], at_limit, behind);
        CLEANUP(mem) char *bad = formatted("%.*s%s%s", cut, formats[i], over, behind);
        Reason why = {""};

        if (!is_taken(good, &why))
            fail_msg("%s: %s", formats[i], why.text);
        assert_false(is_taken(bad, &why));
        assert_has_word(why.text, "longer than 1023 bytes");
    }
}

/* An escape is one byte of the string, not two. */
static void test_string_length_counts_what_is_read(void **state)
{
    char text[2 * 1023 + 16];
    char *at = stpcpy(text, "savevm \"");
    Reason why = {""};

    (void)state;
    for (int i = 0; i < 1023; i++)
        at = stpcpy(at, "\\\\");
    strcpy(at, "\"");
    assert_true(is_taken(text, &why));
    strcpy(at, "x\"");
    assert_false(is_taken(text, &why));
    assert_has_word(why.text, "longer than 1023 bytes");
}

static void test_line_length(void **state)
{
    CLEANUP(mem) char *spaces = repeated(' ', 4096 - 4);
    CLEANUP(mem) char *at_limit = formatted("stop%s", spaces);
    CLEANUP(mem) char *over = formatted("stop %s", spaces);
    CLEANUP(mem) char *rest = repeated('x', 4096 - strlen("object_add "));
    CLEANUP(mem) char *long_rest = formatted("object_add %s", rest);
    Reason why = {""};

    (void)state;
    assert_true(is_taken(at_limit, &why));
    assert_false(is_taken(over, &why));
    assert_has_word(why.text, "4097 bytes, more than 4096");
    /* The rest of a line is not cut by QEMU. */
    assert_true(is_taken(long_rest, &why));
}

/* Quoting makes a line longer; what is forwarded keeps the limit too. */
static void test_rebuilt_length(void **state)
{
    CLEANUP(mem) char *quotes = repeated('"', 900);
    CLEANUP(mem) char *text = formatted("info stats a%s a%s a%s", quotes, quotes, quotes);
    HmpLine line = {0};
    Reason why = {""};

    (void)state;
    if (hmp_line_parse(text, strlen(text), &line, &why) < 0) {
        assert_has_word(why.text, "4096");
        return;
    }
    assert_true(strlen(line.line) <= HMP_LINE_MAX);
    hmp_line_clear(&line);
}

static void test_clear(void **state)
{
    HmpLine line = {0};

    (void)state;
    hmp_line_clear(&line);
    assert_int_equal(hmp_line_parse("stop", 4, &line, NULL), 0);
    hmp_line_clear(&line);
    assert_null(line.line);
    hmp_line_clear(&line);
    assert_int_equal(hmp_line_parse("\"", 1, &line, NULL), -1);
}

int main(void)
{
    UNIT_ADD_ROWS(name_rows, test_row);
    UNIT_ADD_ROWS(byte_rows, test_row);
    UNIT_ADD_ROWS(string_rows, test_row);
    UNIT_ADD_ROWS(number_rows, test_row);
    UNIT_ADD_ROWS(other_rows, test_row);
    UNIT_ADD_ROWS(unknown_rows, test_row);
    unit_add("strings of 1023 and 1024 bytes", test_string_length, NULL);
    unit_add("escapes count once", test_string_length_counts_what_is_read, NULL);
    unit_add("lines of 4096 and 4097 bytes", test_line_length, NULL);
    unit_add("a rebuilt line above the limit", test_rebuilt_length, NULL);
    unit_add("clear", test_clear, NULL);
    return unit_run("hmp_line");
}

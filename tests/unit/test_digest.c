/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One digest for all spellings of a policy, and another for everything that it may say. */
#include "unit.h"

#include "util/cleanup.h"
#include "util/digest.h"

#include <string.h>

#define NS POLICY_NAMESPACE

typedef struct DigestRow {
    const char *name;
    PolicyKind kind;
    const char *one;
    const char *other;
} DigestRow;

#define IN_DOMAIN(name, one, other)                                                                \
    {                                                                                              \
        name, POLICY_DOMAIN, "<policy>" one "</policy>", "<policy>" other "</policy>"              \
    }
#define IN_HOST(name, one, other)                                                                  \
    {                                                                                              \
        name, POLICY_HOST, "<policy xmlns='" NS "'>" one "</policy>",                              \
            "<policy xmlns='" NS "'>" other "</policy>"                                            \
    }

static const DigestRow equal_rows[] = {
    {"default namespace and none", POLICY_DOMAIN,
     "<policy xmlns='" NS "' mode='audit'><deny command='quit'/></policy>",
     "<policy mode='audit'><deny command='quit'/></policy>"},
    {"prefix and none", POLICY_DOMAIN,
     "<q:policy xmlns:q='" NS "' mode='audit'><q:deny command='quit'/></q:policy>",
     "<policy mode='audit'><deny command='quit'/></policy>"},
    {"prefix and default namespace", POLICY_HOST,
     "<q:policy xmlns:q='" NS "'><q:deny command='quit'/></q:policy>",
     "<policy xmlns='" NS "'><deny command='quit'/></policy>"},
    {"two prefixes", POLICY_HOST, "<a:policy xmlns:a='" NS "'><a:delegate/></a:policy>",
     "<b:policy xmlns:b='" NS "'><c:delegate xmlns:c='" NS "'/></b:policy>"},
    {"a namespace that is not used", POLICY_DOMAIN, "<policy xmlns:x='urn:x'><deny/></policy>",
     "<policy><deny/></policy>"},
    {"order of the policy's attributes", POLICY_DOMAIN, "<policy mode='audit' profile='closed'/>",
     "<policy profile='closed' mode='audit'/>"},
    IN_DOMAIN("order of a rule's attributes", "<deny user='a' command='b' channel='hmp'/>",
              "<deny channel='hmp' command='b' user='a'/>"),
    IN_DOMAIN("order of an argument's attributes",
              "<deny><argument name='a' match='b' prefix='/c'/></deny>",
              "<deny><argument prefix='/c' match='b' name='a'/></deny>"),
    IN_HOST("order of a start rule's attributes",
            "<start><ignore finding='emulator' match='/a'/></start>",
            "<start><ignore match='/a' finding='emulator'/></start>"),
    IN_DOMAIN("white space", "<deny/><allow/>", "\n  <deny />\n\t<allow\n></allow>\n"),
    IN_DOMAIN("white space in a rule", "<deny><argument name='a' match='b'/></deny>",
              "<deny>\n<argument name='a' match='b'>  </argument>\n</deny>"),
    IN_DOMAIN("comments", "<deny/><allow/>", "<!-- <warn/> --><deny><!-- x --></deny><allow/>"),
    IN_DOMAIN("quotes", "<deny user='a'/>", "<deny user=\"a\"/>"),
    IN_DOMAIN("characters by number", "<deny user='a&lt;b'/>", "<deny user='&#97;&#x3c;b'/>"),
    IN_DOMAIN("end tag", "<deny/>", "<deny></deny>"),
    {"declaration", POLICY_DOMAIN, "<policy/>", "<?xml version='1.0' encoding='UTF-8'?><policy/>"},
};

static const DigestRow different_rows[] = {
    {"an attribute of the policy more", POLICY_DOMAIN, "<policy/>", "<policy mode='enforce'/>"},
    {"another mode", POLICY_DOMAIN, "<policy mode='enforce'/>", "<policy mode='audit'/>"},
    {"another profile", POLICY_DOMAIN, "<policy profile='closed'/>", "<policy profile='observe'/>"},
    {"order of profiles", POLICY_DOMAIN, "<policy profile='closed observe'/>",
     "<policy profile='observe closed'/>"},
    IN_DOMAIN("a rule more", "", "<deny/>"),
    IN_DOMAIN("the same rule twice", "<deny/>", "<deny/><deny/>"),
    IN_DOMAIN("another rule", "<deny/>", "<allow/>"),
    IN_DOMAIN("order of rules", "<deny/><allow/>", "<allow/><deny/>"),
    IN_DOMAIN("an attribute more", "<deny/>", "<deny command='a'/>"),
    IN_DOMAIN("another attribute", "<deny user='a'/>", "<deny purpose='a'/>"),
    IN_DOMAIN("another value", "<deny user='a'/>", "<deny user='b'/>"),
    IN_DOMAIN("another letter case", "<deny user='a'/>", "<deny user='A'/>"),
    IN_DOMAIN("a blank in a value", "<deny user='a b'/>", "<deny user='a  b'/>"),
    IN_DOMAIN("a blank behind a value", "<deny user='a'/>", "<deny user='a '/>"),
    IN_DOMAIN("values exchanged", "<deny user='a' purpose='b'/>", "<deny user='b' purpose='a'/>"),
    IN_DOMAIN("an attribute of the next rule", "<deny user='a'/><deny/>",
              "<deny/><deny user='a'/>"),
    IN_DOMAIN("a value that looks like an attribute", "<deny user='a@purposeb'/>",
              "<deny user='a' purpose='b'/>"),
    IN_DOMAIN("a value that looks like an element", "<deny user='a&lt;deny'/>",
              "<deny user='a'/><deny/>"),
    IN_DOMAIN("an argument more", "<deny/>", "<deny><argument name='a' match='b'/></deny>"),
    IN_DOMAIN("another argument", "<deny><argument name='a' match='b'/></deny>",
              "<deny><argument name='c' match='b'/></deny>"),
    IN_DOMAIN("another test", "<deny><argument name='a' match='1'/></deny>",
              "<deny><argument name='a' value='1'/></deny>"),
    IN_DOMAIN("order of arguments",
              "<deny><argument name='a' match='1'/><argument name='b' match='1'/></deny>",
              "<deny><argument name='b' match='1'/><argument name='a' match='1'/></deny>"),
    IN_DOMAIN("an argument of the next rule", "<deny><argument name='a' match='1'/></deny><deny/>",
              "<deny/><deny><argument name='a' match='1'/></deny>"),
    IN_HOST("an empty start", "", "<start/>"),
    IN_HOST("a start rule more", "<start/>", "<start><warn/></start>"),
    IN_HOST("another start rule", "<start><ignore/></start>", "<start><warn/></start>"),
    IN_HOST("another finding", "<start><warn finding='argument'/></start>",
            "<start><warn finding='override'/></start>"),
    IN_HOST("order of start rules", "<start><warn/><refuse/></start>",
            "<start><refuse/><warn/></start>"),
    IN_HOST("another delegate", "<delegate/>", "<delegate user='a'/>"),
    IN_DOMAIN("a name of another kind", "<deny sasl='a'/>", "<deny x509='a'/>"),
    IN_DOMAIN("another SASL name", "<deny sasl='a'/>", "<deny sasl='b'/>"),
    IN_DOMAIN("another certificate", "<deny x509='CN=a'/>", "<deny x509='CN=b'/>"),
    IN_DOMAIN("another SELinux context", "<deny selinux='a:*'/>", "<deny selinux='*'/>"),
    IN_DOMAIN("a permission that is required", "<allow/>", "<allow require='native'/>"),
    IN_DOMAIN("a limit more", "", "<limit count='1' per='1m'/>"),
    IN_DOMAIN("a limit and a rule", "<limit count='1' per='1m'/><deny/>",
              "<deny/><limit count='1' per='1m'/>"),
    IN_DOMAIN("another count", "<limit count='1' per='1m'/>", "<limit count='2' per='1m'/>"),
    IN_DOMAIN("another time", "<limit count='1' per='1m'/>", "<limit count='1' per='1h'/>"),
    IN_DOMAIN("another condition of a limit", "<limit command='quit' count='1' per='1m'/>",
              "<limit command='stop' count='1' per='1m'/>"),
    IN_DOMAIN("an argument of a limit", "<limit command='quit' count='1' per='1m'/>",
              "<limit command='quit' count='1' per='1m'><argument name='a' match='b'/></limit>"),
    {"groups to confirm", POLICY_HOST, "<policy xmlns='" NS "'/>",
     "<policy xmlns='" NS "' confirm='@host'/>"},
    {"other groups to confirm", POLICY_HOST, "<policy xmlns='" NS "' confirm='@host @unknown'/>",
     "<policy xmlns='" NS "' confirm='@host'/>"},
};

static void test_row(const DigestRow *row, bool is_equal)
{
    PolicyError error = {0};
    Policy *one = policy_parse(row->one, strlen(row->one), row->kind, &error);
    Policy *other = policy_parse(row->other, strlen(row->other), row->kind, &error);

    if (!one || !other)
        fail_msg("%s", error.reason.text);
    assert_int_equal(strlen(one->digest), 64);
    assert_int_equal(strspn(one->digest, "0123456789abcdef"), 64);
    if (is_equal)
        assert_string_equal(one->digest, other->digest);
    else
        assert_string_not_equal(one->digest, other->digest);
    policy_unref(one);
    policy_unref(other);
}

static void test_equal_row(void **state)
{
    test_row(*state, true);
}

static void test_different_row(void **state)
{
    test_row(*state, false);
}

typedef struct VectorRow {
    const char *name;
    const char *first;
    const char *second;
    const char *wanted;
} VectorRow;

/* FIPS 180-4's examples. */
static const VectorRow vector_rows[] = {
    {"nothing", "", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "abc", "", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abc in parts", "a", "bc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"two blocks", "abcdbcdecdefdefgefghfghighijhijk", "ijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void test_vector(void **state)
{
    const VectorRow *row = *state;
    char text[DIGEST_TEXT_SIZE];
    Digest digest;

    digest_start(&digest);
    digest_add(&digest, row->first, strlen(row->first));
    digest_add(&digest, row->second, strlen(row->second));
    digest_finish(&digest, text);
    assert_string_equal(text, row->wanted);
}

/* printf '<\0policy\0>\0' | sha256sum */
static void test_empty_policy(void **state)
{
    Policy *policy = policy_of(POLICY_DOMAIN, "", "");

    (void)state;
    assert_string_equal(policy->digest,
                        "988be20886dd5f7f6bc113df7a5cc86fb7e3cbc4d9ec83c0941da65c4fa2a579");
    policy_unref(policy);
}

/* A text counts with its end: `ab`, `c` is not `a`, `bc`. */
static void test_texts(void **state)
{
    char one[DIGEST_TEXT_SIZE];
    char other[DIGEST_TEXT_SIZE];
    Digest digest;

    (void)state;
    digest_start(&digest);
    digest_add_text(&digest, "ab");
    digest_add_text(&digest, "c");
    digest_finish(&digest, one);
    digest_start(&digest);
    digest_add_text(&digest, "a");
    digest_add_text(&digest, "bc");
    digest_finish(&digest, other);
    assert_string_not_equal(one, other);
    digest_start(&digest);
    digest_add(&digest, BYTES("a\0bc\0"));
    digest_finish(&digest, one);
    assert_string_equal(one, other);
}

int main(void)
{
    UNIT_ADD_ROWS(equal_rows, test_equal_row);
    UNIT_ADD_ROWS(different_rows, test_different_row);
    UNIT_ADD_ROWS(vector_rows, test_vector);
    unit_add("an empty policy", test_empty_policy, NULL);
    unit_add("texts do not run together", test_texts, NULL);
    return unit_run("digest");
}

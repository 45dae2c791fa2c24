/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made of the lines of a trail, of libvirt's and the system's log, and of a journal. */
#include "trail/reader.h"
#include "trail/row.h"
#include "trail/scan.h"
#include "trail/when.h"
#include "unit.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <zlib.h>

#define CHAIN "f08a9c2f51ab4630f7ce417de633669dcd3151a8c51f381b08b05b8d79852dbe"
#define TIME "\"time\":\"2026-11-21T10:00:00.000000Z\""
#define LIBVIRT "2026-11-21 10:00:00.000+0000: 123: "

typedef struct Row {
    const char *name;
    const char *text; /* of the whole file */
    size_t length;
    const char *wanted; /* its records, as a JSON array */
    const char *complaint; /* what is said of it: `LINE: why`; NULL: nothing */
} Row;

static const Row rows[] = {
    /* The trail. */
    {"decision",
     BYTES("{" TIME ",\"event\":\"decision\",\"domain\":\"demo\",\"seq\":2,\"chain\":\"" CHAIN
           "\"}\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"demo\",\"seq\":2,\"chain\":\"" CHAIN "\"}]",
     NULL},
    {"lost",
     BYTES("{" TIME ",\"event\":\"lost\",\"records\":3,\"seq\":2,\"chain\":\"" CHAIN "\"}\n"),
     "[{" TIME ",\"event\":\"lost\",\"records\":3,\"seq\":2,\"chain\":\"" CHAIN "\"}]", NULL},
    {"lost, without a time", BYTES("{\"event\":\"lost\",\"records\":3}\n"),
     "[{\"event\":\"lost\",\"records\":3}]", NULL},
    {"blanks between members", BYTES("{ \"event\" : \"start\" }\n"), "[{\"event\":\"start\"}]",
     NULL},
    {"no newline at the end", BYTES("{\"event\":\"start\"}"), "[{\"event\":\"start\"}]", NULL},
    {"empty lines", BYTES("\n\n{\"event\":\"start\"}\n\n"), "[{\"event\":\"start\"}]", NULL},
    {"nothing", BYTES(""), "[]", NULL},
    {"torn", BYTES("{\"event\":\"start\"}\n{\"time\":\"2026"), "[{\"event\":\"start\"}]",
     "2: a JSON object without its end: it is torn"},
    {"without its start", BYTES("{\"event\":\"start\"}\n\"x\":1}\n"), "[{\"event\":\"start\"}]",
     "2: not a JSON object"},
    {"two objects in a line", BYTES("{\"event\":\"start\"}{\"event\":\"start\"}\n"), "[]",
     "1: not a JSON object"},
    {"no event", BYTES("{\"domain\":\"x\"}\n"), "[]", "1: a record without an event"},
    {"an event that is a number", BYTES("{\"event\":1}\n"), "[]", "1: a record without an event"},
    {"a domain that is a list", BYTES("{\"event\":\"start\",\"domain\":[]}\n"), "[]",
     "1: a member is no text"},
    {"an operation that is a number", BYTES("{\"event\":\"start\",\"operation\":1}\n"), "[]",
     "1: a member is no text"},
    {"no time", BYTES("{\"event\":\"start\",\"time\":\"soon\"}\n"), "[]", "1: its time is no time"},
    {"letters beyond ASCII", BYTES("{\"event\":\"start\",\"user\":\"\xc3\xa9\xf0\x9f\x98\x80\"}\n"),
     "[{\"event\":\"start\",\"user\":\"\xc3\xa9\xf0\x9f\x98\x80\"}]", NULL},
    {"invalid UTF-8", BYTES("{\"event\":\"\xff\"}\n"), "[]", "1: bytes that are not UTF-8"},
    {"a NUL in a record", BYTES("{\"event\":\"a\0b\"}\n"), "[]", "1: not a JSON object"},
    {"NULs, as a crash leaves them", BYTES("\0\0\0\0\n{\"event\":\"start\"}\n"),
     "[{\"event\":\"start\"}]", "1: NUL bytes: this is no text"},
    {"too deep",
     BYTES("{\"event\":\"start\",\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]"
           "]]]]]]]"
           "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}\n"),
     "[]", "1: not a JSON object"},

    {"a count of nothing", BYTES("{\"event\":\"repeat\",\"count\":0}\n"), "[]",
     "1: its count is no number from 1 to 10^15"},
    {"a count that is too high",
     BYTES("{" TIME ",\"event\":\"repeat\",\"count\":1000000000000001}\n"), "[]",
     "1: its count is no number from 1 to 10^15"},
    {"the same member twice", BYTES("{\"event\":\"start\",\"x\":1,\"\\u0078\":2}\n"), "[]",
     "1: a member that is there twice"},
    {"the same member twice, in the guard's own form",
     BYTES("{" TIME ",\"event\":\"start\",\"x\":1,\"x\":1,\"chain\":\"" CHAIN "\"}\n"), "[]",
     "1: a member that is there twice"},

    /* libvirt's log. */
    {"safe",
     BYTES(LIBVIRT "info : QMP: demo | query-block | params=[a,b] | user=alice"
                   " | timestamp=2026-11-21T09:59:59\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"demo\",\"command\":\"query-block\","
     "\"parameters\":[\"a\",\"b\"],\"user\":\"alice\",\"verdict\":\"allow\",\"class\":\"safe\","
     "\"channel\":\"qmp\"}]",
     NULL},
    {"safe, by a warn rule",
     BYTES("2026-11-21 10:00:00.000+0000: 1: warning : QMP: d | x | params=[] | user=a\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"parameters\":[],"
     "\"user\":\"a\",\"verdict\":\"warn\",\"class\":\"safe\",\"channel\":\"qmp\"}]",
     NULL},
    {"privileged", BYTES(LIBVIRT "warning : QMP privileged: demo | quit | user=alice\n"),
     "[{" TIME
     ",\"event\":\"decision\",\"domain\":\"demo\",\"command\":\"quit\",\"user\":\"alice\","
     "\"verdict\":\"warn\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},
    {"memory dump",
     BYTES(LIBVIRT "info : QMP memory dump: d | memsave | user=a | purpose=testing\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"memsave\",\"user\":\"a\","
     "\"purpose\":\"testing\",\"verdict\":\"allow\",\"class\":\"memory-dump\",\"channel\":\"qmp\"}"
     "]",
     NULL},
    {"blocked",
     BYTES(LIBVIRT "error : QMP blocked: demo | human-monitor-command | user=alice"
                   " | rule=baseline:@dangerous | hmp=info status\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"demo\",\"command\":\"human-monitor-command\","
     "\"user\":\"alice\",\"rule\":\"baseline:@dangerous\",\"hmp\":\"info status\","
     "\"verdict\":\"deny\",\"channel\":\"hmp\"}]",
     NULL},
    {"dangerous", BYTES("QMP dangerous: d | x | user=a | rule=host:x#1 | channel=agent\n"),
     "[{\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"rule\":\"host:x#1\",\"channel\":\"agent\",\"verdict\":\"allow\",\"class\":\"dangerous\"}]",
     NULL},
    {"unknown, with parts", BYTES("QMP unknown: d | transaction | user=a | parts=[x,y] | part=y\n"),
     "[{\"event\":\"decision\",\"domain\":\"d\",\"command\":\"transaction\",\"user\":\"a\","
     "\"parts\":[\"x\",\"y\"],\"part\":\"y\",\"verdict\":\"warn\",\"class\":\"unknown\","
     "\"channel\":\"qmp\"}]",
     NULL},
    {"would block", BYTES("QMP would block: d | x | user=a | rule=r | class=dangerous\n"),
     "[{\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\",\"rule\":\"r\","
     "\"class\":\"dangerous\",\"verdict\":\"audit\",\"channel\":\"qmp\"}]",
     NULL},
    {"repeated", BYTES("QMP blocked: d | x | user=a | rule=r | repeated=12\n"),
     "[{\"event\":\"repeat\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\",\"rule\":\"r\","
     "\"count\":12,\"verdict\":\"deny\",\"channel\":\"qmp\"}]",
     NULL},
    {"repeated how often", BYTES("QMP blocked: d | x | user=a | rule=r | repeated=0\n"), "[]",
     "1: its count is no number from 1 to 10^15"},
    {"refused by libvirt", BYTES("QMP refused by libvirt: d | x | user=a\n"),
     "[{\"event\":\"outcome\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"result\":\"failure\",\"channel\":\"qmp\"}]",
     NULL},
    {"identity", BYTES("QMP identity refused: uid:7 | claimed=root\n"),
     "[{\"event\":\"identity\",\"user\":\"uid:7\",\"who\":{\"claimed\":\"root\"},"
     "\"verdict\":\"deny\"}]",
     NULL},
    {"policy", BYTES("domain policy changed: d | policy=none | was=invalid\n"),
     "[{\"event\":\"policy\",\"domain\":\"d\",\"policy\":\"none\",\"was\":\"invalid\"}]", NULL},
    /* Grants. */
    {"granted, of a safe command",
     BYTES("QMP: d | x | params=[a] | user=a | rule=closed:default | grant=0a1b2c3d | left=0"
           " | reason=bug 7, see the wiki | timestamp=2026-11-21T10:00:00\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\","
     "\"parameters\":[\"a\"],\"user\":\"a\",\"rule\":\"closed:default\",\"grants\":[{\"grant\":"
     "\"0a1b2c3d\",\"left\":0,\"reason\":\"bug 7, see the wiki\"}],\"verdict\":\"grant\","
     "\"class\":\"safe\",\"channel\":\"qmp\"}]",
     NULL},
    {"granted, by two",
     BYTES("QMP privileged: d | transaction | user=a | rule=r | grant=0a1b2c3d | left=4"
           " | reason=x | grant=ffffffff | left=1 | reason=y | parts=[a,b] | part=b\n"),
     "[{\"event\":\"decision\",\"domain\":\"d\",\"command\":\"transaction\",\"user\":\"a\","
     "\"rule\":\"r\",\"grants\":[{\"grant\":\"0a1b2c3d\",\"left\":4,\"reason\":\"x\"},"
     "{\"grant\":\"ffffffff\",\"left\":1,\"reason\":\"y\"}],\"parts\":[\"a\",\"b\"],"
     "\"part\":\"b\",\"verdict\":\"grant\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},
    {"granted, of a dangerous command",
     BYTES(LIBVIRT "warning : QMP dangerous: d | human-monitor-command | user=a"
                   " | rule=baseline:@dangerous | grant=0a1b2c3d | left=2 | reason=a\\x3db"
                   " | hmp=info status\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"human-monitor-command\","
     "\"user\":\"a\",\"rule\":\"baseline:@dangerous\",\"grants\":[{\"grant\":\"0a1b2c3d\","
     "\"left\":2,\"reason\":\"a=b\"}],\"hmp\":\"info status\",\"verdict\":\"grant\","
     "\"class\":\"dangerous\",\"channel\":\"hmp\"}]",
     NULL},
    {"would block, beside a grant",
     BYTES("QMP would block: d | x | user=a | rule=r | grant=0a1b2c3d | left=2 | reason=y"
           " | class=dangerous\n"),
     "[{\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\",\"rule\":\"r\","
     "\"grants\":[{\"grant\":\"0a1b2c3d\",\"left\":2,\"reason\":\"y\"}],\"class\":\"dangerous\","
     "\"verdict\":\"audit\",\"channel\":\"qmp\"}]",
     NULL},
    {"blocked, in spite of a grant",
     BYTES("QMP blocked: d | x | user=a | rule=r | grant=0a1b2c3d | reason=it is spent\n"),
     "[{\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\",\"rule\":\"r\","
     "\"refused-grant\":{\"grant\":\"0a1b2c3d\",\"reason\":\"spent\"},\"verdict\":\"deny\","
     "\"channel\":\"qmp\"}]",
     NULL},
    {"granted, torn behind the grant",
     BYTES("QMP privileged: d | x | user=a | rule=r | grant=0a1b2c3d\n"), "[]",
     "1: a grant without its reason: it is torn"},
    {"granted, torn behind what is left",
     BYTES("QMP privileged: d | x | user=a | rule=r | grant=0a1b2c3d | left=4\n"), "[]",
     "1: a grant without its reason: it is torn"},
    {"granted, torn behind the second one",
     BYTES("QMP dangerous: d | x | user=a | rule=r | grant=0a1b2c3d | left=4 | reason=x"
           " | grant=0a1b2c3e\n"),
     "[]", "1: a grant without its reason: it is torn"},
    {"blocked, torn behind the grant",
     BYTES("QMP blocked: d | x | user=a | rule=r | grant=0a1b2c3d\n"), "[]",
     "1: a grant without its reason: it is torn"},
    {"a grant is given",
     BYTES("2026-11-21T10:00:00Z host qmp-guard[9]: QMP grant given: d | quit | user=root"
           " | channel=qmp | grant=0a1b2c3d | for=user:bob | left=1 | seconds=900"
           " | reason=to stop it\n"),
     "[{" TIME ",\"event\":\"grant\",\"step\":\"given\",\"domain\":\"d\",\"command\":\"quit\","
     "\"user\":\"root\",\"channel\":\"qmp\",\"grant\":\"0a1b2c3d\",\"for\":\"user:bob\","
     "\"left\":1,\"seconds\":900,\"reason\":\"to stop it\"}]",
     NULL},
    {"a grant of a line ends",
     BYTES("QMP grant ended: d | info status | user=- | channel=hmp | grant=0a1b2c3d"
           " | for=anybody | left=3 | seconds=0 | reason=x\n"),
     "[{\"event\":\"grant\",\"step\":\"ended\",\"domain\":\"d\",\"command\":\"info status\","
     "\"user\":\"-\",\"channel\":\"hmp\",\"grant\":\"0a1b2c3d\",\"for\":\"anybody\",\"left\":3,"
     "\"seconds\":0,\"reason\":\"x\"}]",
     NULL},
    {"a grant, torn", BYTES("QMP grant revoked: d | quit | user=root | channel=qmp\n"), "[]",
     "1: a grant without its reason: it is torn"},
    {"a grant with a step that is none",
     BYTES("QMP grant taken: d | quit | user=root | channel=qmp | grant=0a1b2c3d | reason=x\n"),
     "[]", NULL},
    {"a grant whose id is a number",
     BYTES("{\"event\":\"grant\",\"step\":\"given\",\"grant\":12345678}\n"), "[]",
     "1: a member is no text"},
    {"names with signs",
     BYTES("QMP privileged: a\\x7cb\\x3dc\\x3ad\\x5c\\xff | x | user=sasl:a\\x40\n"),
     "[{\"event\":\"decision\",\"domain\":\"a|b=c:d\\\\x5c\\\\xff\",\"command\":\"x\","
     "\"user\":\"sasl:a@\",\"verdict\":\"warn\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},
    {"others' lines",
     BYTES(LIBVIRT "error : qemuX:12 : QMP blocked: d | x | user=a | rule=r\n"
                   "a message's second line\n{\"id\":\"of QEMU's\"\n\n" LIBVIRT
                   "info : libvirt version: 9.0.0\n" LIBVIRT "error : access denied: x\n"),
     "[]", NULL},
    {"a domain that its client called nothing",
     BYTES("QMP blocked:  | x | user=a | rule=host:invalid\n"),
     "[{\"event\":\"decision\",\"domain\":\"\",\"command\":\"x\",\"user\":\"a\","
     "\"rule\":\"host:invalid\",\"verdict\":\"deny\",\"channel\":\"qmp\"}]",
     NULL},
    {"a line torn in front of its domain", BYTES("QMP blocked: \n"), "[]",
     "1: a record without a domain"},
    {"a torn line", BYTES(LIBVIRT "error : QMP blocked: demo\n"), "[]",
     "1: a record without its second part: it is torn"},
    {"a line torn later", BYTES(LIBVIRT "error : QMP blocked: demo | qu\n"), "[]",
     "1: a record without a user: it is torn"},
    {"a torn list", BYTES("QMP: demo | x | params=[a\n"), "[]", "1: a list without its end"},
    {"a list without its start", BYTES("QMP: demo | x | params=a]\n"), "[]",
     "1: a list without its end"},
    {"a list of one sign", BYTES("QMP: demo | x | params=[\n"), "[]", "1: a list without its end"},
    {"a timestamp that is none", BYTES("QMP: d | x | params=[] | user=a | timestamp=today\n"), "[]",
     "1: its timestamp is no time"},
    {"a count that is none", BYTES("QMP blocked: d | x | user=a | rule=r | repeated=1x\n"), "[]",
     "1: its count is no number from 1 to 10^15"},
    {"a count below nothing", BYTES("QMP blocked: d | x | user=a | rule=r | repeated=-1\n"), "[]",
     "1: its count is no number from 1 to 10^15"},
    {"a count that is too long",
     BYTES("QMP blocked: d | x | user=a | rule=r | repeated=10000000000000000\n"), "[]",
     "1: its count is no number from 1 to 10^15"},
    {"a count above the highest",
     BYTES("QMP blocked: d | x | user=a | rule=r | repeated=1000000000000001\n"), "[]",
     "1: its count is no number from 1 to 10^15"},
    {"a field without its value", BYTES("QMP blocked: d | x | user=a | rule\n"), "[]",
     "1: a field without a value"},
    {"an identity of nobody", BYTES("QMP identity refused:  | claimed=root\n"), "[]",
     "1: a record without a user"},
    {"an identity, and why in words", BYTES("QMP identity refused: - | who it is was not told\n"),
     "[{\"event\":\"identity\",\"user\":\"-\",\"reason\":\"who it is was not told\","
     "\"verdict\":\"deny\"}]",
     NULL},
    {"a start that is torn", BYTES("VM start: d | prepare\n"), "[]",
     "1: a record without a policy: it is torn"},
    {"bytes that are none", BYTES("QMP privileged: \\xg0\\x0g\\x4 | x | user=a\\\n"),
     "[{\"event\":\"decision\",\"domain\":\"\\\\xg0\\\\x0g\\\\x4\",\"command\":\"x\","
     "\"user\":\"a\\\\\",\"verdict\":\"warn\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},

    /* The system's log. */
    {"start refused, by syslog",
     BYTES("2026-11-21T11:00:00.000000+01:00 host qmp-guard[12]: VM start refused: d | unix-monitor"
           " | operation=prepare | policy=none | rule=baseline:start | reason=-qmp opens /tmp/x\n"),
     "[{" TIME ",\"event\":\"start\",\"domain\":\"d\",\"finding\":\"unix-monitor\","
     "\"operation\":\"prepare\",\"policy\":\"none\",\"rule\":\"baseline:start\","
     "\"reason\":\"-qmp opens /tmp/x\",\"verdict\":\"deny\"}]",
     NULL},
    {"start that would have been refused",
     BYTES("Nov 21 11:00:00 host qmp-guard[12]: VM start would refuse: d | unix-monitor"
           " | operation=reconnect | policy=none | rule=baseline:start | reason=x"
           " | timestamp=2026-11-21T10:00:00\n"),
     "[{" TIME ",\"event\":\"start\",\"domain\":\"d\",\"finding\":\"unix-monitor\","
     "\"operation\":\"reconnect\",\"policy\":\"none\",\"rule\":\"baseline:start\","
     "\"reason\":\"x\",\"verdict\":\"audit\"}]",
     NULL},
    {"start, its own time before syslog's",
     BYTES("Nov 21 11:00:00 host qmp-guard[12]: VM start: d | prepare | policy=none | findings=2"
           " | timestamp=2026-11-21T10:00:00\n"),
     "[{" TIME
     ",\"event\":\"start\",\"domain\":\"d\",\"operation\":\"prepare\",\"policy\":\"none\","
     "\"findings\":2,\"verdict\":\"allow\"}]",
     NULL},
    {"libvirtd, by syslog",
     BYTES("2026-11-21T10:00:00Z host libvirtd[9]: 9: error : QMP blocked: d | x | user=a | "
           "rule=r\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"rule\":\"r\",\"verdict\":\"deny\",\"channel\":\"qmp\"}]",
     NULL},
    {"libvirtd, by syslog, with its number",
     BYTES("2026-11-21T10:00:00Z host libvirtd[9]: QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21T10:00:00Z host virtqemud: 9: warning : QMP privileged: d | x | user=a\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"rule\":\"r\",\"verdict\":\"deny\",\"channel\":\"qmp\"},{" TIME
     ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"verdict\":\"warn\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},
    {"no line of syslog's",
     BYTES("2026-11-21T10:00:00Z\n"
           "2026-11-21T10:00:00Z host\n"
           "2026-11-21T10:00:00Z  libvirtd: QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21T10:00:00Z host : QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21T10:00:00Z host libvirtd[9]:QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21T10:00:00Z host libvirtd[9]:\n"
           "Nov 21 10:00 host libvirtd[9]: QMP blocked: d | x | user=a | rule=r\n"
           "Nov 99 10:00:00 host libvirtd[9]: QMP blocked: d | x | user=a | rule=r\n"
           "Nov 21 10:00:0x host libvirtd[9]: QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21T10:00:00Z host a-name-longer-than-any-program-of-ours-has: QMP blocked: d"
           " | x | user=a | rule=r\n"),
     "[]", NULL},
    {"no line of libvirt's",
     BYTES("2026-11-21 10:00:00.000+0000: : error : QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21 10:00:00.000+0000: 123 error : QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21 10:00:00.000+0000: 123: error: QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21 10:00:00.000+0000: 123: fatal : QMP blocked: d | x | user=a | rule=r\n"
           "2026-11-21 10:00:00.000+0000: 123: info\n"
           "2026-11-21 10:00:00.000+0000: 123: \n"
           "2026-11-21 10:00:00.000+0000: 123\n"
           "2026-11-21 10:00:00.000+0000: 123456789012345678901: info : QMP blocked: d | x |"
           " user=a | rule=r\n"),
     "[]", NULL},
    {"another program, by syslog",
     BYTES("2026-11-21T10:00:00Z host logger: QMP blocked: d | x | user=a | rule=r\n"), "[]", NULL},

    /* A journal. */
    {"journal",
     BYTES("{\"__REALTIME_TIMESTAMP\":\"1795255200000000\",\"_UID\":\"0\",\"_HOSTNAME\":\"h\","
           "\"PRIORITY\":\"4\",\"QMPGUARD_VERDICT\":\"allow\","
           "\"MESSAGE\":\"QMP privileged: d | x | user=a\"}\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"verdict\":\"allow\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},
    {"journal, another's message",
     BYTES("{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\"hello\"}\n"), "[]", NULL},
    {"journal, a user's forgery",
     BYTES("{\"__REALTIME_TIMESTAMP\":\"1\",\"_UID\":\"1000\","
           "\"MESSAGE\":\"QMP privileged: d | x | user=a\"}\n"),
     "[]", NULL},
#define JOURNAL "{\"__REALTIME_TIMESTAMP\":\"1795255200000000\","
#define PRIVILEGED "\"MESSAGE\":\"QMP privileged: d | x | user=a\"}\n"
    {"journal, a uid that is a number", BYTES(JOURNAL "\"_UID\":0," PRIVILEGED), "[]", NULL},
    {"journal, several uids", BYTES(JOURNAL "\"_UID\":[\"0\",\"7\"]," PRIVILEGED), "[]", NULL},
    {"journal, no uid", BYTES(JOURNAL PRIVILEGED), "[]",
     "1: its _UID was left out, so that anybody may have written it"},
    {"journal, another program",
     BYTES(JOURNAL "\"_UID\":\"0\",\"SYSLOG_IDENTIFIER\":\"cron\"," PRIVILEGED), "[]", NULL},
    {"journal, two programs",
     BYTES(JOURNAL "\"_UID\":\"0\",\"SYSLOG_IDENTIFIER\":[\"cron\",\"libvirtd\"]," PRIVILEGED),
     "[]", NULL},
    {"journal, a path to a program",
     BYTES(JOURNAL "\"_UID\":\"0\",\"SYSLOG_IDENTIFIER\":\"/tmp/libvirtd\"," PRIVILEGED), "[]",
     NULL},
    {"journal, libvirt's own words",
     BYTES(JOURNAL "\"_UID\":\"0\",\"LIBVIRT_SOURCE\":\"util.error\"," PRIVILEGED), "[]", NULL},
    {"journal, two sources",
     BYTES(JOURNAL "\"_UID\":\"0\",\"LIBVIRT_SOURCE\":[\"qmpguard\",\"x\"]," PRIVILEGED), "[]",
     NULL},
    {"journal, the guard's words",
     BYTES(JOURNAL "\"_UID\":\"0\",\"LIBVIRT_SOURCE\":\"qmpguard\"," PRIVILEGED),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"verdict\":\"warn\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},
    {"journal, libvirtd and a verdict that is none",
     BYTES(JOURNAL "\"_UID\":\"0\",\"SYSLOG_IDENTIFIER\":\"libvirtd\","
                   "\"QMPGUARD_VERDICT\":\"maybe\"," PRIVILEGED),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"verdict\":\"warn\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},
    {"journal, a message of bytes",
     BYTES("{\"__REALTIME_TIMESTAMP\":\"1795255200000000\",\"_UID\":\"0\",\"MESSAGE\":[81,77,80,32,"
           "112,114,105,118,"
           "105,108,101,103,101,100,58,32,100,32,124,32,120,32,124,32,117,115,101,114,61,97]}\n"),
     "[{" TIME ",\"event\":\"decision\",\"domain\":\"d\",\"command\":\"x\",\"user\":\"a\","
     "\"verdict\":\"warn\",\"class\":\"privileged\",\"channel\":\"qmp\"}]",
     NULL},
    {"journal, a message left out",
     BYTES("{\"__REALTIME_TIMESTAMP\":\"1\",\"_UID\":\"0\",\"QMPGUARD_VERDICT\":\"deny\","
           "\"MESSAGE\":null}\n"),
     "[]", "1: its MESSAGE was left out: run journalctl with --all"},
};

/* Writes @text to a file that is there until the test's end. */
static const char *write_file(const char *text, size_t length)
{
    static char path[] = "/tmp/qmp-guard-audit.XXXXXX";
    CLEANUP(fd) int fd = -1;

    strcpy(path + sizeof(path) - 7, "XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), length);
    return path;
}

static void note_complaint(void *data, const char *source, uint64_t line_number, const char *why)
{
    char **complaint = data;

    free(*complaint);
    *complaint = formatted("%d: %s", (int)line_number, why);
}

/* All records of a file, as an array. */
static json_object *read_all(const char *path, bool is_lazy, char **complaint)
{
    const AuditSource source = {.files = &path,
                                .n_files = 1,
                                .complain = note_complaint,
                                .data = complaint,
                                .is_lazy = is_lazy};
    AuditReader *reader = audit_reader_open(&source);
    json_object *all = json_object_new_array();
    AuditEntry entry;

    assert_non_null(reader);
    while (audit_reader_next(reader, &entry) > 0) {
        assert_true(entry.json || is_lazy);
        assert_int_equal(audit_entry_parse(reader, &entry), 0);
        json_object_array_add(all, json_object_get(entry.json));
    }
    assert_int_equal(audit_reader_unreadable(reader), *complaint ? 1 : 0);
    audit_reader_close(reader);
    return all;
}

static void test_row(void **state)
{
    const Row *row = *state;

    for (int is_lazy = 0; is_lazy < 2; is_lazy++) {
        const char *path = write_file(row->text, row->length);
        CLEANUP(mem) char *complaint = NULL;
        CLEANUP(json) json_object *all = read_all(path, is_lazy, &complaint);

        unlink(path);
        assert_json(all, row->wanted);
        if (row->complaint)
            assert_string_equal(complaint, row->complaint);
        else
            assert_null(complaint);
    }
}

static void test_when(void **state)
{
    static const char line[] = "QMP: d | x | params=[] | user=a | timestamp=2026-11-21T10:00:00";
    const char *path = write_file(line, sizeof(line) - 1);
    const AuditSource source = {.files = &path, .n_files = 1};
    AuditReader *reader = audit_reader_open(&source);
    AuditEntry entry;

    assert_non_null(reader);
    assert_int_equal(audit_reader_next(reader, &entry), 1);
    assert_int_equal(entry.when.tv_sec, 1795255200);
    assert_int_equal(entry.line_number, 1);
    assert_string_equal(entry.source, path);
    assert_string_equal(audit_entry_text(&entry, "user"), "a");
    assert_null(audit_entry_text(&entry, "hmp"));
    assert_int_equal(audit_reader_next(reader, &entry), 0);
    audit_reader_close(reader);
    unlink(path);
}

/* Members of a record of the trail, and what is said of it when it is read without json-c. */
typedef struct MemberRow {
    const char *name;
    const char *members;
    const char *complaint; /* NULL: nothing */
} MemberRow;

static const MemberRow member_rows[] = {
    {"texts", "\"event\":\"start\",\"domain\":\"d\",\"operation\":\"prepare\"", NULL},
    {"members that are not shown", "\"event\":\"start\",\"findings\":1,\"x\":[1]", NULL},
    {"a domain that is a number", "\"event\":\"start\",\"domain\":7", "a member is no text"},
    {"a domain that is a list", "\"event\":\"start\",\"domain\":[\"d\"]", "a member is no text"},
    {"an operation that is an object", "\"event\":\"start\",\"operation\":{}",
     "a member is no text"},
    {"a count of nothing", "\"event\":\"repeat\",\"count\":0",
     "its count is no number from 1 to 10^15"},
    {"a count that is a text", "\"event\":\"repeat\",\"count\":\"1\"",
     "its count is no number from 1 to 10^15"},
    {"a claim that is a number", "\"event\":\"identity\",\"who\":{\"uid\":7,\"claimed\":1}", NULL},
};

/* The quick reader and the other one say the same of a record. */
static void test_members(void **state)
{
    const MemberRow *wanted = *state;
    CLEANUP(mem)
    char *text = formatted("{" TIME ",%s,\"seq\":2,\"chain\":\"" CHAIN "\"}\n", wanted->members);
    const char *path = write_file(text, strlen(text));
    CLEANUP(mem) char *complaint = NULL;
    CLEANUP(json) json_object *all = read_all(path, false, &complaint);
    const AuditSource source = {.files = &path, .n_files = 1, .is_lazy = true};
    AuditReader *reader = audit_reader_open(&source);
    static AuditRow row;
    AuditEntry entry;
    const char *why;

    assert_non_null(reader);
    assert_int_equal(audit_reader_next(reader, &entry), 1);
    assert_null(entry.json);
    why = audit_row_read(&entry, &row);
    assert_int_equal(json_object_array_length(all), wanted->complaint ? 0 : 1);
    assert_string_equal(why ? why : "", wanted->complaint ? wanted->complaint : "");
    assert_string_equal(complaint ? complaint + strlen("1: ") : "",
                        wanted->complaint ? wanted->complaint : "");
    if (!why)
        assert_null(row.fields[ROW_CLAIMED]);
    audit_reader_close(reader);
    unlink(path);
}

/* Lines that are longer than any buffer, and such as are longer than any that is looked at. */
static void test_long_lines(void **state)
{
    static const size_t lengths[] = {1000,    262143,  262144,  262145,
                                     1048576, 4194000, 4194400, 9000000};

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        CLEANUP(mem) char *filling = repeated('x', lengths[i]);
        CLEANUP(mem)
        char *text = formatted("{\"event\":\"a\",\"x\":\"%s\"}\n{\"event\":\"b\"}\n", filling);
        const char *path = write_file(text, strlen(text));
        CLEANUP(mem) char *complaint = NULL;
        CLEANUP(json) json_object *all = read_all(path, true, &complaint);
        bool is_read = lengths[i] < 4194304 - 30;

        unlink(path);
        assert_int_equal(json_object_array_length(all), is_read ? 2 : 1);
        if (is_read)
            assert_null(complaint);
        else
            assert_string_equal(complaint, "1: a line of more than 4 MiB");
    }
}

/* Plain, in one piece, and in two that were put together. */
static void test_gzip(void **state)
{
    const char *path = write_file("", 0);

    for (int i = 0; i < 2; i++) {
        gzFile file = gzopen(path, "ab");
        CLEANUP(mem) char *complaint = NULL;
        json_object *all;

        gzputs(file, "{\"event\":\"a\"}\n{\"event\":\"b\"}\n");
        gzclose(file);
        all = read_all(path, false, &complaint);
        assert_int_equal(json_object_array_length(all), 2 * (i + 1));
        json_object_put(all);
    }
    unlink(path);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    UNIT_ADD_ROWS(rows, test_row);
    UNIT_ADD_ROWS(member_rows, test_members);
    unit_add("time, place and members", test_when, NULL);
    unit_add("long lines", test_long_lines, NULL);
    unit_add("gzip", test_gzip, NULL);
    return unit_run("audit reader");
}

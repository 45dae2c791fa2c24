/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one grant lets pass, and for each obstacle the same without it. */
#include "unit.h"

#include "grants.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

static const Caller alice = {.label = "alice", .user = "alice"};

/* @wraps: as the line of a human-monitor-command. */
static Request *read_text(Channel channel, bool wraps, const char *text)
{
    CLEANUP(json) json_object *line = json_object_new_string(text);
    CLEANUP(mem)
    char *wrapped = formatted("human-monitor-command {\"command-line\":%s}",
                              json_object_to_json_string(line));

    return wraps ? request_of_short(CHANNEL_QMP, wrapped) : request_of_short(channel, text);
}

static GrantQuestion question_of(const Request *request, const GrantText *text)
{
    static const Run run = GRANTS_RUN;

    return (GrantQuestion){.operation = &request->operations[0],
                           .text = text,
                           .caller = &alice,
                           .uuid = GRANTS_UUID,
                           .run = &run,
                           .now = grant_clock()};
}

/* What a grant of a command names. */
typedef struct AboutRow {
    const char *name;
    Channel channel;
    const char *command;
    Channel asked_on;
    bool wraps;
    const char *text;
    GrantObstacle wanted;
} AboutRow;

#define HMP_ANY "human-monitor-command"

static const AboutRow about_rows[] = {
    {"the command", CHANNEL_QMP, "quit", CHANNEL_QMP, false, "quit", GRANT_COUNTS},
    {"the command with arguments", CHANNEL_QMP, "migrate", CHANNEL_QMP, false,
     "migrate {\"uri\":\"exec:sh\"}", GRANT_COUNTS},
    {"another", CHANNEL_QMP, "quit", CHANNEL_QMP, false, "stop", GRANT_UNRELATED},
    {"a longer one", CHANNEL_QMP, "query-cpu", CHANNEL_QMP, false, "query-cpus", GRANT_UNRELATED},
    {"a shorter one", CHANNEL_QMP, "query-cpus", CHANNEL_QMP, false, "query-cpu", GRANT_UNRELATED},
    {"no glob", CHANNEL_QMP, "query-*", CHANNEL_QMP, false, "query-cpus", GRANT_UNRELATED},
    {"no glob for all", CHANNEL_QMP, "*", CHANNEL_QMP, false, "quit", GRANT_UNRELATED},
    {"no glob for a letter", CHANNEL_QMP, "qui?", CHANNEL_QMP, false, "quit", GRANT_UNRELATED},
    {"no group", CHANNEL_QMP, "@guest-power", CHANNEL_QMP, false, "quit", GRANT_UNRELATED},
    {"letters' case", CHANNEL_QMP, "quit", CHANNEL_QMP, false, "Quit", GRANT_UNRELATED},
    {"no command", CHANNEL_QMP, "", CHANNEL_QMP, false, "quit", GRANT_UNRELATED},
    {"the agent's of that name", CHANNEL_QMP, "guest-ping", CHANNEL_AGENT, false, "guest-ping",
     GRANT_UNRELATED},
    {"the agent's", CHANNEL_AGENT, "guest-ping", CHANNEL_AGENT, false, "guest-ping", GRANT_COUNTS},
    {"the monitor's of that name", CHANNEL_AGENT, "guest-ping", CHANNEL_QMP, false, "guest-ping",
     GRANT_UNRELATED},
    {"another line", CHANNEL_HMP, "info status", CHANNEL_HMP, false, "info block", GRANT_UNRELATED},
    {"the line", CHANNEL_HMP, "info status", CHANNEL_HMP, false, "info status", GRANT_COUNTS},
    {"the line wrapped", CHANNEL_HMP, "info status", CHANNEL_HMP, true, "info status",
     GRANT_COUNTS},
    {"the line with more spaces", CHANNEL_HMP, "info status", CHANNEL_HMP, false,
     "  info    status ", GRANT_COUNTS},
    {"only the line's first word", CHANNEL_HMP, "info", CHANNEL_HMP, false, "info status",
     GRANT_UNRELATED},
    {"the line goes on", CHANNEL_HMP, "migrate -d", CHANNEL_HMP, false, "migrate -d exec:sh",
     GRANT_UNRELATED},
    {"spaces in the grant", CHANNEL_HMP, "info  status", CHANNEL_HMP, false, "info status",
     GRANT_UNRELATED},
    {"no glob on a line", CHANNEL_HMP, "info *", CHANNEL_HMP, false, "info status",
     GRANT_UNRELATED},
    {"any line", CHANNEL_QMP, HMP_ANY, CHANNEL_HMP, false, "info status", GRANT_COUNTS},
    {"any line wrapped", CHANNEL_QMP, HMP_ANY, CHANNEL_HMP, true, "quit", GRANT_COUNTS},
    {"any line is no QMP command", CHANNEL_QMP, HMP_ANY, CHANNEL_QMP, false, "quit",
     GRANT_UNRELATED},
    {"any line is no agent's command", CHANNEL_QMP, HMP_ANY, CHANNEL_AGENT, false,
     HMP_ANY " {\"command-line\":\"quit\"}", GRANT_UNRELATED},
    {"any line, given on HMP", CHANNEL_HMP, HMP_ANY, CHANNEL_HMP, false, "quit", GRANT_UNRELATED},
    {"any line, given for the agent", CHANNEL_AGENT, HMP_ANY, CHANNEL_HMP, true, "quit",
     GRANT_UNRELATED},
    {"QMP for HMP of that name", CHANNEL_QMP, "migrate", CHANNEL_HMP, false, "migrate exec:sh",
     GRANT_UNRELATED},
    {"QMP for an HMP line of that name", CHANNEL_QMP, "quit", CHANNEL_HMP, true, "quit",
     GRANT_UNRELATED},
    {"HMP for QMP of that name", CHANNEL_HMP, "quit", CHANNEL_QMP, false, "quit", GRANT_UNRELATED},
};

static void test_about_row(void **state)
{
    const AboutRow *row = *state;
    Request *request = read_text(row->asked_on, row->wraps, row->text);
    GrantText text = {""};
    GrantQuestion question = question_of(request, &text);
    Grant grant = grant_of(row->command, 1);

    grant.channel = (int32_t)row->channel;
    assert_int_equal(grant_try(&grant, &question), row->wanted);
    question.uuid = GRANTS_OTHER_UUID;
    assert_int_equal(grant_try(&grant, &question), GRANT_UNRELATED);
    /* Of a domain or a run that nobody knows, nothing is granted. */
    question.uuid = NULL;
    assert_int_equal(grant_try(&grant, &question), GRANT_UNRELATED);
    question.uuid = GRANTS_UUID;
    question.run = NULL;
    assert_int_not_equal(grant_try(&grant, &question), GRANT_COUNTS);
    request_free(request);
}

/* A grant of the text @given, asked for @asked. */
typedef struct TextRow {
    const char *name;
    Channel given_on;
    const char *given;
    Channel asked_on;
    const char *asked;
    bool is_same;
} TextRow;

#define HMC(rest) "{\"execute\":\"human-monitor-command\",\"arguments\":{" rest "}}"

static const TextRow text_rows[] = {
    {"itself", CHANNEL_QMP, "{\"execute\":\"quit\"}", CHANNEL_QMP, "{\"execute\":\"quit\"}", true},
    {"white space", CHANNEL_QMP, "{\"execute\":\"quit\"}", CHANNEL_QMP,
     " {\n\"execute\" :\t\"quit\" } ", true},
    {"escapes", CHANNEL_QMP, "{\"execute\":\"quit\"}", CHANNEL_QMP,
     "{\"\\u0065xecute\":\"qu\\u0069t\"}", true},
    {"an escaped slash", CHANNEL_QMP,
     "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"/x\"}}", CHANNEL_QMP,
     "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"\\/x\"}}", true},
    {"no arguments", CHANNEL_QMP, "{\"execute\":\"quit\"}", CHANNEL_QMP,
     "{\"execute\":\"quit\",\"arguments\":{}}", true},
    {"no arguments, first", CHANNEL_QMP, "{\"execute\":\"quit\",\"arguments\":{}}", CHANNEL_QMP,
     "{\"arguments\":{},\"execute\":\"quit\"}", true},
    {"an empty value is a value", CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{}}", CHANNEL_QMP,
     "{\"execute\":\"x\",\"arguments\":{\"arguments\":{}}}", false},
    {"another command", CHANNEL_QMP, "{\"execute\":\"quit\"}", CHANNEL_QMP,
     "{\"execute\":\"stop\"}", false},
    {"one argument more", CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":1}}", CHANNEL_QMP,
     "{\"execute\":\"x\",\"arguments\":{\"a\":1,\"b\":1}}", false},
    {"another value", CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":1}}", CHANNEL_QMP,
     "{\"execute\":\"x\",\"arguments\":{\"a\":2}}", false},
    {"a value of another type", CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":1}}",
     CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":\"1\"}}", false},
    {"null for nothing", CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":{}}}", CHANNEL_QMP,
     "{\"execute\":\"x\",\"arguments\":{\"a\":null}}", false},
    {"another name", CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":1}}", CHANNEL_QMP,
     "{\"execute\":\"x\",\"arguments\":{\"A\":1}}", false},
    {"a space in a value", CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":\"b c\"}}",
     CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":\"b  c\"}}", false},
    {"the agent is not the monitor", CHANNEL_QMP, "{\"execute\":\"guest-ping\"}", CHANNEL_AGENT,
     "{\"execute\":\"guest-ping\"}", false},
    {"HMP is not QMP", CHANNEL_HMP, "quit", CHANNEL_QMP, "{\"execute\":\"quit\"}", false},
    {"a wrapped line", CHANNEL_HMP, "info status", CHANNEL_QMP,
     HMC("\"command-line\":\"info status\""), true},
    {"a bare line", CHANNEL_QMP, HMC("\"command-line\":\" info   status\""), CHANNEL_HMP,
     "info status", true},
    {"another line", CHANNEL_HMP, "info status", CHANNEL_HMP, "info block", false},
    {"another processor", CHANNEL_HMP, "info registers", CHANNEL_QMP,
     HMC("\"command-line\":\"info registers\",\"cpu-index\":1"), false},
    {"another processor's other", CHANNEL_QMP,
     HMC("\"command-line\":\"info registers\",\"cpu-index\":1"), CHANNEL_QMP,
     HMC("\"command-line\":\"info registers\",\"cpu-index\":2"), false},
    {"a line for an agent that knows such a name", CHANNEL_HMP, "quit", CHANNEL_AGENT,
     HMC("\"command-line\":\"quit\""), false},
};

static void test_text_row(void **state)
{
    const TextRow *row = *state;
    Request *given = request_of(row->given_on, row->given);
    Request *asked = request_of(row->asked_on, row->asked);
    Grant grant = grant_of_text(given, 1);
    GrantText text;
    GrantQuestion question = question_of(asked, &text);

    grant_text_digest(asked, &text);
    assert_int_equal(grant_try(&grant, &question), row->is_same ? GRANT_COUNTS : GRANT_UNRELATED);
    /* To be asked for does not change what a text is. */
    assert_int_equal(grant_try(&grant, &question), row->is_same ? GRANT_COUNTS : GRANT_UNRELATED);
    request_free(given);
    request_free(asked);
}

/* In another order it goes on as another text, so it is one. */
static void test_order_is_as_sent(void **state)
{
    Request *given = request_of(CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"a\":1,\"b\":2}}");
    Request *asked = request_of(CHANNEL_QMP, "{\"execute\":\"x\",\"arguments\":{\"b\":2,\"a\":1}}");
    GrantText first;
    GrantText second;

    (void)state;
    grant_text_digest(given, &first);
    grant_text_digest(asked, &second);
    assert_int_equal(strcmp(first.digest, second.digest) == 0,
                     strcmp(given->text, asked->text) == 0);
    request_free(given);
    request_free(asked);
}

typedef struct CallerRow {
    const char *name;
    GrantCallerKind kind;
    const char *whom;
    Caller caller;
    GrantObstacle wanted;
} CallerRow;

#define ALL_NAMES                                                                                  \
    {                                                                                              \
        "l", "u", "s", "x", "c", NULL, -1, -1, -1, NULL, 0                                         \
    }

static const CallerRow caller_rows[] = {
    {"anybody", GRANT_ANYBODY, "", {.label = "l"}, GRANT_COUNTS},
    {"nobody", GRANT_NOBODY, "", ALL_NAMES, GRANT_OTHER_CALLER},
    {"nobody is not somebody without a name", GRANT_NOBODY, "", {0}, GRANT_OTHER_CALLER},
    {"user", GRANT_USER, "u", ALL_NAMES, GRANT_COUNTS},
    {"user, by the label", GRANT_USER, "l", ALL_NAMES, GRANT_OTHER_CALLER},
    {"user, by another name", GRANT_USER, "s", ALL_NAMES, GRANT_OTHER_CALLER},
    {"user, case", GRANT_USER, "U", ALL_NAMES, GRANT_OTHER_CALLER},
    {"user, a glob", GRANT_USER, "*", ALL_NAMES, GRANT_OTHER_CALLER},
    {"user, not known", GRANT_USER, "u", {.label = "u", .sasl = "u"}, GRANT_OTHER_CALLER},
    {"user, claimed", GRANT_USER, "u", {.label = "v", .claimed = "u"}, GRANT_OTHER_CALLER},
    {"user without a name", GRANT_USER, "", {.label = "u"}, GRANT_OTHER_CALLER},
    {"sasl", GRANT_SASL, "s", ALL_NAMES, GRANT_COUNTS},
    {"sasl, by the user", GRANT_SASL, "u", ALL_NAMES, GRANT_OTHER_CALLER},
    {"sasl, not known", GRANT_SASL, "s", {.label = "sasl:s", .user = "s"}, GRANT_OTHER_CALLER},
    {"x509", GRANT_X509, "x", ALL_NAMES, GRANT_COUNTS},
    {"x509, by the user", GRANT_X509, "u", ALL_NAMES, GRANT_OTHER_CALLER},
    {"x509, not known", GRANT_X509, "x", {.label = "x", .user = "x"}, GRANT_OTHER_CALLER},
    {"selinux", GRANT_SELINUX, "c", ALL_NAMES, GRANT_COUNTS},
    {"selinux, no glob", GRANT_SELINUX, "?", ALL_NAMES, GRANT_OTHER_CALLER},
    {"selinux, not known", GRANT_SELINUX, "c", {.label = "c", .user = "c"}, GRANT_OTHER_CALLER},
};

static void test_caller_row(void **state)
{
    const CallerRow *row = *state;
    Request *request = request_of_short(CHANNEL_QMP, "quit");
    GrantText text = {""};
    GrantQuestion question = question_of(request, &text);
    Grant grant = grant_of("quit", 1);

    question.caller = &row->caller;
    grant.caller_kind = row->kind;
    snprintf(grant.caller, sizeof(grant.caller), "%s", row->whom);
    assert_int_equal(grant_try(&grant, &question), row->wanted);
    request_free(request);
}

/* How a grant stands that runs out at 2000. */
typedef struct StandingRow {
    const char *name;
    int state;
    uint32_t left;
    Run run;
    Run asked;
    int64_t now;
    GrantObstacle wanted;
    const char *standing;
} StandingRow;

#define RUN                                                                                        \
    {                                                                                              \
        4242, 77                                                                                   \
    }

static const StandingRow standing_rows[] = {
    {"open", GRANT_GIVEN, 1, RUN, RUN, 1999, GRANT_COUNTS, "given"},
    {"at the first moment", GRANT_GIVEN, 1, RUN, RUN, 1, GRANT_COUNTS, "given"},
    {"at the last moment", GRANT_GIVEN, 1, RUN, RUN, 2000, GRANT_IS_EXPIRED, "expired"},
    {"long after", GRANT_GIVEN, 1, RUN, RUN, INT64_MAX, GRANT_IS_EXPIRED, "expired"},
    {"without a clock", GRANT_GIVEN, 1, RUN, RUN, 0, GRANT_IS_EXPIRED, "expired"},
    {"before all time", GRANT_GIVEN, 1, RUN, RUN, -1, GRANT_IS_EXPIRED, "expired"},
    {"used up", GRANT_GIVEN, 0, RUN, RUN, 1999, GRANT_IS_SPENT, "spent"},
    {"revoked", GRANT_REVOKED, 1, RUN, RUN, 1999, GRANT_IS_REVOKED, "revoked"},
    {"revoked, and used up", GRANT_REVOKED, 0, RUN, RUN, 1999, GRANT_IS_REVOKED, "revoked"},
    {"expired before its time", GRANT_EXPIRED, 1, RUN, RUN, 1, GRANT_IS_EXPIRED, "expired"},
    {"ended", GRANT_ENDED, 1, RUN, RUN, 1999, GRANT_OTHER_RUN, "ended"},
    {"no grant", GRANT_FREE, 1, RUN, RUN, 1999, GRANT_UNRELATED, "unrelated"},
    {"a state that is none", GRANT_STATE_COUNT, 1, RUN, RUN, 1999, GRANT_UNRELATED, "unrelated"},
    {"a state far out", 1000, 1, RUN, RUN, 1999, GRANT_UNRELATED, "unrelated"},
    {"a state below", -1, 1, RUN, RUN, 1999, GRANT_UNRELATED, "unrelated"},
    {"another process", GRANT_GIVEN, 1, RUN, {4243, 77}, 1999, GRANT_OTHER_RUN, "given"},
    {"the number comes again", GRANT_GIVEN, 1, RUN, {4242, 78}, 1999, GRANT_OTHER_RUN, "given"},
    {"a run that is not known", GRANT_GIVEN, 1, RUN, {0, 0}, 1999, GRANT_OTHER_RUN, "given"},
    {"no run at all", GRANT_GIVEN, 1, {0, 0}, {0, 0}, 1999, GRANT_OTHER_RUN, "given"},
    {"no process", GRANT_GIVEN, 1, {-1, 5}, {-1, 5}, 1999, GRANT_OTHER_RUN, "given"},
};

static void test_standing_row(void **state)
{
    const StandingRow *row = *state;
    Request *request = request_of_short(CHANNEL_QMP, "quit");
    GrantText text = {""};
    GrantQuestion question = question_of(request, &text);
    Grant grant = grant_of("quit", 1);

    grant.state = row->state;
    grant.left = row->left;
    grant.expires = 2000;
    grant.run = row->run;
    question.run = &row->asked;
    question.now = row->now;
    assert_int_equal(grant_try(&grant, &question), row->wanted);
    assert_string_equal(grant_standing(&grant, row->now), row->standing);
    assert_int_equal(grant_is_open(&grant, row->now), strcmp(row->standing, "given") == 0);
    request_free(request);
}

typedef struct ConfirmRow {
    const char *name;
    const char *text;
    const char *groups;
    const char *confirmed_by;
    GrantObstacle wanted;
} ConfirmRow;

static const ConfirmRow confirm_rows[] = {
    {"not asked for", "quit", NULL, "", GRANT_COUNTS},
    {"asked for, and not there", "quit", "@guest-power", "", GRANT_UNCONFIRMED},
    {"asked for, and there", "quit", "@guest-power", "carol", GRANT_COUNTS},
    {"asked for other commands", "quit", "@guest-memory", "", GRANT_COUNTS},
    {"by what the arguments add", "migrate {\"uri\":\"exec:sh\"}", "@host-exec", "",
     GRANT_UNCONFIRMED},
    {"arguments that do not", "migrate {\"uri\":\"tcp:h:1\"}", "@host-exec", "", GRANT_COUNTS},
    {"by the group around it", "migrate {\"uri\":\"exec:sh\"}", "@host", "", GRANT_UNCONFIRMED},
};

static void test_confirm_row(void **state)
{
    const ConfirmRow *row = *state;
    Request *request = request_of_short(CHANNEL_QMP, row->text);
    GrantText text = {""};
    GrantQuestion question = question_of(request, &text);
    Grant grant = grant_of(request->operations[0].command, 1);

    question.confirmed_groups = row->groups ? group_find(row->groups)->set : 0;
    snprintf(grant.confirmed_by, sizeof(grant.confirmed_by), "%s", row->confirmed_by);
    assert_int_equal(grant_try(&grant, &question), row->wanted);
    /* A second person's word is no way round the first's. */
    grant.state = GRANT_REVOKED;
    assert_int_equal(grant_try(&grant, &question), GRANT_IS_REVOKED);
    request_free(request);
}

/* A member of a grant that is overwritten: a text by one without an end, a number by @value. */
typedef struct CorruptRow {
    const char *name;
    size_t offset;
    size_t size;
    int64_t value;
    bool is_sound;
} CorruptRow;

#define MEMBER(member) offsetof(Grant, member), sizeof(((Grant *)NULL)->member)

static const CorruptRow corrupt_rows[] = {
    {"id", MEMBER(id), 0, false},
    {"uuid", MEMBER(uuid), 0, false},
    {"domain", MEMBER(domain), 0, false},
    {"caller", MEMBER(caller), 0, false},
    {"command", MEMBER(command), 0, false},
    {"text", MEMBER(text), 0, false},
    {"reason", MEMBER(reason), 0, false},
    {"given by", MEMBER(given_by), 0, false},
    {"confirmed by", MEMBER(confirmed_by), 0, false},
    {"channel behind the last", MEMBER(channel), CHANNEL_COUNT, false},
    {"channel below the first", MEMBER(channel), -1, false},
    {"channel", MEMBER(channel), CHANNEL_AGENT, true},
    {"nobody", MEMBER(caller_kind), GRANT_NOBODY, false},
    {"caller behind the last", MEMBER(caller_kind), GRANT_CALLER_KIND_COUNT, false},
    {"caller below the first", MEMBER(caller_kind), INT32_MIN, false},
    {"caller of a kind", MEMBER(caller_kind), GRANT_SELINUX, true},
    {"free", MEMBER(state), GRANT_FREE, false},
    {"state behind the last", MEMBER(state), GRANT_STATE_COUNT, false},
    {"state below the first", MEMBER(state), -1, false},
    {"state", MEMBER(state), GRANT_ENDED, true},
    {"more left than given", MEMBER(left), 4, false},
    {"as many left as given", MEMBER(left), 3, true},
    {"none left", MEMBER(left), 0, true},
    {"more given than may be", MEMBER(uses), GRANT_USES_MAX + 1, false},
    {"as many as may be", MEMBER(uses), GRANT_USES_MAX, true},
    {"no run", MEMBER(run.pid), 0, false},
    {"a run below", MEMBER(run.pid), -4242, false},
    {"finished before all time", MEMBER(finished), INT64_MIN, false},
    {"finished", MEMBER(finished), 5, true},
    {"expires before all time", MEMBER(expires), INT64_MIN, false},
    {"expires never", MEMBER(expires), 0, false},
    {"names no command", MEMBER(command[0]), 0, false},
};

static void test_corrupt_row(void **state)
{
    const CorruptRow *row = *state;
    Grant grant = grant_of("quit", 3);
    char *member = (char *)&grant + row->offset;

    assert_true(grant_is_sound(&grant));
    if (row->size > sizeof(row->value))
        memset(member, 'x', row->size);
    else
        memcpy(member, &row->value, row->size);
    assert_int_equal(grant_is_sound(&grant), row->is_sound);
    if (row->size <= sizeof(row->value))
        return;
    /* One byte less, and it ends. */
    member[row->size - 1] = '\0';
    assert_true(grant_is_sound(&grant));
}

static void test_zero_is_none(void **state)
{
    static const Grant nothing;
    Request *request = request_of_short(CHANNEL_QMP, "quit");
    GrantText text = {""};
    GrantQuestion question = question_of(request, &text);

    (void)state;
    assert_false(grant_is_sound(&nothing));
    assert_false(grant_is_open(&nothing, grant_clock()));
    question.uuid = "";
    assert_int_equal(grant_try(&nothing, &question), GRANT_UNRELATED);
    assert_int_equal((GrantObstacle){0}, GRANT_UNRELATED);
    request_free(request);
}

/* Every obstacle can be told: `the grant X is ...`. */
static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < GRANT_OBSTACLE_COUNT; i++)
        assert_non_null(grant_obstacle_name((GrantObstacle)i));
    for (int i = 0; i < GRANT_CALLER_KIND_COUNT; i++)
        assert_non_null(grant_caller_kind_name((GrantCallerKind)i));
}

int main(void)
{
    UNIT_ADD_ROWS(about_rows, test_about_row);
    UNIT_ADD_ROWS(text_rows, test_text_row);
    unit_add("the order is as sent", test_order_is_as_sent, NULL);
    UNIT_ADD_ROWS(caller_rows, test_caller_row);
    UNIT_ADD_ROWS(standing_rows, test_standing_row);
    UNIT_ADD_ROWS(confirm_rows, test_confirm_row);
    UNIT_ADD_ROWS(corrupt_rows, test_corrupt_row);
    unit_add("zero is no grant", test_zero_is_none, NULL);
    unit_add("names", test_names, NULL);
    return unit_run("grant");
}

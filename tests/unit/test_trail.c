/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The durable trail: its chain, what it refuses to write to, and what a full disk does. */
#include "unit.h"

#include "audit/trail.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* All tests share one directory, which main() takes away; each starts with it empty. */
static char folder[] = "/tmp/qmp-guard-unit-XXXXXX";
static char directory[64];
static char path[96];
static char head_path[112];
static char target[64];

static void empty_folder(void)
{
    unlink(path);
    rmdir(path);
    unlink(head_path);
    unlink(target);
    unlink(directory);
    rmdir(directory);
}

static void start_with_directory(void)
{
    empty_folder();
    assert_int_equal(mkdir(directory, 0755), 0);
}

/* As another process would: opened anew. */
static int append_to(const char *name, const char *json, Reason *why)
{
    CLEANUP(mem) char *head = formatted("%s.head", name);
    Trail trail = {.path = name,
                   .head_path = head,
                   .lock = PTHREAD_MUTEX_INITIALIZER,
                   .records.fd = -1,
                   .head.fd = -1};
    int result = trail_append(&trail, json, why);

    trail_close(&trail);
    return result;
}

static void check_appends(const char *json)
{
    Reason why = {""};

    if (append_to(path, json, &why) != 0)
        fail_msg("%s", why.text);
}

static void check_refuses(const char *name, const char *because)
{
    Reason why = {"unset"};

    assert_int_equal(append_to(name, "{\"x\":1}", &why), -1);
    assert_has_word(why.text, because);
}

/* The whole file; caller frees. */
static char *contents(const char *name)
{
    CLEANUP(fd) int fd = open(name, O_RDONLY | O_CLOEXEC);
    char *text = calloc(1, 65536);

    assert_true(fd >= 0 && text);
    assert_true(read(fd, text, 65535) >= 0);
    return text;
}

/*
 * The file's records, each of which must start as @starts says, in one chain from @seq on.
 * Lines that are no records are skipped.
 */
static void check_chain(const char *const *starts, uint64_t seq, const char *before)
{
    CLEANUP(mem) char *text = contents(path);
    char chain[DIGEST_TEXT_SIZE];
    char *rest = NULL;

    strcpy(chain, before);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        size_t hashed;
        TrailHead end;

        if (trail_read_end(line, strlen(line), &hashed, &end) < 0)
            continue;
        assert_non_null(*starts);
        assert_int_equal(strncmp(line, *starts, strlen(*starts)), 0);
        assert_int_equal(end.seq, seq);
        trail_chain(chain, line, hashed, chain);
        assert_string_equal(end.chain, chain);
        starts++;
        seq++;
    }
    assert_null(*starts);
}

static TrailHead head_now(void)
{
    TrailHead head;
    Reason why;

    assert_int_equal(trail_read_head(path, &head, &why), 1);
    return head;
}

static void check_holds(const char *name, const char *wanted)
{
    char text[256] = "";
    CLEANUP(fd) int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    assert_true(fd >= 0);
    length = read(fd, text, sizeof(text) - 1);
    assert_true(length >= 0);
    text[length] = '\0';
    assert_string_equal(text, wanted);
}

static mode_t mode_of(const char *name)
{
    struct stat info;

    assert_int_equal(lstat(name, &info), 0);
    return info.st_mode & 07777;
}

static void test_makes(void **state)
{
    mode_t old = umask(0);

    (void)state;
    empty_folder();
    check_appends("{\"a\":1}");
    umask(old);
    assert_int_equal(mode_of(directory), 0700);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(head_path), 0600);
    check_chain((const char *const[]){"{\"a\":1,\"seq\":1,", NULL}, 1, "");
}

static void test_appends(void **state)
{
    (void)state;
    start_with_directory();
    check_appends("{\"a\":1}");
    check_appends("{\"b\":\"%s %n\"}");
    check_chain((const char *const[]){"{\"a\":1,", "{\"b\":\"%s %n\",", NULL}, 1, "");
    assert_int_equal(head_now().seq, 2);
    assert_int_equal(mode_of(directory), 0755);
}

/* What is there already keeps its mode and its lines. */
static void test_is_there(void **state)
{
    CLEANUP(fd) int fd = -1;

    (void)state;
    start_with_directory();
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_int_equal(write(fd, "old\n", 4), 4);
    check_appends("{\"a\":1}");
    check_chain((const char *const[]){"{\"a\":1,", NULL}, 1, "");
    assert_int_equal(mode_of(path), 0640);
}

static void test_symlink(void **state)
{
    (void)state;
    start_with_directory();
    assert_int_equal(close(open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
    assert_int_equal(symlink(target, path), 0);
    check_refuses(path, "cannot open");
    check_holds(target, "");
    assert_int_equal(unlink(target), 0);
    check_refuses(path, "cannot open");
    assert_int_equal(access(target, F_OK), -1);
}

static void test_directory(void **state)
{
    (void)state;
    start_with_directory();
    assert_int_equal(mkdir(path, 0700), 0);
    check_refuses(path, "cannot open");
}

/* Were it opened for waiting, this would not come back. */
static void test_fifo(void **state)
{
    CLEANUP(fd) int reader = -1;
    char byte;

    (void)state;
    start_with_directory();
    assert_int_equal(mkfifo(path, 0600), 0);
    check_refuses(path, "not a regular file");
    reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    check_refuses(path, "not a regular file");
    assert_int_equal(read(reader, &byte, 1), 0);
}

static void test_other_kinds(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    start_with_directory();
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)), 0);
    check_refuses(path, "cannot open");
}

static void test_parent(void **state)
{
    CLEANUP(mem) char *deeper = formatted("%s/none/none/x.jsonl", folder);
    CLEANUP(mem) char *none = formatted("%s/none", folder);

    (void)state;
    empty_folder();
    check_refuses(deeper, "cannot open");
    assert_int_equal(access(none, F_OK), -1);
    assert_int_equal(close(open(directory, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
    check_refuses(path, "cannot open");
}

/* A file that may hold @most bytes: what a full disk does, without one. */
static void limit_files(rlim_t most)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void append_to_room_for(rlim_t bytes, const char *because)
{
    Reason why = {"unset"};
    int result;

    start_with_directory();
    check_appends("{\"a\":1}");
    limit_files(bytes);
    result = append_to(path, "{\"b\":2}", &why);
    limit_files(RLIM_INFINITY);
    assert_int_equal(result, -1);
    assert_has_word(why.text, because);
}

static void test_no_room(void **state)
{
    (void)state;
    append_to_room_for(8, "cannot write");
    check_chain((const char *const[]){"{\"a\":1,", NULL}, 1, "");
}

/* Half a record is taken back. */
static void test_little_room(void **state)
{
    (void)state;
    append_to_room_for(120, "no space for a whole record");
    check_appends("{\"c\":3}");
    check_chain((const char *const[]){"{\"a\":1,", "{\"c\":3,\"seq\":2,", NULL}, 1, "");
}

/* A writer that died in the middle of one: the next stands on a line of its own. */
static void test_behind_half_a_record(void **state)
{
    CLEANUP(fd) int fd = -1;

    (void)state;
    start_with_directory();
    check_appends("{\"a\":1}");
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "{\"b\"", 4), 4);
    check_appends("{\"c\":3}");
    check_chain((const char *const[]){"{\"a\":1,", "{\"c\":3,\"seq\":2,", NULL}, 1, "");
}

/* ... and one that died before it wrote the head. */
static void test_head_is_behind(void **state)
{
    CLEANUP(mem) char *half = repeated('x', 6000);
    CLEANUP(mem) char *old = NULL;
    CLEANUP(fd) int torn = -1;
    CLEANUP(fd) int fd = -1;

    (void)state;
    start_with_directory();
    check_appends("{\"a\":1}");
    old = contents(head_path);
    check_appends("{\"b\":2}");
    fd = open(head_path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, old, strlen(old)), strlen(old));
    torn = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(torn, half, 6000), 6000);
    check_appends("{\"c\":3}");
    check_chain((const char *const[]){"{\"a\":1,", "{\"b\":2,", "{\"c\":3,", NULL}, 1, "");
}

static void test_head_is_gone(void **state)
{
    (void)state;
    start_with_directory();
    check_appends("{\"a\":1}");
    assert_int_equal(unlink(head_path), 0);
    check_appends("{\"b\":2}");
    check_chain((const char *const[]){"{\"a\":1,", "{\"b\":2,", NULL}, 1, "");
    assert_int_equal(truncate(head_path, 5), 0);
    check_appends("{\"c\":3}");
    check_chain((const char *const[]){"{\"a\":1,", "{\"b\":2,", "{\"c\":3,", NULL}, 1, "");
}

/* The chain goes on in the file that takes the old one's place, also for who has that open. */
static void test_rotation(void **state)
{
    Trail trail = {.path = path,
                   .head_path = head_path,
                   .lock = PTHREAD_MUTEX_INITIALIZER,
                   .records.fd = -1,
                   .head.fd = -1};
    TrailHead before;
    Reason why;

    (void)state;
    start_with_directory();
    assert_int_equal(trail_append(&trail, "{\"a\":1}", &why), 0);
    before = head_now();
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(trail_append(&trail, "{\"b\":2}", &why), 0);
    check_chain((const char *const[]){"{\"b\":2,", NULL}, 2, before.chain);
    trail_close(&trail);
}

/* Who knows where its own last record ended sees what others have written since. */
static void test_others_in_between(void **state)
{
    Trail trail = {.path = path,
                   .head_path = head_path,
                   .lock = PTHREAD_MUTEX_INITIALIZER,
                   .records.fd = -1,
                   .head.fd = -1};
    CLEANUP(mem) char *old = NULL;
    CLEANUP(fd) int behind = -1;
    CLEANUP(fd) int torn = -1;
    TrailHead before;
    Reason why;

    (void)state;
    start_with_directory();
    assert_int_equal(trail_append(&trail, "{\"a\":1}", &why), 0);
    old = contents(head_path);
    assert_int_equal(trail_append(&trail, "{\"b\":2}", &why), 0);
    behind = open(head_path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(behind, old, strlen(old)), strlen(old));
    assert_int_equal(trail_append(&trail, "{\"c\":3}", &why), 0);
    check_appends("{\"d\":4}");
    torn = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(torn, "{\"x\"", 4), 4);
    assert_int_equal(trail_append(&trail, "{\"e\":5}", &why), 0);
    check_chain((const char *const[]){"{\"a\":1,", "{\"b\":2,", "{\"c\":3,", "{\"d\":4,",
                                      "{\"e\":5,", NULL},
                1, "");
    before = head_now();
    assert_int_equal(rename(path, target), 0);
    check_appends("{\"f\":6}");
    assert_int_equal(trail_append(&trail, "{\"g\":7}", &why), 0);
    check_chain((const char *const[]){"{\"f\":6,", "{\"g\":7,", NULL}, 6, before.chain);
    trail_close(&trail);
}

/*
 * A file that is as large as our own last record left it need not end with that record. What
 * others wrote meanwhile is missing then, and the chain says so.
 */
static void test_others_of_the_same_size(void **state)
{
    Trail trail = {.path = path,
                   .head_path = head_path,
                   .lock = PTHREAD_MUTEX_INITIALIZER,
                   .records.fd = -1,
                   .head.fd = -1};
    struct stat own;
    TrailHead before;
    Reason why;

    (void)state;
    start_with_directory();
    assert_int_equal(trail_append(&trail, "{\"a\":1}", &why), 0);
    assert_int_equal(stat(path, &own), 0);
    check_appends("{\"b\":2}");
    assert_int_equal(truncate(path, own.st_size), 0);
    assert_int_equal(trail_append(&trail, "{\"c\":3}", &why), 0);
    assert_int_equal(head_now().seq, 3);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(trail_append(&trail, "{\"d\":4}", &why), 0);
    before = head_now();
    assert_int_equal(truncate(path, 0), 0);
    check_appends("{\"e\":5}");
    assert_int_equal(trail_append(&trail, "{\"f\":6}", &why), 0);
    check_chain((const char *const[]){"{\"e\":5,", "{\"f\":6,", NULL}, 5, before.chain);
    trail_close(&trail);
}

/* Somebody who holds the lock and does not go on costs a second, not more. */
static void test_lock_is_held(void **state)
{
    CLEANUP(fd) int fd = -1;
    Reason why = {""};

    (void)state;
    start_with_directory();
    check_appends("{\"a\":1}");
    fd = open(head_path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(append_to(path, "{\"b\":2}", &why), -1);
    assert_has_word(why.text, "cannot lock");
}

static void test_no_object(void **state)
{
    CLEANUP(mem) char *huge = repeated('x', TRAIL_LINE_MAX);
    Reason why;

    (void)state;
    start_with_directory();
    memcpy(huge, "{\"a\":\"", 6);
    memcpy(huge + TRAIL_LINE_MAX - 2, "\"}", 2);
    assert_int_equal(append_to(path, huge, &why), -1);
    assert_int_equal(append_to(path, "", &why), -1);
    assert_int_equal(append_to(path, "[1]", &why), -1);
    check_appends("{\"a\":1}");
    check_chain((const char *const[]){"{\"a\":1,\"seq\":1,", NULL}, 1, "");
}

static void test_many_writers(void **state)
{
    enum { WRITERS = 4, EACH = 100 };
    CLEANUP(mem) char *text = NULL;
    int status;

    (void)state;
    start_with_directory();
    for (int i = 0; i < WRITERS; i++) {
        if (fork() == 0) {
            Reason why;

            for (int n = 0; n < EACH; n++) {
                if (append_to(path, "{\"a\":1}", &why) < 0)
                    _exit(1);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(head_now().seq, WRITERS * EACH);
}

typedef struct EndRow {
    const char *name;
    const char *line;
    uint64_t seq; /* 0: it is no record's end */
} EndRow;

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const EndRow end_rows[] = {
    {"whole", "{\"a\":1,\"seq\":12,\"chain\":\"" HASH "\"}", 12},
    {"a tail", ",\"seq\":12,\"chain\":\"" HASH "\"}", 12},
    {"no number", "{\"seq\":,\"chain\":\"" HASH "\"}", 0},
    {"cut number", "12,\"chain\":\"" HASH "\"}", 0},
    {"number of another member", "{\"a\":1,\"seqs\":2,\"chain\":\"" HASH "\"}", 0},
    {"too many digits", ",\"seq\":123456789012345678901234,\"chain\":\"" HASH "\"}", 0},
    {"capitals",
     ",\"seq\":12,\"chain\":\"A123456789abcdef0123456789abcdef0123456789abcdef"
     "0123456789abcdef\"}",
     0},
    {"more behind", ",\"seq\":12,\"chain\":\"" HASH "\",\"b\":1}", 0},
    {"empty", "", 0},
    {"brace", "}", 0},
};

static void test_end(void **state)
{
    const EndRow *row = *state;
    TrailHead head = {0};
    size_t hashed = 0;
    int result = trail_read_end(row->line, strlen(row->line), &hashed, &head);

    assert_int_equal(result, row->seq ? 0 : -1);
    if (row->seq) {
        assert_int_equal(head.seq, row->seq);
        assert_string_equal(head.chain, HASH);
        assert_int_equal(strncmp(row->line + hashed, ",\"chain\"", strlen(",\"chain\"")), 0);
    }
}

/* By sha256sum(1), of `line` and of `beforeline`: other readers hash as it does. */
static void test_chain(void **state)
{
    char first[DIGEST_TEXT_SIZE];
    char second[DIGEST_TEXT_SIZE];

    (void)state;
    trail_chain("", "line", 4, first);
    trail_chain("before", "line", 4, second);
    assert_string_equal(first, "38a9c1e721584da284b90ceea4ed7eb8db15ac4ea86c2c75ec925d5f8799fcf0");
    assert_string_equal(second, "24bb982f299079f1bbc738d76b3fe70c6d5d8fbfffc9bffd43e8143cfd643e08");
}

/* No descriptor is left open, whatever came of it. */
static void test_no_leak(void **state)
{
    int before = dup(STDERR_FILENO);
    int after;

    (void)state;
    close(before);
    start_with_directory();
    check_appends("{\"a\":1}");
    check_refuses(directory, "cannot open");
    after = dup(STDERR_FILENO);
    close(after);
    assert_int_equal(after, before);
}

int main(void)
{
    int failed;

    if (!mkdtemp(folder))
        return 1;
    snprintf(directory, sizeof(directory), "%s/qmp-guard", folder);
    snprintf(path, sizeof(path), "%s/audit.jsonl", directory);
    snprintf(head_path, sizeof(head_path), "%s.head", path);
    snprintf(target, sizeof(target), "%s/target", folder);
    unit_add("directory and file are made", test_makes, NULL);
    unit_add("each record is a line", test_appends, NULL);
    unit_add("a file that is there", test_is_there, NULL);
    unit_add("symbolic link", test_symlink, NULL);
    unit_add("directory", test_directory, NULL);
    unit_add("FIFO", test_fifo, NULL);
    unit_add("socket and devices", test_other_kinds, NULL);
    unit_add("no parent", test_parent, NULL);
    unit_add("no room", test_no_room, NULL);
    unit_add("room for half a record", test_little_room, NULL);
    unit_add("a record behind half a one", test_behind_half_a_record, NULL);
    unit_add("the head is behind", test_head_is_behind, NULL);
    unit_add("the head is gone", test_head_is_gone, NULL);
    unit_add("rotation", test_rotation, NULL);
    unit_add("others write in between", test_others_in_between, NULL);
    unit_add("others leave as many bytes", test_others_of_the_same_size, NULL);
    unit_add("the lock is held", test_lock_is_held, NULL);
    unit_add("no object, or too large a one", test_no_object, NULL);
    unit_add("many writers", test_many_writers, NULL);
    UNIT_ADD_ROWS(end_rows, test_end);
    unit_add("chain", test_chain, NULL);
    unit_add("no descriptor stays open", test_no_leak, NULL);
    failed = unit_run("trail");
    empty_folder();
    rmdir(folder);
    return failed;
}

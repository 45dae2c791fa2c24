/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status: what is read in units, configurations, /proc and control groups. */
#include "unit.h"

#include "status/file_facts.h"
#include "status/limits.h"
#include "status/log_levels.h"
#include "status/preload.h"
#include "status/process.h"
#include "util/cleanup.h"
#include "util/daemon_name.h"
#include "util/live_mark.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each test has it to itself; main() takes it away. */
static char folder[] = "/tmp/qmp-guard-unit-XXXXXX";

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    return where->level == 0 ? 0 : remove(path);
}

static void empty_folder(void)
{
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char *inside(const char *name)
{
    return formatted("%s/%s", folder, name);
}

/* Writes a file below the folder, and makes the directories above it. */
static void write_file(const char *name, const char *text)
{
    CLEANUP(mem) char *path = inside(name);
    CLEANUP(fd) int fd = -1;

    for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* ---- log levels */

typedef struct LogRow {
    const char *name;
    const char *text; /* NULL: there is no file */
    unsigned source;
    unsigned output;
} LogRow;

static const LogRow log_rows[] = {
    {"no file", NULL, 3, 3},
    {"empty", "", 3, 3},
    {"comments", "#log_level = 1\n # log_filters=\"1:qmpguard\"\n", 3, 3},
    {"level", "log_level = 2\n", 2, 2},
    {"level 0 is none", "log_level = 0\n", 3, 3},
    {"filter alone", "log_filters=\"1:qmpguard\"\n", 1, 3},
    {"output alone", "log_level=3\nlog_outputs=\"1:file:/x\"\n", 3, 1},
    {"both", "log_filters=\"1:qmpguard 3:*\"\nlog_outputs=\"1:file:/x\"\n", 1, 1},
    {"the first matches", "log_filters=\"3:* 1:qmpguard\"\nlog_outputs=\"1:file:/x\"\n", 3, 1},
    {"level and output", "log_level=2 # x\nlog_outputs=\"2:file:/x\"\n", 2, 2},
    {"a part of the name", "log_filters=\"1:guard\"\n", 1, 3},
    {"a pattern", "log_filters=\"4:qemu 2:qmp*d 3:*\"\n", 2, 3},
    {"another's", "log_filters=\"1:qemu 1:qmpguards\"\n", 3, 3},
    {"with a stack", "log_filters=\"1:+qmpguard\"\n", 1, 3},
    {"single quotes", "  log_filters\t= '1:qmpguard'\n", 1, 3},
    {"the lowest output", "log_outputs=\"4:stderr 2:syslog:x 3:journald\"\n", 3, 2},
    {"the last line holds", "log_outputs=\"1:stderr\"\nlog_outputs=\"4:stderr\"\n", 3, 4},
    {"another key", "log_levels=1\nxlog_level=1\n", 3, 3},
    {"no words", "log_filters=\"x 9:qmpguard\"\nlog_outputs=\"y 0:file\"\n", 3, 3},
    {"no newline at the end", "log_filters=\"1:qmpguard\"", 1, 3},
};

static void test_log(void **state)
{
    const LogRow *row = *state;
    CLEANUP(mem) char *path = inside("libvirtd.conf");
    LogFacts facts;

    empty_folder();
    if (row->text)
        write_file("libvirtd.conf", row->text);
    log_levels_read(path, &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    assert_int_equal(facts.source, row->source);
    assert_int_equal(facts.output, row->output);
}

/* ---- preload */

#define UNIT "libvirtd.service"
#define DROP_IN(name) UNIT ".d/" name
#define SET "Environment=LD_PRELOAD=/usr/$LIB/libvirt-qmp-guard/guard.so\n"
#define PRE "ExecStartPre=/usr/bin/test -r /usr/lib/libvirt-qmp-guard/guard.so\n"
#define POST "ExecStartPost=/bin/sh -c 'grep -q libvirt-qmp-guard /proc/$MAINPID/maps'\n"

typedef struct PreloadRow {
    const char *name;
    const char *files[3][2]; /* a path, and what is in it */
    Knowledge knowledge;
    bool is_set;
    bool is_asserted;
} PreloadRow;

static const PreloadRow preload_rows[] = {
    {"no unit", {{"usr/" DROP_IN("a.conf"), SET}}, NOT_THERE, false, false},
    {"a bare unit", {{"usr/" UNIT, "[Service]\nExecStart=/x\n"}}, KNOWN, false, false},
    {"the drop-in of enable",
     {{"usr/" UNIT, "[Service]\n"}, {"etc/" DROP_IN("override.conf"), "[Service]\n" SET PRE POST}},
     KNOWN,
     true,
     true},
    {"before it starts alone", {{"etc/" UNIT, SET PRE}}, KNOWN, true, true},
    {"after it started alone", {{"etc/" UNIT, SET POST}}, KNOWN, true, true},
    {"nothing asserts it", {{"etc/" UNIT, SET}}, KNOWN, true, false},
    {"an assertion that may fail",
     {{"etc/" UNIT, SET "ExecStartPre=-/usr/bin/test -r /x/libvirt-qmp-guard/guard.so\n"}},
     KNOWN,
     true,
     false},
    {"commands that are taken back",
     {{"etc/" UNIT, SET PRE "ExecStartPre=\n"}},
     KNOWN,
     true,
     false},
    {"a comment", {{"etc/" UNIT, "#" SET "; " SET}}, KNOWN, false, false},
    {"another library", {{"etc/" UNIT, "Environment=LD_PRELOAD=/x/y.so\n"}}, KNOWN, false, false},
    {"among others",
     {{"etc/" UNIT, "Environment=A=b \"LD_PRELOAD=/x/y.so /z/guard.so\" C=d\n"}},
     KNOWN,
     true,
     false},
    {"another's after it",
     {{"etc/" UNIT, "Environment=\"LD_PRELOAD=/x/y.so\" A=/z/guard.so\n"}},
     KNOWN,
     false,
     false},
    {"on two lines",
     {{"etc/" UNIT, "Environment=A=b \\\n  LD_PRELOAD=/z/guard.so\n"}},
     KNOWN,
     true,
     false},
    {"taken back", {{"etc/" UNIT, SET "Environment=\n"}}, KNOWN, false, false},
    {"set anew", {{"etc/" UNIT, SET "Environment=LD_PRELOAD=\n"}}, KNOWN, false, false},
    {"taken back by name",
     {{"etc/" UNIT, "UnsetEnvironment=A LD_PRELOAD B\n" SET}},
     KNOWN,
     false,
     false},
    {"another taken back by name",
     {{"etc/" UNIT, SET "UnsetEnvironment=LD_PRELOAD2 XLD_PRELOAD\n"}},
     KNOWN,
     true,
     false},
    {"taken back by name, and that again",
     {{"etc/" UNIT, SET "UnsetEnvironment=LD_PRELOAD\nUnsetEnvironment=\n"}},
     KNOWN,
     true,
     false},
    {"taken back by its value",
     {{"etc/" UNIT, SET "UnsetEnvironment=\"LD_PRELOAD=/z/guard.so\"\n"}},
     KNOWN,
     false,
     false},
    {"another variable after it", {{"etc/" UNIT, SET "Environment=A=b\n"}}, KNOWN, true, false},
    {"the later drop-in holds",
     {{"usr/" UNIT, ""},
      {"etc/" DROP_IN("a.conf"), SET},
      {"usr/" DROP_IN("b.conf"), "Environment=LD_PRELOAD=\n"}},
     KNOWN,
     false,
     false},
    {"... whichever is found first",
     {{"usr/" UNIT, ""},
      {"etc/" DROP_IN("a.conf"), "Environment=LD_PRELOAD=\n"},
      {"usr/" DROP_IN("b.conf"), SET}},
     KNOWN,
     true,
     false},
    {"one of the same name takes its place",
     {{"usr/" UNIT, ""}, {"usr/" DROP_IN("a.conf"), SET}, {"etc/" DROP_IN("a.conf"), ""}},
     KNOWN,
     false,
     false},
    {"so does a unit", {{"usr/" UNIT, SET}, {"etc/" UNIT, ""}}, KNOWN, false, false},
    {"not a drop-in", {{"usr/" UNIT, ""}, {"usr/" DROP_IN("a.conf~"), SET}}, KNOWN, false, false},
    {"a file of variables", /* @ is the folder */
     {{"usr/" UNIT, "EnvironmentFile=-@/default\n" SET}, {"default", "LD_PRELOAD=/x/y.so\n"}},
     KNOWN,
     false,
     false},
    {"one that sets it",
     {{"usr/" UNIT, "EnvironmentFile=@/default\n"}, {"default", "LD_PRELOAD=\"/z/guard.so\"\n"}},
     KNOWN,
     true,
     false},
    {"one that is not there", {{"usr/" UNIT, "EnvironmentFile=-@/none\n" SET}}, KNOWN, true, false},
};

static void test_preload(void **state)
{
    const PreloadRow *row = *state;
    CLEANUP(mem) char *usr = inside("usr");
    CLEANUP(mem) char *etc = inside("etc");
    const char *directories[] = {usr, etc, NULL};
    PreloadFacts facts;

    empty_folder();
    for (size_t i = 0; i < COUNT_OF(row->files) && row->files[i][0]; i++) {
        const char *text = row->files[i][1];
        const char *at = strchr(text, '@');
        CLEANUP(mem)
        char *filled = at ? formatted("%.*s%s%s", (int)(at - text), text, folder, at + 1)
                          : strdup(text);

        write_file(row->files[i][0], filled);
    }
    preload_read(directories, UNIT, &facts);
    assert_int_equal(facts.knowledge, row->knowledge);
    assert_int_equal(facts.is_set, row->is_set);
    assert_int_equal(facts.is_asserted, row->is_asserted);
}

/* ---- a process */

#define IDS "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
#define CAPS "CapPrm:\t0000000000000001\nCapEff:\t0000000000000002\nCapBnd:\tffffffffffffffff\n"

static void read_status(const char *text, ProcessFacts *ret)
{
    CLEANUP(mem) char *directory = inside("12");

    empty_folder();
    write_file("12/status", text);
    process_read(directory, ret);
}

static void test_process(void **state)
{
    ProcessFacts facts;

    (void)state;
    read_status("Name:\tUid: 0 0 0 0\n" IDS "Groups:\t20 108 \n" CAPS
                "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n",
                &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(facts.uids[i], 1 + i);
        assert_int_equal(facts.gids[i], 5 + i);
    }
    assert_false(facts.in_root_group);
    assert_true(facts.capabilities == 3);
    assert_int_equal(facts.seccomp, 2);
    assert_int_equal(facts.no_new_privs, 1);

    read_status(IDS "Groups:\t20 0 108\n" CAPS, &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    assert_true(facts.in_root_group);
    assert_int_equal(facts.seccomp, -1);
    assert_int_equal(facts.no_new_privs, -1);

    read_status(IDS, &facts);
    assert_int_equal(facts.knowledge, NOT_KNOWN);
    read_status(CAPS, &facts);
    assert_int_equal(facts.knowledge, NOT_KNOWN);
    process_read("/proc/none", &facts);
    assert_int_equal(facts.knowledge, NOT_KNOWN);
    assert_has_word(facts.why.text, "/proc/none/status");
    process_read("/proc/self", &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    assert_int_equal(facts.uids[1], geteuid());
}

static void test_label(void **state)
{
    CLEANUP(mem) char *directory = inside("12");
    LabelFacts facts;

    (void)state;
    empty_folder();
    label_read(directory, &facts);
    assert_int_equal(facts.knowledge, NOT_THERE);
    write_file("12/attr/current", "");
    label_read(directory, &facts);
    assert_int_equal(facts.knowledge, NOT_THERE);
    write_file("12/attr/current", "unconfined\n");
    label_read(directory, &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    assert_string_equal(facts.text, "unconfined");
    empty_folder();
    write_file("12/attr/current/x", "");
    label_read(directory, &facts);
    assert_int_equal(facts.knowledge, NOT_KNOWN);
}

static void test_namespace(void **state)
{
    CLEANUP(mem) char *one = inside("1");
    CLEANUP(mem) char *two = inside("2");
    NamespaceFacts facts;

    (void)state;
    empty_folder();
    write_file("1/ns/mnt", "");
    mount_namespace_read(one, two, &facts);
    assert_int_equal(facts.knowledge, NOT_KNOWN);
    write_file("2/ns/mnt", "");
    mount_namespace_read(one, two, &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    assert_true(facts.is_own);
    mount_namespace_read(one, one, &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    assert_false(facts.is_own);
}

static void test_command_line(void **state)
{
    StringList arguments;
    Reason why;

    (void)state;
    assert_int_equal(command_line_read("/proc/self", &arguments, &why), 0);
    assert_true(arguments.count >= 1);
    assert_has_word(arguments.items[0], "test_status_gather");
    string_list_clear(&arguments);
    empty_folder();
    write_file("cmdline", "");
    assert_int_equal(command_line_read(folder, &arguments, &why), -1);
    assert_has_word(why.text, "empty");
    assert_int_equal(command_line_read("/proc/none", &arguments, &why), -1);
    assert_has_word(why.text, "/proc/none/cmdline");
}

/* ---- limits */

typedef struct LimitRow {
    const char *name;
    const char *cgroup;
    const char *files[3][2]; /* below the mount */
    const char *text; /* NULL: there is no limit */
} LimitRow;

static const LimitRow limit_rows[] = {
    {"version 2", "0::/m/vm\n", {{"m/vm/memory.max", "4096\n"}}, "memory 4096"},
    {"none", "0::/m/vm\n", {{"m/vm/memory.max", "max\n"}, {"m/pids.max", "max\n"}}, NULL},
    {"above it", "0::/m/vm\n", {{"m/vm/pids.max", "max\n"}, {"m/pids.max", "7\n"}}, "pids 7"},
    {"the smallest", "0::/m/vm\n", {{"m/vm/pids.max", "9\n"}, {"m/pids.max", "7\n"}}, "pids 7"},
    {"in the root", "0::/\n", {{"pids.max", "7\n"}}, "pids 7"},
    {"above all", "0::/m\n", {{"pids.max", "7\n"}}, "pids 7"},
    {"another's", "0::/m/vm\n", {{"m/other/pids.max", "7\n"}}, NULL},
    {"all three",
     "0::/m\n",
     {{"m/memory.max", "1\n"}, {"m/pids.max", "2\n"}, {"m/cpu.max", "3 100\n"}},
     "memory 1, pids 2, cpu 3"},
    {"processor time", "0::/m\n", {{"m/cpu.max", "max 100000\n"}}, NULL},
    {"version 1", "4:memory:/m\n", {{"memory/m/memory.limit_in_bytes", "4096\n"}}, "memory 4096"},
    {"version 1, two in one tree", /* each is a link to the tree of both */
     "4:cpu,cpuacct:/m\n",
     {{"cpu/m/cpu.cfs_quota_us", "5000\n"}},
     "cpu 5000"},
    {"version 1, none",
     "4:memory:/m\n3:cpu:/m\n",
     {{"memory/m/memory.limit_in_bytes", "9223372036854771712\n"},
      {"cpu/m/cpu.cfs_quota_us", "-1\n"}},
     NULL},
    {"both versions",
     "4:memory:/m\n0::/n\n",
     {{"memory/m/memory.limit_in_bytes", "4\n"}, {"n/memory.max", "5\n"}, {"n/pids.max", "6\n"}},
     "memory 4, pids 6"},
    {"a name of its own", "9:name=systemd:/m\n", {{"m/pids.max", "6\n"}}, NULL},
    {"nothing that is known", "x\n", {{"pids.max", "6\n"}}, NULL},
};

static void test_limit(void **state)
{
    const LimitRow *row = *state;
    CLEANUP(mem) char *directory = inside("12");
    CLEANUP(mem) char *mount = inside("cgroup");
    LimitFacts facts;

    empty_folder();
    limits_read(directory, mount, &facts);
    assert_int_equal(facts.knowledge, NOT_KNOWN);
    write_file("12/cgroup", row->cgroup);
    for (size_t i = 0; i < COUNT_OF(row->files) && row->files[i][0]; i++) {
        CLEANUP(mem) char *path = formatted("cgroup/%s", row->files[i][0]);

        write_file(path, row->files[i][1]);
    }
    limits_read(directory, mount, &facts);
    assert_int_equal(facts.knowledge, row->text ? KNOWN : NOT_THERE);
    assert_string_equal(facts.text, row->text ? row->text : "");
}

/* ---- files, and the mark */

static void test_file(void **state)
{
    CLEANUP(mem) char *path = inside("a/b");
    CLEANUP(mem) char *above = inside("a");
    CLEANUP(mem) char *link = inside("link");
    FileFacts facts;

    (void)state;
    empty_folder();
    assert_int_equal(chmod(folder, 0755), 0);
    file_look(path, &facts);
    assert_int_equal(facts.knowledge, NOT_THERE);
    write_file("a/b", "123");
    assert_int_equal(chmod(path, 0640), 0);
    file_look(path, &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    assert_int_equal(facts.mode, S_IFREG | 0640);
    assert_int_equal(facts.uid, geteuid());
    assert_int_equal(facts.size, 3);
    assert_true(facts.others_pass);
    assert_int_equal(chmod(above, 0750), 0);
    assert_int_equal(symlink("a/b", link), 0);
    file_look(link, &facts);
    assert_int_equal(facts.knowledge, KNOWN);
    assert_int_equal(facts.size, 3);
    assert_false(facts.others_pass);
    assert_int_equal(unlink(path), 0);
    file_look(link, &facts);
    assert_int_equal(facts.knowledge, NOT_THERE);
}

static void leave_mark(const char *name)
{
    CLEANUP(fd) int fd = memfd_create(name, MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_true(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
}

static void map_plugin(void)
{
    CLEANUP(mem) char *path = inside("guard.so");
    CLEANUP(fd) int fd = -1;

    empty_folder();
    write_file("guard.so", "of before");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
}

/* As dpkg does. */
static void replace_plugin(void)
{
    CLEANUP(mem) char *path = inside("guard.so");
    CLEANUP(mem) char *other = inside("guard.so.new");

    write_file("guard.so.new", "of now");
    assert_int_equal(rename(other, path), 0);
}

/* Marks stay: this is the only test that leaves some. */
static void test_mark(void **state)
{
    LiveMarks marks;
    Reason why;

    (void)state;
    leave_mark(LIVE_MARK "-not");
    leave_mark("x" LIVE_MARK);
    assert_int_equal(live_marks_read(getpid(), &marks, &why), 0);
    assert_false(marks.is_guarded || marks.had_host_file);
    leave_mark(LIVE_MARK);
    assert_int_equal(live_marks_read(getpid(), &marks, &why), 0);
    assert_true(marks.is_guarded && !marks.had_host_file);
    leave_mark(HOST_FILE_MARK);
    assert_int_equal(live_marks_read(getpid(), &marks, &why), 0);
    assert_true(marks.is_guarded && marks.had_host_file && !marks.is_outdated);
    map_plugin();
    assert_int_equal(live_marks_read(getpid(), &marks, &why), 0);
    assert_false(marks.is_outdated);
    replace_plugin();
    assert_int_equal(live_marks_read(getpid(), &marks, &why), 0);
    assert_true(marks.is_guarded && marks.is_outdated);
    assert_int_equal(live_marks_read(-1, &marks, &why), -1);
    assert_has_word(why.text, "/proc/-1/maps");
    assert_false(marks.is_guarded || marks.had_host_file);
}

static void test_daemon_name(void **state)
{
    (void)state;
    assert_true(is_guarded_daemon_name("/usr/sbin/libvirtd") &&
                is_guarded_daemon_name("virtqemud"));
    assert_false(is_guarded_daemon_name("/usr/sbin/libvirtd/x") ||
                 is_guarded_daemon_name("libvirtd2"));
    assert_false(is_guarded_daemon_process(getpid()) || is_guarded_daemon_process(-1));
    assert_true(is_libvirt_daemon_name("/usr/sbin/virtqemud") &&
                is_libvirt_daemon_name("virtxend"));
    assert_false(is_libvirt_daemon_name("/usr/sbin/virtproxyd/x") || is_libvirt_daemon_name(""));
    assert_false(may_be_libvirt_daemon_process(getpid()));
    assert_true(may_be_libvirt_daemon_process(-1));
}

int main(void)
{
    int status;

    if (!mkdtemp(folder))
        return 1;
    UNIT_ADD_ROWS(log_rows, test_log);
    UNIT_ADD_ROWS(preload_rows, test_preload);
    UNIT_ADD_ROWS(limit_rows, test_limit);
    unit_add("a process", test_process, NULL);
    unit_add("its label", test_label, NULL);
    unit_add("its mount namespace", test_namespace, NULL);
    unit_add("its command line", test_command_line, NULL);
    unit_add("a file", test_file, NULL);
    unit_add("the mark of a live guard", test_mark, NULL);
    unit_add("the daemons' names", test_daemon_name, NULL);
    status = unit_run("status_gather");
    empty_folder();
    rmdir(folder);
    return status;
}

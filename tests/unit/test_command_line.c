/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is found in a domain's own arguments. QEMU's reading is the reference: system/vl.c
 * (lookup_opt), chardev/char.c (qemu_chr_parse_compat) and util/qemu-option.c. What opens a
 * monitor that the network may reach must never be found as anything less.
 */
#include "unit.h"

#include "start/command_line.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

typedef struct LineRow {
    const char *name;
    const char *wanted; /* the findings' names, in order */
    const char *value; /* of the last one; NULL: not looked at */
    const char *arguments[20];
} LineRow;

#define NET "network-monitor"
#define UNIX "unix-monitor"
#define OTHER "other-monitor"
#define TLS "tls-monitor"
#define ARG "argument"
#define EXEC "host-exec"
#define OPAQUE "opaque-option"

static const LineRow spelling_rows[] = {
    {"nothing", "", NULL, {NULL}},
    {"one dash", NET, "-qmp tcp::4444", {"-qmp", "tcp::4444"}},
    {"two dashes", NET, "-qmp tcp::4444", {"--qmp", "tcp::4444"}},
    {"three dashes are no option of QEMU's", ARG, "--qmp tcp::4444", {"---qmp", "tcp::4444"}},
    {"joined with an equals sign", NET, "-qmp tcp::4444", {"-qmp=tcp::4444"}},
    {"joined with a blank", NET, "-qmp tcp::4444", {"-qmp tcp::4444"}},
    {"two dashes, joined", NET, "-qmp tcp::4444", {"--qmp=tcp::4444"}},
    {"joined, the value has an equals sign", UNIX, "/run/x", {"-qmp=unix:path=/run/x,server=on"}},
    {"another letter case is another option", ARG, "-QMP tcp::4444", {"-QMP", "tcp::4444"}},
    {"the start of a name is another option", ARG, "-qm tcp::4444", {"-qm", "tcp::4444"}},
    {"value missing at the end", ARG " " NET, "-qmp", {"-S", "-qmp"}},
    {"empty value", NET, "-qmp", {"-qmp", ""}},
    {"empty value, joined", NET, "-qmp", {"-qmp="}},
    {"-mon without a value", NET, "-mon", {"-mon"}},
    {"-s", NET, "-s", {"-s"}},
    {"--s", NET, "-s", {"--s"}},
    {"-S is not -s", ARG, "-S", {"-S"}},
    {"dash alone", ARG, "-", {"-"}},
    {"two dashes alone", ARG, "-", {"--"}},
    {"empty argument", ARG, "", {""}},
    {"disk image", ARG, "/disk.img", {"/disk.img"}},
    {"two disk images", ARG " " ARG, "/b.img", {"/a.img", "/b.img"}},
    {"disk image behind a joined option is its value, too", ARG, "-a b", {"-a=b", "/disk.img"}},
    {"disk image behind a value", ARG " " ARG, "/disk.img", {"-m", "64", "/disk.img"}},
    {"value of an option without one", ARG, "-S /disk.img", {"-S", "/disk.img"}},
    {"option as the value of another", ARG " " NET, "-qmp tcp::4", {"-name", "-qmp", "tcp::4"}},
    {"option behind one without a value", ARG " " NET, "-qmp tcp::4", {"-S", "-qmp", "tcp::4"}},
    {"option as the value of a monitor", NET " " NET, "-qmp tcp::4", {"-qmp", "-qmp", "tcp::4"}},
    {"joined option as the value of another", ARG " " NET, "-qmp tcp::4", {"-L", "-qmp=tcp::4"}},
    {"the order stays",
     ARG " " OTHER " " NET " " UNIX,
     "/x",
     {"-S", "-gdb", "pty", "-s", "-qmp", "unix:/x"}},
};

static const LineRow option_rows[] = {
    {"-qmp-pretty", NET, "-qmp-pretty tcp::4", {"-qmp-pretty", "tcp::4"}},
    {"-monitor", NET, "-monitor tcp::4", {"-monitor", "tcp::4"}},
    {"-gdb", NET, "-gdb tcp::4", {"-gdb", "tcp::4"}},
    {"-qtest", NET, "-qtest tcp::4", {"-qtest", "tcp::4"}},
    {"-qtest-log opens nothing", ARG, "-qtest-log /dev/null", {"-qtest-log", "/dev/null"}},
    {"-monitor none", ARG, "-monitor none", {"-monitor", "none"}},
    {"-gdb none", ARG, "-gdb none", {"-gdb", "none"}},
    {"-serial mon:", NET, "-serial mon:tcp::4", {"-serial", "mon:tcp::4"}},
    {"-serial mon: on a socket", UNIX, "/x", {"-serial", "mon:unix:/x,server=on"}},
    {"-serial mon:stdio", OTHER, "-serial mon:stdio", {"-serial", "mon:stdio"}},
    {"-parallel mon:", NET, "-parallel mon:tcp::4", {"-parallel", "mon:tcp::4"}},
    {"-debugcon mon:", NET, "-debugcon mon:tcp::4", {"-debugcon", "mon:tcp::4"}},
    {"-gdb mon:", NET, "-gdb mon:tcp::4", {"-gdb", "mon:tcp::4"}},
    {"-monitor mon:", NET, "-monitor mon:tcp::4", {"-monitor", "mon:tcp::4"}},
    {"-serial is no monitor", ARG, "-serial tcp::4", {"-serial", "tcp::4"}},
    {"-parallel is no monitor", ARG, "-parallel tcp::4", {"-parallel", "tcp::4"}},
    {"-debugcon is no monitor", ARG, "-debugcon pty", {"-debugcon", "pty"}},
    {"-chardev alone is no monitor", ARG, NULL, {"-chardev", "socket,id=m,host=a,port=4"}},
    {"-readconfig", OPAQUE, "-readconfig /x", {"-readconfig", "/x"}},
    {"-set", OPAQUE, "-set chardev.m.host=a", {"-set", "chardev.m.host=a"}},
    {"-preconfig", OPAQUE, "-preconfig", {"--preconfig"}},
    {"-plugin", EXEC, "-plugin /x.so", {"-plugin", "/x.so"}},
    {"-plugin with options", EXEC, "-plugin file=/x.so,a=b", {"-plugin", "file=/x.so,a=b"}},
    {"-semihosting", EXEC, "-semihosting", {"-semihosting"}},
    {"-semihosting-config", EXEC, NULL, {"-semihosting-config", "enable=on"}},
    {"-sandbox", "confinement", "-sandbox off", {"-sandbox", "off"}},
    {"-runas", "confinement", "-runas root", {"-runas", "root"}},
    {"-run-with", "confinement", "-run-with user=root", {"-run-with", "user=root"}},
    {"-chroot", "confinement", "-chroot /x", {"-chroot", "/x"}},
    {"-daemonize", "confinement", "-daemonize", {"-daemonize"}},
    {"-incoming exec:", EXEC, "-incoming exec:id", {"-incoming", "exec:id"}},
    {"-incoming exec:, joined", EXEC, "-incoming exec:id", {"--incoming=exec:id"}},
    {"-incoming, JSON", EXEC, NULL, {"-incoming", "{\"addr\":{\"transport\":\"exec\"}}"}},
    {"-incoming, JSON with escapes", EXEC, NULL, {"-incoming", "{'transport':'\\u0065xec'}"}},
    {"-incoming, JSON with another transport", ARG, NULL, {"-incoming", "{'transport':'file'}"}},
    {"-incoming, dotted keys of QEMU 10",
     EXEC,
     NULL,
     {"-incoming", "main,addr.transport=exec,addr.args.0=/bin/id"}},
    {"-incoming tcp:", ARG, "-incoming tcp:0:4", {"-incoming", "tcp:0:4"}},
    {"-incoming defer", ARG, "-incoming defer", {"-incoming", "defer"}},
    {"-incoming with exec elsewhere is taken for one", EXEC, NULL, {"-incoming", "file:/exec:x"}},
    {"-object", ARG, "-object iothread,id=i", {"-object", "iothread,id=i"}},
    {"-object qtest", NET, NULL, {"-object", "qtest,id=q,chardev=m"}},
    {"-object qtest with its key", NET, NULL, {"-object", "id=q,chardev=m,qom-type=qtest"}},
    {"-object qtest, JSON", NET, NULL, {"-object", "{\"qom-type\":\"qtest\",\"id\":\"q\"}"}},
    {"-object, JSON that is none", OPAQUE, NULL, {"-object", "{'qom-type':'qtest'}"}},
    {"-device", ARG, "-device edu", {"-device", "edu"}},
    {"-device, JSON", ARG, NULL, {"-device", "{\"driver\":\"edu\"}"}},
    {"-device, JSON that is none", OPAQUE, NULL, {"-device", "{driver:edu"}},
    {"-netdev user", ARG, "-netdev user,id=n", {"-netdev", "user,id=n"}},
    {"-netdev tap runs a script", EXEC, "-netdev tap,id=n", {"-netdev", "tap,id=n"}},
    {"-netdev tap with its key", EXEC, NULL, {"-netdev", "id=n,type=tap"}},
    {"-netdev tap, script", EXEC, NULL, {"-netdev", "tap,id=n,script=/x,downscript=no"}},
    {"-netdev tap, downscript", EXEC, NULL, {"-netdev", "tap,id=n,script=no,downscript=/x"}},
    {"-netdev tap, neither", ARG, NULL, {"-netdev", "tap,id=n,script=no,downscript=no"}},
    {"-netdev tap, the last script holds",
     EXEC,
     NULL,
     {"-netdev", "tap,id=n,script=no,downscript=no,script=/x"}},
    {"-netdev tap, JSON", EXEC, NULL, {"-netdev", "{\"type\":\"tap\",\"id\":\"n\"}"}},
    {"-netdev bridge", EXEC, NULL, {"-netdev", "bridge,id=n"}},
    {"-netdev user, smb", EXEC, NULL, {"-netdev", "user,id=n,smb=/x"}},
    {"-nic tap", EXEC, "-nic tap", {"-nic", "tap"}},
    {"-net tap", EXEC, "-net tap", {"-net", "tap"}},
    {"guestfwd runs a program", EXEC, NULL, {"-netdev", "user,id=n,guestfwd=tcp:1.2.3.4:5-cmd:id"}},
    {"guestfwd is a monitor",
     NET,
     NULL,
     {"-netdev", "user,id=n,guestfwd=tcp:1.2.3.4:5-mon:tcp::4,,server=on"}},
    {"guestfwd of -nic is a monitor", NET, NULL, {"-nic", "user,guestfwd=tcp:1.2.3.4:5-mon:pty"}},
    {"guestfwd of -net is a monitor", NET, NULL, {"-net", "user,guestfwd=tcp:1.2.3.4:5-mon:pty"}},
    {"the second guestfwd is a monitor",
     NET,
     NULL,
     {"-netdev", "user,id=n,guestfwd=tcp:1.2.3.4:5-null,guestfwd=tcp:1.2.3.4:6-mon:pty"}},
    {"guestfwd in JSON runs a program",
     EXEC,
     NULL,
     {"-netdev", "{\"type\":\"user\",\"id\":\"n\",\"guestfwd\":"
                 "[{\"str\":\"tcp:1.2.3.4:5-cmd:id\"}]}"}},
    {"guestfwd in JSON is a monitor",
     NET,
     NULL,
     {"-netdev", "{\"type\":\"user\",\"id\":\"n\",\"guestfwd\":"
                 "[{\"str\":\"tcp:1.2.3.4:5-mon:tcp:0:4,server=on,wait=off\"}]}"}},
};

/* Behind -monitor, which takes each of them. */
static const LineRow backend_rows[] = {
    {"tcp", NET, NULL, {"-monitor", "tcp:0.0.0.0:4,server=on"}},
    {"tcp, this host only", NET, NULL, {"-monitor", "tcp:127.0.0.1:4,server=on"}},
    {"telnet", NET, NULL, {"-monitor", "telnet::4,server=on"}},
    {"tn3270", NET, NULL, {"-monitor", "tn3270::4,server=on"}},
    {"websocket", NET, NULL, {"-monitor", "websocket::4,server=on"}},
    {"udp", NET, NULL, {"-monitor", "udp::4@:5"}},
    {"vc", NET, NULL, {"-monitor", "vc"}},
    {"vc with a size", NET, NULL, {"-monitor", "vc:80Cx24C"}},
    {"unknown word", NET, NULL, {"-monitor", "nonesuch"}},
    {"unknown word with a colon", NET, NULL, {"-monitor", "nonesuch:/x"}},
    {"a word and more", NET, NULL, {"-monitor", "null,x"}},
    {"blank in front", NET, NULL, {"-monitor", " unix:/x"}},
    {"capitals", NET, NULL, {"-monitor", "UNIX:/x"}},
    {"pty", OTHER, "-monitor pty", {"-monitor", "pty"}},
    {"stdio", OTHER, "-monitor stdio", {"-monitor", "stdio"}},
    {"braille", OTHER, NULL, {"-monitor", "braille"}},
    {"file", OTHER, "-monitor file:/x", {"-monitor", "file:/x"}},
    {"pipe", OTHER, "-monitor pipe:/x", {"-monitor", "pipe:/x"}},
    {"con:", OTHER, NULL, {"-monitor", "con:"}},
    {"serial port", OTHER, NULL, {"-monitor", "/dev/ttyS0"}},
    {"parallel port", OTHER, NULL, {"-monitor", "/dev/parport0"}},
    {"null", ARG, "-monitor null", {"-monitor", "null"}},
    {"msmouse", ARG, NULL, {"-monitor", "msmouse"}},
    {"wctablet", ARG, NULL, {"-monitor", "wctablet"}},
    {"unix", UNIX, "/run/x", {"-monitor", "unix:/run/x,server=on,wait=off"}},
    {"unix as a client", UNIX, "/run/x", {"-monitor", "unix:/run/x"}},
    {"unix, two paths", NET, NULL, {"-monitor", "unix:/a,server=on,path=/b"}},
    {"unix, the first may have its key", UNIX, "/a", {"-monitor", "unix:path=/a,server=on"}},
    {"unix, a path behind", UNIX, "/a", {"-monitor", "unix:server=on,path=/a"}},
    {"unix, doubled comma", UNIX, "/a,b", {"-monitor", "unix:/a,,b,server=on"}},
    {"unix, two doubled commas", UNIX, "/a,,b", {"-monitor", "unix:/a,,,,b,server=on"}},
    {"unix, doubled comma and equals sign", UNIX, "/a,b=c", {"-monitor", "unix:/a,,b=c,server=on"}},
    {"unix, path is a switch", NET, NULL, {"-monitor", "unix:/a,path"}},
    {"unix, no path", NET, NULL, {"-monitor", "unix:/a,server=on,nopath"}},
    {"unix, empty path", UNIX, "./", {"-monitor", "unix:,server=on"}},
    {"unix, relative path", UNIX, "./x", {"-monitor", "unix:x,server=on"}},
    {"unix, a path that looks like an abstract name", UNIX, "./@x", {"-monitor", "unix:@x"}},
    {"unix, longer than QEMU reads",
     NET,
     NULL,
     {"-gdb", "unix:/"
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
              "aaaaaaaaaaaaaaaaaa"}},
    {"unix, an unknown key", NET, NULL, {"-monitor", "unix:/x,nonesuch=1"}},
    {"unix, legacy switches", UNIX, "/x", {"-monitor", "unix:/x,server,nowait"}},
    {"unix, steps upwards stay", UNIX, "/a/../b", {"-monitor", "unix:/a/../b,server=on"}},
    {"unix, abstract", UNIX, "@x", {"-monitor", "unix:x,server=on,abstract=on"}},
    {"unix, abstract=y", UNIX, "@/x", {"-monitor", "unix:/x,server=on,abstract=y"}},
    {"unix, abstract is a switch", UNIX, "@x", {"-monitor", "unix:x,abstract,server=on"}},
    {"unix, abstract=off", UNIX, "/x", {"-monitor", "unix:/x,server=on,abstract=off"}},
    {"unix, abstract=false", UNIX, "/x", {"-monitor", "unix:/x,server=on,abstract=false"}},
    {"unix, abstract twice", NET, NULL, {"-monitor", "unix:/x,abstract=on,abstract=no"}},
    {"unix, noabstract", NET, NULL, {"-monitor", "unix:/x,abstract=on,noabstract,server=on"}},
    {"unix with a host", NET, NULL, {"-monitor", "unix:/x,server=on,host=a,port=4"}},
    {"unix with a port", NET, NULL, {"-monitor", "unix:/x,server=on,port=4"}},
    {"unix that is udp", NET, NULL, {"-monitor", "unix:/x,backend=udp,port=4"}},
    {"unix that is a vc", NET, NULL, {"-monitor", "unix:/x,server=on,backend=vc"}},
    {"unix that is SPICE's", NET, NULL, {"-monitor", "unix:/x,backend=spiceport,name=a"}},
    {"unix that is a pty", NET, NULL, {"-monitor", "unix:/x,server=on,backend=pty"}},
    {"unix that is a file", NET, NULL, {"-monitor", "unix:/x,backend=file"}},
};

/* `m` is what -mon looks for. */
static const LineRow chardev_rows[] = {
    {"id is unknown", NET, "-mon m", {"-mon", "m"}},
    {"libvirt's own", NET, NULL, {"-mon", "chardev=charmonitor,mode=control"}},
    {"host", ARG " " NET, "-mon m", {"-chardev", "socket,id=m,host=a,port=4", "-mon", "m"}},
    {"with its key", ARG " " NET, NULL, {"-chardev", "socket,id=m,port=4", "-mon", "chardev=m"}},
    {"key is not the first",
     UNIX " " ARG,
     NULL,
     {"-mon", "mode=control,chardev=m", "-chardev", "socket,id=m,path=/x"}},
    {"path", ARG " " UNIX, "/x", {"-chardev", "socket,id=m,path=/x,server=on", "-mon", "m"}},
    {"path and host",
     ARG " " NET,
     NULL,
     {"-chardev", "socket,id=m,path=/x,host=a,port=4", "-mon", "m"}},
    {"neither", ARG " " NET, NULL, {"-chardev", "socket,id=m,server=on", "-mon", "m"}},
    {"descriptor", ARG " " OTHER, "-mon m", {"-chardev", "socket,id=m,fd=4", "-mon", "m"}},
    {"descriptor and host",
     ARG " " NET,
     NULL,
     {"-chardev", "socket,id=m,fd=4,host=a", "-mon", "m"}},
    {"abstract", ARG " " UNIX, "@x", {"-chardev", "socket,id=m,path=x,abstract=on", "-mon", "m"}},
    {"noabstract",
     ARG " " NET,
     NULL,
     {"-chardev", "socket,id=m,path=/x,abstract=on,noabstract", "-mon", "m"}},
    {"two paths", ARG " " NET, NULL, {"-chardev", "socket,id=m,path=/a,path=/b", "-mon", "m"}},
    {"no path", ARG " " NET, NULL, {"-chardev", "socket,id=m,path=/a,nopath", "-mon", "m"}},
    {"doubled comma", ARG " " UNIX, "/a,b", {"-chardev", "socket,id=m,path=/a,,b", "-mon", "m"}},
    {"doubled comma hides no host",
     ARG " " UNIX,
     "/a,host=b",
     {"-chardev", "socket,id=m,path=/a,,host=b", "-mon", "m"}},
    {"three commas hide no host",
     ARG " " NET,
     NULL,
     {"-chardev", "socket,id=m,path=/a,,,host=b,port=4", "-mon", "m"}},
    {"backend with its key",
     ARG " " NET,
     NULL,
     {"-chardev", "id=m,backend=socket,host=a,port=4", "-mon", "m"}},
    {"the last backend holds",
     ARG " " NET,
     NULL,
     {"-chardev", "null,id=m,host=a,port=4,backend=socket", "-mon", "m"}},
    {"no backend", ARG " " NET, NULL, {"-chardev", "id=m,path=/x", "-mon", "m"}},
    {"unknown backend", ARG " " NET, NULL, {"-chardev", "nonesuch,id=m,path=/x", "-mon", "m"}},
    {"udp", ARG " " NET, NULL, {"-chardev", "udp,id=m,port=4", "-mon", "m"}},
    {"vc", ARG " " NET, NULL, {"-chardev", "vc,id=m", "-mon", "m"}},
    {"spicevmc", ARG " " NET, NULL, {"-chardev", "spicevmc,id=m,name=a", "-mon", "m"}},
    {"spiceport", ARG " " NET, NULL, {"-chardev", "spiceport,id=m,name=a", "-mon", "m"}},
    {"pty", ARG " " OTHER, NULL, {"-chardev", "pty,id=m", "-mon", "m"}},
    {"stdio", ARG " " OTHER, NULL, {"-chardev", "stdio,id=m", "-mon", "m"}},
    {"file", ARG " " OTHER, NULL, {"-chardev", "file,id=m,path=/x", "-mon", "m"}},
    {"pipe", ARG " " OTHER, NULL, {"-chardev", "pipe,id=m,path=/x", "-mon", "m"}},
    {"serial", ARG " " OTHER, NULL, {"-chardev", "serial,id=m,path=/dev/ttyS0", "-mon", "m"}},
    {"tty", ARG " " OTHER, NULL, {"-chardev", "tty,id=m,path=/dev/ttyS0", "-mon", "m"}},
    {"parport", ARG " " OTHER, NULL, {"-chardev", "parport,id=m,path=/dev/p", "-mon", "m"}},
    {"null", ARG " " ARG, "-mon m", {"-chardev", "null,id=m", "-mon", "m"}},
    {"ringbuf", ARG " " ARG, NULL, {"-chardev", "ringbuf,id=m", "-mon", "m"}},
    {"-qmp chardev:", UNIX " " ARG, NULL, {"-qmp", "chardev:m", "-chardev", "socket,id=m,path=/x"}},
    {"-gdb chardev:", NET " " ARG, NULL, {"-gdb", "chardev:m", "-chardev", "socket,id=m,port=4"}},
    {"-qmp chardev:, unknown", NET, "-qmp chardev:m", {"-qmp", "chardev:m"}},
    {"an id that only starts so", ARG " " NET, NULL, {"-chardev", "null,id=mm", "-mon", "m"}},
    {"-mon, the last chardev holds",
     ARG " " ARG " " NET,
     NULL,
     {"-chardev", "null,id=a", "-chardev", "udp,id=m,port=4", "-mon", "a,chardev=m"}},
    {"-mon, chardev is a switch",
     ARG " " ARG " " NET,
     NULL,
     {"-chardev", "null,id=a", "-chardev", "udp,id=on,port=4", "-mon", "a,chardev"}},
    {"-mon, no chardev",
     ARG " " ARG " " NET,
     NULL,
     {"-chardev", "null,id=a", "-chardev", "udp,id=off,port=4", "-mon", "a,nochardev"}},
    {"duplicate ids",
     ARG " " ARG " " NET,
     NULL,
     {"-chardev", "null,id=m", "-chardev", "udp,id=m,port=4", "-mon", "m"}},
    {"two ids",
     ARG " " ARG " " NET,
     NULL,
     {"-chardev", "udp,id=m,port=4,id=x", "-chardev", "null,id=z,id=m", "-mon", "m"}},
    {"two ids, a path",
     ARG " " ARG " " NET,
     NULL,
     {"-chardev", "socket,id=m,path=/evil,id=x", "-chardev", "socket,id=z,path=/good,id=m", "-mon",
      "m"}},
    {"no id is the id off",
     ARG " " ARG " " NET,
     NULL,
     {"-chardev", "udp,noid,port=4", "-chardev", "null,id=z,id=off", "-mon", "off"}},
    {"a chardev that is another option's value",
     ARG " " ARG " " ARG " " NET,
     NULL,
     {"-L", "-chardev=null,id=m", "-chardev", "udp,id=m,port=4", "-mon", "m"}},
    {"a chardev's path that is another option's value",
     ARG " " ARG " " ARG " " NET,
     NULL,
     {"-L", "-chardev=socket,id=m,path=/good", "-chardev", "socket,id=m,path=/evil", "-mon", "m"}},
};

#define CREDENTIALS "-object", "tls-creds-x509,id=t,dir=/x,endpoint=server"
#define AUTHORIZATION "-object", "authz-list,id=a"
#define SOCKET "socket,id=m,host=a,port=4,server=on"
#define OVER_TLS SOCKET ",tls-creds=t,tls-authz=a"
#define THREE ARG " " ARG " " ARG " "

static const LineRow tls_rows[] = {
    {"TLS", THREE TLS, "-mon m", {CREDENTIALS, AUTHORIZATION, "-chardev", OVER_TLS, "-mon", "m"}},
    {"TLS, objects behind",
     ARG " " TLS " " ARG " " ARG,
     NULL,
     {"-chardev", OVER_TLS, "-mon", "m", CREDENTIALS, AUTHORIZATION}},
    {"TLS, type with its key",
     THREE TLS,
     NULL,
     {"--object", "id=t,qom-type=tls-creds-x509", "-object", "id=a,qom-type=authz-list", "-chardev",
      OVER_TLS, "-mon", "m"}},
    {"no objects", ARG " " NET, NULL, {"-chardev", OVER_TLS, "-mon", "m"}},
    {"no credentials",
     ARG " " ARG " " NET,
     NULL,
     {AUTHORIZATION, "-chardev", OVER_TLS, "-mon", "m"}},
    {"no authorization",
     ARG " " ARG " " NET,
     NULL,
     {CREDENTIALS, "-chardev", OVER_TLS, "-mon", "m"}},
    {"authorization not asked for",
     THREE NET,
     NULL,
     {CREDENTIALS, AUTHORIZATION, "-chardev", SOCKET ",tls-creds=t", "-mon", "m"}},
    {"credentials not asked for",
     THREE NET,
     NULL,
     {CREDENTIALS, AUTHORIZATION, "-chardev", SOCKET ",tls-authz=a", "-mon", "m"}},
    {"ids exchanged",
     THREE NET,
     NULL,
     {CREDENTIALS, AUTHORIZATION, "-chardev", SOCKET ",tls-creds=a,tls-authz=t", "-mon", "m"}},
    {"other credentials hold",
     THREE NET,
     NULL,
     {CREDENTIALS, AUTHORIZATION, "-chardev", OVER_TLS ",tls-creds=u", "-mon", "m"}},
    {"no credentials are the credentials off",
     THREE NET,
     NULL,
     {CREDENTIALS, AUTHORIZATION, "-chardev", OVER_TLS ",notls-creds", "-mon", "m"}},
    {"no authorization is the authorization off",
     THREE NET,
     NULL,
     {CREDENTIALS, AUTHORIZATION, "-chardev", OVER_TLS ",notls-authz", "-mon", "m"}},
    {"verify-peer=on",
     THREE TLS,
     NULL,
     {"-object", "tls-creds-x509,id=t,verify-peer=on", AUTHORIZATION, "-chardev", OVER_TLS, "-mon",
      "m"}},
    {"verify-peer=off",
     THREE NET,
     NULL,
     {"-object", "tls-creds-x509,id=t,verify-peer=off", AUTHORIZATION, "-chardev", OVER_TLS, "-mon",
      "m"}},
    {"verify-peer=no",
     THREE NET,
     NULL,
     {"-object", "tls-creds-x509,verify-peer=no,id=t", AUTHORIZATION, "-chardev", OVER_TLS, "-mon",
      "m"}},
    {"the last verify-peer holds",
     THREE NET,
     NULL,
     {"-object", "tls-creds-x509,id=t,verify-peer=on,verify-peer=n", AUTHORIZATION, "-chardev",
      OVER_TLS, "-mon", "m"}},
    {"anonymous credentials",
     THREE NET,
     NULL,
     {"-object", "tls-creds-anon,id=t,endpoint=server", AUTHORIZATION, "-chardev", OVER_TLS, "-mon",
      "m"}},
    {"a shared key",
     THREE NET,
     NULL,
     {"-object", "tls-creds-psk,id=t", AUTHORIZATION, "-chardev", OVER_TLS, "-mon", "m"}},
    {"credentials as authorization",
     THREE NET,
     NULL,
     {CREDENTIALS, "-object", "tls-creds-x509,id=a", "-chardev", OVER_TLS, "-mon", "m"}},
    {"authorization of one",
     THREE TLS,
     NULL,
     {CREDENTIALS, "-object", "authz-simple,id=a,identity=CN=b", "-chardev", OVER_TLS, "-mon",
      "m"}},
    {"authorization that denies",
     THREE TLS,
     NULL,
     {CREDENTIALS, "-object", "authz-list,id=a,policy=deny", "-chardev", OVER_TLS, "-mon", "m"}},
    {"authorization of everybody",
     THREE NET,
     NULL,
     {CREDENTIALS, "-object", "authz-list,id=a,policy=allow", "-chardev", OVER_TLS, "-mon", "m"}},
    {"JSON is not looked into",
     THREE NET,
     NULL,
     {CREDENTIALS, "-object", "{\"qom-type\":\"authz-list\",\"id\":\"a\"}", "-chardev", OVER_TLS,
      "-mon", "m"}},
    {"authorization that is another option's value",
     ARG " " THREE ARG " " NET,
     NULL,
     {"-L", "-object=authz-list,id=a", CREDENTIALS, "-object", "authz-list,id=a,policy=allow",
      "-chardev", OVER_TLS, "-mon", "m"}},
    {"in one text, which QEMU cuts here and there",
     ARG " " ARG " " NET,
     NULL,
     {CREDENTIALS, AUTHORIZATION, "-qmp", "tcp:0:4,server=on,tls-creds=t,tls-authz=a"}},
    {"in one text, telnet",
     ARG " " ARG " " NET,
     NULL,
     {CREDENTIALS, AUTHORIZATION, "-qmp", "telnet:0:4,tls-creds=t,tls-authz=a"}},
};

/* What was found, as a row has it. */
static char *names_in(const FindingList *findings)
{
    char *names = NULL;
    size_t size;
    FILE *out = open_memstream(&names, &size);

    assert_non_null(out);
    for (size_t i = 0; i < findings->count; i++)
        fprintf(out, "%s%s", i ? " " : "", finding_info(findings->items[i].kind)->name);
    fclose(out);
    return names;
}

static void test_row(void **state)
{
    const LineRow *row = *state;
    CLEANUP(mem) FindingList *findings = calloc(1, sizeof(*findings));
    CLEANUP(mem) char *names = NULL;
    StringList arguments = {0};

    for (size_t i = 0; i < COUNT_OF(row->arguments) && row->arguments[i]; i++)
        assert_int_equal(string_list_add(&arguments, row->arguments[i]), 0);
    command_line_look(&arguments, findings);
    names = names_in(findings);
    assert_string_equal(names, row->wanted);
    assert_false(findings->failed);
    if (row->value)
        assert_string_equal(findings->items[findings->count - 1].value, row->value);
    for (size_t i = 0; i < findings->count; i++)
        assert_true(*findings->items[i].reason);
    finding_list_clear(findings);
    string_list_clear(&arguments);
}

typedef struct VariableRow {
    const char *name; /* of the row and of the variable */
    const char *wanted;
} VariableRow;

#define CODE "code-environment"
#define PLAIN "environment"

static const VariableRow variable_rows[] = {
    {"LD_PRELOAD", CODE},
    {"LD_LIBRARY_PATH", CODE},
    {"LD_AUDIT", CODE},
    {"GLIBC_TUNABLES", CODE},
    {"GCONV_PATH", CODE},
    {"PATH", CODE},
    {"PYTHONPATH", CODE},
    {"QEMU_MODULE_DIR", CODE},
    {"GIO_EXTRA_MODULES", CODE},
    {"GTK_MODULES", CODE},
    {"GTK3_MODULES", CODE},
    {"OPENSSL_CONF", CODE},
    {"SASL_PATH", CODE},
    {"ALSA_CONFIG_PATH", CODE},
    {"LIBGL_DRIVERS_PATH", CODE},
    {"VK_ICD_FILENAMES", CODE},
    {"IBV_DRIVERS", CODE},
    {"MALLOC_CHECK_", CODE},
    {"RENDER_SERVER_EXEC_PATH", CODE},
    {"SDL_DYNAMIC_API", CODE},
    {"LIBDECOR_PLUGIN_DIR", CODE},
    {"PULSE_CLIENTCONFIG", CODE},
    {"DISPLAY", PLAIN},
    {"QEMU_AUDIO_DRV", PLAIN},
    {"PATHS", PLAIN},
    {"MY_PATH", PLAIN},
    {"LD", PLAIN},
    {"ld_preload", PLAIN},
    {"", PLAIN},
};

static void test_variable(void **state)
{
    const VariableRow *row = *state;
    CLEANUP(mem) FindingList *findings = calloc(1, sizeof(*findings));
    CLEANUP(mem) char *names = NULL;
    StringList variables = {0};

    assert_int_equal(string_list_add(&variables, row->name), 0);
    environment_look(&variables, findings);
    names = names_in(findings);
    assert_string_equal(names, row->wanted);
    assert_string_equal(findings->items[0].value, row->name);
    finding_list_clear(findings);
    string_list_clear(&variables);
}

/* As many arguments as a list of findings holds, and one more. */
static void check_count(size_t count, bool fails)
{
    CLEANUP(mem) FindingList *findings = calloc(1, sizeof(*findings));
    StringList arguments = {0};

    for (size_t i = 0; i < count; i++)
        assert_int_equal(string_list_add(&arguments, "-S"), 0);
    command_line_look(&arguments, findings);
    assert_int_equal(findings->count, count < 256 ? count : 256);
    assert_true(findings->failed == fails);
    finding_list_clear(findings);
    assert_int_equal(findings->count, 0);
    string_list_clear(&arguments);
}

static void test_count(void **state)
{
    (void)state;
    check_count(255, false);
    check_count(256, false);
    check_count(257, true);
    check_count(300, true);
}

/* A value may hold secrets: what is said of an option names it and no more. */
static void test_secrets(void **state)
{
    static const char *const values[] = {"-qmp",     "-object",  "-netdev", "-incoming",
                                         "-sandbox", "-chardev", "-serial", "-readconfig",
                                         "-set",     "-plugin"};
    CLEANUP(mem) FindingList *findings = calloc(1, sizeof(*findings));
    StringList arguments = {0};

    (void)state;
    assert_int_equal(string_list_add(&arguments, "s3cret"), 0);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        assert_int_equal(string_list_add(&arguments, values[i]), 0);
        assert_int_equal(string_list_add(&arguments, "x,password=s3cret"), 0);
    }
    command_line_look(&arguments, findings);
    assert_int_equal(findings->count, 1 + COUNT_OF(values));
    for (size_t i = 0; i < findings->count; i++)
        assert_null(strstr(findings->items[i].reason, "s3cret"));
    finding_list_clear(findings);
    string_list_clear(&arguments);
}

int main(void)
{
    UNIT_ADD_ROWS(spelling_rows, test_row);
    UNIT_ADD_ROWS(option_rows, test_row);
    UNIT_ADD_ROWS(backend_rows, test_row);
    UNIT_ADD_ROWS(chardev_rows, test_row);
    UNIT_ADD_ROWS(tls_rows, test_row);
    UNIT_ADD_ROWS(variable_rows, test_variable);
    unit_add("256 findings and more", test_count, NULL);
    unit_add("no secret is said", test_secrets, NULL);
    return unit_run("command_line");
}

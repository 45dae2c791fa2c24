/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chardev.h"

#include "qemu_arguments.h"
#include "util/cleanup.h"

#include <string.h>

/* QEMU cuts a longer one, by option and version: what it then says is not known. */
#define TEXT_MAX 100

/* A device whose other end has this backend; `socket` is looked at more closely. */
typedef struct BackendRow {
    const char *name;
    Reach reach;
} BackendRow;

/* `vc` and SPICE's are reached through the display: by the network, for all that is known. */
static const BackendRow backends[] = {
    {"file", REACH_OTHER},    {"pipe", REACH_OTHER},      {"pty", REACH_OTHER},
    {"stdio", REACH_OTHER},   {"serial", REACH_OTHER},    {"tty", REACH_OTHER},
    {"console", REACH_OTHER}, {"parallel", REACH_OTHER},  {"parport", REACH_OTHER},
    {"braille", REACH_OTHER}, {"wctablet", REACH_NOBODY}, {"msmouse", REACH_NOBODY},
    {"null", REACH_NOBODY},   {"testdev", REACH_NOBODY},  {"ringbuf", REACH_NOBODY},
    {"memory", REACH_NOBODY},
};

/* The short forms: the word in front of the colon, or the whole text. */
static const BackendRow short_forms[] = {
    {"file:", REACH_OTHER}, {"pipe:", REACH_OTHER}, {"con:", REACH_OTHER},
    {"COM", REACH_OTHER},   {"/dev/", REACH_OTHER},
};

/* Keys that a UNIX socket or one of the other local backends may have: any more is odd. */
static const char *const known_keys[] = {
    "backend", "id",        "path",      "server", "wait",   "nowait",       "delay",
    "nodelay", "reconnect", "abstract",  "tight",  "telnet", "reconnect-ms", "mux",
    "logfile", "fd",        "logappend", "signal", "size",
};

static bool is_off(const char *value)
{
    return value && (strcmp(value, "off") == 0 || strcmp(value, "no") == 0 ||
                     strcmp(value, "false") == 0 || strcmp(value, "n") == 0);
}

static bool has_known_keys(const QemuOptions *options)
{
    for (size_t i = 0; i < options->keys.count; i++) {
        bool is_known = false;

        for (size_t k = 0; k < sizeof(known_keys) / sizeof(known_keys[0]); k++)
            is_known = is_known || strcmp(known_keys[k], options->keys.items[i]) == 0;
        if (!is_known)
            return false;
    }
    return true;
}

/* What makes a TLS server ask who is there. */
typedef struct TlsSearch {
    const char *id;
    bool is_credentials; /* else the authorization object */
    bool is_found;
    bool is_spoilt; /* something of that id does not ask, or cannot be read */
} TlsSearch;

static bool asks_who_is_there(const QemuOptions *object, bool is_credentials)
{
    const char *type = qemu_options_get(object, "qom-type");
    const char *policy = qemu_options_get(object, "policy");

    if (!type)
        return false;
    if (is_credentials)
        return strcmp(type, "tls-creds-x509") == 0 &&
               !is_off(qemu_options_get(object, "verify-peer"));
    return strncmp(type, "authz-", strlen("authz-")) == 0 &&
           !(policy && strcmp(policy, "allow") == 0);
}

static void look_at_object(void *data, const char *value)
{
    TlsSearch *search = data;
    QemuOptions object;
    const char *id;

    qemu_options_read(value, "qom-type", &object);
    id = qemu_options_get(&object, "id");
    if (object.is_odd)
        search->is_spoilt = true;
    else if (id && strcmp(id, search->id) == 0 &&
             asks_who_is_there(&object, search->is_credentials))
        search->is_found = true;
    else if (id && strcmp(id, search->id) == 0)
        search->is_spoilt = true;
    qemu_options_clear(&object);
}

static bool object_asks(const StringList *arguments, const char *id, bool is_credentials)
{
    TlsSearch search = {.id = id, .is_credentials = is_credentials};

    if (id)
        qemu_option_each(arguments, "object", look_at_object, &search);
    return search.is_found && !search.is_spoilt;
}

static bool has_tls(const StringList *arguments, const QemuOptions *options)
{
    return object_asks(arguments, qemu_options_get(options, "tls-creds"), true) &&
           object_asks(arguments, qemu_options_get(options, "tls-authz"), false);
}

/* As a rule sees it: `/path`, `./path` for a relative one, `@name` for an abstract one. */
static char *path_text(const char *path, bool is_abstract)
{
    const char *front = is_abstract ? "@" : *path == '/' ? "" : "./";
    char *text = NULL;

    return asprintf(&text, "%s%s", front, path) < 0 ? NULL : text;
}

static void read_unix(const QemuOptions *options, Chardev *ret)
{
    const char *path = qemu_options_get(options, "path");
    const char *abstract = qemu_options_get(options, "abstract");

    if (!has_known_keys(options) || (path && qemu_options_get(options, "fd")))
        return;
    if (path)
        ret->path = path_text(path, abstract && !is_off(abstract));
    if (ret->path)
        ret->reach = REACH_UNIX;
    else if (qemu_options_get(options, "fd"))
        ret->reach = REACH_OTHER;
}

static Reach find_backend(const char *name)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (strcmp(backends[i].name, name) == 0)
            return backends[i].reach;
    }
    return REACH_NETWORK;
}

/* @options are those of a -chardev, and not odd. */
static void read_options(const StringList *arguments, const QemuOptions *options, Chardev *ret)
{
    const char *backend = qemu_options_get(options, "backend");

    if (!backend)
        return;
    if (strcmp(backend, "socket") != 0)
        ret->reach = has_known_keys(options) ? find_backend(backend) : REACH_NETWORK;
    else if (qemu_options_get(options, "host"))
        ret->reach = has_tls(arguments, options) ? REACH_TLS : REACH_NETWORK;
    else
        read_unix(options, ret);
}

static bool skip_word(const char **text, const char *word)
{
    if (strncmp(*text, word, strlen(word)) != 0)
        return false;
    *text += strlen(word);
    return true;
}

void chardev_from_text(const StringList *arguments, const char *text, Chardev *ret)
{
    *ret = (Chardev){0};
    if (strlen(text) > TEXT_MAX)
        return;
    (void)skip_word(&text, "mon:");
    if (skip_word(&text, "chardev:")) {
        chardev_from_id(arguments, text, ret);
        return;
    }
    if (skip_word(&text, "unix:")) {
        QemuOptions options;

        qemu_options_read(text, "path", &options);
        if (!options.is_odd && !qemu_options_get(&options, "backend"))
            read_unix(&options, ret);
        qemu_options_clear(&options);
        return;
    }
    ret->reach = find_backend(text);
    for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++) {
        if (strncmp(text, short_forms[i].name, strlen(short_forms[i].name)) == 0)
            ret->reach = short_forms[i].reach;
    }
}

typedef struct IdSearch {
    const StringList *arguments;
    const char *id;
    Chardev *ret;
    size_t n_found;
} IdSearch;

/* Of several with that id, and of an odd one that may have it, the network's is taken. */
static void look_at_chardev(void *data, const char *value)
{
    IdSearch *search = data;
    QemuOptions options;
    const char *id;

    qemu_options_read(value, "backend", &options);
    id = qemu_options_get(&options, "id");
    if (options.is_odd)
        search->n_found = 2;
    else if (id && strcmp(id, search->id) == 0 && search->n_found++ == 0)
        read_options(search->arguments, &options, search->ret);
    qemu_options_clear(&options);
}

void chardev_from_id(const StringList *arguments, const char *id, Chardev *ret)
{
    IdSearch search = {.arguments = arguments, .id = id, .ret = ret};

    *ret = (Chardev){0};
    qemu_option_each(arguments, "chardev", look_at_chardev, &search);
    if (search.n_found > 1)
        chardev_clear(ret);
}

void chardev_clear(Chardev *chardev)
{
    free(chardev->path);
    *chardev = (Chardev){0};
}

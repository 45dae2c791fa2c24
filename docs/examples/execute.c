/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Judges a QMP text as a host without policies would, then sends it.
 *
 *   cc execute.c -o execute $(pkg-config --cflags --libs libqmpguard)
 *   ./execute demo '{"execute":"query-status"}'
 *   ./execute demo '{"execute":"inject-nmi"}' 'the guest hangs'     # as root
 *
 * A reason, as in the last line, lets the text pass this once, whatever the policies say.
 * Exit status: 0, or the QmpguardCode of what failed.
 */
#include <libvirt/virterror.h>
#include <pwd.h>
#include <qmpguard.h>
#include <stdio.h>
#include <unistd.h>

static int complain(const QmpguardError *error)
{
    fprintf(stderr, "execute: %s\n", error->text);
    return error->code;
}

/* Asks what would happen. Nothing is sent. */
static int judge(const char *domain, const char *text)
{
    const struct passwd *user = getpwuid(geteuid());
    QmpguardQuestion question = {.size = sizeof(question),
                                 .channel = QMPGUARD_QMP,
                                 .text = text,
                                 .domain = domain,
                                 .user = user ? user->pw_name : NULL};
    QmpguardPolicy *policy;
    QmpguardAnswer *answer;
    QmpguardError error;

    if (qmpguard_policy_read(NULL, NULL, &policy, &error) != QMPGUARD_OK)
        return complain(&error);
    if (qmpguard_judge(policy, &question, &answer, &error) == QMPGUARD_OK)
        printf("%s by %s\n", qmpguard_verdict_name(answer->verdict), answer->rule);
    else
        complain(&error);
    qmpguard_answer_free(answer); /* NULL when it failed, which is fine */
    qmpguard_policy_free(policy);
    return error.code;
}

/* With a @reason, a grant is made for this text alone; without one, the policies decide. */
static int execute(const char *name, const char *text, const char *reason)
{
    virConnectPtr connection = virConnectOpen("qemu:///system");
    virDomainPtr domain = connection ? virDomainLookupByName(connection, name) : NULL;
    unsigned int flags = reason ? QMPGUARD_ALLOW_DANGEROUS : 0;
    QmpguardError error = {.code = QMPGUARD_ERROR_LIBVIRT};
    char *reply;

    if (!domain) {
        fprintf(stderr, "execute: %s\n", virGetLastErrorMessage());
    } else {
        if (qmpguard_execute(domain, QMPGUARD_QMP, text, flags, reason, &reply, &error) ==
            QMPGUARD_OK)
            printf("%s\n", reply);
        else
            complain(&error);
        qmpguard_free(reply);
        virDomainFree(domain);
    }
    if (connection)
        virConnectClose(connection);
    return error.code;
}

/* Else libvirt prints each error itself. */
static void stay_silent(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

int main(int argc, char **argv)
{
    int code;

    if (argc != 3 && argc != 4) {
        fputs("usage: execute DOMAIN TEXT [REASON]\n", stderr);
        return QMPGUARD_ERROR_ARGUMENT;
    }
    virSetErrorFunc(NULL, stay_silent);
    code = judge(argv[1], argv[2]);
    return code ? code : execute(argv[1], argv[2], argv[3]);
}

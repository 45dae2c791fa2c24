/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libqmpguard: judge a monitor or agent command without sending it, and send one through the
 * guarded daemon, with an explicit permission for it if need be.
 *
 * Ownership: what is passed in stays the caller's and is not needed behind the call. What comes
 *   out in a ret_ argument is the caller's, who gives it back with the function that is named
 *   there. A function that fails sets its ret_ arguments to NULL.
 * Texts: UTF-8 that ends in a NUL. Times are in seconds.
 * Errors: a function returns QMPGUARD_OK or says what failed with a QmpguardCode; and, in words,
 *   in the QmpguardError that it was given, if any.
 * Threads: every function may be called by any number of threads at once. A QmpguardPolicy does
 *   not change and may be shared.
 *
 * Nothing is ever printed, and nothing of the process is changed: no signal, no locale, no
 *   system log. (libvirt prints its own errors unless virSetErrorFunc() says otherwise.)
 */
#ifndef QMPGUARD_H
#define QMPGUARD_H

#include <libvirt/libvirt.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum QmpguardCode {
    QMPGUARD_OK = 0,
    QMPGUARD_ERROR_ARGUMENT = 1, /* the call itself is wrong, or its text cannot be read */
    QMPGUARD_ERROR_MEMORY = 2,
    QMPGUARD_ERROR_POLICY = 3, /* a policy is invalid; QmpguardError.line says where */
    QMPGUARD_ERROR_CONNECTION = 4, /* not a connection to qemu:///system of this host */
    QMPGUARD_ERROR_DOMAIN = 5, /* the domain does not run, or not on this host */
    QMPGUARD_ERROR_PERMISSION = 6, /* no grant could be given: not root, no place to record or to
                                      keep it; nothing was sent */
    QMPGUARD_ERROR_DENIED = 7, /* the daemon refused: its guard, or libvirt's own permissions */
    QMPGUARD_ERROR_LIBVIRT = 8 /* libvirt failed; virGetLastError() has its error */
} QmpguardCode;

/* Of one size for as long as the library's soname is the same. */
typedef struct QmpguardError {
    int code; /* a QmpguardCode */
    unsigned int line; /* QMPGUARD_ERROR_POLICY: counted from 1; 0: no line is to blame */
    char text[1016]; /* one sentence */
} QmpguardError;

typedef enum QmpguardChannel {
    QMPGUARD_QMP = 0, /* JSON for QEMU's monitor */
    QMPGUARD_HMP = 1, /* a line for the human monitor */
    QMPGUARD_AGENT = 2 /* JSON for the guest agent */
} QmpguardChannel;

/* Only DENY does not pass. */
typedef enum QmpguardVerdict {
    QMPGUARD_DENY = 0,
    QMPGUARD_AUDIT = 1, /* would be denied; passes, as the policy only audits */
    QMPGUARD_GRANT = 2, /* passes by a grant of root's; qmpguard_judge() looks for none */
    QMPGUARD_WARN = 3, /* passes, and is recorded as a warning */
    QMPGUARD_ALLOW = 4
} QmpguardVerdict;

/* A host's policy and a domain's, read once. */
typedef struct QmpguardPolicy QmpguardPolicy;

/*
 * Reads policies from XML: the host's (NULL: the one that holds on a host without a file) and
 * the domain's (NULL: it has none). No file is read. The result is given back with
 * qmpguard_policy_free().
 * Errors: ARGUMENT, MEMORY, POLICY.
 */
int qmpguard_policy_read(const char *host_xml, const char *domain_xml, QmpguardPolicy **ret_policy,
                         QmpguardError *error);

/* Accepts NULL. */
void qmpguard_policy_free(QmpguardPolicy *policy);

/*
 * Who sends what to which domain. All zero is a good start; the size, the text and who the caller
 * is must be set.
 * A later version may add members at the end: what a size does not cover is taken as zero.
 */
typedef struct QmpguardQuestion {
    size_t size; /* sizeof(QmpguardQuestion) */
    int channel; /* a QmpguardChannel */
    int is_confidential; /* not 0: the domain has <launchSecurity> */
    const char *text;
    const char *domain; /* its name; NULL: `DOMAIN` stands for it */
    /* Of these three, one at least says who the caller is. */
    const char *user; /* its UNIX user name, or NULL */
    const char *sasl; /* its SASL user name, or NULL */
    const char *x509; /* the distinguished name of its certificate, or NULL */
    const char *selinux; /* its SELinux context, or NULL */
    const char *const *unix_groups; /* names of the user's groups, ended by a NULL. NULL: this
                                       host's name service is asked, if a policy needs to know */
} QmpguardQuestion;

/*
 * The guard's answer. Every text in it is the answer's own. A later version may add members at
 * the end.
 */
typedef struct QmpguardAnswer {
    size_t size; /* that the library has given it */
    int verdict; /* a QmpguardVerdict */
    const char *rule; /* what decided: `baseline:@dangerous`, `request:unreadable`, ... */
    const char *command; /* that decided: it may be inside another; NULL: it cannot be read */
    const char *command_class; /* `safe`, `privileged`, ...; NULL as before */
    const char *const *groups; /* that the command is in: `@dangerous`, ...; ended by a NULL */
    const char *message; /* what a client would be told; NULL: it would pass */
    const char *text; /* what would be sent on; NULL: it cannot be read */
    const char *record; /* the audit record's line. Nothing is recorded */
} QmpguardAnswer;

/*
 * Judges a text as the daemon would, and sends nothing. What only a daemon knows is not there:
 * no grant is looked for, no limit counted, and no permission of libvirt's held. A text that
 * cannot be read is denied and no error. The result is given back with qmpguard_answer_free().
 * Errors: ARGUMENT, MEMORY.
 */
int qmpguard_judge(const QmpguardPolicy *policy, const QmpguardQuestion *question,
                   QmpguardAnswer **ret_answer, QmpguardError *error);

/* Accepts NULL. */
void qmpguard_answer_free(QmpguardAnswer *answer);

/* `deny`, `audit`, ...; NULL for what is no verdict. Never freed. */
const char *qmpguard_verdict_name(int verdict);

/*
 * A flag of qmpguard_execute(): what the policies deny is to pass, this once. A grant of exactly
 * this text is given, to the user that this process is, for this run of the domain, for one use
 * within 30 seconds; what is not used is revoked before the call returns. That takes root and a
 * reason. It is recorded like any grant.
 */
#define QMPGUARD_ALLOW_DANGEROUS 1U

/*
 * Sends a text to a domain on the caller's own connection, where the daemon's guard judges and
 * records it as anybody's.
 *
 * @channel: a QmpguardChannel. For the agent, libvirt's default timeout holds
 *   (VIR_DOMAIN_QEMU_AGENT_COMMAND_DEFAULT)
 * @flags: 0 or QMPGUARD_ALLOW_DANGEROUS
 * @reason: why it must be, at most 255 bytes, for the record; only with that flag, else ignored
 * @ret_reply: what QEMU or the agent answered, also when that is an error of its own; given
 *   back with qmpguard_free()
 *
 * With the flag, the connection must be to qemu:///system of this host, opened by the same user.
 * If the host policy asks for a second person's word (`confirm`), the grant does not count, and
 * the refusal says so.
 * Errors: ARGUMENT, MEMORY, CONNECTION, DOMAIN, PERMISSION: nothing was sent. DENIED, LIBVIRT:
 * virGetLastError() has libvirt's error.
 */
int qmpguard_execute(virDomainPtr domain, int channel, const char *text, unsigned int flags,
                     const char *reason, char **ret_reply, QmpguardError *error);

/* Frees a text that one of these functions returned. Accepts NULL. */
void qmpguard_free(char *text);

#ifdef __cplusplus
}
#endif

#endif

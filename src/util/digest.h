/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 of something, as a text. */
#ifndef QG_DIGEST_H
#define QG_DIGEST_H

#include <stddef.h>

#include <nettle/sha2.h>

/* 64 hexadecimal digits and a NUL. */
#define DIGEST_TEXT_SIZE (2 * SHA256_DIGEST_SIZE + 1)

typedef struct Digest {
    struct sha256_ctx context;
} Digest;

void digest_start(Digest *digest);
void digest_add(Digest *digest, const void *bytes, size_t length);

/* Adds @text with its NUL, so that no two sequences of texts look alike. */
void digest_add_text(Digest *digest, const char *text);
void digest_finish(Digest *digest, char ret[DIGEST_TEXT_SIZE]);

#endif

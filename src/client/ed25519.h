/*
 * ed25519 - signatures with a key that comes from a password of any length.
 *
 * RFC 8032 takes a secret of 32 bytes and hashes it; MariaDB's client_ed25519 hashes the password in
 * its place, and is otherwise the same. OpenSSL signs with secrets of 32 bytes only, so the curve is
 * calculated here, on its big numbers. A signature takes some milliseconds, and as many more or less
 * as the secret has bits set: this is for a tool that logs in, not for a server.
 */
#ifndef CLIENT_ED25519_H
#define CLIENT_ED25519_H

#include "base/err.h"
#include "base/slice.h"

enum { ED25519_KEY = 32, ED25519_SIGNATURE = 64 }; /* bytes */

/* ERR_NOMEM if OpenSSL fails. */
enum err ed25519_sign(struct slice secret, struct slice message,
		      uint8_t signature[ED25519_SIGNATURE]) MUST_CHECK;

/* The public key that belongs to SECRET. */
enum err ed25519_public(struct slice secret, uint8_t public_key[ED25519_KEY]) MUST_CHECK;

#endif

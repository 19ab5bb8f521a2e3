/*
 * tls - TLS over a socket that is already connected. The only file that knows <openssl/ssl.h>.
 *
 * TLS 1.2 and later. Nothing blocks: ERR_AGAIN says that the socket has to become readable, or
 * writable if tls_wants_write() says so.
 */
#ifndef CLIENT_TLS_H
#define CLIENT_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/target.h"

struct client_tls; /* certificates and rules of a target: client_tls_new() in connection.h */
struct tls;

/* FD stays the caller's and must outlive the tls, as must SHARED and T. */
enum err tls_open(struct client_tls *shared, const struct target *t, int fd, struct tls **out,
		  struct errinfo *info) MUST_CHECK;
void tls_free(struct tls *s); /* NULL is fine */

/* ERR_IO: the handshake failed; INFO says whether it was the certificate. */
enum err tls_handshake(struct tls *s, struct errinfo *info) MUST_CHECK;

/* ERR_EOF: the peer closed. *DONE is at least 1 on ERR_OK. */
enum err tls_read(struct tls *s, void *to, size_t size, size_t *done,
		  struct errinfo *info) MUST_CHECK;
enum err tls_write(struct tls *s, const void *from, size_t size, size_t *done,
		   struct errinfo *info) MUST_CHECK;

/* True if the last ERR_AGAIN waits for the socket to become writable. */
bool tls_wants_write(const struct tls *s);

#endif

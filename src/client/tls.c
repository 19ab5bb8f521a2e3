/* tls - TLS over a socket that is already connected. */
#include "client/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "client/connection.h"

struct client_tls {
	SSL_CTX *context;
	BIO_METHOD *socket_method;
};

struct tls {
	SSL *ssl;
	bool wants_write;
};

/* OpenSSL's own reason for the last failure; its queue is empty afterwards. */
static const char *reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "no reason given";
}

/*
 * OpenSSL's socket BIO writes with write(), which raises SIGPIPE when the server is gone. This one
 * does not. Its data is the file descriptor.
 */
static int socket_bio_fd(BIO *b)
{
	return (int)(intptr_t)BIO_get_data(b);
}

static int socket_bio_write(BIO *b, const char *from, int size)
{
	ssize_t n = send(socket_bio_fd(b), from, (size_t)size, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	return (int)n;
}

static int socket_bio_read(BIO *b, char *to, int size)
{
	ssize_t n = recv(socket_bio_fd(b), to, (size_t)size, 0);

	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(b);
	return (int)n;
}

static long socket_bio_ctrl(BIO *b, int command, long number, void *pointer)
{
	(void)b;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH; /* nothing is held back */
}

static BIO_METHOD *socket_method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");

	if (!m)
		return NULL;
	(void)BIO_meth_set_write(m, socket_bio_write);
	(void)BIO_meth_set_read(m, socket_bio_read);
	(void)BIO_meth_set_ctrl(m, socket_bio_ctrl);
	return m;
}

static enum err load_trust(SSL_CTX *context, const struct target *t, struct errinfo *info)
{
	if (t->ssl_mode < TARGET_SSL_VERIFY_CA)
		return ERR_OK;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (t->ssl_ca && SSL_CTX_load_verify_file(context, t->ssl_ca) != 1)
		return err_set(info, ERR_IO, 0, "read certificates from %s: %s", t->ssl_ca,
			       reason());
	if (!t->ssl_ca && SSL_CTX_set_default_verify_paths(context) != 1)
		return err_set(info, ERR_IO, 0, "find the system's certificates: %s", reason());
	return ERR_OK;
}

static enum err load_own(SSL_CTX *context, const struct target *t, struct errinfo *info)
{
	const char *key = t->ssl_key ? t->ssl_key : t->ssl_cert;

	if (!t->ssl_cert)
		return ERR_OK;
	if (SSL_CTX_use_certificate_chain_file(context, t->ssl_cert) != 1)
		return err_set(info, ERR_IO, 0, "read the certificate %s: %s", t->ssl_cert,
			       reason());
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return err_set(info, ERR_IO, 0, "read the key %s: %s", key, reason());
	return ERR_OK;
}

enum err client_tls_new(const struct target *t, struct client_tls **out, struct errinfo *info)
{
	struct client_tls *s = mem_zalloc(sizeof(*s));
	enum err e;

	if (!s)
		return err_set(info, ERR_NOMEM, 0, "no memory for TLS");
	s->context = SSL_CTX_new(TLS_client_method());
	s->socket_method = socket_method_new();
	if (!s->context || !s->socket_method) {
		client_tls_free(s);
		return err_set(info, ERR_NOMEM, 0, "set up TLS: %s", reason());
	}
	(void)SSL_CTX_set_min_proto_version(s->context, TLS1_2_VERSION);
	(void)SSL_CTX_set_mode(s->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
						   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						   SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(s->context, SSL_SESS_CACHE_OFF);
	e = load_trust(s->context, t, info);
	if (e == ERR_OK)
		e = load_own(s->context, t, info);
	if (e != ERR_OK) {
		client_tls_free(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

void client_tls_free(struct client_tls *s)
{
	if (!s)
		return;
	SSL_CTX_free(s->context);
	BIO_meth_free(s->socket_method);
	mem_free(s);
}

static bool is_address(const char *host)
{
	uint8_t bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Names the host to the server, and to the check of its certificate where that is wanted. */
static bool set_identity(SSL *ssl, const struct target *t)
{
	const char *host = t->host ? t->host : "localhost";
	bool address = is_address(host);

	/* What SSL_set_tlsext_host_name() does, which casts the const away in the open. */
	if (t->host && !address &&
	    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
		     (void *)(uintptr_t)t->host) != 1)
		return false;
	if (t->ssl_mode != TARGET_SSL_VERIFY_IDENTITY)
		return true;
	if (address)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	return SSL_set1_host(ssl, host) == 1;
}

static bool attach_socket(struct tls *s, const struct client_tls *shared, int fd)
{
	BIO *b = BIO_new(shared->socket_method);

	if (!b)
		return false;
	BIO_set_data(b, (void *)(intptr_t)fd);
	BIO_set_init(b, 1);
	SSL_set_bio(s->ssl, b, b);
	return true;
}

enum err tls_open(struct client_tls *shared, const struct target *t, int fd, struct tls **out,
		  struct errinfo *info)
{
	struct tls *s = mem_zalloc(sizeof(*s));

	if (!s)
		return err_set(info, ERR_NOMEM, 0, "no memory for TLS");
	ERR_clear_error();
	s->ssl = SSL_new(shared->context);
	if (!s->ssl || !attach_socket(s, shared, fd) || !set_identity(s->ssl, t)) {
		tls_free(s);
		return err_set(info, ERR_NOMEM, 0, "set up TLS: %s", reason());
	}
	SSL_set_connect_state(s->ssl);
	*out = s;
	return ERR_OK;
}

void tls_free(struct tls *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	mem_free(s);
}

/* What a call of OpenSSL that returned RESULT, not a success, means. */
static enum err outcome(struct tls *s, int result, const char *what, struct errinfo *info)
{
	int system_errno = errno;

	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		s->wants_write = false;
		return ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		s->wants_write = true;
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_EOF;
	case SSL_ERROR_SYSCALL:
		if (system_errno == 0 || result == 0)
			return ERR_EOF;
		return err_set(info, ERR_IO, system_errno, "%s", what);
	default:
		if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			ERR_clear_error();
			return ERR_EOF;
		}
		return err_set(info, ERR_IO, 0, "%s: %s", what, reason());
	}
}

enum err tls_handshake(struct tls *s, struct errinfo *info)
{
	long verdict;
	enum err e;
	int result;

	ERR_clear_error();
	errno = 0;
	result = SSL_do_handshake(s->ssl);
	if (result == 1)
		return ERR_OK;
	e = outcome(s, result, "TLS handshake", info);
	if (e == ERR_EOF)
		return err_set(info, ERR_IO, 0,
			       "the server closed the connection in the TLS handshake");
	verdict = SSL_get_verify_result(s->ssl);
	if (e == ERR_IO && verdict != X509_V_OK)
		return err_set(info, ERR_IO, 0, "the server's certificate is not accepted: %s",
			       X509_verify_cert_error_string(verdict));
	return e;
}

enum err tls_read(struct tls *s, void *to, size_t size, size_t *done, struct errinfo *info)
{
	int result;

	assert(size > 0 && size <= INT_MAX);
	ERR_clear_error();
	errno = 0;
	result = SSL_read(s->ssl, to, (int)size);
	if (result <= 0)
		return outcome(s, result, "read from the server", info);
	s->wants_write = false;
	*done = (size_t)result;
	return ERR_OK;
}

enum err tls_write(struct tls *s, const void *from, size_t size, size_t *done, struct errinfo *info)
{
	int result;

	assert(size > 0);
	ERR_clear_error();
	errno = 0;
	result = SSL_write(s->ssl, from, size > INT_MAX ? INT_MAX : (int)size);
	if (result <= 0)
		return outcome(s, result, "write to the server", info);
	s->wants_write = false;
	*done = (size_t)result;
	return ERR_OK;
}

bool tls_wants_write(const struct tls *s)
{
	return s->wants_write;
}

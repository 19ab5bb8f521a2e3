/*
 * connection - our side of one connection to a server: non-blocking socket, TLS, login, packets.
 *
 * Nothing here waits but the look-up of a name, and a local socket whose queue is full. The owner puts
 * connection_fd() into its epoll set (level-triggered) with connection_wants(), and calls connection_io()
 * when something happened, and while CONNECTING also at connection_due_ns(); that moves the connection through
 * its phases and reads what the server sent, which connection_receive() hands out packet by packet: until
 * it says ERR_AGAIN, nothing more is read. One thread at a time. An idle connection holds no buffers.
 *
 * Logins: mysql_native_password, caching_sha2_password (fast, over TLS or a local socket in clear, else
 * with the server's RSA key), sha256_password, client_ed25519, mysql_clear_password (over TLS or a local socket only),
 * auth_socket/unix_socket (nothing to send); with authentication switch and more data.
 */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include "client/compressor.h"
#include "client/target.h"
#include "mysql/login.h"
#include "mysql/packet.h"
#include "mysql/reply.h"

struct connection;
struct client_tls; /* shared by the connections to one target: certificates, session cache */

enum connection_phase {
	CONNECTION_CONNECTING, /* TCP or socket connect, greeting, TLS, authentication */
	CONNECTION_READY,      /* commands may be sent */
	CONNECTION_FAILED,     /* see connection_error(); nothing more happens */
	CONNECTION_PHASES,
};

enum { CONNECTION_SHARED = 64 << 10 };

enum connection_want { CONNECTION_WANT_READ = 1, CONNECTION_WANT_WRITE = 2 };

/* What differs from connection to connection on the same target. */
struct connection_options {
	const struct target *target;   /* must outlive the connection */
	struct client_tls *tls;        /* NULL: made when needed, for this connection alone */
	struct compressor *compressor; /* likewise; one thread's, outlives its connections */
	uint64_t
		caps; /* asked for as far as the server has them and we do; compression is the target's; what the protocol needs is added */
	uint16_t collation;   /* 0: utf8mb4's default of the server's kind; over 255, which a login
				 has no room for, likewise */
	const char *user;     /* NULL: the target's, with its password */
	const char *password; /* of USER; NULL: none */
	const char *database; /* NULL: the target's */
	struct slice
		attributes; /* connection attributes, encoded as myp_attribute_put() does; may be empty */
	size_t payload_max; /* bytes of a server's payload that are kept; longer ones are cut */
	uint8_t *
		shared; /* CONNECTION_SHARED bytes to receive into; NULL: memory of its own. May be other connections'
			       too, if after each connection_io() connection_receive() is called until ERR_AGAIN before
			       anything is done with another */
};

enum err client_tls_new(const struct target *t, struct client_tls **out,
			struct errinfo *info) MUST_CHECK;
void client_tls_free(struct client_tls *tls);

/*
 * Starts connecting; the name is looked up here (blocking) unless it is an address, and all its addresses
 * are tried one after the other. OPTIONS need not outlive the call, but for the target and the tls. A server that
 * cannot be reached is the phase CONNECTION_FAILED, at once or later. ERR_NOMEM, ERR_USAGE.
 */
enum err connection_open(const struct connection_options *options, struct connection **out,
			 struct errinfo *info) MUST_CHECK;

/* Closes at once, without COM_QUIT. NULL is fine. */
void connection_free(struct connection *c);

/*
 * -1 if there is none. It changes when another address is tried, which is while CONNECTING only: the old one is
 * closed (and so out of every epoll set) after the new one, of another number, was made.
 */
int connection_fd(const struct connection *c);
unsigned connection_wants(const struct connection *c);
enum connection_phase connection_phase(const struct connection *c);

/* When connection_io() must be called though nothing happened; monotonic; INT64_MAX: never. */
int64_t connection_due_ns(const struct connection *c);

/* Moves on: reads and writes what can be without waiting. Failure is the phase CONNECTION_FAILED. */
void connection_io(struct connection *c);

/*
 * Fails if it is READY and its server's machine is silent for longer than the target's unreachable_ns, though it was
 * asked: nothing would happen on its socket for a long time. To be called now and then while an answer is waited for.
 */
void connection_check(struct connection *c);

/*
 * Why it failed: for an error of the server's in the login, code and SQLSTATE stand in *SERVER_ERROR (message
 * borrowed from C), which is all zero otherwise. ERR_PROTO, ERR_IO (refused, timed out, went away, said no),
 * ERR_UNSUPPORTED (a plugin or an SSL mode that cannot be had), ERR_NOMEM. Both pointers may be NULL.
 */
enum err connection_error(const struct connection *c, struct errinfo *info,
			  struct myp_err *server_error);

/* Valid from READY on. */
const struct myp_greeting *connection_greeting(const struct connection *c); /* challenge wiped */
uint64_t connection_caps(const struct connection *c);      /* agreed by both sides */
uint16_t connection_collation(const struct connection *c); /* that was asked for last */
bool connection_is_tls(const struct connection *c);

/*
 * Sends PAYLOAD as a command's packet (sequence 0), or with connection_send_more() as a packet that follows the
 * server's last one (LOCAL INFILE data, empty: its end). Buffered and written as far as the socket takes it at
 * once; ERR_LIMIT if more than 64 MiB beside the payload itself wait (call again after connection_io). ERR_IO,
 * ERR_NOMEM: the phase is FAILED now (or was).
 */
enum err connection_send(struct connection *c, struct slice payload) MUST_CHECK;
enum err connection_send_more(struct connection *c, struct slice payload) MUST_CHECK;

/* Bytes that wait to be written. */
size_t connection_unsent(const struct connection *c);

/*
 * The next packet of the server that is complete: ERR_OK; ERR_AGAIN: none yet (and maybe none ever, see
 * the phase). Borrowed until the next call on C.
 */
enum err connection_receive(struct connection *c, struct myp_packet *out) MUST_CHECK;

/*
 * What has come behind the packet received last, where another packet begins; who takes packets from it without
 * connection_receive() says with connection_take() how many bytes of it are LEFT. Empty in the middle of a packet.
 */
struct slice connection_unread(const struct connection *c);
void connection_take(struct connection *c, size_t left);

/*
 * Sends COM_CHANGE_USER for USER with PASSWORD (NULL: none) and runs its authentication; the phase is CONNECTING
 * until it is READY again, or FAILED with the server's error in connection_error() (servers close the
 * connection then). Every answer must have been received before. The strings need not outlive the call. ERR_IO as
 * connection_send(); ERR_NOMEM.
 */
enum err connection_change_user(struct connection *c, const char *user, const char *password,
				const char *database, uint16_t collation) MUST_CHECK;

#endif

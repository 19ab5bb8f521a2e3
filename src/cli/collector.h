/*
 * collector - kakao MRTE-Collector's own names of options, so that its start script works with another program's name.
 */
#ifndef CLI_COLLECTOR_H
#define CLI_COLLECTOR_H

#include "base/buf.h"
#include "cli/command.h"

struct collector_args {
	const char *unused; /* what has no meaning here: threads, queues and timeouts of its own */
	const char *host, *user, *password, *exchange, *routing_key;
	uint64_t port; /* 0: not said */
	const char *mysql_host, *mysql_user, *mysql_password;
};

#define COLLECTOR_ROW(type, member, option, field, value, text)                                    \
	{                                                                                          \
		.name = (option), .kind = OPT_TEXT, .offset = offsetof(type, member.field),        \
		.placeholder = (value), .help = (text)                                             \
	}

/* LISTEN: the member with struct listen_args. */
#define COLLECTOR_OPTS(type, member, listen)                                                       \
	{.name = "snapshot_len",                                                                   \
	 .kind = OPT_SIZE,                                                                         \
	 .offset = offsetof(type, listen.snap_len),                                                \
	 .placeholder = "SIZE",                                                                    \
	 .help = "as --snap-length"},                                                              \
		COLLECTOR_ROW(type, member, "rabbitmq_host", host, "HOST",                         \
			      "the broker's, in place of --to"),                                   \
		{.name = "rabbitmq_port",                                                          \
		 .kind = OPT_UINT,                                                                 \
		 .offset = offsetof(type, member.port),                                            \
		 .placeholder = "PORT",                                                            \
		 .help = "of the broker (default 5672)"},                                          \
		COLLECTOR_ROW(type, member, "rabbitmq_user", user, "NAME", "at the broker"),       \
		COLLECTOR_ROW(type, member, "rabbitmq_password", password, "PASSWORD",             \
			      "at the broker; better in MYNA_BROKER_PASSWORD or an option file"),  \
		COLLECTOR_ROW(type, member, "rabbitmq_exchange_name", exchange, "NAME",            \
			      "as --exchange"),                                                    \
		COLLECTOR_ROW(type, member, "rabbitmq_routing_key", routing_key, "KEY",            \
			      "as --routing-key"),                                                 \
		COLLECTOR_ROW(type, member, "mysql_host", mysql_host, "HOST",                      \
			      "with mysql_user and mysql_password as --source-server, on the "     \
			      "first of the ports listened for"),                                  \
		COLLECTOR_ROW(type, member, "mysql_user", mysql_user, "NAME",                      \
			      "at the server that is listened to"),                                \
		COLLECTOR_ROW(type, member, "mysql_password", mysql_password, "PASSWORD",          \
			      "likewise"),                                                         \
		COLLECTOR_ROW(type, member, "read_timeout", unused, "MS", "taken and not used"),   \
		COLLECTOR_ROW(type, member, "thread_count", unused, "N", "taken and not used"),    \
		COLLECTOR_ROW(type, member, "queue_size", unused, "N",                             \
			      "taken and not used: --spool-limit says how much may wait"),         \
		COLLECTOR_ROW(type, member, "max_mem_mb", unused, "N", "taken and not used"),      \
		COLLECTOR_ROW(type, member, "direction", unused, "in|out", "taken and not used")

/* True if one of them names a broker or a server. */
bool collector_is_used(const struct collector_args *args);

/* The broker's URL, with a NUL, as --to has it; the password in the command line is overwritten. Failure is buf_err(). */
void collector_put_broker(const struct collector_args *args, struct buf *to);

/* Likewise of the server, as --source-server has it. PORT: that it is on. */
void collector_put_server(const struct collector_args *args, const char *port, struct buf *to);

/* The lines that MRTE-Collector says first: its filter and, if the server was ASKED of its sessions, that they are sent. */
void collector_say_start(const struct opt_texts *ports, bool asked);

#endif

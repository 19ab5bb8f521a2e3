/*
 * command - one command of the program. Internal to cli/, the only layer that opens standard output,
 * prints or exits.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <signal.h>

#include "base/opt.h"
#include "filter/filter.h"
#include "input/input.h"
#include "out/out.h"

/* Exit statuses. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_LOSSES = 3, /* done, but something was not heard, or differs */
};

struct command_row {
	const struct opt_page *page;
	int (*run)(int argc, char **argv); /* without the program's and the command's name */
};

extern const struct command_row cmd_compare, cmd_cut, cmd_doctor, cmd_export, cmd_info, cmd_merge,
	cmd_publish, cmd_record, cmd_replay, cmd_report, cmd_trace;

/* Set by SIGINT and SIGTERM: end cleanly. A second one ends at once. */
extern volatile sig_atomic_t cli_stop;

/* Prints INFO as "myna COMMAND: text" and gives the exit status for its code. */
int cli_fail(const struct opt_page *page, const struct errinfo *info);
int cli_no_memory(const struct opt_page *page);

/* Ends what was printed to stdout: the exit status, after telling on behalf of WHO what could not be written. */
int cli_printed(const char *who);

/*
 * Parses the command line into ARGS. True: go on. False: --help was printed or a mistake was told, and *STATUS is
 * the exit status.
 */
bool cli_parse(const struct opt_page *page, int argc, char **argv, void *args,
	       struct opt_words *words, int *status);

/* The last paragraph of every command that listens. */
#define INPUT_ABOUT                                                                                \
	"INPUT is a capture (pcap or pcapng, plain or compressed by gzip or zstd), a "             \
	"recording, or a broker as amqp[s]://user@host:port/vhost; '-' is standard input. -i "     \
	"listens to a network interface instead."

#define OPT_GROUP(heading, table)                                                                  \
	{                                                                                          \
		.title = (heading), .rows = (table), .count = sizeof(table) / sizeof((table)[0])   \
	}

struct status;

/* What every command that listens takes. */
struct listen_args {
	struct opt_texts interfaces;
	struct opt_texts ports;
	const char *filter;
	uint64_t snap_len;
	uint64_t buffer_bytes;
	uint64_t max_statement;
	int64_t duration_ns;
	double max_cpu;
	const char *netns;
	uint64_t pid;
	uint64_t threads;          /* that follow sessions; 0: as many as help */
	int64_t status_ns;         /* between two lines of how it goes; 0: none */
	bool packets;              /* also events of packets are wanted */
	bool executes, by_clock;   /* as the input's options */
	const char *defaults_file; /* with the account for a broker; NULL: the usual ones */
	int64_t idle_exit_ns;      /* a broker: end when nothing came for so long; 0: never */
	const char *source_server, *source_defaults;
	const char *metrics;   /* where figures are served; NULL: nowhere */
	struct status *status; /* no option: who tells how it goes, of the command's making */
};

/* An input from a broker, for every command that takes one and has no --defaults-file of its own. */
#define BROKER_OPTS(type, member)                                                                  \
	{                                                                                          \
		.name = "defaults-file", .kind = OPT_TEXT,                                         \
		.offset = offsetof(type, member.defaults_file), .placeholder = "FILE",             \
		.help = "a broker's user and password: read the group [myna-broker] of this "      \
			"option file instead of the usual my.cnf"                                  \
	}

#define LISTEN_OPTS(type, member)                                                                  \
	{.letter = 'i',                                                                            \
	 .name = "interface",                                                                      \
	 .kind = OPT_TEXTS,                                                                        \
	 .offset = offsetof(type, member.interfaces),                                              \
	 .placeholder = "NAME",                                                                    \
	 .help = "listen on this network interface until Ctrl-C; several as eth0,eth1 or "         \
		 "by repeating the option ('any': on all of them)"},                               \
		{.name = "port",                                                                   \
		 .kind = OPT_TEXTS,                                                                \
		 .offset = offsetof(type, member.ports),                                           \
		 .placeholder = "PORT",                                                            \
		 .help = "the port servers are on; several as 3306,3307 or by "                    \
			 "repeating the option; 'any' finds them by what they say (default "       \
			 "3306)"},                                                                 \
		{.name = "filter",                                                                 \
		 .kind = OPT_TEXT,                                                                 \
		 .offset = offsetof(type, member.filter),                                          \
		 .placeholder = "TEXT",                                                            \
		 .help = "live: a capture filter in tcpdump's language, in place "                 \
			 "of the one for the ports"},                                              \
		{.name = "duration",                                                               \
		 .kind = OPT_DURATION,                                                             \
		 .offset = offsetof(type, member.duration_ns),                                     \
		 .placeholder = "TIME",                                                            \
		 .help = "live and from a broker: end after so long, for example 30s or 5m"},      \
		{.name = "idle-exit",                                                              \
		 .kind = OPT_DURATION,                                                             \
		 .offset = offsetof(type, member.idle_exit_ns),                                    \
		 .placeholder = "TIME",                                                            \
		 .def = "0",                                                                       \
		 .help = "from a broker: end when nothing came and nothing was left to do for so " \
			 "long; 0 waits for more"},                                                \
		{.name = "max-cpu",                                                                \
		 .kind = OPT_PERCENT,                                                              \
		 .offset = offsetof(type, member.max_cpu),                                         \
		 .placeholder = "PERCENT",                                                         \
		 .help = "live: spend at most so much of one processor, for example 25%: when it " \
			 "takes more, or frames are dropped, hear only a share of the sessions, "  \
			 "whole ones, and say so"},                                                \
		{.name = "netns",                                                                  \
		 .kind = OPT_TEXT,                                                                 \
		 .offset = offsetof(type, member.netns),                                           \
		 .placeholder = "NAME",                                                            \
		 .help = "live: listen in this network namespace, a name of 'ip netns' or a "      \
			 "path"},                                                                  \
		{.name = "pid",                                                                    \
		 .kind = OPT_UINT,                                                                 \
		 .offset = offsetof(type, member.pid),                                             \
		 .placeholder = "PID",                                                             \
		 .help = "live: listen in the network namespace of this process, of a container "  \
			 "for one"},                                                               \
		{.name = "status-interval",                                                        \
		 .kind = OPT_DURATION,                                                             \
		 .offset = offsetof(type, member.status_ns),                                       \
		 .placeholder = "TIME",                                                            \
		 .def = "10s",                                                                     \
		 .help = "live, from a broker, and of publish and replay: write a line of how it " \
			 "goes to standard error so often, what was heard so far and what was "    \
			 "not, what waits and how late it is; 0 writes none"},                     \
		{.name = "metrics",                                                                \
		 .kind = OPT_TEXT,                                                                 \
		 .offset = offsetof(type, member.metrics),                                         \
		 .placeholder = "[ADDRESS:]PORT",                                                  \
		 .help = "serve the same and more to Prometheus, at http://ADDRESS:PORT/metrics: " \
			 "only on this machine (127.0.0.1) unless an address is named; IPv6 as "   \
			 "[::1]:9104"},                                                            \
		{.name = "snap-length",                                                            \
		 .kind = OPT_SIZE,                                                                 \
		 .offset = offsetof(type, member.snap_len),                                        \
		 .placeholder = "SIZE",                                                            \
		 .help = "live: bytes to take of each frame; 0 takes all of it",                   \
		 .def = "0"},                                                                      \
		{.name = "buffer-size",                                                            \
		 .kind = OPT_SIZE,                                                                 \
		 .offset = offsetof(type, member.buffer_bytes),                                    \
		 .placeholder = "SIZE",                                                            \
		 .help = "live: the kernel's buffer for frames that wait (default 64M; of "        \
			 "publish "                                                                \
			 "32M)"},                                                                  \
		{.name = "source-server",                                                          \
		 .kind = OPT_TEXT,                                                                 \
		 .offset = offsetof(type, member.source_server),                                   \
		 .placeholder = "URL",                                                             \
		 .help = "live: ask the server that is listened to, "                              \
			 "mysql://user@host:port/, about sessions that were open before: their "   \
			 "user, database, settings and prepared statements"},                      \
		{.name = "source-defaults-file",                                                   \
		 .kind = OPT_TEXT,                                                                 \
		 .offset = offsetof(type, member.source_defaults),                                 \
		 .placeholder = "FILE",                                                            \
		 .help = "with --source-server: the option file with its password"},               \
	{                                                                                          \
		.name = "max-statement", .kind = OPT_SIZE,                                         \
		.offset = offsetof(type, member.max_statement), .placeholder = "SIZE",             \
		.help = "keep at most so much of a statement", .def = "1G"                         \
	}

/* Which events pass, for every command that takes them. What is known of commands when they are sent. */
#define FILTER_COMMAND_OPTS(type, member) FILTER_COMMAND_OPTS_BUT(type, member, "user")

/* The same for a command whose --user is another one. */
#define FILTER_COMMAND_OPTS_BUT(type, member, user_option)                                         \
	{.name = "since",                                                                          \
	 .kind = OPT_TEXT,                                                                         \
	 .offset = offsetof(type, member.since),                                                   \
	 .placeholder = "TIME",                                                                    \
	 .help = "only commands sent at this time or later: '2026-11-20 10:15:30', also with a "   \
		 "zone; 10:15:30 of the day on which INPUT begins; +10s after its beginning"},     \
		{.name = "until",                                                                  \
		 .kind = OPT_TEXT,                                                                 \
		 .offset = offsetof(type, member.until),                                           \
		 .placeholder = "TIME",                                                            \
		 .help = "only commands sent before this time"},                                   \
		{.name = "session",                                                                \
		 .kind = OPT_TEXTS,                                                                \
		 .offset = offsetof(type, member.sessions),                                        \
		 .placeholder = "ID",                                                              \
		 .help = "only this session, by its id or the beginning of it; may be repeated"},  \
		{.name = (user_option),                                                            \
		 .kind = OPT_TEXTS,                                                                \
		 .offset = offsetof(type, member.users),                                           \
		 .placeholder = "NAME",                                                            \
		 .help = "only this user; * and ? are wildcards, '!NAME' leaves one out; may be "  \
			 "repeated"},                                                              \
		{.name = "db",                                                                     \
		 .kind = OPT_TEXTS,                                                                \
		 .offset = offsetof(type, member.databases),                                       \
		 .placeholder = "NAME",                                                            \
		 .help = "only commands in this default database; as --user"},                     \
		{.name = "client",                                                                 \
		 .kind = OPT_TEXTS,                                                                \
		 .offset = offsetof(type, member.clients),                                         \
		 .placeholder = "ADDRESS",                                                         \
		 .help = "only from this client, such as 10.0.0.7 or '10.0.*'; as --user"},        \
		{.name = "digest",                                                                 \
		 .kind = OPT_TEXTS,                                                                \
		 .offset = offsetof(type, member.digests),                                         \
		 .placeholder = "ID",                                                              \
		 .help = "only statements of this digest, by its id in 'report' or the "           \
			 "beginning of it; may be repeated"},                                      \
		{.name = "match",                                                                  \
		 .kind = OPT_TEXT,                                                                 \
		 .offset = offsetof(type, member.match),                                           \
		 .placeholder = "REGEX",                                                           \
		 .help = "only statements in whose text this extended regular expression is "      \
			 "found, in either case; executions have their values in place"},          \
	{                                                                                          \
		.name = "command", .kind = OPT_TEXTS, .offset = offsetof(type, member.commands),   \
		.placeholder = "NAME",                                                             \
		.help = "only this command, such as QUERY or 'STMT_*'; as --user"                  \
	}

/* The same, and what is known with the response only. */
#define FILTER_OPTS(type, member)                                                                  \
	FILTER_COMMAND_OPTS(type, member),                                                         \
		{.name = "errors",                                                                 \
		 .kind = OPT_FLAG,                                                                 \
		 .offset = offsetof(type, member.errors),                                          \
		 .help = "only what was answered by an error"},                                    \
	{                                                                                          \
		.name = "slower-than", .kind = OPT_DURATION,                                       \
		.offset = offsetof(type, member.slower_ns), .placeholder = "TIME",                 \
		.help = "only what took longer than this, for example 100ms"                       \
	}

/* Adds the ports in LIST, "3306,3307", to O. ERR_USAGE. */
enum err cli_add_ports(const char *list, struct input_options *o, struct errinfo *info) MUST_CHECK;

/* Opens what WORDS and ARGS name: one INPUT, or -i. */
enum err cli_open_input(const struct opt_page *page, const struct opt_words *words,
			const struct listen_args *args, struct input **out,
			struct errinfo *info) MUST_CHECK;

/* Standard output as an out. */
enum err cli_write_stdout(void *ctx, struct slice bytes, struct errinfo *info);

/*
 * Pumps IN into SINK until it ends or a signal comes, and has LISTEN's status tell how it goes. Before a live input
 * starts, privileges are given up: what needed them is open.
 */
enum err cli_pump(const struct listen_args *listen, struct input *in, const struct event_sink *sink,
		  struct errinfo *info) MUST_CHECK;

/* The same, and ends the command: tells an error, or the losses if there were any. Returns the exit status. */
int cli_run(const struct opt_page *page, const struct listen_args *listen, struct input *in,
	    const struct event_sink *sink);

/* The same through the filter, if OPTIONS ask for anything. */
int cli_run_filtered(const struct opt_page *page, const struct listen_args *listen,
		     const struct filter_options *options, struct input *in,
		     const struct event_sink *sink);

/*
 * A command that hears an input and writes of it to standard output, whole: parses the command line into ARGS, opens
 * the input, makes the sink by MAKE and pumps.
 */
struct cli_writer {
	const struct opt_page *page;
	void *args;
	struct listen_args *listen;          /* in ARGS */
	const struct filter_options *filter; /* in ARGS */
	/* After parsing: what follows from ARGS, and what in them is a mistake, ERR_USAGE. May be NULL. */
	enum err (*settle)(void *args, struct errinfo *info);
	/* INPUT: its name. Several are made for several threads, if they merge. ERR_NOMEM. */
	enum err (*make)(struct out *out, const void *args, const char *input,
			 struct event_sink *sink);
};

int cli_write(const struct cli_writer *w, int argc, char **argv);

/* One line about what was not heard, of which there must be something. */
void cli_tell_losses(const struct opt_page *page, const struct coverage *c);

/* True if standard error is a terminal: progress may be shown. */
bool cli_shows_progress(void);

#endif

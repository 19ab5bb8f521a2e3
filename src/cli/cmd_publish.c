/* cmd_publish - myna publish: send the traffic to RabbitMQ. */
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/url.h"
#include "cli/collector.h"
#include "cli/command.h"
#include "cli/status.h"
#include "metrics/backlog.h"
#include "out/units.h"
#include "sink/publish.h"

/* The kernel's buffer counts as this process's memory, and here nothing that may be slow keeps it from being emptied. */
static const uint64_t BUFFER_BYTES = 32 << 20;

enum { FOLDER_MAX = 4096, URL_MAX = 1 << 16, MRTE_LINES_PER_HEAD = 20 };

static const char *const queue_types[] = {"quorum", "classic", NULL};
static const char *const yes_no[] = {"yes", "no", NULL};
static const char *const formats[] = {"myna", "mrte", NULL};
static const char *const when_full[] = {"end", "shed", NULL};

static const char mrte_columns[] = "DateTime                TotalPacket     ValidPacket    "
				   "PacketDropped    PacketIfDropped      "
				   "WaitingQueueCnt         MQError";

struct publish_args {
	struct listen_args listen;
	struct filter_options filter;
	const char *to;
	const char *exchange;
	uint64_t shards;
	int queue_type; /* enum mq_queue_type */
	int no_declare;
	int64_t block_age_ns;
	const char *spool;
	uint64_t spool_limit;
	int shed;
	int64_t linger_ns;
	int mrte;
	const char *routing_key;
	uint64_t max_packet;
	struct collector_args collector;
};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct publish_args, listen),
					 BROKER_OPTS(struct publish_args, listen)};

static const struct opt filter_rows[] = {FILTER_OPTS(struct publish_args, filter)};

static const struct opt broker_rows[] = {
	{.name = "to",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct publish_args, to),
	 .placeholder = "URL",
	 .help = "the broker: amqp://user@host:port/vhost, or amqps:// for TLS"},
	{.name = "exchange",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct publish_args, exchange),
	 .placeholder = "NAME",
	 .help = "the exchange to publish to; queues are NAME.0, NAME.1 ... (default myna, or "
		 "mrte with that format)"},
	{.name = "shards",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct publish_args, shards),
	 .placeholder = "N",
	 .def = "4",
	 .help = "spread the sessions over so many queues: as many replayers can share the work"},
	{.name = "queue-type",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct publish_args, queue_type),
	 .placeholder = "TYPE",
	 .def = "quorum",
	 .choices = queue_types,
	 .help = "of the queues that are made: quorum or classic"},
	{.name = "declare",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct publish_args, no_declare),
	 .placeholder = "yes|no",
	 .def = "yes",
	 .choices = yes_no,
	 .help = "make the exchange, the queues and their bindings where they are missing; 'no' "
		 "publishes to an exchange that is there, by the keys 0 to N-1"},
	{.name = "block-age",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct publish_args, block_age_ns),
	 .placeholder = "TIME",
	 .def = "1s",
	 .help = "send a block that is not full when its first event is so old"},
};

static const struct opt mrte_rows[] = {
	{.name = "format",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct publish_args, mrte),
	 .placeholder = "FORMAT",
	 .def = "myna",
	 .choices = formats,
	 .help = "'mrte': messages that kakao's MRTE-Player replays, to an exchange that is there: "
		 "commands as text, without times and answers"},
	{.name = "routing-key",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct publish_args, routing_key),
	 .placeholder = "KEY",
	 .def = "",
	 .help = "of the messages with that format"},
	{.name = "max-packet",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct publish_args, max_packet),
	 .placeholder = "SIZE",
	 .def = "65533",
	 .help = "with that format, leave out statements that are longer: MRTE-Player's "
		 "--max_packet_size"},
};

static const struct opt collector_rows[] = {COLLECTOR_OPTS(struct publish_args, collector, listen)};

static const struct opt spool_rows[] = {
	{.name = "spool",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct publish_args, spool),
	 .placeholder = "FOLDER",
	 .def = "/var/tmp",
	 .help = "where blocks wait until the broker has confirmed them"},
	{.name = "spool-limit",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct publish_args, spool_limit),
	 .placeholder = "SIZE",
	 .def = "1G",
	 .help = "let at most so much wait"},
	{.name = "spool-full",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct publish_args, shed),
	 .placeholder = "end|shed",
	 .def = "end",
	 .choices = when_full,
	 .help = "live, when so much waits: end with an error, or let whole sessions go, from the "
		 "next that says something on, and count them"},
	{.name = "linger",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct publish_args, linger_ns),
	 .placeholder = "TIME",
	 .def = "10s",
	 .help = "at the end, wait so long for the broker to confirm what was sent; what it has "
		 "not stays in the spool for the next start"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Listening", listen_rows),
	OPT_GROUP("What passes", filter_rows),
	OPT_GROUP("The broker", broker_rows),
	OPT_GROUP("For MRTE-Player", mrte_rows),
	OPT_GROUP("While the broker is away", spool_rows),
	OPT_GROUP("As MRTE-Collector names them", collector_rows),
};

static const struct opt_page page = {
	.name = "publish",
	.usage = "INPUT|-i INTERFACE --to amqp[s]://USER@HOST:PORT/VHOST [options]",
	.summary = "send the traffic to RabbitMQ",
	.about =
		"Sends sessions, commands and responses to RabbitMQ, from where 'myna replay "
		"amqp://...' and every other command takes them, on other machines. What travels "
		"are the blocks of a recording, one in a message; a session's are in one queue, "
		"in order.\n\nThe exchange (durable, direct) and the queues (durable, with a "
		"single active consumer) are made where they are missing; where they exist with "
		"other properties, nothing is done. docs/broker.md says what the account has to "
		"be allowed.\n\nA block is put into a spool on disk first and leaves it when the "
		"broker has confirmed it. So nothing is lost while the broker is away, and what a "
		"kill of the program leaves there is sent by the next start with the same --spool, "
		"broker and exchange; only the blocks that were being filled are lost then, which "
		"that start tells. Listening never waits for the broker.\n\nThe password need not "
		"stand on the command line: MYNA_BROKER_USER and MYNA_BROKER_PASSWORD in the "
		"environment, or user and password in the group [myna-broker] of ~/.my.cnf or "
		"--defaults-file, are used for what the URL does not say. TLS verifies the "
		"broker's certificate and name, with ?cacertfile=FILE in the URL for a CA of your "
		"own.\n\n" INPUT_ABOUT,
	.examples = "  myna publish -i eth0 --to amqps://collector@mq.example.com/prod\n"
		    "  myna publish prod.myna --to amqp://mq/ --exchange load --shards 8\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

/* What is sent, and what is told of it. */
struct sending {
	struct outbox *outbox;
	struct publisher *publisher;
	struct status *status;
	struct backlog backlog;
	struct mrte_line {
		int64_t at_ns; /* monotonic */
		struct coverage coverage;
		uint64_t errors;
	} before; /* the line with MRTE-Collector's columns that was told last */
	uint64_t mrte_lines;
};

/* MRTE-Collector's line of what happened in each second since the line before. */
static void tell_mrte(void *ctx)
{
	struct sending *s = ctx;
	const struct mrte_line *b = &s->before;
	const struct figures *f = &s->status->figures;
	const struct mrte_line line = {.at_ns = clock_mono_ns(),
				       .coverage = f->coverage,
				       .errors = (uint64_t)f->publisher_errors};
	const struct coverage *c = &line.coverage;
	const uint64_t ns = line.at_ns > b->at_ns ? (uint64_t)(line.at_ns - b->at_ns) : 1;
	char now[sizeof("2026-11-20 10:15:30")];
	struct tm tm;
	time_t t = time(NULL);

	if (s->mrte_lines++ % MRTE_LINES_PER_HEAD == 0)
		(void)fprintf(stderr, "\n%s\n", mrte_columns);
	(void)strftime(now, sizeof(now), "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
#define PER_SECOND(count) ((unsigned long long)((count) * (uint64_t)NS_PER_S / ns))
	(void)fprintf(stderr, "%-19s %15llu %15llu %16llu %18llu %20llu %15llu\n", now,
		      PER_SECOND(c->frames - b->coverage.frames),
		      PER_SECOND(coverage_valid_frames(c) - coverage_valid_frames(&b->coverage)),
		      PER_SECOND(c->kernel_drops - b->coverage.kernel_drops),
		      PER_SECOND(c->interface_drops - b->coverage.interface_drops),
		      (unsigned long long)f->waiting, PER_SECOND(line.errors - b->errors));
#undef PER_SECOND
	(void)fflush(stderr);
	s->before = line;
}

static void on_progress(void *ctx, const struct publish_progress *p)
{
	struct sending *s = ctx;
	struct figures *f = &s->status->figures;
	struct publisher_state state;

	publisher_state(s->publisher, &state);
	f->published = (int64_t)p->blocks;
	f->publish_shed = (int64_t)p->shed;
	f->confirmed = (int64_t)state.confirmed;
	f->waiting = (int64_t)outbox_messages(s->outbox);
	f->publish_spool_bytes = (int64_t)outbox_bytes(s->outbox);
	f->waiting_ns = backlog_age_ns(&s->backlog, (uint64_t)f->waiting + state.confirmed,
				       state.confirmed, clock_mono_ns());
	f->publisher_errors = (int64_t)state.errors;
	f->publisher_connected = state.connected;
	f->publisher_blocked = state.blocked;
	status_look(s->status);
}

/* The folder in --spool for this destination. */
static enum err folder_of(const struct publish_args *args, const struct place *place,
			  char to[FOLDER_MAX], struct errinfo *info)
{
	char name[PLACE_NAME_MAX];
	uint64_t hash = hash_mix(hash_bytes(slice_cstr(place_name(place, name))),
				 hash_bytes(slice_cstr(args->exchange)));

	if (snprintf(to, FOLDER_MAX, "%s/myna-publish-%u-%016llx", args->spool, (unsigned)geteuid(),
		     (unsigned long long)hash) < FOLDER_MAX)
		return ERR_OK;
	return err_set(info, ERR_USAGE, 0, "--spool: the name is too long");
}

/* Of the one before, which had the same spool. */
static void tell_left(const struct outbox_left *left)
{
	if (left->killed)
		(void)fprintf(stderr,
			      "myna publish: the run before was killed: the blocks that it was "
			      "filling are lost, about a second of its sessions\n");
	if (left->messages > 0)
		(void)fprintf(stderr,
			      "myna publish: %llu block%s (%s) that the run before left in the "
			      "spool are sent first\n",
			      (unsigned long long)left->messages, units_plural(left->messages),
			      units_size(left->bytes).text);
}

static bool wait_until_sent(const struct sending *s, int64_t linger_ns)
{
	const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
	int64_t until_ns = clock_mono_ns() + linger_ns;

	while (outbox_messages(s->outbox) > 0 && clock_mono_ns() < until_ns &&
	       publisher_failure(s->publisher, NULL) == ERR_OK)
		(void)nanosleep(&pause, NULL);
	return outbox_messages(s->outbox) == 0;
}

/* What MRTE's messages could not carry. */
static void tell_left_out(const struct mrte_left *left)
{
	if (!left)
		return;
#define LEFT(name, one, many)                                                                      \
	if (left->name)                                                                            \
		(void)fprintf(stderr, "myna publish: left out: %llu %s\n",                         \
			      (unsigned long long)left->name, left->name == 1 ? (one) : (many));
#include "mrte/left_list.h"
#undef LEFT
}

static bool has_left(const struct mrte_left *left)
{
	bool any = false;

	if (!left)
		return false;
#define LEFT(name, one, many) any |= left->name > 0;
#include "mrte/left_list.h"
#undef LEFT
	return any;
}

/* After all was read: what the broker has, and what it has not. */
static int tell_sent(const struct sending *s, const struct publish_args *args,
		     const struct publish_sink *sink, int status)
{
	struct publisher_state state;
	bool all = wait_until_sent(s, args->linger_ns);

	publisher_state(s->publisher, &state);
	(void)fprintf(stderr, "%smyna publish: the broker has confirmed %llu block%s\n",
		      s->status->terminal ? "\r\033[K" : "", (unsigned long long)state.confirmed,
		      units_plural(state.confirmed));
	tell_left_out(publish_left(sink));
	if (publish_shed(sink) > 0)
		(void)fprintf(
			stderr, "myna publish: %llu session%s let go, since the spool was full\n",
			(unsigned long long)publish_shed(sink), units_plural(publish_shed(sink)));
	if (!all)
		(void)fprintf(
			stderr,
			"myna publish: %llu block%s (%s) left in the spool, for the next start\n",
			(unsigned long long)outbox_messages(s->outbox),
			units_plural(outbox_messages(s->outbox)),
			units_size(outbox_bytes(s->outbox)).text);
	return status == CLI_DONE &&
			       (!all || publish_shed(sink) > 0 || has_left(publish_left(sink)))
		       ? CLI_LOSSES
		       : status;
}

static int publish(const struct opt_words *words, const struct publish_args *args,
		   struct sending *s)
{
	struct publish_options options = {
		.shards = (uint32_t)args->shards,
		.block_age_ns = args->block_age_ns,
		.limit = args->spool_limit,
		.shed = args->shed != 0,
		.mrte = args->mrte != 0,
		.mrte_packet_max = (size_t)args->max_packet,
		.stop = &cli_stop,
		.progress = on_progress,
		.ctx = s,
	};
	struct publish_sink *sink = NULL;
	struct event_sink events;
	struct input *in = NULL;
	struct errinfo info;
	int status;

	if (cli_open_input(&page, words, &args->listen, &in, &info) != ERR_OK)
		return cli_fail(&page, &info);
	options.live = input_is_live(in);
	if (args->mrte && options.live)
		collector_say_start(&args->listen.ports, args->listen.source_server != NULL);
	if (publish_new(s->outbox, s->publisher, &options, &sink, &info) == ERR_OK) {
		events = publish_events(sink);
		s->status->figures.left = publish_left(sink);
		status = cli_run_filtered(&page, &args->listen, &args->filter, in, &events);
		status = tell_sent(s, args, sink, status);
	} else {
		status = cli_fail(&page, &info);
	}
	s->status->figures.left = NULL;
	publish_free(sink);
	input_free(in);
	return status;
}

/* The input comes last: from when it is open, what is said has to be taken. */
static int connect_and_publish(const struct opt_words *words, const struct publish_args *args,
			       const struct place *place)
{
	struct publisher_options options = {
		.place = place,
		.exchange = args->exchange,
		.shards = (uint32_t)args->shards,
		.type = (enum mq_queue_type)args->queue_type,
		.declare = !args->no_declare && !args->mrte,
		.mrte_key = args->mrte ? args->routing_key : NULL,
	};
	struct sending s = {.status = args->listen.status, .before = {.at_ns = clock_mono_ns()}};
	char folder[FOLDER_MAX];
	struct outbox_left left;
	struct errinfo info;
	int status;

	if (args->mrte) {
		s.status->own = tell_mrte;
		s.status->ctx = &s;
	}
	if (folder_of(args, place, folder, &info) != ERR_OK ||
	    outbox_open(folder, &s.outbox, &left, &info) != ERR_OK)
		return cli_fail(&page, &info);
	tell_left(&left);
	options.outbox = s.outbox;
	if (publisher_start(&options, &s.publisher, &info) == ERR_OK)
		status = publish(words, args, &s);
	else
		status = cli_fail(&page, &info);
	publisher_free(s.publisher);
	outbox_close(s.outbox, true);
	return status;
}

/* What MRTE-Collector's names say, put where ours are; TO and SOURCE hold the URLs. */
static void take_collector_args(struct publish_args *args, struct buf *to, struct buf *source)
{
	const struct collector_args *c = &args->collector;
	const struct opt_texts *ports = &args->listen.ports;

	args->mrte |= collector_is_used(c);
	if (c->exchange && *c->exchange)
		args->exchange = c->exchange;
	if (c->routing_key)
		args->routing_key = c->routing_key;
	if (c->host && !args->to) {
		collector_put_broker(c, to);
		args->to = (const char *)to->ptr;
	}
	if (c->mysql_host && !args->listen.source_server) {
		collector_put_server(c, ports->count ? ports->items[0] : "3306", source);
		args->listen.source_server = (const char *)source->ptr;
	}
}

static enum err check(const struct publish_args *args, struct errinfo *info)
{
	if (!args->to)
		return err_set(info, ERR_USAGE, 0, "name the broker with --to amqp://host/");
	if (args->shards == 0 || args->shards > PUBLISHER_SHARDS_MAX)
		return err_set(info, ERR_USAGE, 0, "--shards takes a number from 1 to %d",
			       PUBLISHER_SHARDS_MAX);
	if (*args->exchange == '\0' || strlen(args->exchange) > 200)
		return err_set(info, ERR_USAGE, 0, "--exchange takes a name of 1 to 200 bytes");
	return ERR_OK;
}

static int run_with(struct publish_args *args, const struct opt_words *words)
{
	struct status shown = {
		.always = true,
		.in_place = !args->mrte,
		.figures = {.groups = FIGURES_PUBLISH},
	};
	struct place place;
	struct errinfo info;
	int status;

	if (!args->exchange)
		args->exchange = formats[args->mrte];
	if (args->mrte)
		args->shards = 1;
	if (args->listen.buffer_bytes == 0)
		args->listen.buffer_bytes = BUFFER_BYTES;
	if (check(args, &info) != ERR_OK ||
	    place_parse(args->to, args->listen.defaults_file, &place, &info) != ERR_OK)
		return cli_fail(&page, &info);
	url_hide_password(args->to);
	args->listen.status = &shown;
	if (status_init(&shown, &page, &args->listen, &info) == ERR_OK)
		status = connect_and_publish(words, args, &place);
	else
		status = cli_fail(&page, &info);
	status_release(&shown);
	place_release(&place);
	return status;
}

static int run(int argc, char **argv)
{
	struct publish_args args = {.to = NULL};
	struct opt_words words;
	struct buf to, source;
	struct errinfo info;
	int status;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	buf_init(&to, URL_MAX);
	buf_init(&source, URL_MAX);
	take_collector_args(&args, &to, &source);
	if (buf_err(&to) == ERR_OK && buf_err(&source) == ERR_OK) {
		status = run_with(&args, &words);
	} else {
		(void)err_set(&info, ERR_USAGE, 0, "a name or password is too long");
		status = cli_fail(&page, &info);
	}
	buf_release(&to);
	buf_release(&source);
	return status;
}

const struct command_row cmd_publish = {.page = &page, .run = run};

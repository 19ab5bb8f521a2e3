/* cmd_replay - myna replay: repeat a recording against a target, and say what differed. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scan.h"
#include "cli/command.h"
#include "cli/outcome_report.h"
#include "cli/replay_sides.h"
#include "out/units.h"
#include "replay/replay.h"

static const double speed_min = 0.01, speed_max = 1000;

enum think_time { THINK_KEEP, THINK_NONE };
enum replay_clock { CLOCK_NOW, CLOCK_RECORDED };

struct replay_args {
	struct listen_args listen;
	struct opt_texts urls; /* of the targets */
	struct target_args target;
	const char *speed;
	int think_time; /* enum think_time */
	int order;      /* enum order */
	int64_t order_wait_ns;
	uint64_t connect_rate, limit_rate;
	int64_t idle_skip_ns;
	int clock; /* enum replay_clock */
	uint64_t threads;
	int64_t patience_ns;
	const char *spool_folder;
	uint64_t spool_limit;
	struct outcome_report_args report;
	uint64_t repeat;
	const char *before_each;
	bool explain;
};

static const char *const think_times[] = {[THINK_KEEP] = "keep", [THINK_NONE] = "none", NULL};
static const char *const orders[] = {
	[ORDER_SESSION] = "session", [ORDER_COMMIT] = "commit", [ORDER_STRICT] = "strict", NULL};
static const char *const clocks[] = {[CLOCK_NOW] = "now", [CLOCK_RECORDED] = "recorded", NULL};

static const struct opt target_rows[] = {
	{.letter = 't',
	 .name = "target",
	 .kind = OPT_TEXTS,
	 .offset = offsetof(struct replay_args, urls),
	 .placeholder = "URL",
	 .help = "the server to connect to, as mysql://user@host:port/database?ssl-mode=...; given "
		 "twice, the second is compared with the first"},
	TARGET_OTHER_OPTS(struct replay_args, target),
};

static const struct opt rows[] = {
	{.letter = 's',
	 .name = "speed",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, speed),
	 .placeholder = "N",
	 .def = "1",
	 .help = "1 keeps the recorded pace, 2 is twice as fast; 'max' sends each session's next "
		 "command as soon as the one before is answered"},
	{.name = "think-time",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct replay_args, think_time),
	 .placeholder = "WHICH",
	 .def = "keep",
	 .choices = think_times,
	 .help = "'none' opens sessions when they are due, but sends a session's next command as "
		 "soon "
		 "as the one before is answered"},
	{.name = "idle-skip",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct replay_args, idle_skip_ns),
	 .placeholder = "TIME",
	 .def = "0s",
	 .help = "a pause of the whole recording that is longer is cut to this; 0 keeps all"},
	{.name = "connect-rate",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, connect_rate),
	 .placeholder = "N",
	 .def = "0",
	 .help = "open at most so many connections per second; 0: no limit"},
	{.name = "limit-rate",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, limit_rate),
	 .placeholder = "N",
	 .def = "0",
	 .help = "send at most so many commands per second; 0: no limit"},
	{.name = "order",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct replay_args, order),
	 .placeholder = "WHICH",
	 .def = "session",
	 .choices = orders,
	 .help = "'session': each session's own. 'commit': also, what began after a transaction "
		 "had "
		 "been committed is sent after it was, so that writes take effect as recorded. "
		 "'strict': nothing is sent before all that had ended before it began"},
	{.name = "order-wait",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct replay_args, order_wait_ns),
	 .placeholder = "TIME",
	 .def = "5s",
	 .help = "send a command before its turn if no turn came for so long: the target may make "
		 "who is before it wait for a lock that its session holds"},
	{.name = "clock",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct replay_args, clock),
	 .placeholder = "WHICH",
	 .def = "now",
	 .choices = clocks,
	 .help = "'recorded' sets the session's timestamp before each statement, so that NOW() is "
		 "what it was; a round trip more for each"},
	{.name = "threads",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, threads),
	 .placeholder = "N",
	 .def = "0",
	 .help = "threads that talk to the target; 0 takes four per processor, 16 at most"},
	{.name = "patience",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct replay_args, patience_ns),
	 .placeholder = "TIME",
	 .def = "60s",
	 .help = "give up when the target has done nothing at all for so long"},
	{.name = "spool",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, spool_folder),
	 .placeholder = "FOLDER",
	 .help = "live: where commands wait for a target that is slower than what is heard "
		 "(default: "
		 "TMPDIR, or /var/tmp)"},
	{.name = "spool-limit",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct replay_args, spool_limit),
	 .placeholder = "SIZE",
	 .def = "1G",
	 .help = "live: when so much waits there, sessions that say more are let go, and counted"},
};

static const struct opt run_rows[] = {
	{.name = "repeat",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, repeat),
	 .placeholder = "N",
	 .def = "1",
	 .help = "replay N times against each target in turn: what differs from run to run is "
		 "noise, and no difference"},
	{.name = "before-each",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, before_each),
	 .placeholder = "COMMAND",
	 .help = "run this command, by the shell, before each replay: to bring the data back to "
		 "where the recording began. MYNA_RUN, MYNA_HOST, MYNA_PORT and MYNA_SOCKET tell "
		 "which run and target it is for"},
};

static const struct opt report_rows[] = {
	OUTCOME_REPORT_OPTS(struct replay_args, report),
	{.name = "explain",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct replay_args, explain),
	 .help = "ask the target's EXPLAIN of the statements that are slower than before"},
};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct replay_args, listen)};

static const struct opt_group groups[] = {
	OPT_GROUP("Target", target_rows),    OPT_GROUP("Pace", rows),
	OPT_GROUP("Runs", run_rows),         OPT_GROUP("Comparison", report_rows),
	OPT_GROUP("Listening", listen_rows),
};

static const struct opt_page page = {
	.name = "replay",
	.usage = "INPUT --target URL|-h HOST [options]",
	.summary = "repeat the traffic against another server, and compare",
	.about =
		"Each session of INPUT becomes one connection to the target, with the recorded "
		"client's capabilities, character set and database. Its commands are sent as they "
		"were recorded, in their own order, when they are due. Logins cannot be "
		"repeated: the account of --user and --password stands for every recorded "
		"user.\n\nAfterwards the comparison is written: errors, rows and affected rows "
		"that differ, and how long statements took then and now. The exit status is 3 if "
		"something differs or was not sent, and 1 if the replay did not run to its end: "
		"Ctrl-C, or a target that refuses, goes away or hangs. What was done until then is "
		"compared all the same.\n\nWith two targets the recording is replayed against the "
		"first and then against the second, and the "
		"second's answers and latencies are compared with the first's: what was different "
		"when it was recorded "
		"does not matter then. --repeat does so again and again; what the same server does "
		"differently from run to run is set apart. Statements that write make the runs "
		"differ: --before-each "
		"brings the data back.\n\nWhat the words of the comparison mean is told in "
		"docs/comparison.md; --fail-on "
		"chooses what makes the exit status 3.\n\nStatements that write do write. There is "
		"no default target, and the target should be a copy that may be thrown away, with "
		"the data as it was when the recording began.\n\n" INPUT_ABOUT,
	.examples = "  myna replay prod.myna --target mysql://app@10.0.0.17/ -p\n"
		    "  myna replay prod.myna -h test-host -u app --speed 2\n"
		    "  myna replay prod.pcap -h test-host -u app --speed max -f json\n"
		    "  myna replay prod.myna -h test-host -u app --report out.html "
		    "--fail-on errors,latency:20%\n"
		    "  myna replay prod.myna --target mysql://app@old/ --target mysql://app@new/ "
		    "--repeat 3\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

static enum err parse_speed(const char *text, double *out, struct errinfo *info)
{
	double v;

	if (strcmp(text, "max") == 0) {
		*out = 0;
		return ERR_OK;
	}
	if (scan_double(text, &v) != ERR_OK || v < speed_min || v > speed_max)
		return err_set(info, ERR_USAGE, 0,
			       "--speed takes 'max' or a number from 0.01 to 1000, not '%s'", text);
	*out = v;
	return ERR_OK;
}

/* What stands in argv can be seen by everybody on the machine; it was copied. */
static void wipe(const char *text, size_t len)
{
	char *p = (char *)(uintptr_t)text;

	while (len--)
		*p++ = 'x';
}

static void wipe_url(const char *url)
{
	const char *at = strrchr(url, '@');
	const char *user = at ? strstr(url, "://") : NULL;
	const char *colon = user ? memchr(user + 3, ':', (size_t)(at - user - 3)) : NULL;

	if (colon && colon < at)
		wipe(colon + 1, (size_t)(at - colon - 1));
}

static void wipe_secrets(const struct replay_args *args)
{
	const char *password = args->target.password;

	for (size_t i = 0; i < args->urls.count; i++)
		wipe_url(args->urls.items[i]);
	if (password && password != opt_no_value)
		wipe(password, strlen(password));
}

/* One connection per session: as many files as the system lets us have. */
static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* connections that fail for it say so */
}

struct run {
	struct replay *replay;
	struct event_sink inner; /* the replay's */
	bool show, is_live;
};

static void show(const struct replay_progress *p)
{
	double seconds = (double)p->elapsed_ns / 1e9;

	(void)fprintf(stderr,
		      "\r%s of the recording%s%s, %llu sent, %s/s, %llu errors, %llu sessions",
		      units_duration(p->recorded_ns).text, p->done >= 0 ? ", " : "",
		      p->done >= 0 ? units_percent(p->done).text : "", (unsigned long long)p->sent,
		      units_count(seconds > 0 ? (uint64_t)((double)p->sent / seconds) : 0).text,
		      (unsigned long long)p->errors, (unsigned long long)p->sessions);
	if (p->late_ns > 0)
		(void)fprintf(stderr, ", %s late", units_duration(p->late_ns).text);
	if (p->spooled > 0)
		(void)fprintf(stderr, ", %s on disk", units_size(p->spooled).text);
	(void)fputs("\033[K", stderr);
	(void)fflush(stderr);
}

static void on_progress(void *ctx, const struct replay_progress *p)
{
	struct run *run = ctx;

	if (cli_stop && run->replay && !run->is_live)
		replay_stop(run->replay);
	if (run->show)
		show(p);
}

/* An input that was left before its end is not a replay that was done, however little was missing. */
static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct run *run = ctx;

	if (cli_stop && !run->is_live)
		replay_stop(run->replay);
	return run->inner.finish(run->inner.ctx, coverage, info);
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	const struct run *run = ctx;

	return run->inner.event(run->inner.ctx, e, info);
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double done, struct errinfo *info)
{
	const struct run *run = ctx;

	return run->inner.tick(run->inner.ctx, so_far, done, info);
}

/* Why it ended early, as what is said of a failure. */
static const struct errinfo *outcome_why(const struct outcome *o, struct errinfo *info)
{
	(void)err_set(info, ERR_IO, 0, "%s", o->ended);
	return info;
}

/*
 * Replays IN against SIDE, whose outcome it is then. The status of a failure was told; else CLI_DONE, and
 * the outcome says what came of it.
 */
static int replay_once(struct input *in, const struct replay_args *args, struct side *side,
		       const struct replay_options *base)
{
	struct run run = {.show = cli_shows_progress(), .is_live = input_is_live(in)};
	struct replay_options *options = &side->options;
	const struct event_sink sink = {
		.event = on_event, .tick = on_tick, .finish = on_finish, .ctx = &run};
	const struct outcome *outcome;
	struct errinfo info;
	enum err e;

	side_set_options(side, base);
	options->live = run.is_live;
	options->progress = on_progress;
	options->progress_ctx = &run;
	if (replay_new(options, &run.replay, &info) != ERR_OK)
		return cli_fail(&page, &info);
	run.inner = replay_sink(run.replay);
	e = cli_pump(&page, &args->listen, in, &sink, &info);
	if (run.show)
		(void)fputs("\r\033[K", stderr);
	side_take_replay(side, run.replay);
	outcome = replay_outcome(run.replay);
	if (outcome->ended)
		return cli_fail(&page, outcome_why(outcome, &info));
	return e == ERR_OK ? CLI_DONE : cli_fail(&page, &info);
}

/* All runs, each target in turn. *LAST is the side that was replayed last. */
static int replay_all(const struct opt_words *words, const struct replay_args *args,
		      struct sides *sides, const struct replay_options *base, struct side **last)
{
	int status = CLI_DONE;

	for (uint64_t run = 0; status == CLI_DONE && run < args->repeat; run++) {
		for (size_t i = 0; status == CLI_DONE && i < sides->count; i++) {
			struct side *side = &sides->items[i];
			struct input *in = NULL;
			struct errinfo info;

			if (sides_begin(sides, side, args->before_each, run + 1, &info) != ERR_OK ||
			    cli_open_input(&page, words, &args->listen, &in, &info) != ERR_OK)
				return cli_fail(&page, &info);
			status = replay_once(in, args, side, base);
			input_free(in);
			if (side->replay)
				*last = side;
			if (status == CLI_DONE && sides_end(sides, side, &info) != ERR_OK)
				status = cli_fail(&page, &info);
		}
	}
	return status;
}

static const char *usual_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder ? folder : "/var/tmp";
}

/* Better now than when it is needed. */
static enum err check_spool(const struct opt_words *words, const struct replay_options *options,
			    struct errinfo *info)
{
	if (words->count > 0 || access(options->spool_folder, W_OK | X_OK) == 0)
		return ERR_OK;
	return err_set(info, ERR_IO, errno, "--spool %s", options->spool_folder);
}

/* What was compared is told in any case. */
static int explain(struct side *side, struct outcome *o, const struct fail_on *fail_on)
{
	struct errinfo info;

	if (outcome_judge(o, fail_on_effect(fail_on)) == ERR_OK &&
	    replay_explain(side->replay, &info) != ERR_OK)
		return cli_fail(&page, &info);
	return CLI_DONE;
}

static int replay(const struct opt_words *words, const struct replay_args *args,
		  const struct fail_on *fail_on, struct sides *sides,
		  const struct replay_options *base)
{
	struct side *last = NULL;
	int status = replay_all(words, args, sides, base, &last), told;
	struct outcome *o;

	if (!last)
		return status;
	o = sides_outcome(sides, last);
	if (args->explain && status == CLI_DONE)
		status = explain(last, o, fail_on);
	told = outcome_report(&page, &args->report, fail_on, o, "myna replay");
	if (status == CLI_DONE)
		status = told;
	if (status == CLI_LOSSES && coverage_has_losses(&o->coverage))
		cli_tell_losses(&page, &o->coverage);
	return status;
}

static void set_options(const struct replay_args *args, struct replay_options *options)
{
	options->threads =
		(unsigned)(args->threads > REPLAY_THREADS_MAX ? REPLAY_THREADS_MAX : args->threads);
	options->patience_ns = args->patience_ns;
	options->keep_examples = args->explain;
	options->keep_texts = args->report.raw && args->report.path;
	options->no_think = args->think_time == THINK_NONE;
	options->order = (enum order)args->order;
	options->order_wait_ns = args->order_wait_ns;
	options->connect_rate = (double)args->connect_rate;
	options->limit_rate = (double)args->limit_rate;
	options->idle_skip_ns = args->idle_skip_ns;
	options->spool_folder = args->spool_folder ? args->spool_folder : usual_folder();
	options->spool_limit = args->spool_limit;
	options->recorded_clock = args->clock == CLOCK_RECORDED;
}

/* What is heard now, or comes through a pipe, cannot be had a second time. */
static enum err check_runs(const struct replay_args *args, const struct opt_words *words,
			   struct errinfo *info)
{
	const bool once = words->count == 0 || strcmp(words->items[0], "-") == 0;

	if (args->repeat == 0)
		return err_set(info, ERR_USAGE, 0, "--repeat takes a number from 1 on");
	if (once && (args->repeat > 1 || args->urls.count > 1))
		return err_set(info, ERR_USAGE, 0,
			       "only a file can be replayed more than once: record first");
	return ERR_OK;
}

static int run(int argc, char **argv)
{
	struct replay_args args = {.threads = 0};
	struct replay_options options = {.speed = 1};
	struct fail_on fail_on;
	struct sides sides;
	struct opt_words words;
	struct errinfo info;
	int status;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	if (args.urls.count == 0 && !args.target.host && !args.target.socket && !args.target.port) {
		/* Never a default: what is replayed may write. */
		(void)err_set(&info, ERR_USAGE, 0,
			      "name the server to replay against with --target");
		return cli_fail(&page, &info);
	}
	if (fail_on_parse(args.report.fail_on, &fail_on, &info) != ERR_OK ||
	    parse_speed(args.speed, &options.speed, &info) != ERR_OK ||
	    check_runs(&args, &words, &info) != ERR_OK)
		return cli_fail(&page, &info);
	sides_init(&sides, args.repeat > 1);
	if (sides_resolve(&sides, &args.urls, &args.target, &info) == ERR_OK) {
		wipe_secrets(&args);
		set_options(&args, &options);
		raise_file_limit();
		status = check_spool(&words, &options, &info) == ERR_OK
				 ? replay(&words, &args, &fail_on, &sides, &options)
				 : cli_fail(&page, &info);
	} else {
		status = cli_fail(&page, &info);
	}
	sides_release(&sides);
	return status;
}

const struct command_row cmd_replay = {.page = &page, .run = run};

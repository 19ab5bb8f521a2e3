/* cmd_replay - myna replay: repeat a recording against a target, and say what differed. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scan.h"
#include "base/url.h"
#include "broker/place.h"
#include "cli/command.h"
#include "cli/replay_args.h"
#include "cli/replay_resume.h"
#include "cli/replay_sides.h"
#include "cli/source_server.h"
#include "cli/status.h"
#include "out/units.h"
#include "replay/databases.h"
#include "replay/progress.h"
#include "replay/replay.h"

static const double speed_min = 0.01, speed_max = 1000;

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

/* "10%"; NULL: all. */
static enum err parse_share(const char *text, double *out, struct errinfo *info)
{
	size_t len = text ? strlen(text) : 0;
	char number[16];
	double v = 100;

	*out = 1;
	if (!text)
		return ERR_OK;
	if (len > 1 && text[len - 1] == '%' && len - 1 < sizeof(number)) {
		memcpy(number, text, len - 1);
		number[len - 1] = '\0';
		if (scan_double(number, &v) == ERR_OK && v > 0 && v <= 100) {
			*out = v / 100;
			return ERR_OK;
		}
	}
	return err_set(info, ERR_USAGE, 0, "--share takes a percentage such as 10%%, not '%s'",
		       text);
}

static enum err check_copies(const struct replay_args *args, struct errinfo *info)
{
	if (args->copies > 1 && args->order != ORDER_SESSION)
		return err_set(
			info, ERR_USAGE, 0,
			"--copies and --order %s exclude each other: one recorded order cannot "
			"be that of several copies",
			replay_orders[args->order]);
	if (args->copies >= 1 && args->copies <= REPLAY_COPIES_MAX)
		return ERR_OK;
	return err_set(info, ERR_USAGE, 0, "--copies takes a number from 1 to %d",
		       REPLAY_COPIES_MAX);
}

/* What stands in argv can be seen by everybody on the machine; it was copied. */
static void wipe(const char *text, size_t len)
{
	char *p = (char *)(uintptr_t)text;

	while (len--)
		*p++ = 'x';
}

static void wipe_secrets(const struct replay_args *args)
{
	const char *password = args->target.password;

	for (size_t i = 0; i < args->urls.count; i++)
		url_hide_password(args->urls.items[i]);
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
	struct status *status;
	bool is_live, is_lasting;
	int64_t stop_ns; /* when it was stopped, monotonic; 0: it was not */
	const struct input *input;
	const struct target *target; /* to be asked how it is set; NULL: it was, or is not wanted */
};

/* A live input, or a broker, ends by being stopped; what came from it is replayed, which may not take long. */
static bool is_cut_short(struct run *run)
{
	const int64_t grace_ns = 7 * NS_PER_S;

	if (!cli_stop || run->is_live)
		return false;
	if (run->stop_ns == 0)
		run->stop_ns = clock_mono_ns();
	return !run->is_lasting || clock_mono_ns() - run->stop_ns >= grace_ns;
}

static void show(const struct replay_progress *p)
{
	const double seconds = (double)p->elapsed_ns / 1e9;
	const int64_t left_ns = progress_left_ns(p->done, p->elapsed_ns);

	(void)fprintf(stderr,
		      "\r%s of the recording%s%s, %llu sent, %s/s, %llu errors, %llu sessions",
		      units_duration(p->recorded_ns).text, p->done >= 0 ? ", " : "",
		      p->done >= 0 ? units_percent(p->done).text : "", (unsigned long long)p->sent,
		      units_count(seconds > 0 ? (uint64_t)((double)p->sent / seconds) : 0).text,
		      (unsigned long long)p->errors, (unsigned long long)p->sessions);
	if (p->late_ns > 0)
		(void)fprintf(stderr, ", %s late", units_duration(p->late_ns).text);
	if (left_ns >= 0)
		(void)fprintf(stderr, ", about %s left", units_duration(left_ns).text);
	if (p->spooled > 0)
		(void)fprintf(stderr, ", %s on disk", units_size(p->spooled).text);
	(void)fputs("\033[K", stderr);
	(void)fflush(stderr);
}

static void take_figures(struct figures *f, const struct replay_progress *p)
{
	f->replay = *p->figures;
	f->replay_sent = (int64_t)p->sent;
	f->replay_answered = (int64_t)p->answered;
	f->replay_errors = (int64_t)p->errors;
	f->replay_connections = (int64_t)p->sessions;
	f->replay_in_flight = p->in_flight;
	f->replay_late_ns = p->late_ns;
	f->replay_ahead_bytes = p->ahead;
	f->replay_spool_bytes = (int64_t)p->spooled;
	f->replay_recorded_ns = p->recorded_ns;
	f->replay_done_ppm = p->done < 0 ? -1 : (int64_t)(p->done * 1e6);
}

static void on_progress(void *ctx, const struct replay_progress *p)
{
	struct run *run = ctx;

	if (run->replay && is_cut_short(run))
		replay_stop(run->replay);
	take_figures(&run->status->figures, p);
	status_look(run->status);
	if (run->status->terminal)
		show(p);
}

/* An input that was left before its end is not a replay that was done, however little was missing. */
static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct run *run = ctx;

	if (is_cut_short(run))
		replay_stop(run->replay);
	return run->inner.finish(run->inner.ctx, coverage, info);
}

/* What the recorded server said, if anything, beside what the target says. */
static void compare_servers(const struct run *run, int64_t begin_ns)
{
	struct server_facts target = {.name = NULL};
	struct server_log log = {.items = NULL};
	const struct server_facts *source = NULL;
	struct errinfo info;

	if (input_servers(run->input, &log, &info) == ERR_OK)
		source = server_log_at(&log, begin_ns);
	if (source)
		source_server_tell_backup(&replay_page, source, begin_ns);
	if (source && source_server_ask(run->target, &target, &info) == ERR_OK)
		source_server_tell_differences(&replay_page, source, &target);
	server_facts_release(&target);
	server_log_release(&log);
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct run *run = ctx;

	if (run->target) {
		compare_servers(run, e->time_ns);
		run->target = NULL;
	}
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
	struct run run = {
		.status = args->listen.status,
		.is_live = input_is_live(in),
		.is_lasting = input_is_lasting(in),
		.input = in,
		.target = args->dry_run || side->done ? NULL : &side->target,
	};
	struct filter_options filter = args->filter;
	struct replay_options *options = &side->options;
	const struct event_sink sink = {
		.event = on_event, .tick = on_tick, .finish = on_finish, .ctx = &run};
	const struct outcome *outcome;
	struct errinfo info;
	enum err e;

	side_set_options(side, base);
	filter.begin_ns = input_begin_ns(in);
	options->filter = &filter;
	options->live = run.is_live;
	options->progress = on_progress;
	options->progress_ctx = &run;
	if (replay_new(options, &run.replay, &info) != ERR_OK)
		return cli_fail(&replay_page, &info);
	input_seek(in, replay_since_ns(run.replay));
	run.inner = replay_sink(run.replay);
	e = cli_pump(&args->listen, in, &sink, &info);
	if (run.status->terminal)
		(void)fputs("\r\033[K", stderr);
	side_take_replay(side, run.replay);
	outcome = replay_outcome(run.replay);
	if (outcome->ended)
		return cli_fail(&replay_page, outcome_why(outcome, &info));
	return e == ERR_OK ? CLI_DONE : cli_fail(&replay_page, &info);
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
			    cli_open_input(&replay_page, words, &args->listen, &in, &info) !=
				    ERR_OK)
				return cli_fail(&replay_page, &info);
			status = replay_once(in, args, side, base);
			input_free(in);
			if (side->replay)
				*last = side;
			if (status == CLI_DONE && sides_end(sides, side, &info) != ERR_OK)
				status = cli_fail(&replay_page, &info);
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
		return cli_fail(&replay_page, &info);
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
	told = outcome_report(&replay_page, &args->report, fail_on, o, "myna replay");
	if (status == CLI_DONE)
		status = told;
	if (status == CLI_LOSSES && coverage_has_losses(&o->coverage))
		cli_tell_losses(&replay_page, &o->coverage);
	return status;
}

static void set_options(const struct replay_args *args, struct replay_options *options)
{
	options->threads =
		(unsigned)(args->threads > REPLAY_THREADS_MAX ? REPLAY_THREADS_MAX : args->threads);
	options->patience_ns = args->patience_ns;
	options->stop_if_lost = args->on_lost == ON_LOST_STOP;
	options->reconnect_ns = args->reconnect_ns;
	options->retries = args->retries > UINT32_MAX ? UINT32_MAX : (unsigned)args->retries;
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
	options->copies = (unsigned)args->copies;
	options->spread_ns = args->spread_ns;
	options->dry = args->dry_run;
	options->read_only = args->read_only;
	options->allowed = &args->allowed;
	options->databases = args->databases.count ? &args->databases : NULL;
}

/* What the file of --users does not say of an account is the first target's. */
static enum err read_accounts(const struct replay_args *args, const struct sides *sides,
			      struct accounts *accounts, struct replay_options *options,
			      struct errinfo *info)
{
	if (!args->users)
		return ERR_OK;
	options->accounts = accounts;
	return accounts_read(args->users, &sides->items[0].target, accounts, info);
}

/* What is heard now, or comes through a pipe or from a broker, cannot be had a second time. */
static enum err check_runs(const struct replay_args *args, const struct opt_words *words,
			   struct errinfo *info)
{
	const bool once = words->count == 0 || strcmp(words->items[0], "-") == 0 ||
			  place_is_url(words->items[0]);

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
	struct status shown = {.always = true, .figures = {.groups = FIGURES_REPLAY}};
	struct replay_options options = {.speed = 1};
	struct fail_on fail_on;
	struct sides sides;
	struct accounts accounts = {.count = 0};
	struct checkpoint *resume = NULL;
	struct opt_words words;
	struct errinfo info;
	int status;

	if (!cli_parse(&replay_page, argc, argv, &args, &words, &status))
		return status;
	args.listen.defaults_file = args.target.defaults_file;
	if (!args.dry_run && args.urls.count == 0 && !args.target.host && !args.target.socket &&
	    !args.target.port) {
		/* Never a default: what is replayed may write. */
		(void)err_set(&info, ERR_USAGE, 0,
			      "name the server to replay against with --target");
		return cli_fail(&replay_page, &info);
	}
	if (fail_on_parse(args.report.fail_on, &fail_on, &info) != ERR_OK ||
	    parse_speed(args.speed, &options.speed, &info) != ERR_OK ||
	    parse_share(args.share, &options.share, &info) != ERR_OK ||
	    databases_check(&args.databases, &info) != ERR_OK ||
	    check_copies(&args, &info) != ERR_OK || check_runs(&args, &words, &info) != ERR_OK)
		return cli_fail(&replay_page, &info);
	args.listen.executes = !args.dry_run;
	args.listen.by_clock = options.speed > 0;
	sides_init(&sides, args.repeat > 1);
	set_options(&args, &options);
	args.listen.status = &shown;
	if (sides_resolve(&sides, &args.urls, &args.target, &info) == ERR_OK &&
	    read_accounts(&args, &sides, &accounts, &options, &info) == ERR_OK &&
	    check_spool(&words, &options, &info) == ERR_OK &&
	    replay_resume(&args, &words, &options, &resume, &info) == ERR_OK &&
	    status_init(&shown, &replay_page, &args.listen, &info) == ERR_OK) {
		wipe_secrets(&args);
		raise_file_limit();
		status = replay(&words, &args, &fail_on, &sides, &options);
	} else {
		status = cli_fail(&replay_page, &info);
	}
	status_release(&shown);
	sides_release(&sides);
	accounts_release(&accounts);
	checkpoint_free(resume);
	return status;
}

const struct command_row cmd_replay = {.page = &replay_page, .run = run};

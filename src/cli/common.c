/* common - what all commands share: options, opening the input, ending. */
#include <errno.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/secret.h"
#include "base/url.h"
#include "broker/place.h"
#include "cli/command.h"
#include "cli/netns.h"
#include "cli/source_server.h"
#include "cli/status.h"
#include "out/units.h"

int cli_fail(const struct opt_page *page, const struct errinfo *info)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "myna %s: %s\n", page->name, info->text);
	return info->code == ERR_USAGE ? CLI_USAGE : CLI_FAILED;
}

int cli_no_memory(const struct opt_page *page)
{
	struct errinfo info;

	(void)err_set(&info, ERR_NOMEM, 0, "out of memory");
	return cli_fail(page, &info);
}

int cli_printed(const char *who)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CLI_DONE;
	(void)fprintf(stderr, "myna %s: writing to standard output: %s\n", who, strerror(errno));
	return CLI_FAILED;
}

bool cli_parse(const struct opt_page *page, int argc, char **argv, void *args,
	       struct opt_words *words, int *status)
{
	struct errinfo info;

	if (opt_parse(page, argc, argv, args, words, &info) != ERR_OK) {
		*status = cli_fail(page, &info);
		return false;
	}
	if (words->help) {
		opt_print_help(page, stdout);
		*status = cli_printed(page->name);
		return false;
	}
	return true;
}

/* "3306,3307" */
enum err cli_add_ports(const char *list, struct input_options *o, struct errinfo *info)
{
	char number[8];

	for (const char *at = list;; at++) {
		size_t len = strcspn(at, ",");
		uint64_t port = 0;

		if (len == 3 && memcmp(at, "any", len) == 0) {
			o->any_port = true;
			at += len;
			if (*at == '\0')
				return ERR_OK;
			continue;
		}
		if (len == 0 || len >= sizeof(number))
			return err_set(info, ERR_USAGE, 0,
				       "--port takes port numbers such as 3306,3307, not '%s'",
				       list);
		memcpy(number, at, len);
		number[len] = '\0';
		if (scan_uint(number, &port) != ERR_OK || port == 0 || port > UINT16_MAX)
			return err_set(info, ERR_USAGE, 0,
				       "--port takes numbers from 1 to 65535, not '%s'", number);
		if (o->port_count == TCP_PORTS_MAX)
			return err_set(info, ERR_USAGE, 0, "--port takes at most %d ports",
				       TCP_PORTS_MAX);
		o->ports[o->port_count++] = (uint16_t)port;
		at += len;
		if (*at == '\0')
			return ERR_OK;
	}
}

/* What has no meaning for a file is a mistake that is better told than passed over. */
static enum err check_file(const char *path, const struct listen_args *args, struct errinfo *info)
{
	bool is_url = place_is_url(path);
	const char *live = args->filter                   ? "filter"
			   : args->duration_ns && !is_url ? "duration"
			   : args->max_cpu > 0            ? "max-cpu"
			   : args->snap_len               ? "snap-length"
			   : args->netns                  ? "netns"
			   : args->pid                    ? "pid"
			   : args->source_server          ? "source-server"
							  : NULL;

	if (live)
		return err_set(info, ERR_USAGE, 0,
			       "--%s is for listening live with -i, and INPUT is '%s'", live,
			       is_url ? "a broker" : path);
	if (args->idle_exit_ns && !is_url)
		return err_set(info, ERR_USAGE, 0, "--idle-exit is for a broker, and INPUT is '%s'",
			       path);
	if (strcmp(path, "-") == 0 && isatty(STDIN_FILENO))
		return err_set(info, ERR_USAGE, 0,
			       "standard input is a terminal: pipe a capture into it, as from "
			       "tcpdump -w -");
	return ERR_OK;
}

static enum err input_options(const struct opt_words *words, const struct listen_args *args,
			      struct input_options *o, struct errinfo *info)
{
	*o = (struct input_options){
		.path = words->count ? words->items[0] : NULL,
		.interfaces = args->interfaces.count ? &args->interfaces : NULL,
		.filter = args->filter,
		.snap_len = args->snap_len <= UINT32_MAX ? (uint32_t)args->snap_len : 0,
		.buffer_bytes = args->buffer_bytes,
		.max_statement = args->max_statement,
		.threads = args->threads < UINT_MAX ? (unsigned)args->threads : UINT_MAX,
		.duration_ns = args->duration_ns,
		.max_cpu = args->max_cpu,
		.packets = args->packets,
		.executes = args->executes,
		.by_clock = args->by_clock,
		.defaults_file = args->defaults_file,
		.idle_exit_ns = args->idle_exit_ns,
	};
	if (words->count > 1)
		return err_set(info, ERR_USAGE, 0, "one INPUT at a time: '%s' is too many",
			       words->items[1]);
	if (o->path && o->interfaces)
		return err_set(info, ERR_USAGE, 0, "INPUT '%s' and -i %s: one of them, please",
			       o->path, o->interfaces->items[0]);
	if (o->path && check_file(o->path, args, info) != ERR_OK)
		return ERR_USAGE;
	for (size_t i = 0; i < args->ports.count; i++) {
		enum err e = cli_add_ports(args->ports.items[i], o, info);

		if (e != ERR_OK)
			return e;
	}
	if (o->port_count == 0)
		o->ports[o->port_count++] = 3306;
	return ERR_OK;
}

/* Listening needed privileges to begin, not to go on. Files that are open stay so. */
static void drop_privileges(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) != 0)
		(void)fprintf(stderr, "myna: cannot give up privileges: %s\n", strerror(errno));
}

static void say_listening(const struct opt_page *page, const struct input_options *o)
{
	(void)fprintf(stderr, "myna %s: listening on ", page->name);
	for (size_t i = 0; i < o->interfaces->count; i++)
		(void)fprintf(stderr, "%s%s", i ? "," : "", o->interfaces->items[i]);
	(void)fputs(", ", stderr);
	if (o->filter)
		(void)fprintf(stderr, "filter \"%s\"", o->filter);
	if (!o->filter && o->any_port)
		(void)fputs("any port", stderr);
	for (size_t i = 0; !o->filter && !o->any_port && i < o->port_count; i++)
		(void)fprintf(stderr, "%s%u", i == 0 ? "port " : ",", o->ports[i]);
	(void)fputs(o->duration_ns ? "\n" : "; Ctrl-C ends it\n", stderr);
}

/* Opens the input, a live one in the network namespace that is asked for. */
static enum err open_inside(const struct input_options *o, const struct listen_args *args,
			    struct input **out, struct errinfo *info)
{
	int back;
	enum err e = netns_enter(args->netns, args->pid, &back, info);

	if (e != ERR_OK)
		return e;
	e = input_open(o, out, info);
	if (netns_leave(back, e == ERR_OK ? info : NULL) == ERR_OK || e != ERR_OK)
		return e;
	input_free(*out);
	return ERR_IO;
}

/* A broker's password is for the broker: from now on neither the list of processes nor a message shows it. */
static enum err take_url(const struct opt_words *words, char **url, struct errinfo *info)
{
	const char *input = words->count ? words->items[0] : "";

	*url = NULL;
	if (place_is_url(input) && !(*url = mem_copy_str(input, strlen(input))))
		return err_set(info, ERR_NOMEM, 0, "no memory for a URL");
	for (size_t i = 0; i < words->count; i++)
		if (place_is_url(words->items[i]))
			url_hide_password(words->items[i]);
	return ERR_OK;
}

static enum err open_asked(const struct opt_page *page, const struct listen_args *args,
			   struct input_options *o, struct input **out, struct errinfo *info)
{
	struct informant informant;
	enum err e = ERR_OK;

	/* First, so that its connection is there before anything is heard, and what is wrong shows at once. */
	if (args->source_server) {
		e = source_server_open(page, args, &informant, info);
		o->informant = e == ERR_OK ? &informant : NULL;
	}
	if (e == ERR_OK)
		e = open_inside(o, args, out, info);
	if (e != ERR_OK && o->informant)
		informant.free(informant.ctx);
	if (e == ERR_OK && o->interfaces)
		say_listening(page, o);
	o->informant = NULL;
	return e;
}

enum err cli_open_input(const struct opt_page *page, const struct opt_words *words,
			const struct listen_args *args, struct input **out, struct errinfo *info)
{
	struct input_options o;
	char *url;
	enum err e = take_url(words, &url, info);

	if (e == ERR_OK)
		e = input_options(words, args, &o, info);
	if (e == ERR_OK && !o.path && !o.interfaces)
		e = err_set(info, ERR_USAGE, 0,
			    "nothing to listen to: name a file, '-' or -i INTERFACE; see 'myna %s "
			    "--help'",
			    page->name);
	if (e == ERR_OK) {
		o.path = url ? url : o.path;
		e = open_asked(page, args, &o, out, info);
	}
	secret_free(url);
	return e;
}

enum err cli_write_stdout(void *ctx, struct slice bytes, struct errinfo *info)
{
	(void)ctx;
	while (bytes.len) {
		ssize_t n = write(STDOUT_FILENO, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			_exit(128 + SIGPIPE); /* the reader has what it wanted, as head does */
		if (n < 0)
			return err_set(info, ERR_IO, errno, "writing to standard output");
		bytes = slice_skip(bytes, (size_t)n);
	}
	return ERR_OK;
}

bool cli_shows_progress(void)
{
	return isatty(STDERR_FILENO);
}

void cli_tell_losses(const struct opt_page *page, const struct coverage *c)
{
	const char *mark = ": ";

	(void)fprintf(stderr, "myna %s: not all was heard", page->name);
	for (const struct coverage_field *f = coverage_fields; f->name; f++) {
		if (f->is_loss && coverage_get(c, f)) {
			(void)fprintf(stderr, "%s%llu %s", mark,
				      (unsigned long long)coverage_get(c, f),
				      coverage_text(f, coverage_get(c, f)));
			mark = "; ";
		}
	}
	if (coverage_heard_share(c) < 1)
		(void)fprintf(stderr, "; a sample: %s of the sessions' frames were heard",
			      units_percent(coverage_heard_share(c)).text);
	(void)fputc('\n', stderr);
}

/* Sinks for an input, and how many of them; more than one only if they merge. */
struct sinks {
	struct event_sink *items;
	size_t count;
};

static enum err pump(const struct listen_args *listen, struct input *in, const struct sinks *to,
		     struct errinfo *info)
{
	const struct event_sink first = to->items[0];
	enum err e;

	if (input_is_live(in))
		drop_privileges();
	e = status_begin(listen->status, in, info);
	if (e != ERR_OK)
		return e;
	if (status_is_wanted(listen->status))
		to->items[0] = status_sink(listen->status, &first);
	e = input_run_spread(in, to->items, to->count, &cli_stop, info);
	to->items[0] = first;
	return e;
}

enum err cli_pump(const struct listen_args *listen, struct input *in, const struct event_sink *sink,
		  struct errinfo *info)
{
	struct event_sink own = *sink;

	return pump(listen, in, &(const struct sinks){.items = &own, .count = 1}, info);
}

static const char *input_name(const struct opt_words *words, const struct listen_args *listen)
{
	if (words->count == 0)
		return listen->interfaces.count == 1 ? listen->interfaces.items[0]
						     : "several interfaces";
	if (place_is_url(words->items[0]))
		return "a broker";
	return strcmp(words->items[0], "-") == 0 ? "standard input" : words->items[0];
}

/* The mistake that looks most like silence. */
static void tell_other_ports(const struct opt_page *page, const struct coverage *c)
{
	if (c->sessions > 0 || c->other_ports == 0)
		return;
	(void)fprintf(
		stderr,
		"myna %s: no session on the ports listened for, but %llu TCP segments on others: "
		"name theirs with --port, or try --port any\n",
		page->name, (unsigned long long)c->other_ports);
}

/* Somebody who is root does not expect it. */
static void explain_denial(const struct opt_page *page, const struct errinfo *info)
{
	if ((info->sys_errno != EACCES && info->sys_errno != EPERM) || geteuid() != 0)
		return;
	(void)fprintf(
		stderr,
		"myna %s: while it listens, it has given up root's privileges: the folder must "
		"be root's own; or give the program the right to listen, setcap "
		"cap_net_raw+ep PROGRAM, and run it as the folder's owner\n",
		page->name);
}

static int run(const struct opt_page *page, const struct listen_args *listen, struct input *in,
	       const struct sinks *to)
{
	struct coverage coverage;
	struct errinfo info;
	int status;

	if (pump(listen, in, to, &info) != ERR_OK) {
		status = cli_fail(page, &info);
		if (input_is_live(in))
			explain_denial(page, &info);
		return status;
	}
	input_coverage(in, &coverage);
	tell_other_ports(page, &coverage);
	if (!coverage_has_losses(&coverage))
		return CLI_DONE;
	cli_tell_losses(page, &coverage);
	return CLI_LOSSES;
}

int cli_run(const struct opt_page *page, const struct listen_args *listen, struct input *in,
	    const struct event_sink *sink)
{
	struct event_sink own = *sink;

	return run(page, listen, in, &(const struct sinks){.items = &own, .count = 1});
}

/* A filter in front of SINK; what its window leaves out need not be read. */
static enum err add_filter(const struct filter_options *options, struct input *in,
			   const struct event_sink *sink, struct filter **out, struct errinfo *info)
{
	struct filter_options known = *options;
	int64_t since_ns, until_ns;
	enum err e;

	known.begin_ns = input_begin_ns(in);
	e = filter_new(&known, sink, out, info);
	if (e != ERR_OK)
		return e;
	filter_window(*out, &since_ns, &until_ns);
	input_seek(in, since_ns);
	return ERR_OK;
}

int cli_run_filtered(const struct opt_page *page, const struct listen_args *listen,
		     const struct filter_options *options, struct input *in,
		     const struct event_sink *sink)
{
	struct event_sink filtered;
	struct filter *f = NULL;
	struct errinfo info;
	int status;

	if (!filter_is_asked(options))
		return cli_run(page, listen, in, sink);
	if (add_filter(options, in, sink, &f, &info) != ERR_OK)
		return cli_fail(page, &info);
	filtered = filter_events(f);
	status = cli_run(page, listen, in, &filtered);
	filter_free(f);
	return status;
}

/* What a thread's events go through. */
struct strand {
	struct event_sink sink;
	struct filter *filter; /* in front of it; NULL: none is asked for */
};

/* The events' way into a writer's sinks. */
struct strands {
	struct strand own[INPUT_THREADS_MAX];
	struct event_sink ends[INPUT_THREADS_MAX]; /* where events go in */
	size_t count;
};

static enum err add_strand(const struct cli_writer *w, struct input *in, struct out *out,
			   const char *input, struct strands *s, struct errinfo *info)
{
	struct strand *to = &s->own[s->count];
	enum err e = w->make(out, w->args, input, &to->sink);

	if (e != ERR_OK)
		return err_set(info, e, 0, "%s", err_text(e));
	to->filter = NULL;
	if (filter_is_asked(w->filter))
		e = add_filter(w->filter, in, &to->sink, &to->filter, info);
	if (e != ERR_OK) {
		to->sink.free(to->sink.ctx);
		return e;
	}
	s->ends[s->count++] = to->filter ? filter_events(to->filter) : to->sink;
	return ERR_OK;
}

/* One for each thread, if what they have heard can be merged. */
static enum err make_strands(const struct cli_writer *w, struct input *in, struct out *out,
			     const char *input, struct strands *s, struct errinfo *info)
{
	enum err e = add_strand(w, in, out, input, s, info);

	while (e == ERR_OK && s->ends[0].merge && s->count < input_threads(in))
		e = add_strand(w, in, out, input, s, info);
	return e;
}

static void free_strands(struct strands *s)
{
	while (s->count > 0) {
		struct strand *t = &s->own[--s->count];

		filter_free(t->filter);
		t->sink.free(t->sink.ctx);
	}
}

/* Opens the input, and pumps. */
static int write_all(const struct cli_writer *w, const struct opt_words *words)
{
	static struct out out; /* these are too large for the stack */
	static struct strands strands;
	struct errinfo info;
	struct input *in = NULL;
	int status;

	if (cli_open_input(w->page, words, w->listen, &in, &info) != ERR_OK)
		return cli_fail(w->page, &info);
	out_init(&out, cli_write_stdout, NULL);
	if (make_strands(w, in, &out, input_name(words, w->listen), &strands, &info) == ERR_OK)
		status = run(w->page, w->listen, in,
			     &(const struct sinks){.items = strands.ends, .count = strands.count});
	else
		status = cli_fail(w->page, &info);
	free_strands(&strands);
	input_free(in);
	return status;
}

int cli_write(const struct cli_writer *w, int argc, char **argv)
{
	struct status shown = {.page = NULL};
	struct opt_words words;
	struct errinfo info;
	int status;

	if (!cli_parse(w->page, argc, argv, w->args, &words, &status))
		return status;
	if (w->settle && w->settle(w->args, &info) != ERR_OK)
		return cli_fail(w->page, &info);
	w->listen->status = &shown;
	if (status_init(&shown, w->page, w->listen, &info) == ERR_OK)
		status = write_all(w, &words);
	else
		status = cli_fail(w->page, &info);
	status_release(&shown);
	return status;
}

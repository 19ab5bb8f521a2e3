/* input - opens whatever INPUT names as a source of events, and pumps them into a sink. */
#include "input/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "broker/place.h"
#include "input/source.h"
#include "recording/reader.h"

enum {
	TICK_NS = 100 * 1000 * 1000,
	LAST_NS = 250 * 1000 *
		  1000, /* the kernel hands a frame on within 100 ms; and some time to take them */
	THREADS_DEFAULT_MAX = 4,
	SMALL_FILE = 4 << 20, /* bytes; read before threads are well on their way */
};

/* That the first answers of the server are waited for. */
static const int64_t ANSWERS_NS = 2 * NS_PER_S;

struct input {
	const struct source_ops *ops;
	void *source;
	int64_t duration_ns, idle_exit_ns;
	size_t threads;
	bool live;
	struct informant informant;
	bool informed; /* there is one */
};

struct kind {
	bool (*is)(int fd); /* NULL: whatever else it may be */
	enum err (*open)(const struct input_options *options, int fd, void **out,
			 struct errinfo *info);
	const struct source_ops *ops;
};

/* Told by the name, which is a URL. */
static const struct kind broker = {.open = broker_open, .ops = &broker_ops};
static const struct kind mrte = {.open = mrte_open, .ops = &mrte_ops};

/* Told by the first bytes, not by the name. The first that fits. */
static const struct kind kinds[] = {
	{.is = recording_is, .open = recorded_open, .ops = &recorded_ops},
	{.is = NULL, .open = frames_open, .ops = &frames_ops},
};

static const struct kind *kind_of(int fd)
{
	const struct kind *k = kinds;

	while (k->is && (fd < 0 || !k->is(fd)))
		k++;
	return k;
}

/* Opened once, whatever it is: a named pipe that is closed again has lost what was in it. */
static enum err open_path(const char *path, int *fd, struct errinfo *info)
{
	*fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
				     : open(path, O_RDONLY | O_CLOEXEC);
	return *fd >= 0 ? ERR_OK
			: err_set(info, ERR_IO, errno, "open %s",
				  strcmp(path, "-") == 0 ? "standard input" : path);
}

static bool is_small(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < SMALL_FILE;
}

static size_t processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

/* FD: what is read; negative: live. */
static size_t threads_of(const struct input_options *o, const struct source_ops *ops, int fd)
{
	size_t n = o->threads;

	if (!ops->spread || o->max_cpu > 0) /* its share is one thread's */
		return 1;
	if (n == 0)
		n = fd < 0 || is_small(fd) ? 1 : processors();
	if (o->threads == 0 && n > THREADS_DEFAULT_MAX)
		n = THREADS_DEFAULT_MAX;
	return n < INPUT_THREADS_MAX ? n : INPUT_THREADS_MAX;
}

enum err input_open(const struct input_options *options, struct input **out, struct errinfo *info)
{
	const struct kind *kind;
	enum err e = ERR_OK;
	struct input *in;
	bool is_url = options->path && place_is_url(options->path);
	int fd = -1;

	if (!options->path && !options->interfaces)
		return err_set(info, ERR_USAGE, 0,
			       "nothing to listen to: name a file, '-' or an interface with -i");
	in = mem_zalloc(sizeof(*in));
	if (!in)
		return err_set(info, ERR_NOMEM, 0, "opening the input: out of memory");
	if (!options->interfaces && !is_url)
		e = open_path(options->path, &fd, info);
	if (is_url)
		kind = place_says_mrte(options->path) ? &mrte : &broker;
	else
		kind = kind_of(fd);
	in->threads = threads_of(options, kind->ops, fd); /* before FD is the source's */
	if (e == ERR_OK)
		e = kind->open(options, fd, &in->source, info);
	if (e != ERR_OK) {
		mem_free(in);
		return e;
	}
	in->ops = kind->ops;
	in->live = options->interfaces != NULL;
	in->duration_ns = options->duration_ns;
	in->informed = options->informant != NULL;
	if (in->informed)
		in->informant = *options->informant;
	in->idle_exit_ns = kind->ops->idle_ns ? options->idle_exit_ns : 0;
	*out = in;
	return ERR_OK;
}

size_t input_threads(const struct input *in)
{
	return in->threads;
}

bool input_is_live(const struct input *in)
{
	return in->live;
}

bool input_is_lasting(const struct input *in)
{
	return in->live || in->ops->idle_ns;
}

bool input_carried(const struct input *in, struct consumer_state *out)
{
	if (!in->ops->carried)
		return false;
	in->ops->carried(in->source, out);
	return true;
}

void input_coverage(struct input *in, struct coverage *out)
{
	in->ops->coverage(in->source, out);
}

const struct informant *input_informant(const struct input *in)
{
	return in->informed ? &in->informant : NULL;
}

enum err input_servers(const struct input *in, struct server_log *log, struct errinfo *info)
{
	return in->ops->servers ? in->ops->servers(in->source, log, info) : ERR_OK;
}

int64_t input_begin_ns(const struct input *in)
{
	return in->ops->begin_ns ? in->ops->begin_ns(in->source) : 0;
}

void input_seek(struct input *in, int64_t since_ns)
{
	if (in->ops->seek)
		in->ops->seek(in->source, since_ns);
}

static enum err tick(struct input *in, const struct event_sink *sink, struct errinfo *info)
{
	struct coverage coverage;
	enum err e = ERR_OK;

	if (sink->tick) {
		input_coverage(in, &coverage);
		e = sink->tick(sink->ctx, &coverage, in->ops->progress(in->source), info);
	}
	if (e == ERR_OK && in->ops->settled)
		in->ops->settled(in->source);
	return e;
}

/* What was said just before the end has been heard, but is still on its way through the kernel. */
static enum err hear_out(struct input *in, const struct event_sink *sink, struct errinfo *info)
{
	int64_t until_ns = clock_mono_ns() + LAST_NS;
	enum err e = ERR_OK;

	while ((e == ERR_OK || e == ERR_AGAIN) && clock_mono_ns() < until_ns)
		e = in->ops->step(in->source, sink, info);
	return e;
}

static enum err pump(struct input *in, const struct event_sink *sink,
		     const volatile sig_atomic_t *stop, struct errinfo *info)
{
	int64_t start_ns = clock_mono_ns(), next_ns = start_ns + TICK_NS;
	enum err e = ERR_OK;

	while (!*stop && (e == ERR_OK || e == ERR_AGAIN)) {
		int64_t now_ns;

		e = in->ops->step(in->source, sink, info);
		now_ns = clock_mono_ns();
		if (in->duration_ns && now_ns - start_ns >= in->duration_ns)
			break;
		if (e == ERR_AGAIN && in->idle_exit_ns &&
		    in->ops->idle_ns(in->source) >= in->idle_exit_ns)
			break;
		if ((now_ns < next_ns && (e != ERR_AGAIN || !in->ops->settled)) ||
		    (e != ERR_OK && e != ERR_AGAIN))
			continue;
		next_ns = now_ns + TICK_NS;
		e = tick(in, sink, info);
	}
	if (in->live && (e == ERR_OK || e == ERR_AGAIN))
		e = hear_out(in, sink, info);
	return e == ERR_AGAIN || e == ERR_EOF ? ERR_OK : e;
}

static enum err merge_all(const struct event_sink *sinks, size_t count, struct errinfo *info)
{
	enum err e = ERR_OK;

	for (size_t i = 1; e == ERR_OK && i < count; i++)
		e = sinks->merge(sinks->ctx, sinks[i].ctx, info);
	return e;
}

enum err input_run_spread(struct input *in, const struct event_sink *sinks, size_t count,
			  const volatile sig_atomic_t *stop, struct errinfo *info)
{
	struct errinfo second;
	struct coverage coverage;
	enum err e = ERR_OK, end, merged, finish;

	assert(count >= 1 && count <= in->threads);
	if (count > 1)
		e = in->ops->spread(in->source, sinks, count, info);
	/* What comes meanwhile waits in the kernel. */
	if (e == ERR_OK && in->informed)
		e = in->informant.start(in->informant.ctx, ANSWERS_NS, info);
	if (e != ERR_OK)
		return e;
	e = pump(in, sinks, stop, info);

	/* Whatever went wrong, what was heard until then is told. The first trouble is the one to name. */
	end = in->ops->end(in->source, sinks, e == ERR_OK ? info : &second);
	if (e == ERR_OK && end != ERR_EOF)
		e = end;
	merged = merge_all(sinks, count, e == ERR_OK ? info : &second);
	e = e == ERR_OK ? merged : e;
	input_coverage(in, &coverage);
	finish = sinks->finish(sinks->ctx, &coverage, e == ERR_OK ? info : &second);
	if (e == ERR_OK && finish == ERR_OK && in->ops->settled)
		in->ops->settled(in->source);
	return e == ERR_OK ? finish : e;
}

enum err input_run(struct input *in, const struct event_sink *sink,
		   const volatile sig_atomic_t *stop, struct errinfo *info)
{
	return input_run_spread(in, sink, 1, stop, info);
}

void input_free(struct input *in)
{
	if (!in)
		return;
	in->ops->free(in->source);
	if (in->informed)
		in->informant.free(in->informant.ctx);
	mem_free(in);
}

/* inspector - a thread that asks a live server. */
#include "inspect/inspector.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "inspect/census.h"
#include "inspect/server.h"

enum { NAME_MAX_BYTES = 256, TEXT_MAX = 512, CENSUS_COST = 50 };

static const int64_t WAIT_NS = 5 * NS_PER_S, PAUSE_NS = 5 * NS_PER_S;

struct inspector {
	struct target target;
	struct inspector_options options;
	struct asker *asker; /* the thread's, once it runs; NULL: lost */
	pthread_t thread;
	bool started;
	bool told[CENSUS_LACKS], told_position, told_lost; /* the thread's */
	int64_t not_before_ns; /* the thread's; monotonic: the next census */
	int64_t tried_ns;      /* the thread's; monotonic: the last connection */
	uint64_t numbers;      /* the thread's */

	pthread_mutex_t lock;
	pthread_cond_t wake, news; /* for the thread, for who waits; monotonic */
	/* Under the lock: */
	bool ends, wants_facts, wants_census;
	uint64_t answers; /* times facts were asked for, also in vain */
	struct server_facts facts;
	struct census *census;
	struct endpoint own;
	/* What is looked at without it. */
	_Atomic uint64_t newest; /* number of CENSUS */
};

static void tell(const struct inspector *i, const char *text)
{
	if (i->options.tell)
		i->options.tell(i->options.ctx, text);
}

/* ---- the connection ---- */

static struct endpoint own_end(int fd)
{
	struct endpoint e = {.port = 0};
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(at);

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return e;
	if (at.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&at;

		memcpy(e.addr.bytes, &in->sin_addr, sizeof(in->sin_addr));
		e.port = ntohs(in->sin_port);
	} else if (at.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)&at;

		e.addr.is_v6 = true;
		memcpy(e.addr.bytes, &in->sin6_addr, sizeof(in->sin6_addr));
		e.port = ntohs(in->sin6_port);
	}
	return e;
}

static enum err dial(struct inspector *i, struct errinfo *info)
{
	enum err e = asker_new(&i->target, WAIT_NS, &i->asker, info);

	if (e != ERR_OK)
		return e;
	pthread_mutex_lock(&i->lock);
	i->own = own_end(asker_fd(i->asker));
	pthread_mutex_unlock(&i->lock);
	return ERR_OK;
}

/* Sees to it that there is a connection, tried now and then. */
static bool is_connected(struct inspector *i)
{
	const int64_t now_ns = clock_mono_ns();
	struct errinfo info;
	char text[TEXT_MAX];

	if (i->asker && !asker_is_open(i->asker)) {
		asker_free(i->asker);
		i->asker = NULL;
	}
	if (i->asker)
		return true;
	if (now_ns - i->tried_ns < PAUSE_NS)
		return false;
	i->tried_ns = now_ns;
	if (dial(i, &info) == ERR_OK)
		return true;
	if (!i->told_lost) {
		(void)snprintf(text, sizeof(text), "the server cannot be asked any more: %.400s",
			       info.text);
		tell(i, text);
	}
	i->told_lost = true;
	return false;
}

/* ---- questions ---- */

static void tell_position(struct inspector *i, const struct server_facts *f)
{
	const struct server_fact *file = &f->items[SERVER_BINLOG_FILE];
	char text[TEXT_MAX];

	if (i->told_position || file->state != SERVER_REFUSED)
		return;
	i->told_position = true;
	(void)snprintf(text, sizeof(text), "no position in the binary log: %.400s", file->text);
	tell(i, text);
}

static void ask_facts(struct inspector *i)
{
	struct server_facts f = {.name = NULL};
	char name[NAME_MAX_BYTES];
	enum err e = ERR_IO;

	if (is_connected(i))
		e = server_facts_ask(i->asker, &f, NULL);
	if (e == ERR_OK)
		e = server_facts_set_name(
			&f, slice_cstr(target_format(&i->target, name, sizeof(name))));
	if (e == ERR_OK)
		tell_position(i, &f);
	pthread_mutex_lock(&i->lock);
	if (e == ERR_OK) {
		server_facts_release(&i->facts);
		i->facts = f;
	}
	i->wants_facts = false;
	i->answers++;
	pthread_cond_broadcast(&i->news);
	pthread_mutex_unlock(&i->lock);
	if (e != ERR_OK)
		server_facts_release(&f);
}

static void tell_lacks(struct inspector *i, const struct census_lacks *lacks)
{
	char text[TEXT_MAX];

	for (unsigned k = 0; k < CENSUS_LACKS; k++) {
		if (i->told[k] || lacks->count[k] == 0)
			continue;
		i->told[k] = true;
		tell(i, census_lack_text((enum census_lack)k, lacks->count[k], text, sizeof(text)));
	}
}

static void ask_census(struct inspector *i)
{
	const int64_t begin_ns = clock_mono_ns();
	const uint16_t reached = i->target.host ? i->target.port : 0;
	struct census *fresh = NULL, *old = NULL;
	struct census_lacks lacks;
	enum err e = ERR_IO;
	int64_t cost_ns;

	if (is_connected(i))
		e = census_ask(i->asker, i->numbers + 1, reached, &fresh, &lacks, NULL);
	cost_ns = (clock_mono_ns() - begin_ns) * CENSUS_COST;
	i->not_before_ns = clock_mono_ns() + (cost_ns > PAUSE_NS ? cost_ns : PAUSE_NS);
	pthread_mutex_lock(&i->lock);
	i->wants_census = false;
	if (e == ERR_OK) {
		old = i->census;
		i->census = fresh;
		i->numbers = fresh->number;
		atomic_store(&i->newest, fresh->number);
	}
	pthread_cond_broadcast(&i->news);
	pthread_mutex_unlock(&i->lock);
	census_drop(old);
	if (e == ERR_OK)
		tell_lacks(i, &lacks);
}

/* ---- the thread ---- */

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

enum task { TASK_END, TASK_FACTS, TASK_CENSUS };

/* Waits for something to do. */
static enum task await_task(struct inspector *i)
{
	enum task task = TASK_END;

	pthread_mutex_lock(&i->lock);
	for (;;) {
		const struct timespec at = timespec_of(i->not_before_ns);
		const bool is_due = clock_mono_ns() >= i->not_before_ns;

		if (i->ends)
			break;
		if (i->wants_facts || (i->wants_census && is_due)) {
			task = i->wants_facts ? TASK_FACTS : TASK_CENSUS;
			break;
		}
		if (i->wants_census)
			(void)pthread_cond_timedwait(&i->wake, &i->lock, &at);
		else
			(void)pthread_cond_wait(&i->wake, &i->lock);
	}
	pthread_mutex_unlock(&i->lock);
	return task;
}

static void *inspector_main(void *ctx)
{
	struct inspector *i = ctx;

	for (;;) {
		switch (await_task(i)) {
		case TASK_FACTS:
			ask_facts(i);
			break;
		case TASK_CENSUS:
			ask_census(i);
			break;
		case TASK_END:
			return NULL;
		}
	}
}

/* ---- the informant ---- */

/* Under the lock: is everything answered that was asked at first? */
static bool has_first(const struct inspector *i)
{
	return i->answers > 0 && (!i->options.sessions || i->census || !i->wants_census);
}

static enum err inspector_start(void *ctx, int64_t wait_ns, struct errinfo *info)
{
	struct inspector *i = ctx;
	const struct timespec until = timespec_of(clock_mono_ns() + wait_ns);
	sigset_t all, before;
	int failed;

	i->wants_facts = true;
	i->wants_census = i->options.sessions;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&i->thread, NULL, inspector_main, i);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return err_set(info, ERR_IO, failed, "start a thread");
	i->started = true;
	pthread_mutex_lock(&i->lock);
	while (!has_first(i) && failed == 0)
		failed = pthread_cond_timedwait(&i->news, &i->lock, &until);
	pthread_mutex_unlock(&i->lock);
	return ERR_OK;
}

static struct census *inspector_census(void *ctx, uint64_t seen)
{
	struct inspector *i = ctx;
	struct census *c = NULL;

	if (atomic_load(&i->newest) <= seen)
		return NULL;
	pthread_mutex_lock(&i->lock);
	if (i->census)
		c = census_share(i->census);
	pthread_mutex_unlock(&i->lock);
	return c;
}

static void inspector_want_census(void *ctx)
{
	struct inspector *i = ctx;

	if (!i->options.sessions)
		return;
	pthread_mutex_lock(&i->lock);
	i->wants_census = true;
	pthread_cond_signal(&i->wake);
	pthread_mutex_unlock(&i->lock);
}

static void inspector_want_facts(void *ctx)
{
	struct inspector *i = ctx;

	pthread_mutex_lock(&i->lock);
	i->wants_facts = true;
	pthread_cond_signal(&i->wake);
	pthread_mutex_unlock(&i->lock);
}

static bool inspector_own(void *ctx, struct endpoint *out)
{
	struct inspector *i = ctx;
	bool is_there;

	pthread_mutex_lock(&i->lock);
	*out = i->own;
	is_there = i->own.port != 0;
	pthread_mutex_unlock(&i->lock);
	return is_there;
}

static enum err inspector_facts(void *ctx, bool ask, int64_t wait_ns, int64_t *seen,
				struct server_facts *out)
{
	struct inspector *i = ctx;
	const struct timespec until = timespec_of(clock_mono_ns() + wait_ns);
	enum err e = ERR_AGAIN;
	uint64_t answers;
	int timed_out = 0;

	if (ask)
		inspector_want_facts(i);
	pthread_mutex_lock(&i->lock);
	answers = i->answers;
	while (ask && i->answers == answers && timed_out == 0)
		timed_out = pthread_cond_timedwait(&i->news, &i->lock, &until);
	if (i->facts.asked_ns > *seen) {
		e = server_facts_copy(out, &i->facts);
		*seen = i->facts.asked_ns;
	}
	pthread_mutex_unlock(&i->lock);
	return e;
}

static void inspector_free(void *ctx)
{
	struct inspector *i = ctx;

	if (!i)
		return;
	pthread_mutex_lock(&i->lock);
	i->ends = true;
	pthread_cond_signal(&i->wake);
	pthread_mutex_unlock(&i->lock);
	if (i->started)
		(void)pthread_join(i->thread, NULL);
	asker_free(i->asker);
	server_facts_release(&i->facts);
	census_drop(i->census);
	pthread_cond_destroy(&i->news);
	pthread_cond_destroy(&i->wake);
	pthread_mutex_destroy(&i->lock);
	target_release(&i->target);
	mem_free(i);
}

static struct inspector *make(const struct inspector_options *options)
{
	struct inspector *i = mem_zalloc(sizeof(*i));
	pthread_condattr_t monotonic;

	if (!i)
		return NULL;
	i->target = *options->target;
	i->options = *options;
	i->options.target = NULL;
	pthread_mutex_init(&i->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&i->wake, &monotonic);
	pthread_cond_init(&i->news, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return i;
}

enum err inspector_new(const struct inspector_options *options, struct informant *out,
		       struct errinfo *info)
{
	struct inspector *i = make(options);
	enum err e;

	if (!i)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	e = dial(i, info);
	if (e != ERR_OK) {
		i->target = (struct target){.host = NULL}; /* the caller's still */
		inspector_free(i);
		return e;
	}
	*out = (struct informant){
		.start = inspector_start,
		.census = inspector_census,
		.want_census = inspector_want_census,
		.own = inspector_own,
		.facts = inspector_facts,
		.want_facts = inspector_want_facts,
		.free = inspector_free,
		.ctx = i,
	};
	return ERR_OK;
}

/* status - tells how a command goes. */
#include "cli/status.h"

#include "base/clock.h"
#include "out/units.h"

enum { TEXT_MAX = 1 << 20 };

static const int64_t SHOW_NS = NS_PER_S / 2;
static const int64_t SERVE_NS = NS_PER_S;

enum err status_init(struct status *s, const struct opt_page *page,
		     const struct listen_args *listen, struct errinfo *info)
{
	struct metrics_address address;
	char name[METRICS_ADDRESS_TEXT];
	enum err e;

	s->page = page;
	s->every_ns = listen->status_ns;
	s->terminal = cli_shows_progress();
	s->told_ns = s->shown_ns = clock_mono_ns();
	s->figures.groups |= FIGURES_HEARD;
	s->figures.replay_done_ppm = -1;
	buf_init(&s->text, TEXT_MAX);
	if (!listen->metrics)
		return ERR_OK;
	e = metrics_address_parse(listen->metrics, &address, info);
	if (e == ERR_OK)
		e = metrics_server_open(&address, &s->server, info);
	if (e == ERR_OK)
		(void)fprintf(stderr, "myna %s: figures at http://%s/metrics\n", page->name,
			      metrics_address_text(metrics_server_address(s->server), name));
	return e;
}

static void serve(struct status *s, int64_t now_ns)
{
	s->served_ns = now_ns;
	buf_reset(&s->text);
	figures_expose(&s->figures, s->page->name, &s->text);
	if (buf_err(&s->text) == ERR_OK)
		metrics_server_put(s->server, buf_slice(&s->text));
}

enum err status_begin(struct status *s, struct input *in, struct errinfo *info)
{
	struct consumer_state c;

	s->in = in;
	s->begun = s->always || input_is_lasting(in);
	s->figures.groups |= (input_is_lasting(in) ? FIGURES_LASTING : 0U) |
			     (input_carried(in, &c) ? FIGURES_CONSUMER : 0U);
	if (!s->server)
		return ERR_OK;
	serve(s, clock_mono_ns());
	return metrics_server_start(s->server, info);
}

void status_release(struct status *s)
{
	metrics_server_free(s->server);
	buf_release(&s->text);
}

static void print(const struct status *s, const char *before, const char *after)
{
	const struct coverage *c = &s->figures.coverage;
	struct coverage since = *c;

	(void)fprintf(stderr, "%smyna %s: %s: ", before, s->page->name,
		      units_time_short(clock_wall_ns()).text);
	figures_print(&s->figures, stderr);
	coverage_subtract(&since, &s->told);
	if (c->shed_frames)
		(void)fprintf(stderr, "; now hearing %s of the sessions' frames",
			      units_percent(coverage_heard_share(&since)).text);
	(void)fputs(after, stderr);
	(void)fflush(stderr);
}

static void tell(struct status *s, int64_t now_ns)
{
	s->told_ns = s->shown_ns = now_ns;
	if (s->own)
		s->own(s->ctx);
	else
		print(s, s->terminal ? "\r\033[K" : "", "\n");
	s->told = s->figures.coverage;
}

void status_look(struct status *s)
{
	int64_t now_ns = clock_mono_ns();

	if (s->server && now_ns - s->served_ns >= SERVE_NS)
		serve(s, now_ns);
	if (!s->begun)
		return;
	if (s->every_ns > 0 && now_ns - s->told_ns >= s->every_ns) {
		tell(s, now_ns);
	} else if (s->in_place && s->terminal && now_ns - s->shown_ns >= SHOW_NS) {
		s->shown_ns = now_ns;
		print(s, "\r", "\033[K");
	}
}

/* --- in front of the first sink --- */

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct status *s = ctx;

	atomic_store_explicit(&s->event_ns, e->time_ns, memory_order_relaxed);
	return s->next.event(s->next.ctx, e, info);
}

/* Of an input that ends by itself, events are as old as it is. */
static void take_lag(struct status *s)
{
	int64_t event_ns = atomic_load_explicit(&s->event_ns, memory_order_relaxed);
	int64_t lag_ns = clock_wall_ns() - event_ns;

	s->figures.lag_ns = event_ns != s->seen_ns && lag_ns > 0 ? lag_ns : 0;
	s->seen_ns = event_ns;
}

static void take_consumer(struct status *s)
{
	struct consumer_state c;

	if (!input_carried(s->in, &c))
		return;
	s->figures.consumer_held = (int64_t)c.held;
	s->figures.consumer_errors = (int64_t)c.errors;
	s->figures.consumer_connected = c.connected;
	s->figures.consumer_taken = (int64_t)c.taken;
	s->figures.consumer_again = (int64_t)c.again;
	s->figures.consumer_twice = (int64_t)c.twice;
	s->figures.consumer_foreign = (int64_t)c.foreign;
}

static void take_coverage(struct status *s, const struct coverage *c)
{
	s->figures.coverage = *c;
	s->figures.valid_packets = (int64_t)coverage_valid_frames(c);
	take_consumer(s);
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct status *s = ctx;
	enum err e = ERR_OK;

	take_coverage(s, so_far);
	take_lag(s);
	if (s->next.tick)
		e = s->next.tick(s->next.ctx, so_far, progress, info);
	status_look(s);
	return e;
}

static enum err on_merge(void *ctx, void *other, struct errinfo *info)
{
	const struct status *s = ctx;

	return s->next.merge(s->next.ctx, other, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct status *s = ctx;

	take_coverage(s, coverage);
	return s->next.finish(s->next.ctx, coverage, info);
}

bool status_is_wanted(const struct status *s)
{
	return s->server || (s->begun && s->every_ns > 0) || (s->always && s->in_place);
}

struct event_sink status_sink(struct status *s, const struct event_sink *next)
{
	s->next = *next;
	return (struct event_sink){
		.event = on_event,
		.tick = on_tick,
		.merge = next->merge ? on_merge : NULL,
		.finish = on_finish,
		.ctx = s,
		.spares = next->spares,
	};
}

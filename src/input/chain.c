/* chain - segments through TCP and the tracker to events. */
#include "input/chain.h"

#include <string.h>

#include "base/mem.h"
#include "track/probe.h"
#include "track/tracker.h"

struct chain {
	struct tcp *tcp;
	struct tracker *tracker;
	struct probe *probe; /* NULL: the ports say what is MySQL */
	struct event_sink sink;
};

/* The sink is not known yet when the tracker is made. */
static enum err forward(void *ctx, const struct event *e, struct errinfo *info)
{
	struct chain *c = ctx;

	return c->sink.event(c->sink.ctx, e, info);
}

static enum err open_all(struct chain *c, const struct input_options *o, unsigned parts)
{
	struct tracker_options tracker = {
		.max_statement = o->max_statement,
		.packets = o->packets,
		.informant = o->informant,
	};
	struct tcp_options tcp = {
		.port_count = o->port_count, .any_port = o->any_port, .parts = parts};
	struct event_sink sink = {.event = forward, .ctx = c};
	struct stream_handler handler;
	enum err e;

	memcpy(tcp.ports, o->ports, sizeof(tcp.ports));
	e = tracker_new(&tracker, &sink, &c->tracker);
	if (e != ERR_OK)
		return e;
	handler = tracker_handler(c->tracker);
	if (o->any_port) {
		e = probe_new(&handler, &c->probe);
		if (e != ERR_OK)
			return e;
		handler = probe_handler(c->probe);
	}
	return tcp_new(&tcp, &handler, &c->tcp);
}

enum err chain_new(const struct input_options *options, unsigned parts, struct chain **out)
{
	struct chain *c = mem_zalloc(sizeof(*c));
	enum err e;

	if (!c)
		return ERR_NOMEM;
	e = open_all(c, options, parts);
	if (e != ERR_OK) {
		chain_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

void chain_free(struct chain *c)
{
	if (!c)
		return;
	tcp_free(c->tcp);
	probe_free(c->probe);
	tracker_free(c->tracker);
	mem_free(c);
}

void chain_set_sink(struct chain *c, const struct event_sink *sink)
{
	c->sink = *sink;
	tracker_spare(c->tracker, sink->spares);
}

void chain_set_census(struct chain *c, struct census *census)
{
	tracker_set_census(c->tracker, census);
}

enum err chain_segment(struct chain *c, const struct segment *s, struct errinfo *info)
{
	enum err e = tcp_segment(c->tcp, s);

	if (e != ERR_OK)
		return err_set(info, e, 0, "frame %llu: %s", (unsigned long long)s->frame,
			       err_text(e));
	return tracker_error(c->tracker, info);
}

bool chain_follows(const struct chain *c, const struct segment *s)
{
	return tcp_follows(c->tcp, s);
}

void chain_pass(struct chain *c, int64_t time_ns, uint64_t frame)
{
	tcp_pass(c->tcp, time_ns, frame);
}

void chain_tick(struct chain *c, int64_t now_ns)
{
	tcp_tick(c->tcp, now_ns);
}

void chain_set_share(struct chain *c, uint32_t beginning, uint32_t running)
{
	tcp_set_share(c->tcp, beginning, running);
}

void chain_finish(struct chain *c)
{
	tcp_finish(c->tcp);
}

enum err chain_error(const struct chain *c, struct errinfo *info)
{
	return tracker_error(c->tracker, info);
}

void chain_coverage(const struct chain *c, struct coverage *out)
{
	const struct tcp_stats *tcp = tcp_get_stats(c->tcp);

	*out = *tracker_coverage(c->tracker);
	out->other_ports = tcp->other_ports;
	out->other_flows = c->probe ? probe_other_flows(c->probe) : 0;
	out->limits += tcp->limit_closed;
	out->shed = tcp->shed;
	out->let_go = tcp->let_go;
	out->shed_frames = tcp->shed_frames;
	out->shed_bytes = tcp->shed_bytes;
}

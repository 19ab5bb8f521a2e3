/*
 * conversation - chunks to packets, and who is in step.
 *
 * A side is in step while the place of its next packet is known. A hole takes it out of step, unless it
 * lies inside one packet of the client's whose length is known. The client comes back at a chunk that begins
 * like a command; the server at the next command, since its response begins where the client's
 * acknowledgement stood when it sent that command.
 *
 * That is so of a client that waits for each answer. One that sends ahead may wait for others, of commands that
 * were not heard. So a response found in this way is in doubt: it is held until the next command shows that
 * the client took it for the last one; and where commands may have been lost, or several waited, more such exchanges
 * must fit first if the client was seen to send ahead. See answer.c.
 */
#include "track/conversation.h"

#include <assert.h>

#include "base/mem.h"

enum { RESPONSE_PAYLOAD_KEEP = 1 << 30 }; /* bytes of a row; the servers' own limit */

static const unsigned phase_next[PHASES] = {
	[PHASE_GREETING] = 1u << PHASE_LOGIN | 1u << PHASE_COMMAND | 1u << PHASE_DEAF,
	[PHASE_LOGIN] = 1u << PHASE_AUTH | 1u << PHASE_COMMAND | 1u << PHASE_DEAF,
	[PHASE_AUTH] = 1u << PHASE_COMMAND | 1u << PHASE_DEAF,
	[PHASE_COMMAND] = 1u << PHASE_DEAF,
	[PHASE_DEAF] = 1u << PHASE_DEAF,
};

void conversation_set_phase(struct conversation *c, enum phase to)
{
	assert(phase_next[c->phase] & 1u << to);
	c->phase = to;
}

struct conversation *conversation_new(struct tracker *t, const struct stream_flow *flow)
{
	struct conversation *c = mem_zalloc(sizeof(*c));

	if (!c)
		return NULL;
	c->session =
		session_new(flow->id, flow->first_ns, &flow->client, &flow->server, &t->statements);
	if (!c->session) {
		mem_free(c);
		return NULL;
	}
	c->tracker = t;
	c->session->joined = !flow->from_start;
	c->wants_seed = !flow->from_start && t->informed;
	c->phase = PHASE_GREETING; /* of a joined session until a command is found */
	c->in_step[STREAM_CLIENT] = c->in_step[STREAM_SERVER] = flow->from_start;
	c->longest_run = 1;
	c->turns_in_doubt = !flow->from_start;
	if (!flow->from_start)
		c->session->caps = MYP_CAP_PROTOCOL_41 | MYP_CAP_TRANSACTIONS;
	myp_reader_init(&c->readers[STREAM_CLIENT], t->options.max_statement);
	myp_reader_init(&c->readers[STREAM_SERVER], RESPONSE_PAYLOAD_KEEP);
	response_init(&c->response);
	c->response.spares_results = t->sink.spares & EVENT_RESULTS;
	if (t->room && !packets_begin(c)) {
		conversation_free(c);
		return NULL;
	}
	return c;
}

void conversation_free(struct conversation *c)
{
	while (c->first) {
		struct pending *p = c->first;

		c->first = p->next;
		pending_free(p);
	}
	myp_reader_release(&c->readers[STREAM_CLIENT]);
	myp_reader_release(&c->readers[STREAM_SERVER]);
	compressed_free(c->compressed);
	packets_free(c->packets);
	mem_free(c->proxy);
	response_release(&c->response);
	session_free(c->session);
	mem_free(c);
}

void conversation_announce(struct conversation *c, int64_t time_ns, uint64_t frame)
{
	struct event e = {
		.type = EVENT_SESSION,
		.order = frame,
		.time_ns = time_ns,
		.session = c->session,
	};

	if (c->announced)
		return;
	c->announced = true;
	c->tracker->coverage.joined += c->session->joined;
	tracker_emit(c->tracker, &e);
}

void conversation_leave_protocol(struct conversation *c)
{
	if (!c->left_protocol)
		c->tracker->coverage.undecodable++;
	c->left_protocol = true;
}

void conversation_forget(struct conversation *c, enum stream_side side)
{
	myp_reader_reset(&c->readers[side]);
	if (c->compressed)
		compressed_forget(c->compressed, side);
}

bool conversation_is_partial(const struct conversation *c, enum stream_side side)
{
	return myp_reader_partial(&c->readers[side]) ||
	       (c->compressed && compressed_is_partial(c->compressed, side));
}

void conversation_go_deaf(struct conversation *c)
{
	conversation_set_phase(c, PHASE_DEAF);
	conversation_forget(c, STREAM_CLIENT);
	conversation_forget(c, STREAM_SERVER);
}

/*
 * The login cannot be followed any more. Commands can: they are found as in a joined session. What the
 * greeting and the response said, if they were heard, stays.
 */
void conversation_give_up_login(struct conversation *c)
{
	bool agreed = c->phase == PHASE_AUTH;

	if (c->phase == PHASE_GREETING || c->phase == PHASE_LOGIN) {
		c->session->caps = MYP_CAP_PROTOCOL_41 | MYP_CAP_TRANSACTIONS;
		c->session->caps_known = false;
	}
	conversation_set_phase(c, PHASE_COMMAND);
	c->in_step[STREAM_CLIENT] = c->in_step[STREAM_SERVER] = false;
	if (agreed)
		phase_end_login(c);
}

/* True if the place of the side's next packet, or frame, is known for all that. */
static bool skip_gap(struct conversation *c, const struct stream_chunk *chunk)
{
	if (c->compressed)
		return compressed_skip(c, chunk);
	return chunk->from == STREAM_CLIENT && c->in_step[STREAM_CLIENT] &&
	       myp_reader_skip(&c->readers[STREAM_CLIENT], chunk->gap);
}

static void on_gap(struct conversation *c, const struct stream_chunk *chunk)
{
	enum stream_side side = chunk->from;
	struct event e = {
		.type = EVENT_GAP,
		.order = chunk->frame,
		.time_ns = chunk->time_ns,
		.session = c->session,
		.gap =
			{
				.side = side == STREAM_CLIENT ? GAP_COMMANDS : GAP_RESPONSES,
				.bytes = chunk->gap,
				.after = c->session->commands,
			},
	};

	c->tracker->coverage.gaps++;
	c->tracker->coverage.gap_bytes += chunk->gap;
	if (c->packets)
		packets_gap(c);
	if (c->phase == PHASE_DEAF)
		return;
	c->session->gaps++;
	c->session->last_gap = c->session->commands;
	if (c->phase != PHASE_COMMAND)
		conversation_give_up_login(c);
	else if (side == STREAM_CLIENT)
		c->lost_commands += chunk->gap;
	if (side == STREAM_CLIENT) {
		c->turns_in_doubt = true;
		effect_of_hole(c);
		/* How many pieces of a file came is not known any more. */
		c->infile_next[0] = c->infile_next[1] = 1;
	}
	if (!skip_gap(c, chunk)) {
		c->in_step[side] = false;
		conversation_forget(c, side);
	}
	if (c->announced)
		tracker_emit(c->tracker, &e);
}

/* Bytes that nothing could be made of. A joined session begins with its first command. */
void conversation_pass_over(struct conversation *c, uint64_t bytes)
{
	if (c->phase == PHASE_DEAF && !c->left_protocol)
		c->tracker->coverage.passed_bytes += bytes;
	else if (c->session->joined && c->session->commands == 0)
		c->tracker->coverage.joined_bytes += bytes;
	else
		c->tracker->coverage.undecoded_bytes += bytes;
}

/* A joined session whose bytes look like TLS, as long as nothing else was made of them. */
static void check_tls(struct conversation *c, const struct stream_chunk *chunk)
{
	if (!c->session->joined || c->announced || !guess_is_tls(chunk->bytes))
		return;
	c->tracker->coverage.encrypted++;
	c->session->login = SESSION_LOGIN_TLS;
	conversation_announce(c, chunk->time_ns, chunk->frame);
	conversation_go_deaf(c);
}

/* The SYN was not heard, but all that the session says: it is not a joined one after all. */
static bool step_in_at_greeting(struct conversation *c, const struct stream_chunk *chunk)
{
	if (c->phase != PHASE_GREETING || chunk->offset != 0 || !guess_greeting(chunk->bytes))
		return false;
	c->session->joined = false;
	c->wants_seed = false;
	c->in_step[STREAM_CLIENT] = c->in_step[STREAM_SERVER] = true;
	return true;
}

/* A side that is out of step: may this chunk be where it comes back? */
static bool step_in(struct conversation *c, const struct stream_chunk *chunk)
{
	if (c->phase == PHASE_DEAF)
		return false;
	if (chunk->from == STREAM_SERVER)
		return step_in_at_greeting(c, chunk);
	if (!compressed_join(c, chunk) && !guess_command_start(chunk->bytes)) {
		check_tls(c, chunk);
		return false;
	}
	if (c->phase == PHASE_GREETING)
		conversation_set_phase(c, PHASE_COMMAND);
	myp_reader_reset(&c->readers[STREAM_CLIENT]);
	/* What is in a frame is looked at when it is whole. */
	c->in_step[STREAM_CLIENT] = !c->compressed;
	return true;
}

static void on_packet(struct conversation *c, const struct stream_chunk *chunk,
		      const struct myp_packet *p)
{
	if (c->packets)
		packets_hear(c, chunk, p);
	if (c->phase != PHASE_COMMAND)
		phase_packet(c, chunk, p);
	else if (chunk->from == STREAM_CLIENT)
		command_packet(c, chunk, p);
	else
		answer_packet(c, chunk, p);
	if (c->packets)
		packets_heard(c);
}

struct slice conversation_packets(struct conversation *c, const struct stream_chunk *chunk,
				  struct slice bytes, int64_t first_ns)
{
	const struct compressed *framing = c->compressed;
	struct myp_reader *r = &c->readers[chunk->from];
	struct myp_packet p;
	enum err e = ERR_OK;

	while (bytes.len > 0 && c->phase != PHASE_DEAF && c->in_step[chunk->from] &&
	       c->compressed == framing) {
		if (!myp_reader_partial(r))
			c->packet_ns[chunk->from] = first_ns;
		e = myp_reader_next(r, &bytes, &p);
		if (e != ERR_OK)
			break;
		if (framing)
			p.last_sequence = c->last_sequence[chunk->from];
		else
			c->position[chunk->from] = chunk->offset + (chunk->bytes.len - bytes.len);
		on_packet(c, chunk, &p);
		if (chunk->from == STREAM_SERVER && bytes.len > 0 && !c->packets)
			answer_rows(c, chunk, &bytes);
	}
	if (e != ERR_OK && e != ERR_AGAIN) {
		myp_reader_reset(r);
		c->in_step[chunk->from] = false;
		c->tracker->coverage.limits++;
	}
	if (c->compressed != framing)
		return bytes;
	if (bytes.len > 0)
		conversation_pass_over(c, bytes.len);
	return slice_of(NULL, 0);
}

int64_t conversation_packet_end_ns(const struct conversation *c, const struct stream_chunk *chunk)
{
	int64_t first_ns = c->packet_ns[chunk->from];

	return first_ns > chunk->time_ns ? first_ns : chunk->time_ns;
}

static bool is_heard(struct conversation *c, const struct stream_chunk *chunk)
{
	if (c->compressed && c->phase != PHASE_DEAF)
		return compressed_step_in(c, chunk);
	return c->in_step[chunk->from] || step_in(c, chunk);
}

static void on_bytes(struct conversation *c, const struct stream_chunk *chunk)
{
	struct slice bytes = chunk->bytes;

	if (!c->compressed)
		bytes = conversation_packets(c, chunk, bytes, chunk->time_ns);
	if (c->compressed)
		compressed_bytes(c, chunk, bytes);
}

/* The rest of a proxy's header may come. */
static void await_proxy(struct conversation *c, const struct proxy_reader *reader)
{
	if (!c->proxy)
		c->proxy = mem_alloc(sizeof(*c->proxy));
	if (c->proxy)
		*c->proxy = *reader;
	else
		tracker_fail(c->tracker, ERR_NOMEM);
}

/* A proxy's header, if the client's first bytes are one, is taken off CHUNK. False: nothing is left to be read. */
static bool take_proxy_header(struct conversation *c, struct stream_chunk *chunk)
{
	struct session *s = c->session;
	struct endpoint client = s->client;
	struct stream_chunk first = *chunk;
	struct proxy_reader reader = {.len = 0};
	size_t len = chunk->bytes.len;

	if (c->proxy)
		reader = *c->proxy;
	switch (proxy_take(&reader, &chunk->bytes, &client)) {
	case PROXY_MORE:
		await_proxy(c, &reader);
		return false;
	case PROXY_HEADER:
		c->past_proxy = true;
		if (!endpoint_eq(&client, &s->client)) {
			s->proxy = s->client;
			s->client = client;
		}
		chunk->offset += len - chunk->bytes.len;
		break;
	case PROXY_NONE:
		c->past_proxy = true;
		first.bytes = slice_of(reader.kept, reader.len);
		first.offset -= reader.len;
		on_bytes(c, &first);
		break;
	}
	mem_free(c->proxy);
	c->proxy = NULL;
	return chunk->bytes.len > 0;
}

/* May what the client says next be a proxy's header? */
static bool may_be_proxied(const struct conversation *c, const struct stream_chunk *chunk)
{
	return chunk->from == STREAM_CLIENT && !c->past_proxy && c->in_step[STREAM_CLIENT] &&
	       (c->phase == PHASE_GREETING || c->phase == PHASE_LOGIN);
}

static void on_data(struct conversation *c, const struct stream_chunk *chunk)
{
	struct stream_chunk rest;

	if (!may_be_proxied(c, chunk)) {
		on_bytes(c, chunk);
		return;
	}
	rest = *chunk;
	if (take_proxy_header(c, &rest))
		on_bytes(c, &rest);
}

void conversation_chunk(struct conversation *c, const struct stream_chunk *chunk)
{
	if (c->tracker->failed != ERR_OK)
		return;
	if (c->wants_seed)
		conversation_seed(c, chunk);
	if (chunk->gap)
		on_gap(c, chunk);
	else if (is_heard(c, chunk))
		on_data(c, chunk);
	else if (!phase_take_login(c, chunk))
		conversation_pass_over(c, chunk->bytes.len);
	c->position[chunk->from] = chunk->offset + chunk->bytes.len + chunk->gap;
}

bool conversation_is_idle(const struct conversation *c)
{
	if (c->phase == PHASE_DEAF || (c->session->joined && !c->announced))
		return true;
	return c->phase == PHASE_COMMAND && !c->first && c->infile_n == 0 &&
	       !conversation_is_partial(c, STREAM_CLIENT);
}

static enum end_reason reason_of(enum stream_end end)
{
	switch (end) {
	case STREAM_END_FIN:
	case STREAM_END_REUSED: /* it was closed, and that was not heard */
		return END_FIN;
	case STREAM_END_RESET:
		return END_RESET;
	case STREAM_END_TIMEOUT:
		return END_TIMEOUT;
	case STREAM_END_CAPTURE:
		return END_CAPTURE;
	case STREAM_END_SHED:
		return END_SHED;
	}
	return END_CAPTURE;
}

/*
 * Did what waits for its response wait in vain? It did if both the end and all that the server had said before it were heard:
 * of what was sent and not heard, a FIN, a reset or an acknowledgement would tell. Where it is in doubt whose answer is
 * whose, it is sure of a command behind which the server said nothing at all.
 */
static bool is_unanswered(const struct conversation *c, enum stream_end end)
{
	if (end == STREAM_END_CAPTURE || end == STREAM_END_SHED)
		return true;
	if ((end != STREAM_END_FIN && end != STREAM_END_RESET) || !c->in_step[STREAM_SERVER] ||
	    c->lost_commands)
		return false;
	return c->doubts == 0 ||
	       (c->acks_heard && !c->answering && !conversation_is_partial(c, STREAM_SERVER));
}

void conversation_end(struct conversation *c, enum stream_end end, int64_t time_ns, uint64_t frame)
{
	struct event e = {
		.type = EVENT_END,
		.order = frame,
		.time_ns = time_ns,
		.session = c->session,
		.end = c->quit ? END_QUIT : reason_of(end),
	};

	/* What was said first is no packet at all. */
	if (c->phase == PHASE_GREETING && !c->session->joined &&
	    conversation_is_partial(c, STREAM_SERVER))
		conversation_leave_protocol(c);
	if (c->phase == PHASE_COMMAND && c->in_step[STREAM_CLIENT])
		c->tracker->coverage.cut_commands += conversation_is_partial(c, STREAM_CLIENT);
	answer_release_held(c, time_ns, frame);
	if (is_unanswered(c, end))
		answer_leave_pending(c, time_ns, frame);
	else
		answer_lose_pending(c, time_ns, frame);
	conversation_announce(c, time_ns, frame);
	tracker_emit(c->tracker, &e);
}

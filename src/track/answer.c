/*
 * answer - a server's packets to a RESPONSE event.
 *
 * While all bytes are heard, responses are counted off against the commands that wait. After a loss they
 * are in doubt: the next command says where its response begins, and the one after that whether the client
 * took what was heard there for all that was to come. What does not fit is lost, and it begins anew.
 */
#include "track/conversation.h"

#include "base/mem.h"

enum {
	PENDING_KEEP = 4 << 10, /* bytes of text that a spare keeps */
	RUN_MAX = 1 << 16,
	RUN_UNSEEN = 4, /* taken for a client's run whose length was not heard */
	CLOSE_LEN = 9,  /* bytes of a packet of STMT_CLOSE */
};

void pending_free(struct pending *p)
{
	buf_release(&p->text);
	mem_free(p->login);
	mem_free(p);
}

static struct pending *take_spare(struct tracker *t)
{
	struct pending *p = t->spare;

	if (!p) {
		p = mem_zalloc(sizeof(*p));
		if (p)
			buf_init(&p->text, t->options.max_statement);
		return p;
	}
	t->spare = p->next;
	mem_free(p->login);
	p->login = NULL;
	p->next = NULL;
	return p;
}

void answer_expect_piece(struct conversation *c, const struct myp_packet *p)
{
	c->infile_next[0] = (uint8_t)(p->sequence + 1);
	c->infile_next[1] = (uint8_t)(p->last_sequence + 1);
}

struct pending *answer_push(struct conversation *c, uint64_t n, uint8_t code)
{
	struct pending *p;

	if (c->pending_count >= PENDING_MAX) {
		c->tracker->coverage.limits++;
		conversation_leave_protocol(c);
		conversation_go_deaf(c);
		return NULL;
	}
	p = take_spare(c->tracker);
	if (!p) {
		tracker_fail(c->tracker, ERR_NOMEM);
		return NULL;
	}
	p->n = n;
	p->code = code;
	c->run = c->first ? c->run + 1 : 1;
	if (c->doubts == 0 && c->run > c->longest_run)
		c->longest_run = c->run;
	if (c->last)
		c->last->next = p;
	else
		c->first = p;
	c->last = p;
	c->pending_count++;
	return p;
}

/* Gives the response of the first that waits, as it stands, and takes its command off the queue. */
static void finish(struct conversation *c, int64_t time_ns, uint64_t frame)
{
	struct pending *p = c->first;
	struct event e = {
		.type = EVENT_RESPONSE,
		.order = frame,
		.time_ns = time_ns,
		.session = c->session,
		.response = &c->response,
	};

	tracker_emit(c->tracker, &e);
	effect_of_response(c, p, &c->response);
	c->tracker->coverage.limits += c->response.failed;
	response_give_back(&c->response, &c->tracker->response_room);
	c->answering = c->held = false;
	c->infile_n = 0;
	c->first = p->next;
	if (!c->first)
		c->last = NULL;
	c->pending_count--;
	buf_shrink(&p->text, c->tracker->spare ? 0 : PENDING_KEEP);
	p->next = c->tracker->spare;
	c->tracker->spare = p;
}

static void begin(struct conversation *c)
{
	myp_answer_begin(&c->answer, c->first->code, c->session->caps);
	c->answer.spares_columns = c->response.spares_results;
	response_borrow(&c->response, &c->tracker->response_room);
	response_begin(&c->response, c->first->n, c->first->code);
	c->answering = true;
}

/* Its packets may have been captured in another order than they were sent in. */
static void note_end(struct response *r, int64_t end_ns)
{
	r->last_ns = end_ns > r->last_ns ? end_ns : r->last_ns;
}

void answer_settle_silent(struct conversation *c, const struct stream_chunk *chunk)
{
	while (c->first && !c->answering && myp_command_shape(c->first->code) == MYP_SHAPE_NONE) {
		begin(c);
		c->response.first_ns = c->response.last_ns = c->first->last_ns;
		response_end(&c->response, true);
		finish(c, chunk->time_ns, chunk->frame);
	}
}

/* What waits is not answered any more. UNANSWERED: nor was it, of what is known. */
static void lose_pending(struct conversation *c, int64_t time_ns, uint64_t frame, bool unanswered)
{
	struct coverage *count = &c->tracker->coverage;

	while (c->first) {
		bool silent = myp_command_shape(c->first->code) == MYP_SHAPE_NONE;

		if (!c->answering || c->doubts)
			begin(c); /* what was heard in doubt may be another's */
		response_end(&c->response, silent);
		c->response.unanswered = unanswered && !silent;
		count->unanswered += unanswered && !silent;
		count->lost_responses += !unanswered && !silent;
		finish(c, time_ns, frame);
	}
}

void answer_lose_pending(struct conversation *c, int64_t time_ns, uint64_t frame)
{
	lose_pending(c, time_ns, frame, false);
}

void answer_leave_pending(struct conversation *c, int64_t time_ns, uint64_t frame)
{
	lose_pending(c, time_ns, frame, true);
}

/* A packet of the server that cannot be the answer: from here to the next command nothing is believed. */
static void fall_out_of_step(struct conversation *c, const struct myp_packet *p)
{
	c->tracker->coverage.undecoded_bytes += p->wire_len;
	c->in_step[STREAM_SERVER] = false;
	c->turns_in_doubt = true;
	conversation_forget(c, STREAM_SERVER);
}

static void complete(struct conversation *c, int64_t time_ns, uint64_t frame)
{
	response_end(&c->response, true);
	c->held = c->doubts > 0;
	if (!c->held)
		finish(c, time_ns, frame);
}

/* What is held was the answer, but it counts only if it is the last of those that have to fit first. */
static void confirm(struct conversation *c, int64_t time_ns, uint64_t frame)
{
	if (--c->doubts > 0) {
		begin(c);
		response_end(&c->response, false);
		c->tracker->coverage.lost_responses++;
	} else {
		c->turns_in_doubt = false;
	}
	finish(c, time_ns, frame);
}

void answer_release_held(struct conversation *c, int64_t time_ns, uint64_t frame)
{
	if (c->held && c->in_step[STREAM_SERVER] && !c->lost_commands && !c->first->next)
		confirm(c, time_ns, frame);
}

/* Of a joined session it is not known how results end; what comes behind the definitions tells. */
static bool waits_for_unsure_eof(const struct conversation *c)
{
	return c->answering && !c->session->caps_known &&
	       (c->answer.phase == MYP_ANSWER_COLUMNS_EOF ||
		c->answer.phase == MYP_ANSWER_PARAMS_EOF);
}

/* No EOF is there, so none will come in this session. That may be the end of a PREPARE's answer. */
static void learn_no_eof(struct conversation *c, int64_t time_ns, uint64_t frame)
{
	c->session->caps |= MYP_CAP_DEPRECATE_EOF;
	myp_answer_deprecate_eof(&c->answer);
	if (myp_answer_done(&c->answer))
		complete(c, time_ns, frame);
}

/*
 * The packet does not fit. Of a joined session it may be that MariaDB's additions to the metadata are
 * in use: a flag behind the number of columns, a field more in each definition. What makes it fit is kept.
 */
static enum err learn_metadata(struct conversation *c, const struct myp_packet *p,
			       struct myp_item *item)
{
	uint64_t more = c->answer.phase == MYP_ANSWER_FIRST ? MYP_CAP_MARIADB_CACHE_METADATA
							    : MYP_CAP_MARIADB_EXTENDED_METADATA;
	struct myp_answer answer = c->answer;
	enum err e;

	if (c->session->caps_known || (answer.caps & more))
		return ERR_PROTO;
	answer.caps |= more;
	e = myp_answer_packet(&answer, p, item);
	if (e != ERR_OK)
		return e;
	c->answer = answer;
	c->session->caps |= more;
	return ERR_OK;
}

/*
 * None of those that wait can be told their response. That of the command that comes begins where the
 * server's next byte is, if BEGINS_HERE. A client that had nothing else under way when a piece of one answer was
 * lost is in turn again: what may still come of that answer has other sequence ids.
 */
static void realign(struct conversation *c, const struct stream_chunk *chunk, bool begins_here)
{
	c->turns_in_doubt |= !begins_here || c->pending_count != 1;
	answer_lose_pending(c, chunk->time_ns, chunk->frame);
	c->in_step[STREAM_SERVER] = begins_here;
	conversation_forget(c, STREAM_SERVER);
	c->realigned = c->session->commands;
	c->doubts = c->turns_in_doubt ? c->longest_run : 1;
}

/*
 * Commands before this one, heard or lost, are not answered: what comes next may be their answer or this one's. So
 * the client sends ahead, and nobody heard yet for how long; but a CLOSE has no answer.
 */
static void lose_turns(struct conversation *c, const struct stream_chunk *chunk)
{
	if (c->lost_commands != CLOSE_LEN && c->longest_run < RUN_UNSEEN)
		c->longest_run = RUN_UNSEEN;
	realign(c, chunk, false);
}

void answer_before_command(struct conversation *c, const struct stream_chunk *chunk)
{
	/* The client had all that was heard of the server, and nothing more. */
	bool has_all = chunk->acked == STREAM_ACK_UNKNOWN ||
		       (uint64_t)chunk->acked == c->position[STREAM_SERVER];

	if (waits_for_unsure_eof(c) && c->answer.shape == MYP_SHAPE_PREPARE &&
	    c->in_step[STREAM_SERVER] && !conversation_is_partial(c, STREAM_SERVER))
		learn_no_eof(c, chunk->time_ns, chunk->frame);
	if (!c->in_step[STREAM_SERVER])
		realign(c, chunk, has_all);
	else if (c->lost_commands)
		lose_turns(c, chunk);
	else if (c->held && has_all)
		confirm(c, chunk->time_ns, chunk->frame);
	else if (c->doubts && c->first)
		lose_turns(c, chunk);
	c->lost_commands = 0;
	c->acks_heard = chunk->acked != STREAM_ACK_UNKNOWN;
}

/* The statement whose rows ITEM may need to be read by; it is not looked for without need. */
static const struct statement *prepared_of(const struct conversation *c,
					   const struct myp_item *item)
{
	const struct pending *p = c->first;

	if (!p->has_statement || !response_asks_statement(&c->response, item))
		return NULL;
	return session_statement_get(c->session, p->statement_id);
}

/*
 * True if the packet may be the first of the first waiting command's answer. In doubt its sequence id must be
 * the next one, and its sender must have had all of the command.
 */
static bool may_begin(const struct conversation *c, const struct stream_chunk *chunk,
		      const struct myp_packet *p)
{
	if (c->doubts == 0)
		return true;
	return p->sequence == (uint8_t)(c->first->last_sequence + 1) &&
	       (chunk->acked == STREAM_ACK_UNKNOWN || (uint64_t)chunk->acked >= c->first->end);
}

/*
 * All commands were heard, and one more answer comes: since the last loss each was taken for its neighbour's. As far
 * as that the client sends ahead without a pause.
 */
static void learn_run(struct conversation *c)
{
	uint64_t run = c->session->commands - c->realigned;

	if (c->realigned && !c->lost_commands && run >= c->longest_run)
		c->longest_run = run < RUN_MAX ? (uint32_t)run + 1 : RUN_MAX;
}

/* Nobody asked: it is told with the session's end, which mostly follows at once. */
static bool take_unasked_error(struct conversation *c, const struct myp_packet *p)
{
	struct myp_err err;

	if (p->payload.len == 0 || p->payload.ptr[0] != MYP_ERR ||
	    myp_err_decode(p->payload, c->session->caps, &err) != ERR_OK)
		return false;
	if (session_error_set(&c->session->end_error, &err) != ERR_OK)
		tracker_fail(c->tracker, ERR_NOMEM);
	c->tracker->coverage.unasked_errors++;
	return true;
}

/* Nobody waits, or what was held for somebody was not the last. */
static void on_orphan(struct conversation *c, const struct myp_packet *p)
{
	bool cuts_in = conversation_is_partial(c, STREAM_CLIENT);

	/*
	 * A server may say why it closes an idle connection; or why it does not wait for the rest of a command: nobody
	 * knows whether that will come, and be answered.
	 */
	if ((p->sequence == 0 || cuts_in) && take_unasked_error(c, p)) {
		c->in_step[STREAM_SERVER] &= !cuts_in || p->sequence == 0;
		return;
	}
	learn_run(c);
	c->tracker->coverage.orphan_responses += !c->held;
	fall_out_of_step(c, p);
}

/* A replica's connection: the stream of events behind this is passed over. */
static void on_replication(struct conversation *c, const struct stream_chunk *chunk)
{
	c->tracker->coverage.replication++;
	complete(c, chunk->time_ns, chunk->frame);
	conversation_go_deaf(c);
}

static bool is_eof(const struct myp_packet *p)
{
	return p->payload.len > 0 && p->payload.len <= 5 && p->payload.ptr[0] == MYP_EOF;
}

void answer_packet(struct conversation *c, const struct stream_chunk *chunk,
		   const struct myp_packet *p)
{
	struct myp_item item;

	if (!c->first || c->held) {
		on_orphan(c, p);
		return;
	}
	if (!c->answering) {
		if (!may_begin(c, chunk, p)) {
			fall_out_of_step(c, p);
			return;
		}
		begin(c);
		c->response.first_ns = c->packet_ns[STREAM_SERVER];
	}
	if (waits_for_unsure_eof(c) && !is_eof(p)) {
		learn_no_eof(c, chunk->time_ns, chunk->frame);
		if (!c->answering || c->held) {
			answer_packet(c, chunk, p);
			return;
		}
	}
	if (myp_answer_packet(&c->answer, p, &item) != ERR_OK &&
	    learn_metadata(c, p, &item) != ERR_OK) {
		conversation_leave_protocol(c);
		fall_out_of_step(c, p);
		return;
	}
	note_end(&c->response, conversation_packet_end_ns(c, chunk));
	if (c->packets)
		packets_item(c, &item);
	c->response.packets++;
	c->response.bytes += p->wire_len;
	response_add(&c->response, &item, c->answer.binary, prepared_of(c, &item));
	if (item.kind == MYP_ITEM_INFILE) {
		c->infile_n = c->first->n;
		answer_expect_piece(c, p);
	}
	if (item.kind == MYP_ITEM_REPLICATION) {
		on_replication(c, chunk);
		return;
	}
	if (!item.done)
		return;
	complete(c, chunk->time_ns, chunk->frame);
	if (!c->held)
		answer_settle_silent(c, chunk);
}

void answer_rows(struct conversation *c, const struct stream_chunk *chunk, struct slice *bytes)
{
	if (!c->answering || c->held || !c->in_step[STREAM_SERVER])
		return;
	response_take_rows(&c->response, &c->answer, bytes);
	note_end(&c->response, chunk->time_ns);
}

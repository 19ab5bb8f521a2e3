/* publish - every event to a broker. */
#include "sink/publish.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "recording/builder.h"

enum {
	PACKED_MAX = 32 << 20,
	PACKED_KEEP = 4 << 20,
	SHED_MAX = 1 << 20,  /* sessions that were let go and have not ended */
	LEVEL = -1,          /* zstd's */
	MRTE_AIM = 64 << 10, /* bytes of a message of MRTE */
	/* Without a live input: what waits at most. It is there already, and can be read again. */
	HELD_BACK_BYTES = 64 << 20,
};

static const int64_t WAIT_NS = 10 * NS_PER_MS;

struct shard {
	struct publish_sink *sink;
	struct builder *builder;
	uint64_t stream;
	uint32_t number;
	int64_t born_ns; /* monotonic, of the first event in the block */
};

struct publish_sink {
	struct outbox *outbox;
	struct publisher *publisher;
	struct publish_options options;
	struct block_packer *packer;
	struct buf packed;
	struct map shed; /* sessions that were let go: any item, by id */
	bool shedding;
	struct receipts receipts; /* of what is not in the outbox yet */
	struct publish_progress progress;
	struct coverage coverage;     /* as of the last tick */
	struct mrte_speaker *speaker; /* NULL: blocks are sent */
	struct shard shards[];
};

/* Takes a full block from a shard's builder. */
static enum err on_block(void *ctx, const struct block *b, struct errinfo *info)
{
	struct shard *s = ctx;
	struct publish_sink *p = s->sink;
	const struct outbox_message m = {
		.shard = s->number, .stream = s->stream, .number = b->header.number};
	enum err e;

	buf_shrink(&p->packed, PACKED_KEEP);
	e = block_pack(p->packer, b, &p->packed);
	if (e != ERR_OK)
		return err_set(info, e, 0, "cannot pack a block: %s", err_text(e));
	e = outbox_put(p->outbox, &m, buf_slice(&p->packed), info);
	if (e != ERR_OK)
		return e;
	p->progress.blocks++;
	publisher_wake(p->publisher);
	return ERR_OK;
}

static enum err make_shard(struct publish_sink *p, uint32_t number, struct errinfo *info)
{
	struct shard *s = &p->shards[number];

	s->sink = p;
	s->number = number;
	if (getrandom(&s->stream, sizeof(s->stream), 0) != (ssize_t)sizeof(s->stream))
		return err_set(info, ERR_IO, errno, "cannot get a random number");
	if (builder_new(s->stream, RECORDING_BLOCK_AIM, on_block, s, &s->builder) != ERR_OK)
		return err_set(info, ERR_NOMEM, 0, "no memory for a shard");
	return ERR_OK;
}

enum err publish_new(struct outbox *outbox, struct publisher *publisher,
		     const struct publish_options *options, struct publish_sink **out,
		     struct errinfo *info)
{
	struct publish_sink *p = mem_zalloc(sizeof(*p) + options->shards * sizeof(struct shard));
	enum err e = ERR_OK;

	if (!p)
		return err_set(info, ERR_NOMEM, 0, "no memory to publish");
	p->outbox = outbox;
	p->publisher = publisher;
	p->options = *options;
	p->progress.coverage = &p->coverage;
	if (!options->live && p->options.limit > HELD_BACK_BYTES)
		p->options.limit = HELD_BACK_BYTES;
	buf_init(&p->packed, PACKED_MAX);
	map_init(&p->shed, SHED_MAX, NULL);
	for (uint32_t i = 0; e == ERR_OK && i < options->shards; i++)
		e = make_shard(p, i, info);
	if (e == ERR_OK && options->mrte &&
	    mrte_speaker_new(options->mrte_packet_max, &p->speaker) != ERR_OK)
		e = err_set(info, ERR_NOMEM, 0, "no memory to publish");
	if (e == ERR_OK && block_packer_new(LEVEL, &p->packer) != ERR_OK)
		e = err_set(info, ERR_NOMEM, 0, "no memory to publish");
	if (e != ERR_OK) {
		publish_free(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

void publish_free(struct publish_sink *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->options.shards; i++)
		builder_free(p->shards[i].builder);
	mrte_speaker_free(p->speaker);
	block_packer_free(p->packer);
	buf_release(&p->packed);
	map_release(&p->shed);
	receipts_drop(&p->receipts);
	mem_free(p);
}

const struct mrte_left *publish_left(const struct publish_sink *p)
{
	return p->speaker ? mrte_speaker_left(p->speaker) : NULL;
}

uint64_t publish_shed(const struct publish_sink *p)
{
	return p->progress.shed;
}

static struct shard *shard_of(struct publish_sink *p, uint64_t session)
{
	return &p->shards[hash_mix(session, 0) % p->options.shards];
}

/* --- messages of MRTE --- */

static enum err send_message(struct publish_sink *p, struct errinfo *info)
{
	struct shard *s = &p->shards[0];
	const struct outbox_message m = {.stream = s->stream, .number = p->progress.blocks};
	enum err e = outbox_put(p->outbox, &m, mrte_message(p->speaker), info);

	if (e != ERR_OK)
		return e;
	mrte_message_sent(p->speaker);
	p->progress.blocks++;
	publisher_wake(p->publisher);
	return ERR_OK;
}

static enum err speak(struct publish_sink *p, const struct event *event, struct errinfo *info)
{
	bool was_empty = mrte_message(p->speaker).len == 0;
	enum err e = ERR_OK;

	if (!mrte_fits(p->speaker, event)) {
		e = send_message(p, info);
		was_empty = true;
	}
	if (e == ERR_OK && mrte_speak(p->speaker, event) != ERR_OK)
		e = err_set(info, ERR_NOMEM, 0, "no memory to publish");
	if (was_empty)
		p->shards[0].born_ns = clock_mono_ns();
	if (e == ERR_OK && mrte_message(p->speaker).len >= MRTE_AIM)
		e = send_message(p, info);
	return e;
}

/* --- whatever is sent --- */

static bool is_pending(const struct publish_sink *p, uint32_t shard)
{
	return p->speaker ? mrte_message(p->speaker).len > 0
			  : builder_pending(p->shards[shard].builder);
}

/* Sends what shard SHARD holds. */
static enum err flush(struct publish_sink *p, uint32_t shard, uint16_t flags, struct errinfo *info)
{
	if (!p->speaker)
		return builder_flush(p->shards[shard].builder, flags, info);
	return is_pending(p, shard) ? send_message(p, info) : ERR_OK;
}

static enum err put(struct publish_sink *p, const struct event *e, struct errinfo *info)
{
	struct shard *s = shard_of(p, e->session->id);

	if (p->speaker)
		return speak(p, e, info);
	if (!builder_pending(s->builder))
		s->born_ns = clock_mono_ns();
	return builder_event(s->builder, e, info);
}

static void report(struct publish_sink *p)
{
	if (p->options.progress)
		p->options.progress(p->options.ctx, &p->progress);
}

static bool is_full(const struct publish_sink *p)
{
	return outbox_bytes(p->outbox) >= p->options.limit;
}

/* Waits until there is room, or the end is asked for. */
static enum err hold_back(struct publish_sink *p, struct errinfo *info)
{
	const struct timespec pause = {.tv_nsec = WAIT_NS};
	enum err e = ERR_OK;

	while (e == ERR_OK && is_full(p) && !*p->options.stop) {
		(void)nanosleep(&pause, NULL);
		report(p);
		e = publisher_failure(p->publisher, info);
	}
	return e;
}

/* The session ends here, for those who read it. */
static enum err let_go(struct publish_sink *p, const struct event *e, struct errinfo *info)
{
	struct event end = {
		.type = EVENT_END,
		.order = e->order,
		.time_ns = e->time_ns,
		.session = e->session,
		.end = END_SHED,
	};

	if (map_put(&p->shed, e->session->id, p) != ERR_OK)
		return err_set(info, ERR_LIMIT, 0, "too many sessions were let go");
	p->progress.shed++;
	return put(p, &end, info);
}

/* Live, the outbox is full or has been so. *PASSES: the event is to be put there all the same. */
static enum err on_limit(struct publish_sink *p, const struct event *e, bool *passes,
			 struct errinfo *info)
{
	uint64_t id = e->session->id;

	*passes = false;
	if (!p->options.shed)
		return err_set(info, ERR_LIMIT, 0,
			       "the spool has reached its limit of %llu bytes while the broker "
			       "does not take what it is sent; --spool-full shed goes on without "
			       "some of the sessions",
			       (unsigned long long)p->options.limit);
	if (map_get(&p->shed, id, NULL)) {
		if (e->type == EVENT_END)
			(void)map_take(&p->shed, id, NULL);
		return ERR_OK;
	}
	if (p->shedding && e->type == EVENT_COMMAND)
		return let_go(p, e, info);
	*passes = true;
	return ERR_OK;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct publish_sink *p = ctx;
	bool passes = true;
	enum err x = ERR_OK;

	if (is_full(p))
		p->shedding = true;
	else if (outbox_bytes(p->outbox) < p->options.limit / 2)
		p->shedding = false;
	if (!p->options.live && p->shedding)
		x = hold_back(p, info);
	else if (p->shedding || p->shed.count > 0)
		x = on_limit(p, e, &passes, info);
	if (x == ERR_OK && receipts_hold(&p->receipts, e->receipt) != ERR_OK)
		return err_set(info, ERR_NOMEM, 0, "no memory to publish");
	return x == ERR_OK && passes ? put(p, e, info) : x;
}

/*
 * When one block is old, all go: then nothing is in none. What is said of the coverage is said in one shard: who
 * reads several adds them up.
 */
static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct publish_sink *p = ctx;
	int64_t now_ns = clock_mono_ns();
	enum err e = publisher_failure(p->publisher, info);
	bool due = false;

	(void)progress;
	p->coverage = *so_far;
	builder_set_coverage(p->shards[0].builder, so_far);
	for (uint32_t i = 0; i < p->options.shards; i++)
		due |= is_pending(p, i) && now_ns - p->shards[i].born_ns >= p->options.block_age_ns;
	for (uint32_t i = 0; e == ERR_OK && due && i < p->options.shards; i++)
		if (is_pending(p, i))
			e = flush(p, i, 0, info);
	if (e == ERR_OK && due)
		receipts_release(&p->receipts);
	report(p);
	return e;
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct publish_sink *p = ctx;
	enum err e = publisher_failure(p->publisher, info);

	p->coverage = *coverage;
	builder_set_coverage(p->shards[0].builder, coverage);
	for (uint32_t i = 0; e == ERR_OK && i < p->options.shards; i++)
		e = flush(p, i, RECORDING_BLOCK_LAST, info);
	if (e == ERR_OK)
		receipts_release(&p->receipts);
	report(p);
	return e;
}

struct event_sink publish_events(struct publish_sink *p)
{
	return (struct event_sink){
		.event = on_event,
		.tick = on_tick,
		.finish = on_finish,
		.ctx = p,
	};
}

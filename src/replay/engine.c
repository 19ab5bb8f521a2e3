/* engine - what the pump's thread and the workers share. */
#include "replay/engine.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "replay/fifo.h"

enum { KILLS_MAX = 1 << 20 }; /* connections open at once */

struct kill_entry {
	uint32_t target_id; /* 0: it is not open yet */
};

enum err engine_init(struct engine *g, const struct replay_options *options, struct errinfo *info)
{
	pthread_condattr_t attr;
	enum err e;

	*g = (struct engine){.options = options};
	e = client_tls_new(options->target, &g->tls, info);
	if (e != ERR_OK)
		return e;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->pump_wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&g->pump_lock, NULL);
	pthread_mutex_init(&g->kill_lock, NULL);
	map_init(&g->kills, KILLS_MAX, NULL);
	batch_pool_init(&g->handed, BATCH_AIM);
	batch_pool_init(&g->queued, FIFO_PIECE);
	g->pace.speed = options->speed;
	g->pace.no_think = options->no_think;
	rate_init(&g->send_rate, options->limit_rate);
	rate_init(&g->connect_rate, options->connect_rate);
	if (turns_init(&g->turns) != ERR_OK)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	return ERR_OK;
}

void engine_release(struct engine *g)
{
	struct kill_entry *k;

	for (size_t at = 0; (k = map_next(&g->kills, &at));)
		mem_free(k);
	map_release(&g->kills);
	turns_release(&g->turns);
	batch_pool_release(&g->handed);
	batch_pool_release(&g->queued);
	pthread_cond_destroy(&g->pump_wake);
	pthread_mutex_destroy(&g->pump_lock);
	pthread_mutex_destroy(&g->kill_lock);
	client_tls_free(g->tls);
}

bool engine_is_full(const struct engine *g)
{
	return atomic_load_explicit(&g->waiting_bytes, memory_order_relaxed) >
	       (long long)g->options->ahead_bytes;
}

static bool has_room(struct engine *g)
{
	return atomic_load(&g->waiting_bytes) <= (long long)g->options->ahead_bytes / 2;
}

void engine_took(struct engine *g, size_t n)
{
	atomic_fetch_sub(&g->waiting_bytes, (long long)n);
	if (!atomic_load(&g->room_wanted) || !has_room(g) ||
	    !atomic_exchange(&g->room_wanted, false))
		return;
	pthread_mutex_lock(&g->pump_lock);
	pthread_cond_signal(&g->pump_wake);
	pthread_mutex_unlock(&g->pump_lock);
}

bool engine_own_lack(const struct errinfo *info)
{
	return info->sys_errno == EMFILE || info->sys_errno == ENFILE ||
	       info->sys_errno == ENOBUFS || info->sys_errno == ENOMEM ||
	       info->sys_errno == EADDRNOTAVAIL;
}

void engine_ended(struct engine *g)
{
	pthread_mutex_lock(&g->pump_lock);
	g->ended++;
	pthread_cond_signal(&g->pump_wake);
	pthread_mutex_unlock(&g->pump_lock);
}

unsigned engine_wait(struct engine *g, int64_t until_ns, bool for_room)
{
	const struct timespec ts = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
	unsigned ended;

	pthread_mutex_lock(&g->pump_lock);
	atomic_store(&g->room_wanted, for_room);
	if (!for_room || !has_room(g))
		pthread_cond_timedwait(&g->pump_wake, &g->pump_lock, &ts);
	ended = g->ended;
	pthread_mutex_unlock(&g->pump_lock);
	return ended;
}

static uint64_t key_hash(uint64_t key)
{
	return hash_mix(key, 0);
}

/* Out of memory, a KILL of it will not be sent, and be told as such. */
void engine_kill_put(struct engine *g, uint64_t key, uint32_t target_id)
{
	struct kill_entry *k = key ? mem_alloc(sizeof(*k)) : NULL;

	if (!k)
		return;
	k->target_id = target_id;
	pthread_mutex_lock(&g->kill_lock);
	mem_free(map_take(&g->kills, key_hash(key), NULL));
	if (map_put(&g->kills, key_hash(key), k) != ERR_OK)
		mem_free(k);
	pthread_mutex_unlock(&g->kill_lock);
}

void engine_kill_remove(struct engine *g, uint64_t key, uint32_t target_id)
{
	struct kill_entry *k;

	if (key == 0)
		return;
	pthread_mutex_lock(&g->kill_lock);
	k = map_get(&g->kills, key_hash(key), NULL);
	if (k && k->target_id == target_id)
		mem_free(map_take(&g->kills, key_hash(key), NULL));
	pthread_mutex_unlock(&g->kill_lock);
}

bool engine_kill_get(struct engine *g, uint64_t key, uint32_t *target_id)
{
	const struct kill_entry *k;

	pthread_mutex_lock(&g->kill_lock);
	k = map_get(&g->kills, key_hash(key), NULL);
	if (k)
		*target_id = k->target_id;
	pthread_mutex_unlock(&g->kill_lock);
	return k != NULL;
}

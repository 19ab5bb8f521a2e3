/* census - what a server said of all its sessions at one moment. */
#include "event/census.h"

#include "base/hash.h"
#include "base/mem.h"

struct census *census_new(uint64_t number)
{
	struct census *c = mem_zalloc(sizeof(*c));

	if (!c)
		return NULL;
	c->number = number;
	map_init(&c->by_id, CENSUS_SESSIONS_MAX, NULL);
	map_init(&c->by_port, CENSUS_SESSIONS_MAX, NULL);
	arena_init(&c->memory, CENSUS_BYTES_MAX);
	atomic_init(&c->references, 1);
	return c;
}

struct census *census_share(struct census *c)
{
	(void)atomic_fetch_add(&c->references, 1);
	return c;
}

void census_drop(struct census *c)
{
	if (!c || atomic_fetch_sub(&c->references, 1) > 1)
		return;
	map_release(&c->by_id);
	map_release(&c->by_port);
	arena_release(&c->memory);
	mem_free(c);
}

static uint64_t number_hash(uint32_t n)
{
	return hash_mix(n, n);
}

enum err census_add(struct census *c, uint32_t connection_id, const struct endpoint *client,
		    bool address_known, struct census_session **out)
{
	struct census_session *s = arena_alloc(&c->memory, sizeof(*s));
	struct census_session *first;
	enum err e;

	if (!s)
		return c->memory.no_memory ? ERR_NOMEM : ERR_LIMIT;
	*s = (struct census_session){
		.connection_id = connection_id, .client = *client, .address_known = address_known};
	e = map_put(&c->by_id, number_hash(connection_id), s);
	if (e != ERR_OK)
		return e;
	*out = s;
	if (client->port == 0) {
		c->over_socket++;
		return ERR_OK;
	}
	c->over_tcp++;
	first = map_get(&c->by_port, number_hash(client->port), NULL);
	if (!first)
		return map_put(&c->by_port, number_hash(client->port), s);
	s->same_port = first->same_port;
	first->same_port = s;
	return ERR_OK;
}

struct census_session *census_by_id(const struct census *c, uint32_t connection_id)
{
	return map_get(&c->by_id, number_hash(connection_id), NULL);
}

/* An IPv4 address may be told as "::ffff:10.0.0.7". */
static struct endpoint plain(const struct endpoint *e)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct endpoint out = *e;

	if (e->addr.is_v6 && memcmp(e->addr.bytes, mapped, sizeof(mapped)) == 0)
		addr_set_v4(&out.addr, e->addr.bytes + sizeof(mapped));
	return out;
}

const struct census_session *census_find(const struct census *c, const struct endpoint *client,
					 const struct endpoint *server)
{
	const struct endpoint wanted = plain(client);
	const struct census_session *named = NULL;
	size_t names = 0;

	if (c->port && server->port != c->port && server->port != c->reached)
		return NULL;
	for (const struct census_session *s = map_get(&c->by_port, number_hash(client->port), NULL);
	     s; s = s->same_port) {
		const struct endpoint theirs = plain(&s->client);

		if (s->address_known && endpoint_eq(&theirs, &wanted))
			return s;
		if (!s->address_known) {
			named = s;
			names++;
		}
	}
	return names == 1 ? named : NULL;
}

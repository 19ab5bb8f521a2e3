/* batch - items in a row. */
#include "replay/batch.h"

#include "base/mem.h"

void batch_pool_init(struct batch_pool *p, size_t usual)
{
	*p = (struct batch_pool){.usual = usual};
	pthread_mutex_init(&p->lock, NULL);
}

void batch_pool_release(struct batch_pool *p)
{
	struct batch *next;

	for (struct batch *b = p->kept; b; b = next) {
		next = b->next;
		mem_free(b);
	}
	p->kept = NULL;
	pthread_mutex_destroy(&p->lock);
}

static struct batch *take_kept(struct batch_pool *p)
{
	struct batch *b;

	pthread_mutex_lock(&p->lock);
	b = p->kept;
	if (b)
		p->kept = b->next;
	pthread_mutex_unlock(&p->lock);
	return b;
}

struct batch *batch_new(struct batch_pool *p, size_t size)
{
	const size_t cap = size > p->usual ? size : p->usual;
	struct batch *b = cap == p->usual ? take_kept(p) : NULL;

	if (!b)
		b = mem_alloc(sizeof(*b) + cap);
	if (!b)
		return NULL;
	b->next = NULL;
	b->len = 0;
	b->cap = cap;
	return b;
}

void batch_free(struct batch_pool *p, struct batch *b)
{
	if (!b)
		return;
	if (b->cap != p->usual) {
		mem_free(b);
		return;
	}
	pthread_mutex_lock(&p->lock);
	b->next = p->kept;
	p->kept = b;
	pthread_mutex_unlock(&p->lock);
}

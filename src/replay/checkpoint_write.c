/* checkpoint_write - how far a replay came, written. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "out/json.h"
#include "replay/checkpoint.h"

enum {
	HEX_TEXT = 17, /* bytes of 64 bits as hexadecimal digits, with the NUL */
	PATH_ROOM = 4096,
};

struct progress *progress_add(struct progress_list *l, uint64_t session)
{
	struct progress *p = mem_zalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->session = session;
	p->next = l->first;
	l->first = p;
	return p;
}

void progress_release(struct progress_list *l)
{
	struct progress *p;

	while ((p = l->first)) {
		l->first = p->next;
		mem_free(p);
	}
}

void checkpoint_count(struct checkpoint_place *place, const struct event *e)
{
	if (place->events++ == 0) {
		place->session = e->session->id;
		place->begin_ns = e->time_ns;
	}
	place->sum = hash_mix(hash_mix(place->sum, e->session->id ^ (uint64_t)e->type),
			      (uint64_t)e->time_ns);
}

static void put_hex(struct json *j, uint64_t v)
{
	char text[HEX_TEXT];

	(void)snprintf(text, sizeof(text), "%016" PRIx64, v);
	json_cstr(j, text);
}

static void put_key_hex(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	put_hex(j, v);
}

/* Those that are over are dropped from the list. */
static void put_sessions(struct json *j, struct progress_list *l)
{
	struct progress **at = &l->first, *p;

	json_key(j, "sessions");
	json_array(j);
	while ((p = *at)) {
		if (atomic_load(&p->ended)) {
			*at = p->next;
			mem_free(p);
			continue;
		}
		json_array(j);
		put_hex(j, p->session);
		json_u64(j, atomic_load(&p->sent));
		json_u64(j, atomic_load(&p->answered));
		json_end(j);
		at = &p->next;
	}
	json_end(j);
}

static enum err write_all(void *ctx, struct slice bytes, struct errinfo *info)
{
	const int *fd = ctx;

	return file_write_all(*fd, bytes) ? ERR_OK
					  : err_set(info, ERR_IO, errno, "writing the checkpoint");
}

static enum err put_all(int fd, const struct checkpoint_place *place, struct progress_list *l,
			struct errinfo *info)
{
	struct out *out = mem_alloc(sizeof(*out)); /* too large for the stack */
	struct json j;
	enum err e;

	if (!out)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	out_init(out, write_all, &fd);
	json_init(&j, out);
	json_object(&j);
	json_key_cstr(&j, "kind", "myna-checkpoint");
	json_key_u64(&j, "version", CHECKPOINT_VERSION);
	put_key_hex(&j, "first_session", place->session);
	json_key_i64(&j, "first_ns", place->begin_ns);
	put_key_hex(&j, "options", place->options);
	json_key_cstr(&j, "target", place->target);
	json_key_u64(&j, "events", place->events);
	put_key_hex(&j, "sum", place->sum);
	json_key_bool(&j, "last", place->last);
	put_sessions(&j, l);
	json_end(&j);
	json_newline(&j);
	e = out_flush(out, info);
	mem_free(out);
	return e;
}

enum err checkpoint_write(const char *path, const struct checkpoint_place *place,
			  struct progress_list *l, struct errinfo *info)
{
	char fresh[PATH_ROOM];
	enum err e;
	int fd;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return err_set(info, ERR_IO, ENAMETOOLONG, "%s", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(info, ERR_IO, errno, "%s", fresh);
	e = put_all(fd, place, l, info);
	if (e == ERR_OK && (fchmod(fd, 0600) != 0 || fsync(fd) != 0))
		e = err_set(info, ERR_IO, errno, "%s", fresh);
	if (close(fd) != 0 && e == ERR_OK)
		e = err_set(info, ERR_IO, errno, "%s", fresh);
	if (e == ERR_OK && rename(fresh, path) != 0)
		e = err_set(info, ERR_IO, errno, "%s", path);
	return e;
}

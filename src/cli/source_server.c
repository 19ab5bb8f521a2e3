/* source_server - the server that is listened to. */
#include "cli/source_server.h"

#include "base/clock.h"
#include "base/url.h"
#include "inspect/inspector.h"
#include "inspect/server.h"
#include "out/units.h"

enum { PLAIN_MAX = 256 };

static const int64_t ASK_NS = 5 * NS_PER_S;

static void on_lack(void *ctx, const char *text)
{
	const struct opt_page *page = ctx;

	(void)fprintf(stderr, "myna %s: --source-server: %s\n", page->name, text);
}

static enum err resolve(const struct listen_args *args, struct target *out, struct errinfo *info)
{
	const struct target_args how = {
		.url = args->source_server,
		.defaults_file = args->source_defaults,
	};
	struct errinfo why;
	enum err e = target_resolve(&how, out, &why);

	if (e != ERR_OK)
		return err_set(info, e, 0, "--source-server: %s", why.text);
	url_hide_password(args->source_server);
	return ERR_OK;
}

enum err source_server_open(const struct opt_page *page, const struct listen_args *args,
			    struct informant *out, struct errinfo *info)
{
	struct target target = {.host = NULL};
	const struct inspector_options options = {
		.target = &target,
		.sessions = true,
		.tell = on_lack,
		.ctx = (void *)(uintptr_t)page,
	};
	struct errinfo why;
	enum err e = resolve(args, &target, info);

	if (e != ERR_OK)
		return e;
	e = inspector_new(&options, out, &why);
	if (e == ERR_OK)
		return ERR_OK;
	target_release(&target);
	return err_set(info, e, 0, "--source-server: %s", why.text);
}

enum err source_server_census(const struct listen_args *args, struct census **out,
			      struct census_lacks *lacks, struct errinfo *info)
{
	struct target target = {.host = NULL};
	struct asker *a = NULL;
	struct errinfo why;
	enum err e = resolve(args, &target, info);

	if (e != ERR_OK)
		return e;
	e = asker_new(&target, ASK_NS, &a, &why);
	if (e == ERR_OK)
		e = census_ask(a, 1, target.host ? target.port : 0, out, lacks, &why);
	asker_free(a);
	target_release(&target);
	return e == ERR_OK ? e : err_set(info, e, 0, "--source-server: %s", why.text);
}

enum err source_server_ask(const struct target *t, struct server_facts *out, struct errinfo *info)
{
	char name[PLAIN_MAX];
	struct asker *a = NULL;
	enum err e = asker_new(t, ASK_NS, &a, info);

	if (e != ERR_OK)
		return e;
	e = server_facts_ask(a, out, info);
	asker_free(a);
	if (e == ERR_OK &&
	    server_facts_set_name(out, slice_cstr(target_format(t, name, sizeof(name)))) !=
		    ERR_OK) {
		server_facts_release(out);
		e = err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	}
	return e;
}

/* Foreign text on one line, without what a terminal would obey. */
static const char *plain(const struct server_facts *f, enum server_fact_id id, char to[PLAIN_MAX])
{
	struct slice text = slice_head(server_fact_slice(f, id), PLAIN_MAX - 1);
	size_t n = 0;

	for (; n < text.len; n++)
		to[n] = text.ptr[n] < 0x20 || text.ptr[n] == 0x7f ? '.' : (char)text.ptr[n];
	to[n] = '\0';
	return to;
}

static void tell_difference(const struct opt_page *page, const struct server_facts *source,
			    const struct server_facts *target, enum server_fact_id id)
{
	char ours[PLAIN_MAX], theirs[PLAIN_MAX];

	(void)fprintf(stderr, "myna %s: the target's %s is '%s', the recorded server's was '%s'\n",
		      page->name, server_fact_name(id), plain(target, id, theirs),
		      plain(source, id, ours));
}

void source_server_tell_differences(const struct opt_page *page, const struct server_facts *source,
				    const struct server_facts *target)
{
	for (unsigned i = 0; i < SERVER_FACTS; i++) {
		const enum server_fact_id id = (enum server_fact_id)i;

		if (id != SERVER_VERSION && server_fact_kind(id) != SERVER_SETTING)
			continue;
		if (server_fact_differs(source, target, id))
			tell_difference(page, source, target, id);
	}
}

void source_server_tell_backup(const struct opt_page *page, const struct server_facts *source,
			       int64_t begin_ns)
{
	const struct server_fact *gtid = &source->items[SERVER_GTID];
	const struct server_fact *file = &source->items[SERVER_BINLOG_FILE];
	const int64_t apart_ns = begin_ns - source->asked_ns;
	char text[PLAIN_MAX], at[PLAIN_MAX];

	if (gtid->state != SERVER_KNOWN && file->state != SERVER_KNOWN) {
		(void)fprintf(stderr, "myna %s: which backup fits the recording is not known: %s\n",
			      page->name,
			      file->state == SERVER_REFUSED
				      ? plain(source, SERVER_BINLOG_FILE, text)
				      : "the server did not tell");
		return;
	}
	(void)fprintf(stderr, "myna %s: the recording fits a backup of %s as of", page->name,
		      source->name);
	if (gtid->state == SERVER_KNOWN)
		(void)fprintf(stderr, " GTID %s", plain(source, SERVER_GTID, text));
	if (file->state == SERVER_KNOWN)
		(void)fprintf(stderr, "%s %s position %s", gtid->state == SERVER_KNOWN ? "," : "",
			      plain(source, SERVER_BINLOG_FILE, text),
			      plain(source, SERVER_BINLOG_POSITION, at));
	(void)fprintf(stderr, " (%s %s its first command)\n",
		      units_duration(apart_ns < 0 ? -apart_ns : apart_ns).text,
		      apart_ns < 0 ? "after" : "before");
}

/* ---- what a recording is told ---- */

static enum err hand_over(struct source_sink *s, bool ask, struct errinfo *info)
{
	struct server_facts f = {.name = NULL};
	enum err e = s->informant->facts(s->informant->ctx, ask, ASK_NS, &s->seen_ns, &f);

	if (e == ERR_AGAIN)
		return ERR_OK;
	if (e != ERR_OK)
		return err_set(info, e, 0, "%s", err_text(e));
	e = s->take(s->ctx, &f, info);
	server_facts_release(&f);
	return e;
}

static enum err source_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct source_sink *s = ctx;
	enum err err = s->seen_ns == 0 ? hand_over(s, false, info) : ERR_OK;

	return err == ERR_OK ? s->next.event(s->next.ctx, e, info) : err;
}

static enum err source_tick(void *ctx, const struct coverage *so_far, double progress,
			    struct errinfo *info)
{
	struct source_sink *s = ctx;
	enum err e = hand_over(s, false, info);

	return e == ERR_OK && s->next.tick ? s->next.tick(s->next.ctx, so_far, progress, info) : e;
}

static enum err source_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct source_sink *s = ctx;
	struct errinfo second;
	enum err e = hand_over(s, true, info), finish;

	finish = s->next.finish(s->next.ctx, coverage, e == ERR_OK ? info : &second);
	return e == ERR_OK ? finish : e;
}

struct event_sink source_sink_events(struct source_sink *s)
{
	return (struct event_sink){
		.event = source_event,
		.tick = source_tick,
		.finish = source_finish,
		.ctx = s,
		.spares = s->next.spares,
	};
}

/* replay_resume - --checkpoint and --resume of myna replay. */
#include "cli/replay_resume.h"

#include <unistd.h>

#include "base/hash.h"

static uint64_t add_text(uint64_t h, const char *text)
{
	return text ? hash_seeded(slice_cstr(text), h) : hash_mix(h, 1);
}

static uint64_t add_texts(uint64_t h, const struct opt_texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		h = add_text(h, t->items[i]);
	return hash_mix(h, t->count);
}

/* Of what decides which of the recording's commands are sent, and which they become. */
static uint64_t hash_of(const struct replay_args *args)
{
	const struct filter_options *f = &args->filter;
	const struct opt_texts *lists[] = {&f->sessions,     &f->users,     &f->databases,
					   &f->commands,     &f->clients,   &f->digests,
					   &args->databases, &args->allowed};
	const char *texts[] = {f->since, f->until, f->match, args->share, args->users};
	uint64_t h = hash_mix((uint64_t)f->errors | (uint64_t)args->read_only << 1,
			      (uint64_t)f->slower_ns);

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		h = add_texts(h, lists[i]);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		h = add_text(h, texts[i]);
	return h;
}

/* What a checkpoint cannot be written of, and what to do instead; NULL: it can. */
static const char *why_not(const struct replay_args *args, const struct opt_words *words)
{
	if (words->count == 0)
		return "a live input, which cannot be heard again: record it, and replay the "
		       "recording";
	if (args->urls.count > 1)
		return "two targets: replay against one after the other, each with a checkpoint "
		       "and "
		       "--format json, and give both outcomes to 'myna compare'";
	if (args->copies > 1)
		return "--copies, whose connections are of one session: run as many replays at "
		       "once, each with a checkpoint of its own";
	if (args->repeat > 1)
		return "--repeat: run one replay after the other, each with a checkpoint of its "
		       "own";
	if (args->dry_run)
		return "--dry-run, which sends nothing that could be continued";
	return NULL;
}

enum err replay_resume(const struct replay_args *args, const struct opt_words *words,
		       struct replay_options *options, struct checkpoint **out,
		       struct errinfo *info)
{
	const char *why = why_not(args, words);
	enum err e;

	*out = NULL;
	if (!args->checkpoint)
		return args->resume
			       ? err_set(info, ERR_USAGE, 0, "--resume needs --checkpoint FILE")
			       : ERR_OK;
	if (why)
		return err_set(info, ERR_USAGE, 0, "--checkpoint cannot be had with %s", why);
	if (!args->resume && access(args->checkpoint, F_OK) == 0)
		return err_set(info, ERR_USAGE, 0,
			       "%s is there already: --resume goes on from it; remove it to begin "
			       "anew",
			       args->checkpoint);
	options->checkpoint = args->checkpoint;
	options->checkpoint_options = hash_of(args);
	if (!args->resume)
		return ERR_OK;
	e = checkpoint_read(args->checkpoint, out, info);
	options->resume = *out;
	return e;
}

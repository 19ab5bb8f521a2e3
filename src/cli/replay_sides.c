/* replay_sides - the targets that one replay is made against. */
#include "cli/replay_sides.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void sides_init(struct sides *s, bool repeated)
{
	*s = (struct sides){.repeated = repeated};
	noise_init(&s->noise);
}

void sides_release(struct sides *s)
{
	for (size_t i = 0; i < SIDES_MAX; i++) {
		struct side *side = &s->items[i];

		replay_free(side->replay);
		replay_free(side->done);
		answers_free(side->now);
		answers_free(side->before);
		target_release(&side->target);
	}
	noise_release(&s->noise);
}

enum err sides_resolve(struct sides *s, const struct opt_texts *urls, struct target_args *args,
		       struct errinfo *info)
{
	const size_t count = urls->count > 0 ? urls->count : 1;

	if (count > SIDES_MAX)
		return err_set(info, ERR_USAGE, 0, "--target can be given twice at most");
	for (size_t i = 0; i < count; i++) {
		struct side *side = &s->items[i];
		char where[SIDE_NAME_MAX - 4];
		enum err e;

		args->url = urls->count > 0 ? urls->items[i] : NULL;
		e = target_resolve(args, &side->target, info);
		if (e != ERR_OK)
			return e;
		s->count = i + 1;
		side->baseline = i > 0 ? &s->items[0] : NULL;
		snprintf(side->name, sizeof(side->name), "%c: %s", (char)('A' + i),
			 target_format(&side->target, where, sizeof(where)));
	}
	return ERR_OK;
}

static enum err set_variable(const char *name, const char *value, struct errinfo *info)
{
	if (setenv(name, value ? value : "", 1) != 0)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	return ERR_OK;
}

/* Standard output is the comparison's alone. */
static int run_by_shell(const char *command)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static enum err run_command(const struct target *t, const char *command, uint64_t run,
			    struct errinfo *info)
{
	char number[24], port[8];
	int status;
	enum err e;

	snprintf(number, sizeof(number), "%llu", (unsigned long long)run);
	snprintf(port, sizeof(port), "%u", (unsigned)t->port);
	e = set_variable("MYNA_RUN", number, info);
	if (e == ERR_OK)
		e = set_variable("MYNA_HOST", t->host, info);
	if (e == ERR_OK)
		e = set_variable("MYNA_PORT", port, info);
	if (e == ERR_OK)
		e = set_variable("MYNA_SOCKET", t->socket, info);
	if (e != ERR_OK)
		return e;
	status = run_by_shell(command);
	if (status != 0)
		return err_set(info, ERR_IO, 0, "--before-each: '%s' ended with status %d", command,
			       status);
	return ERR_OK;
}

enum err sides_begin(struct sides *s, struct side *side, const char *command, uint64_t run,
		     struct errinfo *info)
{
	const bool is_compared_with = s->count > 1 && !side->baseline;

	answers_free(side->before);
	side->before = side->now;
	side->now = NULL;
	replay_free(side->done);
	side->done = side->replay;
	side->replay = NULL;
	if (s->repeated || is_compared_with) {
		enum err e = answers_new(&side->now, info);

		if (e != ERR_OK)
			return e;
	}
	return command ? run_command(&side->target, command, run, info) : ERR_OK;
}

void side_set_options(struct side *side, const struct replay_options *base)
{
	side->options = *base;
	side->options.target = &side->target;
	side->options.keep = side->now;
	side->options.again = side->before;
	side->options.baseline = side->baseline ? side->baseline->now : NULL;
	side->options.baseline_again = side->baseline ? side->baseline->before : NULL;
}

void side_take_replay(struct side *side, struct replay *replay)
{
	side->replay = replay;
}

enum err sides_end(struct sides *s, struct side *side, struct errinfo *info)
{
	enum err e = side->now ? answers_seal(side->now, info) : ERR_OK;

	if (e == ERR_OK && side->done &&
	    noise_add(&s->noise, replay_outcome(side->done), replay_outcome(side->replay)) !=
		    ERR_OK)
		e = err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	return e;
}

struct outcome *sides_outcome(struct sides *s, struct side *last)
{
	struct outcome *o = replay_outcome(last->replay);

	noise_apply(&s->noise, o);
	if (last->baseline) {
		o->before = last->baseline->name;
		o->after = last->name;
	}
	return o;
}

/* outcome_report - how replay and compare tell what differed. */
#include "cli/outcome_report.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "replay/outcome_write.h"

enum { FORMAT_TEXT, FORMAT_JSON };

const char *const outcome_report_formats[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", NULL};

static enum err write_file(void *ctx, struct slice bytes, struct errinfo *info)
{
	const int *fd = ctx;

	return file_write_all(*fd, bytes) ? ERR_OK
					  : err_set(info, ERR_IO, errno, "writing the report");
}

static enum err write_stdout(const struct outcome_report_args *args, const struct outcome *o,
			     struct out *out, struct errinfo *info)
{
	enum err e;

	out_init(out, cli_write_stdout, NULL);
	if (args->format == FORMAT_JSON)
		e = outcome_write_json(o, out);
	else if (o->dry)
		e = outcome_write_dry(o, (size_t)args->limit, out);
	else
		e = outcome_write_text(o, (size_t)args->limit, out);
	if (e != ERR_OK)
		return err_set(info, e, 0, "writing the comparison: %s", err_text(e));
	return out_flush(out, info);
}

static enum err write_page(const struct outcome_report_args *args, const struct outcome *o,
			   const char *title, struct out *out, struct errinfo *info)
{
	const struct outcome_html how = {.title = title, .raw = args->raw};
	int fd = open(args->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	enum err e;

	if (fd < 0)
		return err_set(info, ERR_IO, errno, "%s", args->path);
	out_init(out, write_file, &fd);
	e = outcome_write_html(o, &how, out);
	if (e != ERR_OK)
		e = err_set(info, e, 0, "writing the report: %s", err_text(e));
	else
		e = out_flush(out, info);
	if (close(fd) != 0 && e == ERR_OK)
		e = err_set(info, ERR_IO, errno, "%s", args->path);
	return e;
}

int outcome_report(const struct opt_page *page, const struct outcome_report_args *args,
		   const struct fail_on *fail_on, struct outcome *o, const char *title)
{
	static struct out out; /* its buffer is too large for the stack */
	struct errinfo info;

	if (outcome_judge(o, fail_on_effect(fail_on)) != ERR_OK)
		o->short_of_memory = true;
	if (write_stdout(args, o, &out, &info) != ERR_OK)
		return cli_fail(page, &info);
	if (args->path && write_page(args, o, title, &out, &info) != ERR_OK)
		return cli_fail(page, &info);
	return fail_on_is_met(fail_on, o) ? CLI_LOSSES : CLI_DONE;
}

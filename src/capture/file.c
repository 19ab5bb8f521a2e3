/* file - a capture from a file or standard input, of either format. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "capture/ops.h"
#include "capture/pcap_file.h"
#include "capture/pcapng.h"
#include "capture/source.h"

enum { MAGIC_LEN = 4 };

enum file_format { FILE_PCAP, FILE_PCAPNG };

struct file_capture {
	struct capture base; /* first */
	enum file_format format;
	struct source source;
	struct pcap_file pcap;
	struct pcapng pcapng;
	char *path;
};

/* Formats that people mean by "a capture", and what turns them into one that is read here. */
static const struct {
	const char *magic;
	const char *name;
	const char *advice;
} foreign[] = {
	{"snoop", "a Solaris snoop file", "editcap turns it into pcapng"},
	{"GMBU", "a Network Monitor file", "editcap turns it into pcapng"},
	{"RTSS", "a Network Monitor file", "editcap turns it into pcapng"},
	{"\375"
	 "7zXZ",
	 "compressed by xz", "unpack it with xz -d first"},
	{"BZh", "compressed by bzip2", "unpack it with bzip2 -d first"},
	{"\004\"\115\030", "compressed by lz4", "unpack it with lz4 -d first"},
	{"PK\003\004", "a zip archive", "unpack it with unzip first"},
};

static bool is_text(struct slice first)
{
	for (size_t i = 0; i < first.len; i++)
		if (first.ptr[i] < ' ' && !strchr("\t\r\n\f", first.ptr[i]))
			return false;
	return first.len > 0;
}

static enum err refuse(const struct source *s, struct slice first, struct errinfo *info)
{
	const char *what = "does not look like a capture file";

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		struct slice magic = slice_cstr(foreign[i].magic);

		if (slice_eq(slice_head(first, magic.len), magic))
			return err_set(info, ERR_UNSUPPORTED, 0, "%s is %s: %s", s->name,
				       foreign[i].name, foreign[i].advice);
	}
	if (first.len == 0 && s->cut)
		return err_set(info, ERR_PROTO, 0,
			       "%s is compressed, but cut off or damaged before its first bytes "
			       "could be unpacked",
			       s->name);
	if (first.len == 0)
		what = "is empty";
	else if (is_text(first))
		what = "is a text file, not a capture";
	return err_set(info, ERR_PROTO, 0,
		       "%s %s; expected pcap or pcapng, as written by tcpdump -w, plain or "
		       "compressed by gzip or zstd",
		       s->name, what);
}

static enum err detect(struct file_capture *f, struct errinfo *info)
{
	struct source *s = &f->source;
	struct slice first;
	enum err e;

	do {
		e = source_need(s, MAGIC_LEN, info);
	} while (e == ERR_AGAIN && !s->interrupted);
	if (e == ERR_AGAIN)
		return err_set(info, ERR_IO, 0, "read %s: interrupted", s->name);
	if (e != ERR_OK && e != ERR_EOF)
		return e;
	first = slice_head(source_bytes(s), 64);
	if (pcapng_detect(first)) {
		f->format = FILE_PCAPNG;
		pcapng_init(&f->pcapng);
		return ERR_OK;
	}
	if (!pcap_file_detect(first))
		return refuse(s, first, info);
	f->format = FILE_PCAP;
	do {
		e = pcap_file_open(&f->pcap, s, info);
	} while (e == ERR_AGAIN && !s->interrupted);
	return e == ERR_AGAIN ? err_set(info, ERR_IO, 0, "read %s: interrupted", s->name) : e;
}

static void file_free(struct capture *c)
{
	struct file_capture *f = (struct file_capture *)c;

	pcapng_release(&f->pcapng);
	source_close(&f->source);
	mem_free(f->path);
	mem_free(f);
}

static enum err file_next(struct capture *c, struct frame *out, struct errinfo *info)
{
	struct file_capture *f = (struct file_capture *)c;

	switch (f->format) {
	case FILE_PCAP:
		return pcap_file_next(&f->pcap, &f->source, &c->stats, out, info);
	case FILE_PCAPNG:
		return pcapng_next(&f->pcapng, &f->source, &c->stats, out, info);
	}
	return ERR_EOF;
}

static double file_progress(const struct capture *c)
{
	const struct file_capture *f = (const struct file_capture *)c;

	return source_progress(&f->source);
}

static enum err file_lend(struct capture *c, const struct capture_buffers *buffers,
			  struct errinfo *info)
{
	struct file_capture *f = (struct file_capture *)c;

	if (buffers)
		f->source.next = *buffers;
	return source_renew(&f->source, SOURCE_BUFFER, info);
}

static const struct capture_ops file_ops = {
	.lend = file_lend,
	.next = file_next,
	.progress = file_progress,
	.free = file_free,
};

enum err capture_open_file(const char *path, struct capture **out, struct errinfo *info)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
					: open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(info, ERR_IO, errno, "open %s", path);
	return capture_open_fd(fd, path, out, info);
}

enum err capture_open_fd(int fd, const char *path, struct capture **out, struct errinfo *info)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct file_capture *f = mem_zalloc(sizeof(*f));
	enum err e;

	if (!f) {
		(void)close(fd);
		return err_set(info, ERR_NOMEM, 0, "open %s: out of memory", name);
	}
	f->base.ops = &file_ops;
	f->path = mem_copy_str(name, strlen(name));
	f->source.fd = fd;
	if (f->path)
		e = source_open(&f->source, fd, f->path, info);
	else
		e = err_set(info, ERR_NOMEM, 0, "open %s: out of memory", name);
	if (e == ERR_OK)
		e = detect(f, info);
	if (e != ERR_OK) {
		file_free(&f->base);
		return e;
	}
	*out = &f->base;
	return ERR_OK;
}

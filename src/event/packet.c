/* packet - one packet of a conversation, told in the words of MySQL's client-side tracing. */
#include "event/packet.h"

#include "base/mem.h"
#include "mysql/reply.h"

enum { EOF_LONGEST = 5 }; /* bytes of an EOF packet */

const char *packet_stage_name(enum packet_stage s)
{
	static const char *const names[STAGES] = {
#define STAGE(name) [STAGE_##name] = #name,
#include "event/trace_list.h"
	};

	return names[s];
}

const char *packet_moment_name(enum packet_moment m)
{
	static const char *const names[MOMENTS] = {
#define MOMENT(name) [MOMENT_##name] = #name,
#include "event/trace_list.h"
	};

	return names[m];
}

const char *packet_meaning_name(enum packet_meaning m)
{
	static const char *const names[PACKET_MEANINGS] = {
#define MEANING(name, text) [PACKET_##name] = (text),
#include "event/trace_list.h"
	};

	return names[m];
}

static enum packet_stage first_stage(enum myp_shape shape)
{
	switch (shape) {
	case MYP_SHAPE_PREPARE:
		return STAGE_WAIT_FOR_PS_DESCRIPTION;
	case MYP_SHAPE_STRING:
		return STAGE_WAIT_FOR_PACKET;
	case MYP_SHAPE_AUTH:
		return STAGE_AUTHENTICATE;
	case MYP_SHAPE_NONE:
		return STAGE_READY_FOR_COMMAND;
	case MYP_SHAPE_OK:
	case MYP_SHAPE_RESULT:
	case MYP_SHAPE_FETCH:
	case MYP_SHAPE_FIELDS:
	case MYP_SHAPE_REPLICATION:
		break;
	}
	return STAGE_WAIT_FOR_RESULT;
}

enum packet_stage packet_stage_of(const struct myp_answer *a)
{
	switch (a->phase) {
	case MYP_ANSWER_FIRST:
		return first_stage(a->shape);
	case MYP_ANSWER_COLUMNS:
	case MYP_ANSWER_COLUMNS_EOF:
		return STAGE_WAIT_FOR_FIELD_DEF;
	case MYP_ANSWER_PARAMS:
	case MYP_ANSWER_PARAMS_EOF:
		return STAGE_WAIT_FOR_PARAM_DEF;
	case MYP_ANSWER_ROWS:
		return STAGE_WAIT_FOR_ROW;
	case MYP_ANSWER_INFILE: /* what the client sends stands in FILE_REQUEST */
	case MYP_ANSWER_STREAM:
		return STAGE_WAIT_FOR_RESULT;
	case MYP_ANSWER_DONE:
	case MYP_ANSWER_PHASES:
		break;
	}
	return STAGE_READY_FOR_COMMAND;
}

enum err packet_ok(const struct packet *p, struct myp_ok *out)
{
	struct myp_eof eof;
	enum err e;

	if (p->payload.len == 0 || p->payload.ptr[0] != MYP_EOF || p->length > EOF_LONGEST)
		return myp_ok_decode(p->payload, p->caps, out);
	e = myp_eof_decode(p->payload, p->caps, &eof);
	if (e == ERR_OK)
		*out = (struct myp_ok){.status = eof.status, .warnings = eof.warnings};
	return e;
}

size_t packet_bytes(const struct packet *p)
{
	return sizeof(*p) + p->payload.len + p->hidden.len + p->text.len;
}

static struct slice copy_slice(uint8_t **to, struct slice s)
{
	struct slice copy = slice_of(*to, s.len);

	if (s.len)
		memcpy(*to, s.ptr, s.len);
	*to += s.len;
	return copy;
}

struct packet *packet_copy(const struct packet *p)
{
	struct packet *copy = mem_alloc(packet_bytes(p));
	uint8_t *at;

	if (!copy)
		return NULL;
	*copy = *p;
	at = (uint8_t *)(copy + 1);
	copy->payload = copy_slice(&at, p->payload);
	copy->hidden = copy_slice(&at, p->hidden);
	copy->text = copy_slice(&at, p->text);
	return copy;
}

void packet_free(struct packet *p)
{
	mem_free(p);
}

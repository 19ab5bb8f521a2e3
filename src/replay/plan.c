/* plan - whether a recorded command is for the target at all. */
#include "replay/plan.h"

#include "base/cursor.h"
#include "sql/classify.h"

/* True for the beginnings of ordinary statements, which need no closer look. */
static bool is_ordinary(struct slice text)
{
	static const char beginnings[][2] = {{'s', 'e'}, {'i', 'n'}, {'u', 'p'}, {'d', 'e'},
					     {'c', 'o'}, {'r', 'o'}, {'r', 'e'}};

	if (text.len < 3 || (text.ptr[2] | 0x20) == 's') /* RESET, DESC */
		return false;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if ((text.ptr[0] | 0x20) == beginnings[i][0] &&
		    (text.ptr[1] | 0x20) == beginnings[i][1])
			return true;
	return false;
}

/* Statements that act on the server as a whole, or on another connection. */
static void plan_text(const struct session *s, const struct command *c, struct plan *p)
{
	struct sql_class class;

	if (!c->text_known || is_ordinary(c->text))
		return;
	sql_classify(c->text, session_sql_options(s), &class);
	p->begins = class.transaction == SQL_TRANSACTION_BEGIN ||
		    class.transaction == SQL_TRANSACTION_IMPLICIT_COMMIT;
	if (class.verb == SQL_VERB_SHUTDOWN || class.verb == SQL_VERB_REPLICATION ||
	    class.verb == SQL_VERB_RESET)
		p->reason = NOT_SENT_NEVER;
	if (class.verb != SQL_VERB_KILL || (class.kill_self && class.rest.len == 0))
		return;
	if (!class.kill_known || class.rest.len > 0 || class.kill_id == 0 ||
	    class.kill_id > UINT32_MAX || c->code != MYP_COM_QUERY) {
		p->reason = NOT_SENT_KILL_UNKNOWN;
		return;
	}
	p->kill_id = (uint32_t) class.kill_id;
	p->kill_query = class.kill_query;
}

static void plan_process_kill(const struct command *c, struct plan *p)
{
	struct cursor payload = cur_of(slice_skip(c->payload, 1));

	p->kill_id = cur_u32(&payload);
	if (p->kill_id == 0)
		p->reason = NOT_SENT_KILL_UNKNOWN;
}

static void plan_by_code(const struct session *s, const struct command *c, struct plan *p)
{
	switch (c->code) {
	case MYP_COM_SLEEP:
	case MYP_COM_SHUTDOWN:
	case MYP_COM_CONNECT:
	case MYP_COM_TIME:
	case MYP_COM_DELAYED_INSERT:
	case MYP_COM_BINLOG_DUMP:
	case MYP_COM_TABLE_DUMP:
	case MYP_COM_CONNECT_OUT:
	case MYP_COM_REGISTER_SLAVE:
	case MYP_COM_DAEMON:
	case MYP_COM_BINLOG_DUMP_GTID:
	case MYP_COM_CLONE:
	case MYP_COM_SUBSCRIBE_GROUP_REPLICATION_STREAM:
		p->reason = NOT_SENT_NEVER;
		break;
	case MYP_COM_MULTI:
		p->reason = NOT_SENT_UNKNOWN_COMMAND;
		break;
	case MYP_COM_PROCESS_KILL:
		plan_process_kill(c, p);
		break;
	case MYP_COM_QUERY:
	case MYP_COM_STMT_PREPARE:
		plan_text(s, c, p);
		break;
	case MYP_COM_STMT_EXECUTE:
	case MYP_COM_STMT_SEND_LONG_DATA:
	case MYP_COM_STMT_CLOSE:
	case MYP_COM_STMT_RESET:
	case MYP_COM_STMT_FETCH:
	case MYP_COM_STMT_BULK_EXECUTE:
		if (!c->has_statement)
			p->reason = NOT_SENT_UNKNOWN_COMMAND;
		break;
	default: /* a number from the wire: as recorded */
		break;
	}
}

void plan_command(const struct session *s, const struct command *c, struct plan *out)
{
	*out = (struct plan){.reason = SENT};
	if (!myp_command_known(c->code) || (c->payload.len == 0 && c->code != MYP_COM_CHANGE_USER))
		out->reason = NOT_SENT_UNKNOWN_COMMAND;
	else if (c->cut)
		out->reason = NOT_SENT_CUT;
	else
		plan_by_code(s, c, out);
}

/* agreed - what a connection to the target lacks of what the recorded client had agreed on. */
#include "replay/agreed.h"

#include "mysql/proto.h"

/* Those that change what a statement means or what its answer says. */
static const uint64_t that_matter =
	MYP_CAP_FOUND_ROWS | MYP_CAP_LOCAL_FILES | MYP_CAP_IGNORE_SPACE | MYP_CAP_MULTI_STATEMENTS |
	MYP_CAP_SESSION_TRACK | MYP_CAP_OPTIONAL_RESULTSET_METADATA |
	MYP_CAP_MARIADB_STMT_BULK_OPERATIONS | MYP_CAP_MARIADB_EXTENDED_METADATA |
	MYP_CAP_MARIADB_BULK_UNIT_RESULTS;

static const struct {
	uint64_t bit;
	const char *name;
} capabilities[] = {
#define CAP(bit_number, cap_name) {.bit = UINT64_C(1) << (bit_number), .name = #cap_name},
#include "mysql/capability_list.h"
#undef CAP
};

void agreed_note(struct outcome *o, const struct connection *c, uint64_t asked, uint16_t collation)
{
	uint64_t missing = asked & that_matter & ~connection_caps(c);
	uint16_t used = connection_collation(c);
	char text[REMARK_TEXT_MAX];

	for (size_t i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++) {
		if (!(missing & capabilities[i].bit))
			continue;
		(void)snprintf(text, sizeof(text), "sessions without %s, which the target lacks",
			       capabilities[i].name);
		outcome_note(o, text);
	}
	if (collation == 0 || collation == used)
		return;
	(void)snprintf(text, sizeof(text),
		       "sessions with collation %u in place of %u, which the target does not know",
		       used, collation);
	outcome_note(o, text);
}

void agreed_note_compression(struct outcome *o, const struct connection *c, const struct target *t)
{
	if (target_wants_compression(t) &&
	    !(connection_caps(c) & (MYP_CAP_COMPRESS | MYP_CAP_ZSTD_COMPRESSION)))
		outcome_note(o,
			     "sessions that are not compressed, as the target does not offer it");
}

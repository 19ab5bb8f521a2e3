/*
 * speak - events to MRTE's messages, as its player replays them right: one packet in a unit, a login before a session's
 * first command, prepared executions as text with their values, QUIT at the end.
 *
 * The login that is told holds the user and the database, and no authentication data. A session of which the login is not
 * known begins with INIT_DB if its database is. What cannot be carried is left out and counted.
 */
#ifndef MRTE_SPEAK_H
#define MRTE_SPEAK_H

#include "base/buf.h"
#include "event/event.h"

enum {
	MRTE_PACKET_MAX = 65533
}; /* bytes of a packet with its header that MRTE-Player takes, unless told otherwise */

struct mrte_left {
#define LEFT(name, one, many) uint64_t name;
#include "mrte/left_list.h"
#undef LEFT
};

struct mrte_speaker;

/* PACKET_MAX 0 is MRTE_PACKET_MAX. ERR_NOMEM. */
enum err mrte_speaker_new(size_t packet_max, struct mrte_speaker **out) MUST_CHECK;
void mrte_speaker_free(struct mrte_speaker *s); /* NULL is fine */

/*
 * True if what E says may stand in the message at hand, which bears the address of one server (0.0.0.0 for one that has
 * no IPv4 address). Else that has to be sent before mrte_speak() is called.
 */
bool mrte_fits(const struct mrte_speaker *s, const struct event *e);

/* Appends what E says to the message at hand. ERR_NOMEM. */
enum err mrte_speak(struct mrte_speaker *s, const struct event *e) MUST_CHECK;

/* The message at hand: empty if nothing was said since mrte_message_sent(). */
struct slice mrte_message(const struct mrte_speaker *s);
void mrte_message_sent(struct mrte_speaker *s);

uint64_t mrte_units(const struct mrte_speaker *s); /* in all messages */
const struct mrte_left *mrte_speaker_left(const struct mrte_speaker *s);

#endif

/*
 * apart_list - why an answer that differs is no difference that the target has to answer for:
 * APART(name, text). The includer defines APART.
 */
APART(CLOCK, "the statement asks for the time: NOW() and the like")
APART(CHANCE, "the statement asks for chance: RAND(), UUID() and the like")
APART(CONNECTION, "the statement asks for its connection: CONNECTION_ID(), USER() and the like")
APART(SERVER, "the statement asks what the server is or does: VERSION(), @@x, SHOW STATUS, EXPLAIN")
APART(OTHERS, "the statement waits or locks by name: SLEEP(), GET_LOCK() and the like")
APART(AUTO_INCREMENT,
      "AUTO_INCREMENT, which several sessions, or executions in place of one, draw from")
APART(ANY_ORDER, "the same rows in another order, and no ORDER BY asks for one")
APART(REPEAT, "the same server answers otherwise when it is asked again")

/*
 * reason_list - why a recorded command was not sent: REASON(name, text, whether the target
 * misses something by it). The includer defines REASON.
 */
REASON(NEVER, "replication, shutdown and internal commands are never sent", true)
REASON(UNKNOWN_COMMAND, "the command has no name, or its bytes are not in the recording", true)
REASON(CUT, "the statement was cut when it was recorded", true)
REASON(UNSUPPORTED, "the target does not have this command", true)
REASON(KILL_UNKNOWN, "KILL of a connection that has no counterpart on the target", true)
REASON(STATEMENT_UNKNOWN, "its statement is not known: prepared before the recording, or gone",
       true)
REASON(NOT_PREPARED, "the statement could not be prepared on the target", true)
REASON(AS_TEXT, "its statement is executed as text: there is nothing to close, reset or fetch from",
       false)
REASON(NOTHING_TO_CLOSE, "the statement to close is not there: gone before, or never prepared",
       false)
REASON(PARAMETERS_UNKNOWN, "the types of its parameters were sent before the recording began", true)
REASON(NOT_CONNECTED, "the session could not connect to the target", true)
REASON(CONNECTION_LOST, "the session's connection to the target was lost", true)
REASON(TRANSACTION_LOST, "the transaction was lost with the connection", true)
REASON(CURSOR_LOST, "the cursor to fetch from was lost with the connection", true)
REASON(DATA_LOST, "long data of its parameters was lost with the connection", true)
REASON(ROLLED_BACK, "a deadlock, on the target only, had rolled the transaction back", true)
REASON(READ_ONLY_WRITES, "left out: it writes, or is not known not to", false)
REASON(READ_ONLY_LOCKS, "left out: it locks rows or tables", false)
REASON(READ_ONLY_ROUTINE, "left out: it calls a routine that may write (see --allow-function)",
       false)
REASON(READ_ONLY_GLOBAL, "left out: it sets what is not of its session alone", false)
REASON(READ_ONLY_ALLOWS, "left out: it would let the session write", false)
REASON(READ_ONLY_UNCLEAR, "left out: servers of other versions would execute something else", false)
REASON(READ_ONLY_UNKNOWN, "left out: the text of its statement is not known", false)
REASON(SHED, "the target is too slow: the session was let go, as the spool was full", true)
REASON(STOPPED, "the replay was ended before", true)

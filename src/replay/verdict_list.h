/*
 * verdict_list - how an answer compares with the recorded one: VERDICT(name, text, whether it is a
 * difference that the target has to answer for). The includer defines VERDICT.
 */
VERDICT(SAME, "same answer", false)
VERDICT(NO_ANSWER, "no answer is expected", false)
VERDICT(OTHER_ORDER, "same rows in another order", false)
VERDICT(OTHER_WARNINGS, "another number of warnings", false)
VERDICT(ERROR_NEW, "new error", true)
VERDICT(ERROR_GONE, "error is gone", true)
VERDICT(ERROR_CHANGED, "another error", true)
VERDICT(OTHER_KIND, "another kind of answer", true)
VERDICT(OTHER_COLUMNS, "other columns", true)
VERDICT(OTHER_ROW_COUNT, "another number of rows", true)
VERDICT(OTHER_AFFECTED, "another number of affected rows", true)
VERDICT(OTHER_VALUES, "other values in the rows", true)
VERDICT(DEADLOCK_RECORDED, "deadlock in the recording only", false)
VERDICT(DEADLOCK_REPLAYED, "deadlock in the replay only", false)
VERDICT(LOCK_WAIT_RECORDED, "lock wait given up in the recording only", false)
VERDICT(LOCK_WAIT_REPLAYED, "lock wait given up in the replay only", false)
VERDICT(KILLED_RECORDED, "killed or timed out in the recording only", false)
VERDICT(KILLED_REPLAYED, "killed or timed out in the replay only", false)
VERDICT(CONSEQUENCE, "differs after a one-sided rollback or lock wait", false)
VERDICT(NOT_COMPARED, "the recorded answer is not known whole", false)

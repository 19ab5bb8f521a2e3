/*
 * err_list - every kind of error: ERR_LIST(name, what it means in a few words).
 * Included several times; the includer defines ERR_ITEM.
 */
ERR_ITEM(OK, "success")
ERR_ITEM(AGAIN, "not now, try later")
ERR_ITEM(EOF, "no more")
ERR_ITEM(PROTO, "bytes that are not what they should be")
ERR_ITEM(LIMIT, "a named limit was reached")
ERR_ITEM(NOMEM, "out of memory")
ERR_ITEM(IO, "the system, a file or a peer failed")
ERR_ITEM(UNSUPPORTED, "understood, but not done by this version")
ERR_ITEM(USAGE, "the caller, usually the user, asked for something impossible")

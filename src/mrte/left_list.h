/*
 * left_list - what MRTE's format, or its player, cannot carry: LEFT(name, one, many). The includer defines LEFT.
 */
LEFT(not_ipv4, "command of a client that has no IPv4 address",
     "commands of clients that have no IPv4 address")
LEFT(too_long, "statement longer than MRTE-Player takes",
     "statements longer than MRTE-Player takes")
LEFT(unknown, "command whose text or values are not known",
     "commands whose text or values are not known")
LEFT(not_utf8, "statement with bytes that are no text, which MRTE-Player would change",
     "statements with bytes that are no text, which MRTE-Player would change")
LEFT(unsupported, "command that MRTE-Player has nothing for",
     "commands that MRTE-Player has nothing for")
LEFT(file_bytes, "byte of files that clients sent", "bytes of files that clients sent")
LEFT(file_statements, "statement that loads a file of its client's",
     "statements that load files of their clients'")

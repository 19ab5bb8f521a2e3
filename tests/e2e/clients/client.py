"""What Python's mysqlclient says. Prints a line "name<tab>count" for each statement that it names in a comment.
Arguments: port, length of the longest value."""
import datetime
import os
import sys

import MySQLdb
import MySQLdb.cursors

DATABASE = os.environ.get("DATABASE", "shop")


def tell(name, count):
    print(f"{name}\t{count}")


def main(port, size):
    c = MySQLdb.connect(host="127.0.0.1", port=port, user="root", db=DATABASE, charset="utf8mb4")
    cursor = c.cursor()
    tell("all", cursor.execute("/*all*/ SELECT id, name FROM item ORDER BY id"))
    tell("wide", cursor.execute("/*wide*/ INSERT INTO item (name) VALUES ('g\u00fcrtel \u2603')"))
    try:
        cursor.execute("/*missing*/ SELECT * FROM nowhere")
    except MySQLdb.Error as e:
        tell("missing", e.args[0])
    tell("insert", cursor.execute(
        "/*insert*/ INSERT INTO item (name, price, weight, made, note) VALUES (%s, %s, %s, %s, %s)",
        ("it's \\ \"\u20ac\"", 12.5, 0.1, datetime.datetime(2024, 2, 29, 12, 30, 1), b"\0\xff'")))
    cursor.executemany("INSERT INTO item (name, weight) VALUES (%s, %s)", [(f"piece {i}", i / 4) for i in range(200)])
    streamed = c.cursor(MySQLdb.cursors.SSCursor)
    streamed.execute("/*select*/ SELECT * FROM item WHERE id > %s", (1,))
    tell("select", len(streamed.fetchall()))
    streamed.close()
    c.rollback()
    c.change_user("root", "", "mysql")
    c.select_db(DATABASE)
    c.ping()
    c.stat()
    tell("blob", cursor.execute("/*blob*/ INSERT INTO item (note) VALUES (%s)", (b"y" * size,)))
    tell("row", cursor.execute(f"/*row*/ SELECT note FROM item WHERE LENGTH(note) >= {size}"))
    c.close()


main(int(sys.argv[1]), int(sys.argv[2]))

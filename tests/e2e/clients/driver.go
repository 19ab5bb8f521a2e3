// driver - what go-sql-driver says. Prints a line "name<tab>count" for each statement that it names in a comment.
// Arguments: data source name, length of the longest value.
package main

import (
	"database/sql"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func tell(name string, count int64) {
	fmt.Printf("%s\t%d\n", name, count)
}

func rows(set *sql.Rows, err error) int64 {
	check(err)
	defer set.Close()
	var count int64
	for more := true; more; more = set.NextResultSet() {
		for set.Next() {
			count++
		}
	}
	check(set.Err())
	return count
}

func affected(result sql.Result, err error) int64 {
	check(err)
	count, err := result.RowsAffected()
	check(err)
	return count
}

func text(db *sql.DB) {
	tell("all", rows(db.Query("/*all*/ SELECT id, name FROM item ORDER BY id")))
	tell("wide", affected(db.Exec("/*wide*/ INSERT INTO item (name) VALUES ('g\u00fcrtel \u2603')")))
	_, err := db.Exec("/*missing*/ SELECT * FROM nowhere")
	tell("missing", int64(err.(*mysql.MySQLError).Number))
	tell("many", rows(db.Query("/*many*/ SELECT 1; DO 0; SELECT 2 UNION SELECT 3")))
}

func prepared(db *sql.DB) {
	insert, err := db.Prepare("/*insert*/ INSERT INTO item (name, price, weight, made, note) VALUES (?, ?, ?, ?, ?)")
	check(err)
	moment := time.Date(2024, 2, 29, 12, 30, 1, 250000000, time.UTC)
	tell("insert", affected(insert.Exec("it's \\ \"\u20ac\"", "12.50", 0.1, moment, []byte{0, 0xff, 39})))
	tell("insert", affected(insert.Exec("nail", nil, nil, nil, nil)))
	check(insert.Close())
	for id := 0; id < 4; id++ {
		tell("select", rows(db.Query("/*select*/ SELECT * FROM item WHERE id > ? AND name <> ?", id, "rope")))
	}
}

func transaction(db *sql.DB) {
	tx, err := db.Begin()
	check(err)
	tell("update", affected(tx.Exec("/*update*/ UPDATE item SET price = ? WHERE id < ?", 1, uint64(3))))
	check(tx.Rollback())
}

func bulky(db *sql.DB, size int) {
	tell("blob", affected(db.Exec("/*blob*/ INSERT INTO item (note) VALUES (?)", []byte(strings.Repeat("y", size)))))
	tell("row", rows(db.Query("/*row*/ SELECT id, note FROM item WHERE LENGTH(note) >= ?", size)))
	mysql.RegisterReaderHandler("rows", func() io.Reader {
		return strings.NewReader(strings.Repeat("loaded\n", 20000))
	})
	tell("load", affected(db.Exec("/*load*/ LOAD DATA LOCAL INFILE 'Reader::rows' INTO TABLE item (name)")))
}

func main() {
	db, err := sql.Open("mysql", os.Args[1])
	check(err)
	db.SetMaxOpenConns(1)
	text(db)
	prepared(db)
	transaction(db)
	size, err := strconv.Atoi(os.Args[2])
	check(err)
	bulky(db, size)
	check(db.Close())
}

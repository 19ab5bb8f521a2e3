<?php
/* client - what PHP says: mysqli, and PDO with the server's and with its own preparing. Prints a line "name<tab>count" for each
 * statement that it names in a comment. Arguments: port, length of the longest value. */

define("DATABASE", getenv("DATABASE") ?: "shop");
const INSERT = "/*insert*/ INSERT INTO item (name, price, weight, made, note) VALUES (?, ?, ?, ?, ?)";
const SELECT = "/*select*/ SELECT * FROM item WHERE id > ? AND name <> ?";
const VALUES = ["it's \\ \"\u{20ac}\"", 12.5, 0.1, "2024-02-29 12:30:01.25", "\0\xff'"];

function tell(string $name, int $count): void
{
	echo "$name\t$count\n";
}

function with_mysqli(int $port, int $size): void
{
	mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
	$c = new mysqli("127.0.0.1", "root", "", DATABASE, $port);
	$c->set_charset("utf8mb4");
	tell("all", $c->query("/*all*/ SELECT id, name FROM item ORDER BY id")->num_rows);
	$c->query("/*wide*/ INSERT INTO item (name) VALUES ('g\u{fc}rtel \u{2603}')");
	tell("wide", $c->affected_rows);
	try {
		$c->query("/*missing*/ SELECT * FROM nowhere");
	} catch (mysqli_sql_exception $e) {
		tell("missing", $e->getCode());
	}
	$c->multi_query("/*many*/ SELECT 1; DO 0; SELECT 2 UNION SELECT 3");
	$count = 0;
	do {
		$result = $c->store_result();
		$count += $result ? $result->num_rows : 0;
	} while ($c->more_results() && $c->next_result());
	tell("many", $count);
	$s = $c->prepare(INSERT);
	$s->bind_param("sddss", ...array_values($values = VALUES));
	$s->execute();
	tell("insert", $s->affected_rows);
	$s->close();
	$s = $c->prepare("/*piece*/ INSERT INTO item (note) VALUES (?)");
	$note = null;
	$s->bind_param("b", $note);
	$s->send_long_data(0, str_repeat("long ", 100000));
	$s->send_long_data(0, "data");
	$s->execute();
	tell("piece", $s->affected_rows);
	$s = $c->prepare("/*cursor*/ SELECT * FROM item WHERE id > ? AND name <> ?");
	$s->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
	$id = 0;
	$name = "rope";
	$s->bind_param("is", $id, $name);
	$s->execute();
	$count = 0;
	while ($s->fetch())
		$count++;
	tell("cursor", $count);
	$s->close();
	$c->change_user("root", "", "mysql");
	$c->select_db(DATABASE);
	$c->query("/*blob*/ INSERT INTO item (note) VALUES ('" . str_repeat("y", $size) . "')");
	tell("blob", $c->affected_rows);
	tell("row", $c->query("/*row*/ SELECT note FROM item WHERE LENGTH(note) = $size")->num_rows);
	$c->close();
}

function with_pdo(int $port, bool $emulated): void
{
	$c = new PDO("mysql:host=127.0.0.1;port=$port;dbname=" . DATABASE . ";charset=utf8mb4", "root", "", [
		PDO::ATTR_EMULATE_PREPARES => $emulated, PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
	tell("all", count($c->query("/*all*/ SELECT id, name FROM item ORDER BY id")->fetchAll()));
	$s = $c->prepare(INSERT);
	$s->execute(VALUES);
	tell("insert", $s->rowCount());
	$s = $c->prepare(SELECT);
	foreach ([0, 2] as $id) {
		$s->execute([$id, "rope"]);
		tell("select", count($s->fetchAll()));
	}
	try {
		$c->query("/*missing*/ SELECT * FROM nowhere");
	} catch (PDOException $e) {
		tell("missing", $e->errorInfo[1]);
	}
	$c->beginTransaction();
	tell("update", $c->exec("/*update*/ UPDATE item SET price = 1 WHERE id < 3"));
	$c->rollBack();
}

with_mysqli((int)$argv[1], (int)$argv[2]);
with_pdo((int)$argv[1], false);
with_pdo((int)$argv[1], true);

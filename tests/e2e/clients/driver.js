/* driver - what Node's drivers say. Prints a line "name<tab>count" for each statement that it names in a comment.
 * Arguments: module (mysql, mysql2, mariadb/callback), port, length of the longest value. */
"use strict";

const { promisify } = require("node:util");

const [module_name, port, size] = process.argv.slice(2);
const driver = require(module_name);

function tell(name, count) {
	console.log(`${name}\t${count}`);
}

function count(result) {
	if (!Array.isArray(result))
		return result.affectedRows;
	return Array.isArray(result[0]) || result.some((part) => "affectedRows" in part)
		? result.reduce((sum, part) => sum + (Array.isArray(part) ? part.length : part.affectedRows), 0)
		: result.length;
}

async function main() {
	const c = driver.createConnection({ host: "127.0.0.1", port: Number(port), user: "root", database: process.env.DATABASE || "shop",
		charset: "utf8mb4", multipleStatements: true, ...(module_name.startsWith("mariadb") ? { maxAllowedPacket: 64 << 20 } : {}) });
	const query = promisify(c.query.bind(c));
	const execute = c.execute ? promisify(c.execute.bind(c)) : query;

	tell("all", count(await query("/*all*/ SELECT id, name FROM item ORDER BY id")));
	tell("wide", count(await query("/*wide*/ INSERT INTO item (name) VALUES ('g\u00fcrtel \u2603')")));
	await query("/*missing*/ SELECT * FROM nowhere").catch((e) => tell("missing", e.errno));
	tell("many", count(await query("/*many*/ SELECT 1; DO 0; SELECT 2 UNION SELECT 3")));
	const insert = "/*insert*/ INSERT INTO item (name, price, weight, made, note) VALUES (?, ?, ?, ?, ?)";
	tell("insert", count(await execute(insert, ["it's \\ \"\u20ac\"", 12.5, 0.1, new Date(0), Buffer.from([0, 255, 39])])));
	tell("insert", count(await execute(insert, ["nail", null, null, null, null])));
	for (let id = 0; id < 4; id++)
		tell("select", count(await execute("/*select*/ SELECT * FROM item WHERE id > ? AND name <> ?", [id, "rope"])));
	/* Sent one behind the other: mariadb does not wait for the answers. */
	const sent = [];
	for (let id = 0; id < 30; id++)
		sent.push(query(`/*queued*/ SELECT id FROM item LIMIT ${id % 3}`));
	for (const result of await Promise.all(sent))
		tell("queued", count(result));
	tell("blob", count(await execute("/*blob*/ INSERT INTO item (note) VALUES (?)", [Buffer.alloc(Number(size), "y")])));
	tell("row", count(await query(`/*row*/ SELECT id, note FROM item WHERE LENGTH(note) >= ${size}`)));
	await promisify(c.end.bind(c))();
}

main().catch((e) => {
	console.error(e);
	process.exit(1);
});

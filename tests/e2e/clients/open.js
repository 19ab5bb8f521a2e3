/* open - a client that stays: prepares by mysql2, tells "ready", and goes on when a line comes. Arguments: port, name. */
"use strict";

const { promisify } = require("node:util");
const driver = require("mysql2");

const [port, name] = process.argv.slice(2);

async function main() {
	const c = driver.createConnection({ host: "127.0.0.1", port: Number(port), user: "root", database: "kept" });
	const prepare = promisify(c.prepare.bind(c));
	const insert = await prepare("INSERT INTO t (name, round, weight) VALUES (?, ?, ?) /* node */");
	const execute = promisify(insert.execute.bind(insert));

	console.log("ready");
	await new Promise((resolve) => process.stdin.once("data", resolve));
	for (let i = 0; i < 3; i++)
		await execute([`${name} \u2603`, i, i / 4]);
	await promisify(c.end.bind(c))();
	process.exit(0);
}

main().catch((e) => {
	console.error(e);
	process.exit(1);
});

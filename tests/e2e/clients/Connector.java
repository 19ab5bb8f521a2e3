/* Connector - what MariaDB's Connector/J says. Prints a line "name<tab>count" for each statement that it names in a comment.
 * Arguments: URL, length of the longest value. */
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;

class Connector {
	private static void tell(String name, long count) {
		System.out.println(name + "\t" + count);
	}

	private static long rows(ResultSet set) throws SQLException {
		long count = 0;
		while (set.next())
			count++;
		set.close();
		return count;
	}

	private static void text(Connection c) throws SQLException {
		try (Statement s = c.createStatement()) {
			tell("all", rows(s.executeQuery("/*all*/ SELECT id, name FROM item ORDER BY id")));
			tell("wide", s.executeUpdate("/*wide*/ INSERT INTO item (name) VALUES ('g\u00fcrtel \u2603')"));
			try {
				s.executeQuery("/*missing*/ SELECT * FROM nowhere");
			} catch (SQLException e) {
				tell("missing", e.getErrorCode());
			}
			s.execute("/*many*/ SELECT 1; DO 0; SELECT 2 UNION SELECT 3");
			long count = 0;
			do {
				if (s.getResultSet() != null)
					count += rows(s.getResultSet());
			} while (s.getMoreResults() || s.getUpdateCount() != -1);
			tell("many", count);
		}
	}

	private static void prepared(Connection c) throws SQLException {
		try (PreparedStatement s = c.prepareStatement(
			     "/*insert*/ INSERT INTO item (name, price, weight, made, note) VALUES (?, ?, ?, ?, ?)")) {
			s.setString(1, "it's \\ \"\u20ac\"");
			s.setBigDecimal(2, new BigDecimal("12.50"));
			s.setDouble(3, 0.1);
			s.setTimestamp(4, Timestamp.valueOf("2024-02-29 12:30:01.25"));
			s.setBytes(5, new byte[] {0, (byte)0xff, 39});
			tell("insert", s.executeUpdate());
			s.setString(1, "nail");
			for (int i = 2; i <= 5; i++)
				s.setNull(i, Types.INTEGER);
			tell("insert", s.executeUpdate());
		}
		try (PreparedStatement s = c.prepareStatement("/*select*/ SELECT * FROM item WHERE id > ? AND name <> ?")) {
			for (int id = 0; id < 4; id++) {
				s.setInt(1, id);
				s.setString(2, "rope");
				tell("select", rows(s.executeQuery()));
			}
		}
	}

	/* Sent one behind the other, without waiting for the answers, or as one bulk execution. */
	private static void batch(Connection c) throws SQLException {
		long count = 0;
		try (PreparedStatement s = c.prepareStatement("INSERT INTO item (name, weight) VALUES (?, ?)")) {
			for (int i = 0; i < 50; i++) {
				s.setString(1, "piece " + i);
				s.setDouble(2, i / 4.0);
				s.addBatch();
			}
			s.executeBatch();
		}
		try (Statement s = c.createStatement()) {
			for (int i = 0; i < 20; i++)
				s.addBatch("/*batch*/ UPDATE item SET weight = weight + 1 WHERE name = 'piece " + i + "'");
			for (int n : s.executeBatch())
				tell("batch", n);
		}
	}

	private static void call(Connection c) throws SQLException {
		try (var s = c.prepareCall("{call twice(?, ?)}")) {
			s.setInt(1, 20);
			s.registerOutParameter(2, Types.INTEGER);
			s.execute();
			if (s.getInt(2) != 21)
				throw new SQLException("the parameter that comes out is another");
		}
	}

	private static void transaction(Connection c) throws SQLException {
		c.setAutoCommit(false);
		try (Statement s = c.createStatement()) {
			tell("update", s.executeUpdate("/*update*/ UPDATE item SET price = 1 WHERE id < 3"));
		}
		c.rollback();
		c.setAutoCommit(true);
	}

	private static void bulky(Connection c, int size) throws SQLException {
		try (PreparedStatement s = c.prepareStatement("/*blob*/ INSERT INTO item (note) VALUES (?)")) {
			s.setBytes(1, "y".repeat(size).getBytes());
			tell("blob", s.executeUpdate());
		}
		try (Statement s = c.createStatement()) {
			tell("row", rows(s.executeQuery("/*row*/ SELECT id, note FROM item WHERE LENGTH(note) >= " + size)));
		}
	}

	public static void main(String[] arguments) throws SQLException {
		try (Connection c = DriverManager.getConnection(arguments[0])) {
			text(c);
			prepared(c);
			batch(c);
			call(c);
			transaction(c);
			bulky(c, Integer.parseInt(arguments[1]));
		}
	}
}

# client - what Perl's DBD::mysql and DBD::MariaDB say. Prints a line "name<tab>count" for each statement that it names in a
# comment. Arguments: driver, port, length of the longest value.
use strict;
use warnings;
use utf8;
use DBI;

my ($driver, $port, $long) = @ARGV;
my $database = $ENV{DATABASE} // "shop";
my $prefix = lc $driver;
my %on = ("${prefix}_server_prepare" => 1, RaiseError => 1, PrintError => 0);
$on{mysql_enable_utf8mb4} = 1 if $driver eq "mysql";

sub tell_count {
	my ($name, $count) = @_;
	print "$name\t$count\n";
}

sub rows {
	my ($statement, @values) = @_;
	$statement->execute(@values);
	return scalar @{ $statement->fetchall_arrayref };
}

my $c = DBI->connect("DBI:$driver:database=$database;host=127.0.0.1;port=$port", "root", "", \%on);
tell_count("all", rows($c->prepare("/*all*/ SELECT id, name FROM item ORDER BY id")));
tell_count("wide", $c->do("/*wide*/ INSERT INTO item (name) VALUES ('g\x{fc}rtel \x{2603}')"));
eval { $c->do("/*missing*/ SELECT * FROM nowhere") };
tell_count("missing", $c->err);
my $insert = $c->prepare("/*insert*/ INSERT INTO item (name, price, weight, made) VALUES (?, ?, ?, ?)");
tell_count("insert", $insert->execute("it's \\ \"\x{20ac}\"", 12.5, 0.1, "2024-02-29 12:30:01.25"));
tell_count("insert", $insert->execute("nail", undef, undef, undef));
my $select = $c->prepare("/*select*/ SELECT * FROM item WHERE id > ? AND name <> ?");
tell_count("select", rows($select, $_, "rope")) for 0 .. 3;
$c->begin_work;
tell_count("update", $c->do("/*update*/ UPDATE item SET price = 1 WHERE id < 3"));
$c->rollback;
tell_count("blob", $c->do("/*blob*/ INSERT INTO item (note) VALUES (?)", undef, "y" x $long));
tell_count("row", rows($c->prepare("/*row*/ SELECT note FROM item WHERE LENGTH(note) >= $long")));
$c->disconnect;

"""Asks a running MySQL for its variables: `python mysql.py SOCKET DUMPS` writes mysql-VERSION-variables.tsv. Needs PyMySQL.

The server has to be one that nobody needs: each variable is set to its own value, and enumerations to one value after the other.
The columns: scope, type, least and largest value, the value (the default, if the server was started without options), the error
of setting it (1238: only at a start), and an enumeration's values.
"""

import csv
import sys
from pathlib import Path

import pymysql

MAX_CHOICES = 64


def main(path: str, dumps: Path) -> None:
    with pymysql.connect(unix_socket=path, user="root", autocommit=True) as connection:
        server = Server(connection)
        version = server.rows("select @@version")[0][0].partition("-")[0]
        asked = server.rows(
            "select variable_name, variable_scope, data_type, min_value, max_value"
            " from performance_schema.variables_metadata order by variable_name"
        )
        rows = [[*row, *server.about(row[0], row[2])] for row in asked if row[1] != "SESSION_ONLY"]
    with Path(dumps, f"mysql-{version}-variables.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["name", "scope", "type", "min", "max", "value", "error", "choices"])
        writer.writerows(rows)


class Server:
    def __init__(self, connection: "pymysql.Connection[pymysql.cursors.Cursor]") -> None:
        self._cursor = connection.cursor()

    def rows(self, query: str) -> list[tuple[str, ...]]:
        self._cursor.execute(query)
        return list(self._cursor.fetchall())

    def about(self, name: str, type_: str) -> tuple[str, str, str]:
        """Return value, error and choices of a variable."""
        value = self._value(name)
        error = self._set(name, f"@@global.{name}")
        return value, error, "|".join(self._choices(name, value)) if type_ == "Enumeration" and not error else ""

    def _choices(self, name: str, value: str) -> list[str]:
        found = []
        for number in range(MAX_CHOICES):
            if self._set(name, str(number)):
                break
            found.append(self._value(name))
        self._set(name, f"'{value}'")
        return found

    def _value(self, name: str) -> str:
        value = self.rows(f"select @@global.{name}")[0][0]
        return "" if value is None else str(value)

    def _set(self, name: str, value: str) -> str:
        """Set a variable; return the number of the error, or "" if there is none."""
        try:
            self.rows(f"set global {name} = {value}")
        except pymysql.MySQLError as error:
            return str(error.args[0])
        return ""


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

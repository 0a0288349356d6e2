#!/bin/sh
# Asks a PostgreSQL for its parameters and extensions, without starting a server. Not as root: initdb refuses that.
#   postgresql.sh PREFIX DUMPS            writes pg_settings-MAJOR.tsv and pg_extensions-MAJOR.txt
#   postgresql.sh PREFIX DUMPS LIBRARY    writes pg_settings-LIBRARY-VERSION.tsv: what an extension's library adds
# PREFIX has bin/initdb and bin/postgres.
set -eu
prefix=$1 dumps=$2 library=${3:-}
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
"$prefix/bin/initdb" -D "$data" -U postgres --encoding=UTF8 --locale=C --no-sync > "$data.log" 2>&1 || { cat "$data.log"; exit 1; }
rm -f "$data.log"

ask() { # each line is a command; in this mode COPY writes files, and nothing else is printed of use
    "$prefix/bin/postgres" --single -D "$data" postgres > /dev/null
}

columns="name, vartype, unit, min_val, max_val, array_to_string(enumvals, '|') enumvals, context, boot_val, category, short_desc"
major=$("$prefix/bin/postgres" --version | sed 's/.*) \([0-9]*\).*/\1/')
if [ -z "$library" ]; then
    ask << EOF
copy (select $columns from pg_settings order by name collate "C") to '$data/settings' with (format csv, delimiter E'\t', header)
copy (select e.name || ' ' || e.default_version || coalesce(' ' || array_to_string(v.requires, ','), '') from pg_available_extensions e join pg_available_extension_versions v on v.name = e.name and v.version = e.default_version order by e.name collate "C") to '$data/extensions'
EOF
    cp "$data/settings" "$dumps/pg_settings-$major.tsv"
    cp "$data/extensions" "$dumps/pg_extensions-$major.txt"
else
    ask << EOF
create temporary table before as select name from pg_settings
load '$library'
copy (select $columns from pg_settings where name not in (select name from before) order by name collate "C") to '$data/settings' with (format csv, delimiter E'\t', header)
copy (select default_version from pg_available_extensions where name = '$library') to '$data/version'
EOF
    cp "$data/settings" "$dumps/pg_settings-$library-$(cat "$data/version").tsv"
fi

-- What `streakline import` asks. {table}, {key} and the like are put in by the code, from the catalog of the database.

-- name: columns
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- name: primary_key
SELECT a.attname
FROM pg_index i
CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, number)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = to_regclass(%(table)s) AND i.indisprimary
ORDER BY k.number

-- name: indexed_columns
-- The columns by which a range of rows is found without a scan.
SELECT a.attname
FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = to_regclass(%(table)s) AND i.indisvalid AND i.indpred IS NULL

-- name: running
-- What is not older than any row that may still come: when the oldest transaction began that has not ended, or now,
-- and the same with a margin for clocks that are not the server's. Whether sessions hide their beginning from us;
-- whether there are prepared transactions, whose beginning nobody knows any more; whether this is a replica.
-- The statement's own time is from before it looked. Our own transaction, and the server's that clean up and belong
-- to no user, write no rows.
SELECT
    least(statement_timestamp(), min(a.xact_start))::text,
    (least(statement_timestamp(), min(a.xact_start)) - make_interval(secs => %(margin)s))::text,
    coalesce(bool_or(a.query = '<insufficient privilege>'), FALSE),
    EXISTS (SELECT FROM pg_prepared_xacts WHERE database = current_database()),
    pg_is_in_recovery()
FROM pg_stat_activity a
WHERE a.datname = current_database()
    AND a.pid <> pg_backend_pid()
    AND a.usesysid IS NOT NULL

-- name: horizon
-- Every transaction with a number below it has ended, subtransactions too: their rows are there, or never will be.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, statement_timestamp()

-- name: rows_before
-- The rows of a table from where an import stands up to its end, in the order of their time.
SELECT row_to_json(e), t.{time}::text, {key}
FROM {table} t CROSS JOIN LATERAL (SELECT {event}) e
WHERE t.{time} < %(until)s::text::{time_type} AND {after}
ORDER BY t.{time}, {order}

-- name: rows_settled
-- The rows that transactions wrote whose numbers are below one horizon and not below the one before. xmin has the low
-- 32 bits of the number, so it is its distance to the horizon that is compared. The time is for the index.
SELECT row_to_json(e), t.{time}::text, {key}
FROM {table} t CROSS JOIN LATERAL (SELECT {event}) e
WHERE t.{time} >= %(floor)s::text::{time_type} AND {after}
    AND ((%(horizon)s::bigint - t.xmin::text::bigint) & 4294967295) BETWEEN 1 AND %(span)s::bigint
ORDER BY t.{time}, {order}

-- name: rows_settled_without_time
SELECT row_to_json(e), NULL, {key}
FROM {table} t CROSS JOIN LATERAL (SELECT {event}) e
WHERE t.{time} IS NULL
    AND ((%(horizon)s::bigint - t.xmin::text::bigint) & 4294967295) BETWEEN 1 AND %(span)s::bigint

-- name: rows_without_time
SELECT row_to_json(e), NULL, {key}
FROM {table} t CROSS JOIN LATERAL (SELECT {event}) e
WHERE t.{time} IS NULL

-- name: rows_again
-- The rows that were refused, as they are now.
SELECT row_to_json(e), t.{time}::text, {key}
FROM {table} t CROSS JOIN LATERAL (SELECT {event}) e
WHERE jsonb_build_array({key}) = ANY(%(keys)s::jsonb[])

-- name: rows_not_before
SELECT count(*) FROM {table} t WHERE t.{time} >= %(until)s::text::{time_type}

-- name: all_rows
-- All rows of a table whose rows change, to be compared with what was imported of them.
SELECT row_to_json(e), NULL, {key}
FROM {table} t CROSS JOIN LATERAL (SELECT {event}) e
WHERE {before}
ORDER BY {order}

-- name: identities
SELECT {identity} FROM {table} t

-- name: estimate
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%(table)s)

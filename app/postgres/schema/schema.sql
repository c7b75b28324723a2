-- What applies migrations needs. The schema itself is in the numbered files.

-- name: lock_schema
SELECT pg_advisory_xact_lock(hashtextextended('streakline: migrations', 0));

-- name: schema_exists
SELECT to_regnamespace('streakline') IS NOT NULL;

-- name: create_schema
CREATE SCHEMA streakline;

-- name: migrations_exist
SELECT to_regclass('streakline.migrations') IS NOT NULL;

-- name: create_migrations
CREATE TABLE streakline.migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE streakline.migrations IS 'The steps that made this schema.';
COMMENT ON COLUMN streakline.migrations.version IS 'Their order.';
COMMENT ON COLUMN streakline.migrations.name IS 'The file of streakline that it is.';
COMMENT ON COLUMN streakline.migrations.checksum IS 'SHA-256 of that file.';
COMMENT ON COLUMN streakline.migrations.applied_at IS 'When it was applied.';

-- name: applied_migrations
SELECT version, name, checksum FROM streakline.migrations ORDER BY version;

-- name: record_migration
INSERT INTO streakline.migrations (version, name, checksum) VALUES (%s, %s, %s);

-- name: reader_exists
SELECT to_regrole('streakline_reader') IS NOT NULL;

-- name: create_reader
CREATE ROLE streakline_reader NOLOGIN;

-- name: grant_reading
GRANT USAGE ON SCHEMA streakline TO streakline_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA streakline TO streakline_reader;

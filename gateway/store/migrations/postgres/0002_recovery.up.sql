-- compatible-from: 1
-- Each time the database was put back from a backup; without `released` it is Recovering. An older build does
-- not know it: a database is put back, and released, with this build or a newer one.
CREATE TABLE recovery (
    act         bigint PRIMARY KEY,    -- who put it back, and why
    cut_at      bigint NOT NULL,       -- everything acknowledged before is there, microseconds since 1970
    released    bigint,                -- who released it, and why
    released_at bigint
);
CREATE INDEX recovery_standing ON recovery (act) WHERE released IS NULL;

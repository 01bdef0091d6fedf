-- Each time the store was put back from a backup; without `released` it is Recovering.
CREATE TABLE recovery (
    act         INTEGER PRIMARY KEY REFERENCES journal (seq),  -- who put it back, and why
    cut_at      INTEGER NOT NULL,      -- everything acknowledged before is there, microseconds since 1970
    released    INTEGER REFERENCES journal (seq),              -- who released it, and why
    released_at INTEGER
) STRICT;
CREATE INDEX recovery_standing ON recovery (act) WHERE released IS NULL;

-- Discrepancies between the two departments. Open is what stands below 5; of one subject one is open.

CREATE TABLE tax_ledger (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    partner    TEXT NOT NULL,
    period     TEXT NOT NULL,
    category   TEXT NOT NULL,
    tax_code   TEXT NOT NULL,
    person     TEXT NOT NULL,      -- empty: about the employer
    province   TEXT NOT NULL,
    field      TEXT NOT NULL,
    ours       TEXT NOT NULL,
    theirs     TEXT NOT NULL,
    expected   INTEGER NOT NULL,
    state      INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6),
    run        TEXT NOT NULL,
    found      INTEGER NOT NULL CHECK (found > 0),
    due_on     TEXT NOT NULL,
    noted_at   TEXT NOT NULL,
    moved_at   TEXT NOT NULL,
    checked_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX tax_ledger_open ON tax_ledger (partner, period, category, tax_code, person) WHERE state < 5;
CREATE INDEX tax_ledger_by_code ON tax_ledger (tax_code, seq);
CREATE INDEX tax_ledger_by_check ON tax_ledger (checked_at, seq) WHERE state < 5;

CREATE TABLE tax_ledger_steps (
    discrepancy INTEGER NOT NULL,
    nth         INTEGER NOT NULL CHECK (nth > 0),
    state       INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6),
    side        INTEGER NOT NULL CHECK (side BETWEEN 1 AND 2),
    who         TEXT NOT NULL,
    reason      TEXT NOT NULL,
    at          TEXT NOT NULL,
    key         BLOB NOT NULL,      -- of the signed message or sealed act
    PRIMARY KEY (discrepancy, nth)
) STRICT, WITHOUT ROWID;

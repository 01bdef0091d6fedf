-- A dossier whose quote ended is quoted anew: many orders, at most one of them not over. Money that an officer saw and
-- that is given back moves no dossier, so one step may have many words about money.

CREATE TABLE old_payment_orders AS SELECT * FROM payment_orders;
CREATE TABLE old_contribution_lines AS SELECT * FROM contribution_lines;
CREATE TABLE old_payments AS SELECT * FROM payments;
CREATE TABLE old_dossier_acts AS SELECT * FROM dossier_acts;
DROP TABLE contribution_lines;
DROP TABLE payments;
DROP TABLE payment_orders;
DROP TABLE dossier_acts;

CREATE TABLE payment_orders (
    reference   TEXT PRIMARY KEY NOT NULL,
    dossier     TEXT NOT NULL REFERENCES dossiers (code),
    state       INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),  -- quoted, open, paid, over
    vnd         INTEGER NOT NULL CHECK (vnd > 0),
    page        TEXT NOT NULL,  -- each amount and how it came about
    quoted_at   TEXT NOT NULL,
    valid_until TEXT NOT NULL,
    url         TEXT NOT NULL,
    asked       INTEGER NOT NULL CHECK (asked >= 0),
    ask_at      TEXT,           -- none: there is nothing to ask
    bill        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_orders_due ON payment_orders (ask_at, reference) WHERE ask_at IS NOT NULL;
CREATE INDEX payment_orders_dossier ON payment_orders (dossier, reference);
CREATE UNIQUE INDEX payment_orders_live ON payment_orders (dossier) WHERE state <> 4;
CREATE INDEX payment_orders_quoted ON payment_orders (valid_until, reference) WHERE state = 1;

CREATE TABLE contribution_lines (
    reference      TEXT NOT NULL REFERENCES payment_orders (reference),
    line           INTEGER NOT NULL CHECK (line >= 1),
    kind           TEXT NOT NULL CHECK (kind IN ('household', 'voluntary', 'arrears', 'late')),
    person         INTEGER REFERENCES people (id),
    household      INTEGER REFERENCES households (id),
    employer       INTEGER REFERENCES employers (id),
    period         TEXT NOT NULL,
    months         INTEGER NOT NULL CHECK (months >= 1),
    vnd            INTEGER NOT NULL CHECK (vnd > 0),
    card_number    TEXT NOT NULL,
    card_serial    INTEGER NOT NULL,
    transaction_id TEXT NOT NULL,  -- empty until it is booked
    booked_at      TEXT NOT NULL,
    PRIMARY KEY (reference, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX contribution_lines_booked ON contribution_lines (transaction_id) WHERE transaction_id <> '';
CREATE INDEX contribution_lines_person ON contribution_lines (person, kind) WHERE transaction_id <> '';
CREATE INDEX contribution_lines_household ON contribution_lines (household, booked_at) WHERE transaction_id <> '';

CREATE TABLE payments (
    id           TEXT PRIMARY KEY NOT NULL,
    reference    TEXT NOT NULL REFERENCES payment_orders (reference),
    vnd          INTEGER NOT NULL CHECK (vnd > 0),
    bank         TEXT NOT NULL,
    paid_at      TEXT NOT NULL,
    paid_on      TEXT NOT NULL,     -- day in Viet Nam
    heard_by     INTEGER NOT NULL CHECK (heard_by BETWEEN 1 AND 4),
    heard_at     TEXT NOT NULL,
    reason       TEXT NOT NULL,     -- of the refund case; empty: booked
    refunded     TEXT NOT NULL,
    refunded_by  TEXT NOT NULL,
    refunded_why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_reference ON payments (reference, heard_at);
CREATE INDEX payments_by_day ON payments (paid_on, id);
CREATE INDEX payments_to_refund ON payments (reference) WHERE reason <> '' AND refunded = '';

CREATE TABLE dossier_acts (
    dossier TEXT NOT NULL REFERENCES dossiers (code),
    step INTEGER NOT NULL CHECK (step >= 1),  -- that was looked at
    decision INTEGER NOT NULL CHECK (decision BETWEEN 1 AND 5),
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    told TEXT NOT NULL,  -- to the applicant
    paid TEXT NOT NULL,  -- reference of the payment; empty where none is named
    at TEXT NOT NULL,
    PRIMARY KEY (dossier, step, paid)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dossier_acts_paid ON dossier_acts (paid) WHERE paid <> '';

INSERT INTO payment_orders SELECT * FROM old_payment_orders;
INSERT INTO contribution_lines SELECT * FROM old_contribution_lines;
INSERT INTO payments SELECT * FROM old_payments;
INSERT INTO dossier_acts SELECT * FROM old_dossier_acts;
DROP TABLE old_payment_orders;
DROP TABLE old_contribution_lines;
DROP TABLE old_payments;
DROP TABLE old_dossier_acts;

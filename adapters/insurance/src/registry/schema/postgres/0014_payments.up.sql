-- What dossiers cost, what was paid, what became of it, and the platform's own account of each day.
-- No reference: a load of millions takes the other tables' keys away and makes them again.

CREATE TABLE payment_orders (
    reference   TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    dossier     TEXT COLLATE "C" NOT NULL UNIQUE,
    state       BIGINT NOT NULL CHECK (state BETWEEN 1 AND 4),  -- quoted, open, paid, over
    vnd         BIGINT NOT NULL CHECK (vnd > 0),
    page        TEXT COLLATE "C" NOT NULL,  -- each amount and how it came about
    quoted_at   TEXT COLLATE "C" NOT NULL,
    valid_until TEXT COLLATE "C" NOT NULL,
    url         TEXT COLLATE "C" NOT NULL,
    asked       BIGINT NOT NULL CHECK (asked >= 0),
    ask_at      TEXT COLLATE "C",           -- none: there is nothing to ask
    bill        TEXT COLLATE "C" NOT NULL
);
CREATE INDEX payment_orders_due ON payment_orders (ask_at, reference) WHERE ask_at IS NOT NULL;

CREATE TABLE contribution_lines (
    reference      TEXT COLLATE "C" NOT NULL,
    line           BIGINT NOT NULL CHECK (line >= 1),
    kind           TEXT COLLATE "C" NOT NULL CHECK (kind IN ('household', 'voluntary', 'arrears', 'late')),
    person         BIGINT,
    household      BIGINT,
    employer       BIGINT,
    period         TEXT COLLATE "C" NOT NULL,
    months         BIGINT NOT NULL CHECK (months >= 1),
    vnd            BIGINT NOT NULL CHECK (vnd > 0),
    card_number    TEXT COLLATE "C" NOT NULL,
    card_serial    BIGINT NOT NULL,
    transaction_id TEXT COLLATE "C" NOT NULL,  -- empty until it is booked
    booked_at      TEXT COLLATE "C" NOT NULL,
    CONSTRAINT contribution_lines_pkey PRIMARY KEY (reference, line)
);
CREATE INDEX contribution_lines_booked ON contribution_lines (transaction_id) WHERE transaction_id <> '';
CREATE INDEX contribution_lines_person ON contribution_lines (person, kind) WHERE transaction_id <> '';
CREATE INDEX contribution_lines_household ON contribution_lines (household, booked_at) WHERE transaction_id <> '';

CREATE TABLE payments (
    id           TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    reference    TEXT COLLATE "C" NOT NULL,
    vnd          BIGINT NOT NULL CHECK (vnd > 0),
    bank         TEXT COLLATE "C" NOT NULL,
    paid_at      TEXT COLLATE "C" NOT NULL,
    paid_on      TEXT COLLATE "C" NOT NULL,     -- day in Viet Nam
    heard_by     BIGINT NOT NULL CHECK (heard_by BETWEEN 1 AND 4),
    heard_at     TEXT COLLATE "C" NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,     -- of the refund case; empty: booked
    refunded     TEXT COLLATE "C" NOT NULL,
    refunded_by  TEXT COLLATE "C" NOT NULL,
    refunded_why TEXT COLLATE "C" NOT NULL
);
CREATE INDEX payments_by_reference ON payments (reference, heard_at);
CREATE INDEX payments_by_day ON payments (paid_on, id);
CREATE INDEX payments_to_refund ON payments (reference) WHERE reason <> '' AND refunded = '';

CREATE TABLE payment_statements (
    day       TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    vnd       BIGINT NOT NULL CHECK (vnd > 0),
    paid_at   TEXT COLLATE "C" NOT NULL,
    CONSTRAINT payment_statements_pkey PRIMARY KEY (day, id)
);
CREATE TABLE payment_statement_days (
    day      TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    noted_at TEXT COLLATE "C" NOT NULL
);

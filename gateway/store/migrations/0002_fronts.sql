-- How often an unheld claim was handed out for recovery; it decides how long it waits behind the others.
-- From here on owner NULL means: nobody holds the claim, and leased_until is its next turn.
ALTER TABLE inbox ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;

-- SHA-256 of everything that a parcel was put in with; none in parcels of version 1.
ALTER TABLE outbox ADD COLUMN digest BLOB;

-- 1 where no open parcel stands before this open one in its subject: only fronts are looked at for leases.
ALTER TABLE outbox ADD COLUMN front INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET front = 1 WHERE state <> 2 AND position = (
    SELECT o.position FROM outbox o
    WHERE o.partner = outbox.partner AND o.subject = outbox.subject AND o.state <> 2
    ORDER BY o.sequence, o.position LIMIT 1);
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (partner, due_at, position) WHERE state IN (0, 1) AND front = 1;
CREATE UNIQUE INDEX outbox_front ON outbox (partner, subject) WHERE front = 1;

-- Refusals ever, so that nobody has to sum up minutes; minutes older than a day are deleted.
CREATE TABLE refusal_total (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    kept     INTEGER NOT NULL,
    overflow INTEGER NOT NULL
) STRICT;
INSERT INTO refusal_total SELECT 1, coalesce(sum(kept), 0), coalesce(sum(overflow), 0) FROM refusal_count;
CREATE INDEX refusal_minute ON refusal_count (minute);

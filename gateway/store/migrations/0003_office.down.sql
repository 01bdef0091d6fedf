-- What recovery had set aside has its turn again: the version before knows no quarantine.
UPDATE inbox SET leased_until = 0 WHERE poison IS NOT NULL AND answer IS NULL;
DROP INDEX inbox_poison;
ALTER TABLE inbox DROP COLUMN poison;
ALTER TABLE inbox DROP COLUMN lost;
DROP TABLE standing_order;
DROP TABLE act;
DROP INDEX outbox_stuck;
DROP INDEX outbox_due;
-- What is in quarantine waits for a person as what is dead does.
UPDATE outbox SET state = 3 WHERE state = 4;
ALTER TABLE outbox DROP COLUMN named;
ALTER TABLE outbox DROP COLUMN replayed_at;
ALTER TABLE outbox DROP COLUMN asked;
ALTER TABLE outbox DROP COLUMN lost;
ALTER TABLE outbox DROP COLUMN refusals;
ALTER TABLE outbox DROP COLUMN give_up_at;
ALTER TABLE outbox DROP COLUMN class;
CREATE INDEX outbox_due ON outbox (partner, due_at, position) WHERE state IN (0, 1) AND front = 1;

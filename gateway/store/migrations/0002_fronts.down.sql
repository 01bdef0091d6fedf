DROP INDEX refusal_minute;
DROP TABLE refusal_total;
DROP INDEX outbox_front;
DROP INDEX outbox_due;
ALTER TABLE outbox DROP COLUMN front;
ALTER TABLE outbox DROP COLUMN digest;
ALTER TABLE inbox DROP COLUMN tries;
CREATE INDEX outbox_due ON outbox (partner, due_at, position) WHERE state IN (0, 1);

DROP INDEX outbox_told_of;
DROP INDEX outbox_told;
ALTER TABLE outbox DROP COLUMN healed;
DROP TABLE pull;

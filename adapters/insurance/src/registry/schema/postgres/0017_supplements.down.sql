ALTER TABLE birth_clocks DROP COLUMN paused_ms;
ALTER TABLE birth_reviews DROP COLUMN moved_at;
ALTER TABLE birth_reviews DROP COLUMN refused;
DROP TABLE birth_supplements;

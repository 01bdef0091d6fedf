-- compatible-from: 1
-- Under which rules retention came so far: 32 bytes, a digest of them. Other rules begin again from the first record.
-- An older build moves the mark and leaves the rules as they are.
ALTER TABLE retained ADD COLUMN rules bytea;

-- Under which rules retention came so far: 32 bytes, a digest of them. Other rules begin again from the first record.
ALTER TABLE retained ADD COLUMN rules BLOB;

-- Whether the national population database was asked about the child of a birth that waits, as the child is told now. Of those that
-- wait from before, only they were whom it knew otherwise.

ALTER TABLE birth_reviews ADD COLUMN asked INTEGER NOT NULL DEFAULT 0 CHECK (asked IN (0, 1));
UPDATE birth_reviews SET asked = 1 WHERE why LIKE '%population-%' AND why NOT LIKE '%population-asked-otherwise%';

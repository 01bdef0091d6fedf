-- A hospital takes a notice of a birth back: what did, and when. A notice of a death is found by the number in whose place
-- another was issued.

ALTER TABLE birth_notices ADD COLUMN withdrawn_by TEXT COLLATE "C";
ALTER TABLE birth_notices ADD COLUMN withdrawn_at TEXT COLLATE "C";
ALTER TABLE deaths ADD COLUMN notice_number TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE deaths ADD COLUMN replaces_number TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX deaths_by_notice ON deaths (sender, notice_number);
CREATE INDEX deaths_by_replaced ON deaths (sender, replaces_number);

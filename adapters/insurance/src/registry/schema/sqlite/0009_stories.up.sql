-- How it was settled who a child is, and a case found by its id alone.
ALTER TABLE birth_clocks ADD COLUMN settled TEXT NOT NULL DEFAULT '';
CREATE INDEX birth_clocks_by_case ON birth_clocks (case_id);

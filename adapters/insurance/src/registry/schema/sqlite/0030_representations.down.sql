-- what a guardian began is proven again by whoever reads it next, as a mother's: nothing of it is given to anybody
ALTER TABLE dossiers ADD COLUMN acting TEXT NOT NULL DEFAULT '' CHECK (acting IN ('', 'mother', 'father'));
UPDATE dossiers SET acting = CASE WHEN acts_as IN ('mother', 'father') THEN acts_as WHEN employer IS NULL THEN 'mother' ELSE '' END
    WHERE acts_as <> '';
ALTER TABLE dossiers DROP COLUMN acts_as;
ALTER TABLE dossiers RENAME COLUMN acting TO acts_as;
DROP TABLE representations;

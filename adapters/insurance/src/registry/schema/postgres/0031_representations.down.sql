-- what a guardian began is proven again by whoever reads it next, as a mother's: nothing of it is given to anybody
ALTER TABLE dossiers DROP CONSTRAINT dossiers_acts_as_check;
UPDATE dossiers SET acts_as = CASE WHEN employer IS NULL THEN 'mother' ELSE '' END
    WHERE acts_as NOT IN ('', 'mother', 'father');
ALTER TABLE dossiers ADD CONSTRAINT dossiers_acts_as_check CHECK (acts_as IN ('', 'mother', 'father'));
DROP TABLE representations;

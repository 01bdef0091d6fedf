DROP TABLE dossier_clocks;
ALTER TABLE dossiers DROP COLUMN acts_as;

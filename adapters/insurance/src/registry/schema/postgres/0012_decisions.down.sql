DROP TABLE dossier_acts;
ALTER TABLE dossiers DROP COLUMN supplement_due;

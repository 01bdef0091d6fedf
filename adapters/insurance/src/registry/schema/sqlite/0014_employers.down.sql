DROP TABLE employer_told;
DROP TABLE employer_watches;
DROP TABLE employer_records;
DELETE FROM changes WHERE kind <> 'dossier';
ALTER TABLE changes DROP COLUMN kind;

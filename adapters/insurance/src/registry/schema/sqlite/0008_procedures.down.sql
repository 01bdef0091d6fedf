DROP INDEX dossiers_awaiting;
DROP INDEX dossiers_free;
ALTER TABLE dossiers DROP COLUMN awaits;
ALTER TABLE dossiers DROP COLUMN employer;

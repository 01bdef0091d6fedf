DROP TABLE dossier_supplements;

-- Which fields of corrected persons a partner is told of, with blanks between them.

ALTER TABLE employer_watches ADD COLUMN persons TEXT COLLATE "C" NOT NULL DEFAULT '';

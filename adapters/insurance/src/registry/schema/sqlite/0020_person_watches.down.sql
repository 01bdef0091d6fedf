ALTER TABLE employer_watches DROP COLUMN persons;

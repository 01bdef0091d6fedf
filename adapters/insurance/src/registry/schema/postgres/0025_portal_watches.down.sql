DROP INDEX dossiers_of_person;
DROP TABLE person_endings;
DROP TABLE person_watches;

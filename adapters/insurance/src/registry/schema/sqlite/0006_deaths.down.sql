DROP INDEX birth_cases_by_person;
DROP TABLE death_closures;
DROP TABLE deaths;

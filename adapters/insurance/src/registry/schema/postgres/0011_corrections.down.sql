DROP TABLE birth_corrections;

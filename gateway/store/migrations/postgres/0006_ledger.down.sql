DROP TABLE registration;
DROP TABLE stopped_operation;
DROP TABLE access;

DROP TABLE checkpoint;
DROP TABLE legal_hold;
DROP TABLE retained;

DROP TABLE checkpoint, legal_hold, retained;

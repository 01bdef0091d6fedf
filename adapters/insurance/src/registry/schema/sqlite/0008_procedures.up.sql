-- Dossiers of every procedure: the employer that applies, and which of them wait for a person.

ALTER TABLE dossiers ADD COLUMN employer INTEGER REFERENCES employers (id);
ALTER TABLE dossiers ADD COLUMN awaits INTEGER NOT NULL DEFAULT 0 CHECK (awaits IN (0, 1));
CREATE INDEX dossiers_free ON dossiers (updated_at, code) WHERE state IN (1, 2, 4, 9) AND awaits = 0;
CREATE INDEX dossiers_awaiting ON dossiers (due_at, code) WHERE awaits = 1;

-- How far the figures of a discrepancy may differ all the same, as it was when they were compared: people or VND, and basis points.

ALTER TABLE tax_ledger ADD COLUMN tolerated INTEGER NOT NULL DEFAULT 0 CHECK (tolerated >= 0);
ALTER TABLE tax_ledger ADD COLUMN tolerated_bp INTEGER NOT NULL DEFAULT 0 CHECK (tolerated_bp BETWEEN 0 AND 10000);

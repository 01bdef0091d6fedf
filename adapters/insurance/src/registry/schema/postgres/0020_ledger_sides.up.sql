-- Whose comparisons find a discrepancy: 1 the insurance side's, 2 the tax side's, 3 both, 0 neither any more; and the
-- reconciliation by which the tax side found it last.
ALTER TABLE tax_ledger ADD COLUMN sides BIGINT NOT NULL DEFAULT 1 CHECK (sides BETWEEN 0 AND 3);
ALTER TABLE tax_ledger ADD COLUMN tax_run TEXT NOT NULL DEFAULT '';


ALTER TABLE tax_ledger DROP COLUMN tolerated_bp;
ALTER TABLE tax_ledger DROP COLUMN tolerated;

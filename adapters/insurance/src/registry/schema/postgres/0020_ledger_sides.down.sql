ALTER TABLE tax_ledger DROP COLUMN tax_run;
ALTER TABLE tax_ledger DROP COLUMN sides;

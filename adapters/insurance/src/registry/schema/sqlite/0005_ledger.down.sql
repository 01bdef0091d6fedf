DROP TABLE tax_ledger_steps;
DROP TABLE tax_ledger;

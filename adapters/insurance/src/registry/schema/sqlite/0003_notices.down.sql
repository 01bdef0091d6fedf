DROP TABLE tax_notices;

DROP TABLE payment_statement_days;
DROP TABLE payment_statements;
DROP TABLE payments;
DROP TABLE contribution_lines;
DROP TABLE payment_orders;

-- A dossier whose quote ended is quoted anew: many orders, at most one of them not over. Money that an officer saw and
-- that is given back moves no dossier, so one step may have many words about money.

ALTER TABLE payment_orders DROP CONSTRAINT payment_orders_dossier_key;
CREATE INDEX payment_orders_dossier ON payment_orders (dossier, reference);
CREATE UNIQUE INDEX payment_orders_live ON payment_orders (dossier) WHERE state <> 4;
CREATE INDEX payment_orders_quoted ON payment_orders (valid_until, reference) WHERE state = 1;
ALTER TABLE dossier_acts DROP CONSTRAINT dossier_acts_pkey;
ALTER TABLE dossier_acts ADD CONSTRAINT dossier_acts_pkey PRIMARY KEY (dossier, step, paid);

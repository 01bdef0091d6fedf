ALTER TABLE dossier_acts DROP CONSTRAINT dossier_acts_pkey;
ALTER TABLE dossier_acts ADD CONSTRAINT dossier_acts_pkey PRIMARY KEY (dossier, step);
DROP INDEX payment_orders_quoted;
DROP INDEX payment_orders_live;
DROP INDEX payment_orders_dossier;
ALTER TABLE payment_orders ADD CONSTRAINT payment_orders_dossier_key UNIQUE (dossier);

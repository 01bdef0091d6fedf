DROP TABLE vital_subscriptions;

-- What two listings showed of a pair when it was found right by asking: reconcile asks again where either shows anything else.
CREATE TABLE relay_pair (scope TEXT NOT NULL, key TEXT NOT NULL, face TEXT NOT NULL, PRIMARY KEY (scope, key));

-- What two listings showed of a pair when it was found right by asking: reconcile asks again where either shows anything else.
CREATE TABLE relay_pair (
    scope text NOT NULL, key text COLLATE "C" NOT NULL, face text NOT NULL, PRIMARY KEY (scope, key)
);

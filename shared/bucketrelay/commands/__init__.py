"""Commands, one in a module; `bucketrelay.cli` names them."""

"""The inventory: what stores hold, in tables that anybody's SQL may read, named as COMS names them."""

"""Both sides of a route compared by their listings, the difference repaired, and the books that say so."""

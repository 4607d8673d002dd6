"""How a function calls itself again, asynchronously, with what it could not finish: one module for each cloud.

Each has `invoke(…, payload)`, which comes back when the platform has taken the payload, and otherwise raises
`StoreUnavailable` or `StoreRefused`. There is one attempt, of a few seconds: it is made in the margin that is kept
back for the lists, and where it fails the platform is told instead.
"""

"""Load generators, and what they are run against: see README.md."""

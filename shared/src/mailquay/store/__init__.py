"""Everything Mailquay keeps in Postgres: one module an aggregate, and nothing else speaks SQL."""

"""The embedded default: Postgres, NATS and all five services under one command."""

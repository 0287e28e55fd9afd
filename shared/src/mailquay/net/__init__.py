"""What line protocols share: listeners, TLS and its reload, PROXY protocol, streams."""

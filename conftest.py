"""Every test may use the fixtures of `mailquay.testing`."""

pytest_plugins = ["mailquay.testing.plugin"]

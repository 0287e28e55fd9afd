"""HTTP itself: connections and their bounds, problems, hardening, the built application's files."""

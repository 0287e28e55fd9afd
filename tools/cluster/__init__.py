"""A real Kubernetes cluster on one machine, in namespaces of its own: see README.md here."""

"""What every process needs to run: settings, logs, metrics, health, start and drain."""

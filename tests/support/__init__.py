"""What several tests need: a deployment on a real Kafka, rows as a reader sees them, an independent recount."""

"""The local Apache Kafka: one node, for a laptop and for tests; no Docker, and no Java to install."""

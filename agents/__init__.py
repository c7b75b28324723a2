"""The agents: a dozen lines per input topic, from topic to fold."""

"""streakline: an event-sourced stream processor for the gamification of an LLM gateway."""

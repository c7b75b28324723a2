"""The tests of streakline."""

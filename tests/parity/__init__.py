"""streakline against the module that it replaces: the same in, the same out, and every difference by its name."""

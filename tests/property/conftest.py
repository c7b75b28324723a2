from hypothesis import settings

# No deadline for an example: the machine may be busy with other tests, and how fast a rule is has its own measurements.
settings.register_profile("streakline", deadline=None)
settings.load_profile("streakline")

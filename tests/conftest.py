"""For every test: property tests try the same examples each time, and how long one takes is no matter."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "house", deadline=None, derandomize=True, database=None, suppress_health_check=(HealthCheck.too_slow,)
)
settings.load_profile("house")

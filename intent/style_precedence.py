"""Of two styles that go together in one message, which is the more particular one."""

_PARTICULAR = (
    ("travel_europe", "travel_tropical", 2.5),
    ("travel_japan", "travel_tropical", 2.0),
    ("avatar_3d", "anime", 2.0),
    ("avatar_vtuber", "anime", 3.0),
    ("avatar_gaming", "anime", 0.5),
    ("linkedin", "professional", 4.0),
    ("hongkong_vintage", "vintage", 3.0),
    ("cyberpunk", "night_city", 2.0),
    ("winter_chinese", "hanfu", 1.0),
    ("halloween", "child_portrait", 1.0),
    ("wedding", "family_photo", 1.0),
    ("halloween", "wedding", 3.0),
    ("halloween", "casual", 1.0),
    ("christmas", "family_photo", 0.5),
    ("personal_brand", "professional", 1.5),
    ("personal_brand", "social_media", 1.0),
    ("business_speech", "professional", 1.0),
    ("business_speech", "casual", 2.5),
    ("pet_together", "spring_garden", 2.0),
    ("graduation", "family_photo", 1.0),
    ("hanfu", "spring_garden", 1.5),
    ("hongkong_vintage", "night_city", 2.0),
    ("light_portrait", "artistic", 1.0),
    ("wedding", "vintage", 0.5),
    ("sports_running", "sports_gym", 0.5),
    ("musician", "business_speech", 1.5),
    ("anime", "child_portrait", 1.5),
    ("anime", "family_photo", 1.5),
)
"""Of two styles that are found together: the more particular one, the other, and what the other loses."""


def apply_precedence(scores: dict[str, float], sure: set[str]) -> None:
    """Takes from the scores of those that a more particular one outranks. `sure`: said, not only hinted at."""
    for winner, loser, by in _PARTICULAR:
        if winner in scores and loser in scores and (winner in sure or winner.startswith("travel")):
            scores[loser] -= by

"""Two resources to try a token on."""

from ostiary.feature import Feature
from ostiary.features.protected.routes import protected

FEATURE = Feature(name="protected", blueprints=(protected,))

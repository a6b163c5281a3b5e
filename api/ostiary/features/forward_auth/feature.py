"""Forward authentication: a proxy asks whether a request may pass."""

from ostiary.feature import Feature
from ostiary.features.forward_auth.routes import forward_auth

FEATURE = Feature(name="forward_auth", blueprints=(forward_auth,))

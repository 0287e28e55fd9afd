"""An authenticator on the real database, and accounts to sign in to."""

import pytest

from mailquay.identity import Authenticator
from mailquay.runtime.settings import IdentitySettings, Settings

PASSWORD = "Fäßchen \u2168"
#: Hashing that costs next to nothing.
CHEAP = {"argon2_memory_kib": 8, "argon2_time_cost": 1, "scram_iterations": 4096}


@pytest.fixture
def password() -> str:
    return PASSWORD


@pytest.fixture
async def make_authenticator(store):
    """More of them are more processes."""
    made: list[Authenticator] = []

    def make(**settings) -> Authenticator:
        identity = IdentitySettings.model_validate(CHEAP | settings)
        made.append(Authenticator(store, Settings(identity=identity)))
        return made[-1]

    yield make
    for authenticator in made:
        authenticator.close()


@pytest.fixture
def authenticator(make_authenticator):
    return make_authenticator()


@pytest.fixture
async def alice(store, authenticator):
    await store.accounts.add_domain("example.org")
    made = await authenticator.hash_password(PASSWORD)
    return await store.accounts.add("alice@example.org", made.password_hash, made.scram_sha256)

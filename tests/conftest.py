from pathlib import Path

import pytest
from hypothesis import settings

# No time limit for one example: a loaded machine is no fault of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SHARED = Path(__file__).parents[1] / "../shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of test data beside the checkout; tests that need it are skipped without it."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the data folder {SHARED.resolve()}")
    return SHARED

"""What tests of the embedded reader share: its models, and pictures of pages with a known text."""

from __future__ import annotations

import pytest

from gradio_app.machine import builtin_models as installed
from gradio_app.parsing.readers.embedded.models import Models


@pytest.fixture(scope="session")
def builtin_models() -> Models:
    """The models that the installation brought, kept warm for all tests."""
    models = Models(installed.folder())
    if not models.available:
        pytest.fail(f"no models in {installed.folder()}: run {installed.COMMAND}")
    return models

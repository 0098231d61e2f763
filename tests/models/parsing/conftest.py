"""Models of the embedded reader, as in the tests of its parts."""

from tests.unit.parsing.conftest import builtin_models as builtin_models

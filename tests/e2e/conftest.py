"""Servers that end with their test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crawl_site import Site


@pytest.fixture
def sites() -> Iterator[list[Site]]:
    """Append servers to it; they are closed after the test."""
    made: list[Site] = []
    yield made
    for site in made:
        site.close()

"""Pages for a model server, as MinerU asks for them: the layout first, then each block."""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from gradio_app.model_server.backend import Endpoint
from gradio_app.model_server.http_client import IDLE
from tests.documents import picture

#: a page of the published figures has 4938 / 4.47 = 1,105 tokens: 305 of its layout, 100 of each block
LAYOUT_TOKENS, BLOCKS, BLOCK_TOKENS = 305, 8, 100
#: width and height in pixels: a page is 1,369 tokens, a block 185
PAGE, BLOCK = (1036, 1036), (1036, 140)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The pictures of one page, packed: the whole, and its blocks."""

    whole: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """What came of reading pages: how many, in which time, tokens that were answered."""

    pages: int
    seconds: float
    tokens: int


def sheets(count: int, seed: int = 0, blocks: int = BLOCKS) -> list[Sheet]:
    """Made before the clock runs; no two pictures are alike, so that no cache knows them."""
    found: list[Sheet] = []
    for number in range(seed, seed + count):
        pictures = [_packed(BLOCK, 1000 * number + block) for block in range(1, blocks + 1)]
        found.append(Sheet(_packed(PAGE, 1000 * number), tuple(pictures)))
    return found


def _packed(size: tuple[int, int], seed: int) -> str:
    return "data:image/png;base64," + base64.b64encode(picture(*size, seed)).decode()


async def read_pages(endpoints: Sequence[Endpoint], pages: Sequence[Sheet], at_once: int) -> Load:
    """Reads pages, so many at the same time, by turns on each endpoint. Every answer has its full length."""
    gate, turns = asyncio.Semaphore(at_once), itertools.cycle(range(len(endpoints)))
    limits = httpx.Limits(max_connections=None, keepalive_expiry=IDLE)
    async with httpx.AsyncClient(timeout=600, trust_env=False, limits=limits) as client:

        async def read(sheet: Sheet) -> int:
            async with gate:
                endpoint = endpoints[next(turns)]
                tokens = await _ask(client, endpoint, sheet.whole, "Layout Detection:", LAYOUT_TOKENS)
                asked = [
                    _ask(client, endpoint, block, "Text Recognition:", BLOCK_TOKENS) for block in sheet.blocks
                ]
                return tokens + sum(await asyncio.gather(*asked))

        began = time.monotonic()
        tokens = sum(await asyncio.gather(*map(read, pages)))
        return Load(len(pages), time.monotonic() - began, tokens)


async def _ask(client: httpx.AsyncClient, endpoint: Endpoint, url: str, prompt: str, tokens: int) -> int:
    """One chat; how many tokens it answered. It goes on to its limit, whatever the weights make of it."""
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": f"\n{prompt}"}]
    body = {
        "model": endpoint.model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": tokens,
        "ignore_eos": True,
    }
    headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    answer = await client.post(f"{endpoint.url}/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text[:500]
    return int(answer.json()["usage"]["completion_tokens"])

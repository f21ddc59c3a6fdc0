"""Typst, in a few threads of its own: a document takes milliseconds, and never the event loop's."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import typst

from billing_svc.adapters.pdf.view import document_view, receipt_view
from billing_svc.domain.documents import Document

_TEMPLATES = Path(__file__).parent


class TypstRenderer:
    """``DocumentRenderer`` as PDF/UA-1, with the fonts that come with Typst: the same bytes on every machine."""

    def __init__(self, threads: int = 2) -> None:
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="pdf")

    async def document(self, document: Document, *, is_payable_online: bool) -> bytes:
        view = document_view(document, is_payable_online=is_payable_online)
        return await self._run("document.typ", view, document)

    async def receipt(self, document: Document) -> bytes:
        return await self._run("receipt.typ", receipt_view(document), document)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, template: str, data: dict[str, Any], document: Document) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, _compile, template, json.dumps(data, ensure_ascii=False), int(document.issued_at.timestamp())
        )


def _compile(template: str, data: str, timestamp: int) -> bytes:
    return bytes(
        typst.compile(
            str(_TEMPLATES / template),
            root=str(_TEMPLATES),
            ignore_system_fonts=True,
            sys_inputs={"data": data},
            pdf_standards="ua-1",
            timestamp=timestamp,
        )
    )

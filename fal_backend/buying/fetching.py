# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the addresses of bought files to files in the run folder, each with its receipt in the journal."""

from __future__ import annotations

from pathlib import Path

from ...pipeline.run.attempt import Attempt
from ...pipeline.run.events import Downloaded
from ...pipeline.stages import JobState
from ...pipeline.wording.text_table import usd
from ..errors import BadDownload, Expired, FalError
from ..problems import Problem
from ..service import download, verify, words
from .accounts import Accounts
from .purchase import Purchase, Tell


class Fetching:
    """Several threads may share one."""

    def __init__(self, root: Path, accounts: Accounts) -> None:
        self._root = root
        self._accounts = accounts

    def bring_home(self, attempt: Attempt, purchase: Purchase, tell: Tell) -> list[Path]:
        """Fetch what is not on disk yet. A file that is there is left alone, whatever has been done to it since.

        Raises FalError, naming the request, or RunFolderError.
        """
        media = {self._accounts.relative(output.file): output.media for output in purchase.outputs}
        addresses = {file.path: file.url for file in attempt.result.files} if attempt.result is not None else {}
        try:
            return [self._bring(attempt, path, media.get(path), addresses.get(path), tell) for path in attempt.outputs]
        except Expired as error:
            price = usd(attempt.committed_usd)
            raise Expired(
                Problem.FILE_GONE_OF, request_id=attempt.request_id, what=str(error), key=attempt.key, price=price
            ) from error
        except FalError as error:
            error.about(attempt.request_id)
            raise

    def _bring(self, attempt: Attempt, path: str, media: str | None, url: str | None, tell: Tell) -> Path:
        receipt = attempt.downloaded.get(path)
        there = self._root / (receipt.file if receipt is not None and receipt.file else path)
        if receipt is not None and there.is_file():
            return there
        wanted = media or _media_of(path)
        if words.is_words(path) and url is not None:
            fetched = words.keep(url, self._root / path)
        elif receipt is None and (found := _arrived(self._root / path, wanted)) is not None:
            fetched = found  # it came whole, and the crash was before its receipt
        elif url is None:
            raise Expired(Problem.FILE_GONE)
        else:
            tell(JobState.SAVING, "downloading", request_id=attempt.request_id)
            fetched = download.fetch(url, self._root / path, wanted, lambda text: tell(JobState.SAVING, text))
        file = self._accounts.relative(fetched.path)
        self._accounts.note(attempt, Downloaded(path, file, fetched.bytes, fetched.sha256))
        return fetched.path


def _arrived(out: Path, media: str) -> download.Fetched | None:
    """The file at ``out``, or at its name with the extension of another type of the same kind, if it is whole."""
    for suffix in verify.suffixes(media):
        path = out.with_suffix(suffix)
        if path.is_file():
            try:
                return download.receipt(path, verify.check(path, media))
            except BadDownload:
                continue
    return None


def _media_of(path: str) -> str:
    suffix = Path(path).suffix
    return next((media for media, extension in verify.EXTENSIONS.items() if extension == suffix), "image/png")

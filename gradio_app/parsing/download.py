"""Download of weights by MinerU's own functions, which verify files and mark a model as complete."""

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from gradio_app.base.errors import DiskFull, ModelsMissing, as_app_error
from gradio_app.base.page_readers import PageReader
from gradio_app.parsing.error_translation import chain
from gradio_app.parsing.resumable_download import fetch_large


def small_name() -> str:
    """The small models that MinerU would use here: the torch ones where torch has a card, else ONNX."""
    from mineru.model.registry import small_model_repo

    return str(small_model_repo().name)


def is_being_fetched(name: str) -> bool:
    """Whether another process fetches these weights now. If none does, sweeps what a killed one left."""
    from filelock import FileLock, Timeout
    from mineru.model.registry import get_model_repo

    repo = get_model_repo(name)
    lock = repo.lock_path()
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(str(lock), timeout=0):
            # the hub's library never takes half a file up again: each fetch has a name of its own
            for part in repo.local_dir().glob(".cache/huggingface/**/*.incomplete"):
                part.unlink(missing_ok=True)
    except Timeout:
        return True
    return False


def fetch_reader(reader: PageReader, folder: Path, source: str) -> None:
    """Fetches the weights of a page reader from ``source`` (huggingface or modelscope) into ``folder``.

    Raises ``ModelsMissing`` with the reason, or ``DiskFull``.
    """
    from filelock import FileLock

    lock = folder.parent / ".locks" / f"{folder.name}.lock"
    weights = reader.weights
    with _explained(folder.name, source):
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(lock)):
            if source == "huggingface":
                from huggingface_hub import snapshot_download

                fetch_large(weights.repo, folder, [""])
                snapshot_download(weights.repo, local_dir=folder)
            else:
                from modelscope import snapshot_download as from_mirror

                from_mirror(weights.mirror or weights.repo, local_dir=str(folder))


def fetch(name: str, source: str) -> None:
    """Fetches weights from ``source`` (huggingface or modelscope); files that are there already are kept.

    Raises ``ModelsMissing`` with the reason, or ``DiskFull``.
    """
    from filelock import FileLock
    from mineru.model.download import download_model_repo
    from mineru.model.registry import get_model_repo

    with _explained(name, source):
        repo = get_model_repo(name)
        if source == "huggingface":
            wanted = (
                [""] if repo.download_mode == "full" else [p.relative_path for p in repo.required_paths()]
            )
            with FileLock(str(repo.lock_path())):  # the lock that MinerU takes too, afterwards
                fetch_large(repo.repos["huggingface"], repo.local_dir(), wanted)
        download_model_repo(repo, source=source)


@contextmanager
def _explained(name: str, source: str) -> Generator[None]:
    """Around a download: why it failed, as an error of ours."""
    try:
        yield
    except Exception as error:  # the hubs' libraries raise whatever the network, the disk and the hub do
        if isinstance(as_app_error(error), DiskFull):
            raise DiskFull(f"The disk is full: {name} does not fit.") from error
        raise ModelsMissing(
            f"{name} could not be fetched from {source}: {_reason(error)}. Start again to go on "
            "where it stopped."
        ) from error


def _reason(error: BaseException) -> str:
    """The first line of the innermost error with a text: that is where the network speaks."""
    texts = [text for one in chain(error) if (text := str(one).strip())]
    return (texts or [type(error).__name__])[-1].splitlines()[0].strip().rstrip(".")

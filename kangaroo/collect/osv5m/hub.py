"""The Hugging Face hub: what a data set there holds, and how to ask for it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import httpx

from kangaroo.collect.downloads import Remote, open_client, patiently
from kangaroo.collect.transport import AgainError, SourceError

T = TypeVar("T")


@contextmanager
def open_hub() -> Iterator[httpx.Client]:
    """A client for the hub, with the token that $HF_TOKEN or huggingface_hub's own login gives, if any."""
    from huggingface_hub import get_token

    token = get_token()
    with open_client({"Authorization": f"Bearer {token}"} if token else {}) as client:
        yield client


def list_repository(name: str) -> tuple[str, dict[str, Remote]]:
    """The newest commit of a data set at $HF_ENDPOINT, and its files by path; SHA-256 '' where not known.

    UnfinishedError: the hub doesn't answer; SourceError: it refuses.
    """
    from huggingface_hub import HfApi, hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    api, what = HfApi(endpoint=endpoint), f"the Hugging Face hub ({endpoint or 'huggingface.co'})"
    info = patiently(lambda: _answer(partial(api.repo_info, name, repo_type="dataset"), name), what)
    commit = str(info.sha)

    def listed() -> list[object]:
        return list(api.list_repo_tree(name, repo_type="dataset", revision=commit, recursive=True))

    found = {}
    for entry in patiently(lambda: _answer(listed, name), what):
        path, lfs = str(getattr(entry, "path", "")), getattr(entry, "lfs", None)
        url = hf_hub_url(name, path, repo_type="dataset", revision=commit, endpoint=endpoint)
        found[path] = Remote(url, lfs.sha256 if lfs else "", getattr(entry, "size", 0))
    return commit, found


def _answer(ask: Callable[[], T], name: str) -> T:
    """What huggingface_hub gives; its errors, and those of whatever it speaks HTTP with, as ours."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return ask()
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403, 404):
            raise SourceError(
                f"the Hugging Face hub gives no {name} (HTTP {status}): check HF_ENDPOINT and HF_TOKEN"
            ) from error
        raise AgainError(f"HTTP {status}", unpaid=True) from error
    except Exception as error:
        raise AgainError(f"no connection ({type(error).__name__})", unpaid=True) from error

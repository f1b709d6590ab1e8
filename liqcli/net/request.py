"""One request to a source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """
    A GET request, or with ``body`` a POST that changes nothing at the source.

    Attributes
    ----------
    absent : tuple of int
        Statuses that mean "does not exist"; the result is then None.
    url : str or None
        Scheme and host, if they differ from the source's. ``LIQCLI_URL_…`` replaces either.
    weight : float
        Weight of the request in the source's limits.
    file : bool
        Whether the answer may be large. A large one is kept on disk, and ``decode`` gets a
        :class:`~liqcli.net.response_body.FileBody`.
    packed : bool
        Whether ``decode`` decodes the content encoding itself. urllib3 does not report that a compressed body was
        truncated or empty.
    body : str or None
        JSON text of a POST.
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    absent: tuple[int, ...] = ()
    url: str | None = None
    weight: float = 1.0
    file: bool = False
    packed: bool = False
    body: str | None = None

    @property
    def text(self) -> str:
        """Path and parameters, for messages."""
        query = "&".join(f"{name}={value}" for name, value in self.params)
        return f"{self.path}?{query}" if query else self.path

"""What the page may do, as a content security policy: nothing with any other host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """A policy.

    Attributes
    ----------
    in_page : str
        What may stand in a page.
    in_header : str
        The same, and what only a header can say.
    """

    in_page: str

    @property
    def in_header(self) -> str:
        """See the class."""
        return f"{self.in_page}; frame-ancestors 'none'"


PAGE_POLICY = Policy(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'"
)

"""The one file in a `multipart/form-data` body, piece by piece as the body comes."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from organology.serving.problems import Problem

_MOST_HEADER_BYTES = 8192
_MOST_PARTS = 20


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a form; None if the content is no form.

    Raises
    ------
    Problem
        400 if it is one without a boundary.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return None
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem(400, "the form has no boundary")
    return boundary


class FormFile:
    """Takes a form apart; keeps the content of its file and drops other fields.

    Parameters
    ----------
    boundary : bytes
    """

    def __init__(self, boundary: bytes) -> None:
        self._content = bytearray()
        self._field = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._name: str | None = None
        self._is_file = self._is_ended = False
        self._n_parts = self._n_files = 0
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_part_data": self._data,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise Problem(400, f"the form is broken: {error}") from error

    def feed(self, piece: bytes) -> bytes:
        """Take a piece of the body; what it holds of the file.

        Raises
        ------
        Problem
            400 if the form is broken, or has several files.
        """
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise Problem(400, f"the form is broken: {error}") from error
        content, self._content = bytes(self._content), bytearray()
        return content

    def close(self) -> str | None:
        """End the form; the name of the file in it.

        Raises
        ------
        Problem
            400 if it is cut, or has no file.
        """
        if not self._is_ended:
            raise Problem(400, "the form is broken: it ends in the middle")
        if not self._n_files:
            raise Problem(400, "the form holds no file")
        return self._name

    def _begin(self) -> None:
        self._disposition, self._is_file = b"", False
        self._n_parts += 1
        if self._n_parts > _MOST_PARTS:
            raise Problem(400, f"the form has more than {_MOST_PARTS} parts")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._grow(self._field, data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._grow(self._value, data[start:end])

    def _grow(self, kept: bytearray, more: bytes) -> None:
        kept += more
        if len(kept) > _MOST_HEADER_BYTES:
            raise Problem(400, "the form is broken: a header is too long")

    def _header_end(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._is_file = b"filename" in options
        if self._is_file:
            self._n_files += 1
            self._name = options[b"filename"].decode("utf-8", "replace")
        if self._n_files > 1:
            raise Problem(400, "the form holds several files; send one a request")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._content += data[start:end]

    def _end(self) -> None:
        self._is_ended = True

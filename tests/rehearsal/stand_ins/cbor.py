"""CBOR (RFC 8949), as AWS's newer SDKs speak it: requests are read, and small answers written."""

import struct
from typing import Any, Final

_FLOATS: Final = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE: Final = {20: False, 21: True, 22: None}
_ENDLESS: Final = 31
_SHORTEST_LENGTH: Final = 24


class Reader:
    """Reads one value."""

    def __init__(self, data: bytes) -> None:
        """Begin at its first byte."""
        self._data = data
        self._at = 0

    def _take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def read(self) -> Any:  # noqa: ANN401, PLR0911 - a value of any kind
        """Return the next value."""
        first = self._take(1)[0]
        major, info = first >> 5, first & 0x1F
        if major == 7:
            if info in _FLOATS:
                form, count = _FLOATS[info]
                return struct.unpack(form, self._take(count))[0]
            return _SIMPLE[info]
        number = self._number(info)
        match major:
            case 0:
                return number
            case 1:
                return -1 - (number or 0)
            case 2:
                return self._take(number or 0)
            case 3:
                return self._take(number or 0).decode()
            case 4:
                return [self.read() for _ in self._each(number)]
            case 5:
                return {self.read(): self.read() for _ in self._each(number)}
            case _:
                # A tag, such as that of a time.
                return self.read()

    def _number(self, info: int) -> int | None:
        """Return the number in the head of a value: itself, or its length; None if it is open."""
        if info == _ENDLESS:
            return None
        if info < _SHORTEST_LENGTH:
            return info
        return int.from_bytes(self._take(1 << (info - _SHORTEST_LENGTH)), "big")

    def _each(self, count: int | None) -> Any:  # noqa: ANN401 - an iterator
        if count is not None:
            yield from range(count)
            return
        while self._data[self._at] != 0xFF:
            yield None
        self._at += 1


def text_map(texts: dict[str, str]) -> bytes:
    """Return a map of texts, each shorter than 256 bytes."""
    words = [word.encode() for pair in texts.items() for word in pair]
    body = b"".join(bytes([0x78, len(word)]) + word for word in words)
    return bytes([0xA0 + len(texts)]) + body

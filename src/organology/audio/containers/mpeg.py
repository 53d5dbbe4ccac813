"""What stands around and at the head of MPEG audio (mp3, mp2, ADTS): tags, and the count of frames.

Forms: ID3v2 (https://id3.org/id3v2.4.0-structure), APEv2 (https://wiki.hydrogenaud.io/index.php?title=APEv2_specification),
Lyrics3 v2 (https://id3.org/Lyrics3v2), Xing and VBRI (https://www.codeproject.com/Articles/8295/MPEG-Audio-Frame-Header).
"""

from __future__ import annotations

from typing import Any

TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
"""What tags begin with."""

_ID3_HEAD = 10
_ID3V1_BYTES = 128
_APE_FOOT = 32
_LYRICS_FOOT = 15
_MAX_TAGS = 16


def begins_with_frame(head: bytes) -> bool:
    """Whether bytes begin with the sync word of an MPEG audio frame."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0


def is_free_format(head: bytes) -> bool:
    """Whether bytes begin with a frame of layer II or III that does not declare its bit rate."""
    return begins_with_frame(head) and len(head) > 2 and head[1] & 0x06 in (0x02, 0x04) and head[2] & 0xF0 == 0


def id3_end(file: Any) -> int:
    """Where the ID3v2 tags at the beginning of a file end; 0 if there is none."""
    end = 0
    for _ in range(_MAX_TAGS):
        file.seek(end)
        head = file.read(_ID3_HEAD)
        if head[:3] != b"ID3" or len(head) < _ID3_HEAD:
            break
        end += _ID3_HEAD + _syncsafe(head[6:]) + (_ID3_HEAD if head[5] & 0x10 else 0)
    return end


def tags_begin(file: Any, size: int) -> int:
    """Where the tags at the end of a file (ID3v1, APEv2, Lyrics3, ID3v2) begin; its size if there is none."""
    end = size
    for _ in range(_MAX_TAGS):
        length = _tag_length(file, end)
        if not 0 < length <= end:
            break
        end -= length
    return end


def _tag_length(file: Any, end: int) -> int:
    file.seek(max(0, end - _ID3V1_BYTES))
    foot = file.read(min(end, _ID3V1_BYTES))
    if foot[:3] == b"TAG" and len(foot) == _ID3V1_BYTES:
        return _ID3V1_BYTES
    if foot[-_APE_FOOT:].startswith(b"APETAGEX"):
        length = int.from_bytes(foot[-20:-16], "little")
        has_head = bool(int.from_bytes(foot[-12:-8], "little") & 1 << 31)
        return length + (_APE_FOOT if has_head else 0)
    if foot.endswith(b"LYRICS200") and foot[-_LYRICS_FOOT:-9].isdigit():
        return int(foot[-_LYRICS_FOOT:-9]) + _LYRICS_FOOT
    if foot[-_ID3_HEAD:].startswith(b"3DI"):
        return _syncsafe(foot[-4:]) + 2 * _ID3_HEAD
    return 0


def counted_samples(head: bytes) -> int | None:
    """Samples of a file by the count of frames in its first frame (Xing, Info, VBRI), the encoder's delay included.

    Parameters
    ----------
    head : bytes
        From the first frame on, 64 or more.

    Returns
    -------
    int or None
        None if the file does not count them.
    """
    if not begins_with_frame(head) or head[1] & 0x06 != 0x02:  # layer III alone
        return None
    is_mpeg1 = head[1] & 0x18 == 0x18
    is_mono = len(head) > 3 and head[3] & 0xC0 == 0xC0
    side = (17 if is_mono else 32) if is_mpeg1 else (9 if is_mono else 17)
    at = 4 + side
    n_frames = 0
    if head[at : at + 4] in (b"Xing", b"Info") and head[at + 7 : at + 8] and head[at + 7] & 1:
        n_frames = int.from_bytes(head[at + 8 : at + 12], "big")
    elif head[36:40] == b"VBRI":
        n_frames = int.from_bytes(head[50:54], "big")
    return n_frames * (1152 if is_mpeg1 else 576) or None


def _syncsafe(digits: bytes) -> int:
    return sum((byte & 127) << shift for byte, shift in zip(digits[:4], (21, 14, 7, 0), strict=False))

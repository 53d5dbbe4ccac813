"""Which decoder reads a source: the one that reads its kind whole and fast first, the other where that one cannot.

============================  ==========  ==================================================================
kind                          first       why
============================  ==========  ==================================================================
MPEG audio (mp3, mp2, ADTS)   FFmpeg      libsndfile prints, and reads nothing but mp3
mp3 in free format            libsndfile  FFmpeg does not know it
Opus                          FFmpeg      libsndfile gives up on many files, or ends early without a word
WAV over 4 GiB                FFmpeg      it reads to the end of the file
all other                     libsndfile  twice as fast as FFmpeg; where it does not know the length, it fails
============================  ==========  ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable

from organology.audio.containers import mpeg, ogg
from organology.audio.containers.headers import mended
from organology.audio.decoding.chain import ChainReader
from organology.audio.decoding.readers import NO_STREAM, NotAudioError, Reader, SoundfileReader
from organology.audio.sources.source import OpenSource

_Opener = Callable[[OpenSource], Reader]


def prepared(source: OpenSource) -> OpenSource:
    """The source without what confuses decoders: tags of mp3 on other files, tags at the end, untrue lengths.

    Returns
    -------
    OpenSource
        The same one, or a view, to be closed.
    """
    if source.head.startswith(b"ID3"):
        with source.opened() as file:
            start = mpeg.id3_end(file)
            file.seek(start)
            head = file.read(4)
        if head and not mpeg.begins_with_frame(head) and start < source.size:
            inner = source.view(start)
            if _is_known(inner.head):
                return mended(inner)
            inner.close()
    if is_mpeg(source):
        with source.opened() as file:
            end = mpeg.tags_begin(file, source.size)
        return source.view(0, end) if source.size - end > 128 and end else source  # FFmpeg knows ID3v1 alone
    return mended(source)


def is_mpeg(source: OpenSource) -> bool:
    """Whether a source begins with a frame of MPEG audio or an ID3 tag, or with nothing known and is named .mp3."""
    if mpeg.begins_with_frame(source.head) or source.head.startswith(b"ID3"):
        return True
    return source.name.lower().endswith(".mp3") and not _is_known(source.head)


def open_reader(source: OpenSource) -> Reader:
    """A reader of a prepared source.

    Raises
    ------
    NotAudioError
        If neither decoder can open it; the reason is empty but where there is no sound in a video.
    """
    if ogg.is_ogg(source.head):
        with source.opened() as file:
            starts = ogg.link_starts(file)
        if len(starts) > 1:
            return ChainReader(source, starts, _open_one)
    return _open_one(source)


def av_reader(source: OpenSource) -> Reader:
    """A reader of FFmpeg's libraries."""
    from organology.audio.decoding.av_reader import AvReader  # PyAV takes a while to import, and few files need it

    return AvReader(source)


def _open_one(source: OpenSource) -> Reader:
    reason = ""
    for opener in _openers(source):
        try:
            return opener(source)
        except NotAudioError as error:
            reason = NO_STREAM if str(error) == NO_STREAM else reason
    raise NotAudioError(reason)


def _openers(source: OpenSource) -> tuple[_Opener, ...]:
    if is_mpeg(source):
        return (_free_format, av_reader)
    if source.endless or ogg.is_opus(source.head):
        return (av_reader, SoundfileReader)
    return (_of_known_length, av_reader, SoundfileReader)


def _of_known_length(source: OpenSource) -> Reader:
    reader = SoundfileReader(source)
    if reader.frames is None:
        reader.close()
        raise NotAudioError("length unknown")
    return reader


def _free_format(source: OpenSource) -> Reader:
    with source.opened() as file:
        file.seek(mpeg.id3_end(file))
        head = file.read(4)
    if not mpeg.is_free_format(head):
        raise NotAudioError("")
    return SoundfileReader(source, mpeg=True)


def _is_known(head: bytes) -> bool:
    return head.startswith(
        (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"fLaC", b"OggS", b".snd", b"dns.", b"caff", b"riff", b"wvPk")
    )

"""Sounds for tests: made, written, encoded and cut."""

import av
import numpy as np
import soundfile


def tone(seconds=1.0, rate=44_100, channels=1, frequency=440.0):
    t = np.arange(round(seconds * rate)) / rate
    return np.repeat(0.3 * np.sin(2 * np.pi * frequency * t)[:, None], channels, axis=1).astype(np.float32)


def noise(seconds=1.0, rate=44_100, channels=2):
    generator = np.random.default_rng(0)
    return (0.1 * generator.standard_normal((round(seconds * rate), channels))).astype(np.float32)


def write(path, samples, rate=44_100, **kinds):
    # In pieces: libsndfile overflows its stack on one long write to mp3 or vorbis.
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], **kinds) as file:
        for start in range(0, len(samples), 8192):
            file.write(samples[start : start + 8192])
    return path


def encode(path, samples, rate=44_100, codec="aac", with_picture=False, **options):
    """Encode with FFmpeg's libraries, which write what libsndfile cannot."""
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    with av.open(str(path), "w", options=options) as container:
        if with_picture:
            video = container.add_stream("mpeg4", rate=10)
            video.width = video.height = 32
            video.pix_fmt = "yuv420p"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 128_000
        if with_picture:
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(video.encode(picture))
            container.mux(video.encode(None))
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
        for ready in resampler.resample(frame):
            fifo.write(ready)
        while (piece := fifo.read(stream.codec_context.frame_size or 1024, partial=True)) is not None:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def cut(path, share=0.6):
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    return path

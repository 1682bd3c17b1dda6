"""Videos made on the spot: every frame shows its own number as a bar code, which no decoder has to be asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
import pytest

BITS = 10
HEIGHT, WIDTH = 96, 160


def numbered(index: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return an RGB frame whose upper half is `index` in binary, black and white, over a coloured, moving ground."""
    image = np.zeros((height, width, 3), np.uint8)
    y, x = np.mgrid[:height, :width]
    image[..., 0] = 60 + (x * 120) // width
    image[..., 1] = 60 + (y * 120) // height
    image[..., 2] = 90 + (30 * np.sin((x + 3 * index) / 9)).astype(np.int16).astype(np.uint8) % 60
    cell = width // BITS
    for bit in range(BITS):
        image[: height // 2, bit * cell : (bit + 1) * cell] = 235 if index >> bit & 1 else 20
    return image


def number_shown(image: np.ndarray) -> int:
    """Return the number that `numbered` drew."""
    grey = image.mean(axis=-1) if image.ndim == 3 else image
    cell = grey.shape[1] // BITS
    rows = grey[: grey.shape[0] // 2]
    return sum(1 << bit for bit in range(BITS) if rows[:, bit * cell : (bit + 1) * cell].mean() > 128)


def encode(
    path: Path,
    images: Iterable[np.ndarray],
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times: Sequence[int] | None = None,
    rate: int = 30,
    options: dict[str, str] | None = None,
    colour: tuple[int, int] | None = None,
) -> Path:
    """Encode RGB images with FFmpeg's own conversion; `times` in 1/1000 s, `colour` = (matrix, range)."""
    time_base = Fraction(1, 1000) if times is not None else Fraction(1, rate)
    with av.open(str(path), "w") as container:
        stream = None
        for index, image in enumerate(images):
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=options or {})
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.codec_context.time_base = time_base
                if colour:
                    stream.codec_context.colorspace, stream.codec_context.color_range = colour
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if colour:
                frame = frame.reformat(format=pix_fmt, dst_colorspace=colour[0], dst_color_range=colour[1])
            else:
                frame = frame.reformat(format=pix_fmt)
            frame.pts = times[index] if times is not None else index
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decode_from_the_start(path: Path) -> list[np.ndarray]:
    """Return every frame by PyAV alone, one thread, going on after packets that cannot be decoded."""
    images: list[np.ndarray] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            try:
                images += [frame.to_ndarray(format="rgb24") for frame in packet.decode()]
            except av.error.InvalidDataError:
                continue
    return images


B_FRAMES = {"g": "24", "bf": "3", "x264-params": "scenecut=0:b-adapt=0", "crf": "12", "preset": "veryfast"}


@pytest.fixture(scope="session")
def make_video(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that encodes `n` numbered frames under `name`, once per name."""
    folder = tmp_path_factory.mktemp("videos")
    made: dict[str, Path] = {}

    def make(name: str, n: int = 150, **how: object) -> Path:
        if name not in made:
            made[name] = encode(folder / name, (numbered(i) for i in range(n)), **{"options": B_FRAMES, **how})
        return made[name]

    return make


@pytest.fixture(scope="session")
def b_frame_video(make_video) -> Path:
    return make_video("b_frames.mp4")


@pytest.fixture(scope="session")
def variable_rate_video(make_video) -> Path:
    steps = np.random.default_rng(4).integers(7, 140, 150)
    return make_video("variable_rate.mp4", times=[int(t) for t in np.cumsum(steps)])


def damage(source: Path, target: Path, stretches: Sequence[tuple[float, int]], seed: int = 0) -> Path:
    """Copy a video with random bytes at each (place between 0 and 1, length) of the file."""
    data = bytearray(source.read_bytes())
    generator = np.random.default_rng(seed)
    for place, length in stretches:
        start = int(len(data) * place)
        data[start : start + length] = generator.integers(0, 256, length, dtype=np.uint8).tobytes()
    target.write_bytes(bytes(data))
    return target


@pytest.fixture(scope="session")
def damaged_video(b_frame_video, tmp_path_factory) -> Path:
    """Random bytes over two stretches of the middle, one of which swallows a key frame."""
    target = tmp_path_factory.mktemp("damaged") / "damaged.mp4"
    return damage(b_frame_video, target, [(0.25, 600), (0.5, 6000)])

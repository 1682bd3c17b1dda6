"""A mouse seen from above whose keypoints are known exactly: how it moves, and how it is drawn.

The drawing is made at four times the resolution and averaged down, with sub-pixel coordinates throughout, so that the
centre of a drawn ear lies within a few hundredths of a pixel of the stated keypoint. The ears carry tags of different
colour: left and right can then be told apart from the look of the part itself, as in laboratories that mark animals.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.demo.change import FIRST, Colour, Look, scene
from dlc_core.skeleton import Skeleton

SKELETON = Skeleton(
    keypoints=("snout", "leftear", "rightear", "spine", "tailbase", "tailtip"),
    edges=(
        ("snout", "leftear"),
        ("snout", "rightear"),
        ("leftear", "spine"),
        ("rightear", "spine"),
        ("spine", "tailbase"),
        ("tailbase", "tailtip"),
    ),
    symmetric=(("leftear", "rightear"),),
)

RATE_FPS = 30.0
_OVERSAMPLING = 4
_SHIFT = 6  # fractional bits of the coordinates handed to OpenCV
_MAX_TURN = np.radians(7.0)  # per frame

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Posture:
    """Where every part of the animal is in one frame, in pixels; only `keypoints` are labelled, the rest is drawn."""

    keypoints: Points  # (6, 2), in the order of SKELETON.keypoints
    tail: Points  # (n, 2), from tail base to tail tip
    feet: Points  # (4, 2)
    head: Points  # (2,), centre of the head
    body_angle: float
    head_angle: float
    unit: float  # pixels; the body is about three units long


def postures(frames: int, height: int, width: int, seed: int, change_at: int | None = None) -> list[Posture]:
    """Return the postures of a walk.

    Frame i depends on the seed and the frame size, not on `frames`: a longer walk begins with the shorter one.

    Parameters
    ----------
    frames : int
        How many.
    height, width : int
        Size of the image; the whole animal stays inside.
    seed : int
        Two seeds give two walks.
    change_at : int or None
        Frame from which on the animal moves in another way (`dlc_core.demo.change`); None: it never does.
    """
    generator = np.random.default_rng(np.random.SeedSequence((seed, 1)))
    unit = min(height, width) / 10.0
    margin = 3.25 * unit
    half = np.array([width / 2 - margin, height / 2 - margin])
    frequency = generator.uniform([[0.055, 0.12, 0.26]] * 2, [[0.085, 0.18, 0.36]] * 2)
    phase = generator.uniform(0, 2 * np.pi, (2, 3))
    weight = np.array([0.66, 0.25, 0.09])
    turn_phase, bend_phase, wave_phase = generator.uniform(0, 2 * np.pi, 3)

    result: list[Posture] = []
    heading: float | None = None
    hurry = 0.0  # frames by which the animal is ahead of the clock
    for frame in range(frames):
        motion = scene(frame, change_at).motion
        t = (frame + hurry) / RATE_FPS
        hurry += motion.pace - 1
        angle = 2 * np.pi * frequency * t + phase
        centre = np.array([(width - 1) / 2, (height - 1) / 2]) + half * (weight * np.sin(angle)).sum(axis=1)
        velocity = half * (weight * 2 * np.pi * frequency * np.cos(angle)).sum(axis=1)
        direction = float(np.arctan2(velocity[1], velocity[0]))
        if heading is None:
            heading = direction
        missing = (direction - heading + np.pi) % (2 * np.pi) - np.pi
        heading += float(np.clip(0.25 * missing, -_MAX_TURN * motion.pace, _MAX_TURN * motion.pace))
        head_turn = motion.head * np.sin(2 * np.pi * 0.55 * t + turn_phase) + 0.15 * np.sin(2 * np.pi * 1.3 * t)
        bend = motion.bend * np.sin(2 * np.pi * 0.8 * t + bend_phase)
        wave = 2 * np.pi * 1.1 * t + wave_phase
        walked = float(np.hypot(*velocity)) * t
        result.append(_posture(centre, heading, head_turn, bend, wave, motion.tail, walked, unit))
    return result


def _posture(
    centre: Points,
    heading: float,
    head_turn: float,
    bend: float,
    wave: float,
    swing: float,
    walked: float,
    unit: float,
) -> Posture:
    forward, head_angle, back = heading + bend / 2, heading + head_turn, heading + np.pi + bend
    neck = centre + 0.95 * unit * _direction(forward)
    head = neck + 0.5 * unit * _direction(head_angle)
    snout = head + 0.72 * unit * _direction(head_angle)
    left_ear = head - 0.2 * unit * _direction(head_angle) + 0.55 * unit * _direction(head_angle - np.pi / 2)
    right_ear = head - 0.2 * unit * _direction(head_angle) + 0.55 * unit * _direction(head_angle + np.pi / 2)
    tail_base = centre + 1.25 * unit * _direction(back)
    along = np.linspace(0, 1, 25)
    angles = back + swing * along * np.sin(wave - 2.6 * along)
    steps = 1.85 * unit / (len(along) - 1) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    tail = tail_base + np.concatenate([np.zeros((1, 2)), np.cumsum(steps[:-1], axis=0)])
    gait = walked / unit * 0.6
    feet = np.stack(
        [
            centre
            + (x + 0.16 * np.sin(gait + offset)) * unit * _direction(heading)
            + y * unit * _direction(heading + np.pi / 2)
            for x, y, offset in ((0.7, -0.62, 0.0), (0.7, 0.62, np.pi), (-0.75, -0.72, np.pi), (-0.75, 0.72, 0.0))
        ]
    )
    keypoints = np.stack([snout, left_ear, right_ear, centre, tail_base, tail[-1]])
    return Posture(keypoints, tail, feet, head, heading + bend / 2, head_angle, unit)


def draw(image: NDArray[np.uint8], posture: Posture, look: Look = FIRST.look) -> NDArray[np.uint8]:
    """Return `image` with the animal drawn on it.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB, left as it is.
    posture : Posture
    look : Look
        The animal's colours.
    """
    height, width = image.shape[:2]
    everything = np.concatenate([posture.keypoints, posture.tail, posture.feet])
    reach = 1.2 * posture.unit
    x1, y1 = np.maximum(np.floor(everything.min(axis=0) - reach), 0).astype(int)
    x2, y2 = np.minimum(np.ceil(everything.max(axis=0) + reach) + 1, (width, height)).astype(int)
    if x1 >= x2 or y1 >= y2:
        return image.copy()
    canvas = _Canvas(y2 - y1, x2 - x1, origin=(float(x1), float(y1)))
    _paint(canvas, posture, look)
    result = image.copy()
    result[y1:y2, x1:x2] = canvas.over(_shaded(image[y1:y2, x1:x2], posture, (x1, y1)))
    return result


def _paint(canvas: _Canvas, posture: Posture, look: Look) -> None:
    unit = posture.unit
    snout, left_ear, right_ear, spine, tail_base, tail_tip = posture.keypoints
    for foot in posture.feet:
        canvas.ellipse(foot, (0.26 * unit, 0.14 * unit), posture.body_angle, look.skin)
    thickness = np.linspace(0.2, 0.07, len(posture.tail) - 1) * unit
    for start, end, width in zip(posture.tail[:-1], posture.tail[1:], thickness, strict=True):
        canvas.line(start, end, width, look.skin)
    canvas.disc(tail_tip, 0.11 * unit, look.tip)
    back = np.arctan2(*(tail_base - spine)[::-1])
    canvas.ellipse(spine + 0.4 * unit * _direction(back), (0.95 * unit, 0.66 * unit), back, look.fur)
    canvas.ellipse(
        spine + 0.35 * unit * _direction(posture.body_angle), (0.95 * unit, 0.56 * unit), posture.body_angle, look.fur
    )
    canvas.disc(tail_base, 0.15 * unit, look.skin)
    canvas.disc(spine, 0.27 * unit, look.fur_light)
    canvas.ellipse(posture.head, (0.62 * unit, 0.44 * unit), posture.head_angle, look.fur)
    nose = posture.head + 0.42 * unit * _direction(posture.head_angle)
    canvas.ellipse(nose, (0.36 * unit, 0.24 * unit), posture.head_angle, look.fur)
    for ear, tag in ((left_ear, look.tag_left), (right_ear, look.tag_right)):
        canvas.disc(ear, 0.3 * unit, look.ear)
        canvas.disc(ear, 0.17 * unit, tag)
    for side in (-1, 1):
        eye = posture.head + 0.25 * unit * _direction(posture.head_angle)
        canvas.disc(eye + side * 0.27 * unit * _direction(posture.head_angle + np.pi / 2), 0.07 * unit, look.eye)
    canvas.disc(snout, 0.13 * unit, look.skin)


def _shaded(patch: NDArray[np.uint8], posture: Posture, origin: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the ground under the animal with a soft shadow."""
    disc = np.zeros(patch.shape[:2], np.float32)
    spine = posture.keypoints[3] - origin + 0.18 * posture.unit
    axes = (int(1.45 * posture.unit), int(0.75 * posture.unit))
    centre = (round(float(spine[0])), round(float(spine[1])))
    cv2.ellipse(disc, centre, axes, float(np.degrees(posture.body_angle)), 0, 360, 1.0, -1)
    shade = cv2.GaussianBlur(disc, (0, 0), max(0.25 * posture.unit, 0.5))
    darker: NDArray[np.uint8] = np.clip(patch * (1 - 0.35 * shade[..., None]), 0, 255).astype(np.uint8)
    return darker


class _Canvas:
    """A transparent layer drawn at several times the resolution of the image it is put over."""

    def __init__(self, height: int, width: int, origin: tuple[float, float]) -> None:
        self._colour = np.zeros((height * _OVERSAMPLING, width * _OVERSAMPLING, 3), np.uint8)
        self._cover = np.zeros(self._colour.shape[:2], np.uint8)
        self._origin = np.asarray(origin)

    def disc(self, centre: Points, radius: float, colour: Colour) -> None:
        self.ellipse(centre, (radius, radius), 0.0, colour)

    def ellipse(self, centre: Points, axes: tuple[float, float], angle: float, colour: Colour) -> None:
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        along, across = _direction(angle), _direction(angle + np.pi / 2)
        outline = centre + axes[0] * np.cos(turn)[:, None] * along + axes[1] * np.sin(turn)[:, None] * across
        self._fill(outline, colour)

    def line(self, start: Points, end: Points, width: float, colour: Colour) -> None:
        self.disc(end, width / 2, colour)
        direction = end - start
        across = np.array([-direction[1], direction[0]]) / max(float(np.hypot(*direction)), 1e-9) * width / 2
        self._fill(np.stack([start + across, end + across, end - across, start - across]), colour)

    def over(self, ground: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return `ground` with this layer over it, averaged down to the ground's resolution."""
        size = (ground.shape[1], ground.shape[0])
        cover = cv2.resize(self._cover.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA)[..., None]
        solid = self._colour.astype(np.float32) * (self._cover[..., None] > 0)
        colour = cv2.resize(solid, size, interpolation=cv2.INTER_AREA)
        mixed: NDArray[np.uint8] = np.clip(ground * (1 - cover) + colour + 0.5, 0, 255).astype(np.uint8)
        return mixed

    def _fill(self, outline: Points, colour: Colour) -> None:
        fine = (outline - self._origin) * _OVERSAMPLING + (_OVERSAMPLING - 1) / 2
        fixed = np.rint(fine * (1 << _SHIFT)).astype(np.int32)[None]
        cv2.fillPoly(self._colour, fixed, colour, cv2.LINE_8, _SHIFT)
        cv2.fillPoly(self._cover, fixed, 255, cv2.LINE_8, _SHIFT)


def _direction(angle: float) -> Points:
    return np.array([np.cos(angle), np.sin(angle)])

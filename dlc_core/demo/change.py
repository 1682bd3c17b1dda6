"""What may change in the middle of a generated video: how the animal looks, how it moves, how it is lit.

A network that was trained on the first part then fails on the second, as one does when a laboratory goes on with
another strain of mice in the evening. For this there is the loop of the protocol: outlier frames, labels, merging,
training again.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

CHANGE_FRAMES = 30
"""How long the change takes: nothing jumps, so that no detector is helped by a cut."""

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """Colours of the animal, RGB from 0 to 255."""

    fur: Colour = (92, 82, 74)
    fur_light: Colour = (128, 116, 104)
    skin: Colour = (214, 160, 148)
    ear: Colour = (168, 128, 118)
    tag_left: Colour = (228, 62, 44)
    tag_right: Colour = (38, 110, 226)
    eye: Colour = (20, 18, 18)
    tip: Colour = (20, 18, 18)


@dataclass(frozen=True)
class Motion:
    """How the animal moves.

    Parameters
    ----------
    pace : float
        How fast time passes for it.
    head, bend, tail : float
        How far the head turns, the back bends and the tail swings, amplitudes in radians.
    """

    pace: float = 1.0
    head: float = 0.45
    bend: float = 0.22
    tail: float = 0.75


@dataclass(frozen=True)
class Scene:
    """An animal under a lamp.

    Parameters
    ----------
    look : Look
    motion : Motion
    light : float
        Brightness of the lamp; the noise of the camera stays what it is.
    """

    look: Look
    motion: Motion
    light: float = 1.0


FIRST = Scene(Look(), Motion())
"""A dark mouse that walks."""

SECOND = Scene(
    Look(
        fur=(206, 197, 184),
        fur_light=(228, 221, 210),
        skin=(222, 178, 168),
        ear=(208, 172, 162),
        tag_left=(60, 150, 80),
        tag_right=(214, 176, 50),
        eye=(120, 40, 44),
        tip=(236, 228, 222),
    ),
    Motion(pace=1.5, head=0.7, bend=0.8, tail=1.0),
    light=0.6,
)
"""A pale mouse with other tags in dim light, that runs and curls up."""


def scene(frame: int, change_at: int | None) -> Scene:
    """Return what a frame shows: the first scene, the second one, or during the change something between them.

    Parameters
    ----------
    frame : int
    change_at : int or None
        Frame with which the change begins; None: it never does.
    """
    if change_at is None or frame <= change_at:
        return FIRST
    share = min((frame - change_at) / CHANGE_FRAMES, 1.0)
    if share == 1.0:
        return SECOND
    share = share * share * (3 - 2 * share)
    colours = zip(astuple(FIRST.look), astuple(SECOND.look), strict=True)
    look = Look(*(_mixed(*pair, share) for pair in colours))
    motions = zip(astuple(FIRST.motion), astuple(SECOND.motion), strict=True)
    motion = Motion(*(_between(*pair, share) for pair in motions))
    return Scene(look, motion, _between(FIRST.light, SECOND.light, share))


def _between(first: float, second: float, share: float) -> float:
    return first + share * (second - first)


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (_between(*pair, share) for pair in zip(first, second, strict=True))
    return red, green, blue

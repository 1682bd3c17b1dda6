"""Built-in augmenters: random changes of a training image together with its labels. Nothing heavy is imported here.

To add one: a dataclass with its options and a `Component` here, a class in a file beside this one. A sample
augmenter draws its parameters from the generator it is handed, multiplies everything geometrical into one matrix
and ends in `dlc_plugins.augmenters.geometry.warp_sample`; operations on colour come after it and move nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dlc_core.plugin_api.contract import Component, hookimpl


@dataclass
class NoneConfig:
    """No augmentation: the plain preprocessing warp."""

    name: str = "none"


@dataclass
class ScaleCropConfig:
    """Augmentation of the 2018 protocol; names and numbers are those of ``pose_cfg.yaml`` (Box 2).

    Parameters
    ----------
    scale_jitter_lo, scale_jitter_up : float
        The image is scaled by a factor drawn uniformly between them, on top of ``preprocessing.global_scale``.
    mirror : bool
        Mirror every second image left to right; symmetric pairs of body parts swap.
    cropping : bool
        Whether windows are cut out at all.
    cropratio : float
        Share of the samples that are cut to a window around a random labelled joint.
    minsize : int
        The window reaches at least this far from the joint on every side, in pixels of the image before scaling.
    leftwidth, rightwidth, bottomheight, topheight : int
        How much further it may reach on each side.

    References
    ----------
    Nath, Mathis et al. (2019), Using DeepLabCut for 3D markerless pose estimation across species and behaviors, Box 2.
    """

    name: str = "scalecrop"
    scale_jitter_lo: float = 0.5
    scale_jitter_up: float = 1.5
    mirror: bool = False
    cropping: bool = True
    cropratio: float = 0.4
    minsize: int = 100
    leftwidth: int = 400
    rightwidth: int = 400
    bottomheight: int = 400
    topheight: int = 400


@dataclass
class ImgaugConfig:
    """Scale and rotation about a labelled joint, motion blur, light, contrast equalisation, compression, cover.

    A ``...ratio`` is the share of the samples that an operation is applied to; 0 switches it off.

    Parameters
    ----------
    scale_jitter_lo, scale_jitter_up : float
        Smallest and largest factor of the scale. The joint stays where it is and the image keeps its size.
    rotation : float
        Largest angle in degrees, to either side.
    rotratio : float
        Share of the samples that are rotated.
    mirror : bool
        Mirror every second image left to right; symmetric pairs of body parts swap.
    crop_size : int or None
        Cut a window of this many pixels a side (after scaling) that holds a labelled joint; None keeps the whole image.
    motionblurratio, motion_blur_length : float, int
        Share of the samples that are blurred along a line of random direction, and its largest length in pixels.
    brightnessratio, brightness_dif : float
        Share of the samples that get brighter or darker, and by how much of the full range at most.
    contrastratio, contrast_factor_lo, contrast_factor_up : float
        Share of the samples whose distance from the mean grey level is multiplied, and the range of the factor.
    claheratio : float
        Share of the samples whose contrast is equalised locally (CLAHE).
    histeqratio : float
        Share of the samples whose whole histogram is equalised.
    jpegratio, jpeg_quality_lo : float, int
        Share of the samples that are compressed, and the lowest quality; the highest is 95.
    coverratio, cover_size : float
        Share of the samples with a hidden rectangle, and its largest side as a share of the image's. Hidden points stay
        labelled.

    References
    ----------
    Mathis, Schneider, Lauer, Mathis (2020), A primer on motion capture with deep learning, Neuron 108: section on
    augmentation. The numbers of rotation, CLAHE and histogram equalisation are those of DeepLabCut's
    ``pose_cfg.yaml``, the scale jitter is that of Nath, Mathis et al. (2019), Box 2. The shares and strengths of blur,
    brightness, contrast, compression and cover are moderate values of our own that were not tuned one by one;
    ``benchmarks/openfield_accuracy.py`` measures the default recipe with them.
    """

    name: str = "imgaug"
    scale_jitter_lo: float = 0.5
    scale_jitter_up: float = 1.5
    rotation: float = 25.0
    rotratio: float = 0.4
    mirror: bool = False
    crop_size: int | None = None
    motionblurratio: float = 0.2
    motion_blur_length: int = 7
    brightnessratio: float = 0.3
    brightness_dif: float = 0.2
    contrastratio: float = 0.3
    contrast_factor_lo: float = 0.7
    contrast_factor_up: float = 1.4
    claheratio: float = 0.1
    histeqratio: float = 0.1
    jpegratio: float = 0.1
    jpeg_quality_lo: int = 40
    coverratio: float = 0.1
    cover_size: float = 0.15


@dataclass
class TensorpackConfig:
    """Scale, rotation, noise, saturation, brightness, contrast and blur, each on its own share of the samples.

    Options are named as in DeepLabCut's tensorpack loader, whose ``brightnessratio``, ``saturationratio`` and
    ``noiseratio`` were 0; here they are 0.2, because this augmenter is chosen for them.

    Parameters
    ----------
    scale_jitter_lo, scale_jitter_up, scaleratio : float
        Factor, drawn uniformly, for this share of the samples. The image keeps its size.
    rotation, rotratio : float
        Largest angle in degrees, either way, about the centre of the image.
    mirror : bool
        Mirror every second image left to right; symmetric pairs of body parts swap.
    brightness_dif, brightnessratio : float
        Add up to this share of the full range, either way.
    contrast_factor_lo, contrast_factor_up, contrastratio : float
        Multiply the distance from the mean grey level.
    saturation_max_dif, saturationratio : float
        Multiply the distance from grey by 1 plus or minus up to this.
    noise_sigma, noiseratio : float
        Add Gaussian noise with up to this standard deviation, as a share of the full range.
    blur_max_window_size, blurratio : int, float
        Gaussian blur over up to this many pixels.
    """

    name: str = "tensorpack"
    scale_jitter_lo: float = 0.5
    scale_jitter_up: float = 1.25
    scaleratio: float = 0.6
    rotation: float = 25.0
    rotratio: float = 0.4
    mirror: bool = False
    brightness_dif: float = 0.3
    brightnessratio: float = 0.2
    contrast_factor_lo: float = 0.5
    contrast_factor_up: float = 2.0
    contrastratio: float = 0.2
    saturation_max_dif: float = 0.5
    saturationratio: float = 0.2
    noise_sigma: float = 0.1
    noiseratio: float = 0.2
    blur_max_window_size: int = 10
    blurratio: float = 0.2


@dataclass
class KorniaConfig:
    """Scale, rotation, light, saturation, motion blur and noise of a whole batch on the device it is on.

    The numbers are those of imgaug where it has the same operation; saturation and noise are moderate values of our own
    that no benchmark has measured.

    Parameters
    ----------
    scale_jitter_lo, scale_jitter_up : float
        Factor, drawn uniformly for each sample. A random labelled joint stays where it is and the image keeps its size.
    rotation, rotratio : float
        Largest angle in degrees, either way, about that joint, and the share of the samples that are rotated.
    mirror : bool
        Mirror every second image left to right; symmetric pairs of body parts swap.
    brightness_dif : float
        Add up to this share of the full range, either way.
    contrast_factor_lo, contrast_factor_up : float
        Multiply the distance from the mean grey level.
    saturation_max_dif : float
        Multiply the distance from grey by 1 plus or minus up to this.
    motionblurratio, motion_blur_length : float, int
        Share of the samples that are blurred along a line of random direction, and its length in pixels (odd).
    noise_sigma, noiseratio : float
        Standard deviation of Gaussian noise, as a share of the full range, and the share of the samples that get it.
    """

    name: str = "kornia"
    scale_jitter_lo: float = 0.5
    scale_jitter_up: float = 1.5
    rotation: float = 25.0
    rotratio: float = 0.4
    mirror: bool = False
    brightness_dif: float = 0.2
    contrast_factor_lo: float = 0.7
    contrast_factor_up: float = 1.4
    saturation_max_dif: float = 0.3
    motionblurratio: float = 0.2
    motion_blur_length: int = 7
    noise_sigma: float = 0.03
    noiseratio: float = 0.2


@hookimpl
def dlc_augmenters() -> Iterable[Component]:
    """Offer the built-in augmenters."""
    return [
        Component(
            name="imgaug",
            target="dlc_plugins.augmenters.imgaug:Imgaug",
            config=ImgaugConfig,
            summary="scale, rotation, motion blur, light, equalisation, jpeg, cover: the default",
        ),
        Component(
            name="scalecrop",
            target="dlc_plugins.augmenters.scalecrop:ScaleCrop",
            config=ScaleCropConfig,
            summary="scale jitter and windows around a random joint, as in the 2018 protocol",
        ),
        Component(
            name="tensorpack",
            target="dlc_plugins.augmenters.tensorpack:Tensorpack",
            config=TensorpackConfig,
            summary="scale, rotation, noise, saturation, brightness, contrast, blur",
        ),
        Component(
            name="kornia",
            target="dlc_plugins.augmenters.kornia_batch:KorniaBatch",
            config=KorniaConfig,
            summary="whole batches on the GPU: scale, rotation, light, saturation, motion blur, noise",
            install='pip install "dlc-core[kornia]"',
        ),
        Component(
            name="none",
            target="dlc_plugins.augmenters.plain:Plain",
            config=NoneConfig,
            summary="the plain preprocessing warp, nothing random",
        ),
    ]

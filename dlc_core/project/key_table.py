"""THE table of keys: what each key of config.yaml (Box 1) and pose_cfg.yaml (Box 2) of the protocol means here.

Composition, the pose_cfg.yaml that ``dlc create-dataset`` writes, and the documentation read it. To give a key a
meaning: one row here, and if its value must be translated, a function in `dlc_core.project.key_values`.

References
----------
Nath, Mathis et al. (2019), Using DeepLabCut for 3D markerless pose estimation across species and behaviors, Nature
Protocols 14, Box 1 and Box 2; where the paper is silent, ``pose_cfg.yaml`` of DeepLabCut's TensorFlow engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONFIG = "config.yaml"
POSE_CFG = "pose_cfg.yaml"


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key of a file of the protocol.

    Parameters
    ----------
    key : str
        The key; ``motion_blur_params.k`` is ``k`` below ``motion_blur_params``.
    file : str
        ``config.yaml`` or ``pose_cfg.yaml``.
    option : str
        The option it sets, dotted: ``head.pos_dist_thresh``. Empty when it selects a component or sets no option.
    choice_group : str
        The config group from which it selects a component, or "".
    convert : str or None
        Name of the function in `dlc_core.project.key_values` that translates its value.
    verbs : tuple of str
        The verbs it counts for; empty for every verb that has the option.
    implies : tuple of (option, value)
        What else it sets, weaker than a key of its own for that option.
    quiet : bool
        Without an option: whether nobody expects one, because the project itself reads the key, or it is DeepLabCut's
        own bookkeeping. A key that is not quiet and has no option is reported when it asks for something.
    default : object
        Value in the protocol, which is also what "asks for nothing" means for a key without an option.
    meaning : str
        One line for people.
    """

    key: str
    file: str
    option: str = ""
    choice_group: str = ""
    convert: str | None = None
    verbs: tuple[str, ...] = ()
    implies: tuple[tuple[str, Any], ...] = ()
    quiet: bool = False
    default: Any = None
    meaning: str = ""

    @property
    def has_counterpart(self) -> bool:
        """Whether the key sets an option or selects a component."""
        return bool(self.option or self.choice_group)


def _config(key: str, option: str = "", **rest: Any) -> Key:
    return Key(key=key, file=CONFIG, option=option, **rest)


def _pose(key: str, option: str, default: Any, meaning: str, convert: str | None = None, **rest: Any) -> Key:
    return Key(
        key=key,
        file=POSE_CFG,
        option=option,
        convert=convert,
        verbs=("train",),
        default=default,
        meaning=meaning,
        **rest,
    )


def _none(key: str, default: Any, meaning: str, quiet: bool = False) -> Key:
    return Key(key=key, file=POSE_CFG, quiet=quiet, default=default, meaning=meaning)


_PROJECT_FACTS = (
    *("Task", "scorer", "date", "project_path", "video_sets", "bodyparts", "skeleton", "symmetric_bodyparts"),
    *("multianimalproject", "identity", "individuals", "uniquebodyparts", "multianimalbodyparts"),
    *("TrainingFraction", "iteration", "corner2move2", "move2corner", "x1", "x2", "y1", "y2"),
)
_DEEPLABCUT_ONLY = (
    *("config_version", "pose_config_path", "engine", "default_track_method", "detector_snapshotindex"),
    *(
        "detector_batch_size",
        "SuperAnimalConversionTables",
        "croppedtraining",
        "with_identity",
        "unique_bodyparts",
        "bboxes_pcutoff",
    ),
)

BOX1: tuple[Key, ...] = (
    _config("default_net_type", choice_group="backbone", convert="backbone", verbs=("train",), default="resnet_50"),
    _config("default_augmenter", choice_group="augmenter", convert="augmenter", verbs=("train",), default="imgaug"),
    _config("numframes2pick", "n", verbs=("extract_frames", "extract_outliers"), default=20),
    _config("start", "start", verbs=("extract_frames", "extract_outliers"), default=0),
    _config("stop", "stop", verbs=("extract_frames", "extract_outliers"), default=1),
    _config("cropping", "crop", convert="crop_box", verbs=("analyze",), default=False),
    _config("batch_size", "batch_size", verbs=("analyze",), default=8),
    _config("snapshotindex", "snapshotindex", default=-1),
    _config("pcutoff", "pcutoff", default=0.1),
    _config("colormap", "colormap", default="hsv"),
    _config("dotsize", "dotsize", default=12),
    _config("alphavalue", "alphavalue", default=0.5),
    _config("skeleton_color", "skeleton_color", default="black"),
    *(_config(key, quiet=True) for key in (*_PROJECT_FACTS, *_DEEPLABCUT_ONLY)),
)
"""Keys of the project's config.yaml. Their meanings and defaults as a project has them: `dlc_core.project.config`."""

_NETWORK = (
    _pose(
        "net_type",
        "",
        "resnet_50",
        "backbone: resnet_50, resnet_101, mobilenet_v2_1.0, efficientnet-b0, or a name of `dlc plugins`",
        "backbone",
        choice_group="backbone",
    ),
    _pose("init_weights", "init_weights", None, "snapshot of this program to start from", "snapshot"),
    _pose("output_stride", "backbone.output_stride", 16, "pixels per cell of the backbone's map: 8, 16 or 32"),
    _pose(
        "pos_dist_thresh",
        "head.pos_dist_thresh",
        17,
        "a cell closer to the body part than this counts as hit, in pixels",
    ),
    _pose("scmap_type", "head.target", "plateau", "target of the scoremap: plateau (a disc) or gaussian", "target"),
    _pose("locref_stdev", "head.locref_stdev", 7.2801, "offsets are divided by this, in pixels"),
    _pose("locref_loss_weight", "head.locref_weight", 0.05, "weight of the location refinement in the loss"),
    _pose("location_refinement", "head.locref_weight", True, "false: no location refinement (weight 0)", "zero_if_off"),
    _pose(
        "intermediate_supervision",
        "head.intermediate_supervision",
        False,
        "an extra loss in the middle of the network; recommended for ResNet-101",
    ),
    _none(
        "intermediate_supervision_layer", 12, "unit of ResNet block 3 for it; here always the end of the third stage"
    ),
    _none("locref_huber_loss", True, "Huber loss for the location refinement; here always"),
    _none("deconvolutionstride", 2, "stride of the deconvolution; here always 2"),
)
_SCALE_MEANING = (
    "every image is scaled by this first; null: chosen from the image size, clip(320 / median longer side, 0.5, 1)"
)
_IMAGES = (
    _pose("global_scale", "preprocessing.global_scale", 0.8, _SCALE_MEANING),
    _pose(
        "max_input_size", "preprocessing.max_input_size", 1500, "images with more than this^2 pixels are not trained on"
    ),
    _pose(
        "min_input_size", "preprocessing.min_input_size", 64, "images with fewer than this^2 pixels are not trained on"
    ),
)
_AUGMENTATION = (
    _pose(
        "dataset_type",
        "",
        "imgaug",
        "augmenter: imgaug, scalecrop, tensorpack, or a name of `dlc plugins`",
        "augmenter",
        choice_group="augmenter",
    ),
    _pose("scale_jitter_lo", "augmenter.scale_jitter_lo", 0.5, "images are scaled at random by at least this"),
    _pose("scale_jitter_up", "augmenter.scale_jitter_up", 1.25, "... and at most this"),
    _pose("mirror", "augmenter.mirror", False, "mirror half of the images; symmetric body parts swap"),
    _pose("fliplr", "augmenter.mirror", False, "the same as mirror"),
    _pose("rotation", "augmenter.rotation", 25, "rotate by up to this many degrees (imgaug, tensorpack)", "angle"),
    _pose("rotratio", "augmenter.rotratio", 0.4, "share of the images that are rotated"),
    _pose("cropping", "augmenter.cropping", True, "cut windows around random body parts (scalecrop)"),
    _pose("cropratio", "augmenter.cropratio", 0.4, "share of the images that are cut (scalecrop)"),
    _pose("minsize", "augmenter.minsize", 100, "a window reaches at least this far, in pixels (scalecrop)"),
    _pose("leftwidth", "augmenter.leftwidth", 400, "... and up to this much further to the left (scalecrop)"),
    _pose("rightwidth", "augmenter.rightwidth", 400, "... to the right (scalecrop)"),
    _pose("topheight", "augmenter.topheight", 400, "... to the top (scalecrop)"),
    _pose("bottomheight", "augmenter.bottomheight", 400, "... to the bottom (scalecrop)"),
    _pose(
        "crop_size",
        "augmenter.crop_size",
        None,
        "side of a square window around a body part, in pixels (imgaug)",
        "square",
    ),
    _pose("claheratio", "augmenter.claheratio", 0.1, "share with local equalisation of contrast (imgaug)"),
    _pose("clahe", "augmenter.claheratio", True, "false: none of it (imgaug)", "zero_if_off"),
    _pose("histeqratio", "augmenter.histeqratio", 0.1, "share with equalised histogram (imgaug)"),
    _pose("histeq", "augmenter.histeqratio", True, "false: none of it (imgaug)", "zero_if_off"),
    _pose(
        "motion_blur",
        "augmenter.motionblurratio",
        False,
        "motion blur (imgaug): true for half of the images",
        "share_of_flag",
    ),
    _pose("motion_blur_params.k", "augmenter.motion_blur_length", 7, "length of the blur in pixels (imgaug)"),
    _pose(
        "covering",
        "augmenter.coverratio",
        False,
        "hide rectangles (imgaug): true for half of the images",
        "share_of_flag",
    ),
    _pose(
        "gaussian_noise",
        "augmenter.noise_sigma",
        False,
        "standard deviation of noise, as a share of the range (tensorpack)",
        "noise",
    ),
    _pose("noise_sigma", "augmenter.noise_sigma", 0.1, "the same (tensorpack)"),
    _pose("noiseratio", "augmenter.noiseratio", 0.0, "share with noise (tensorpack)"),
    _pose("contrast", "augmenter.contrast_factor_up", None, "largest factor of contrast", "number"),
    _pose("contrastratio", "augmenter.contrastratio", 0.2, "share with changed contrast"),
    _pose("contrast_factor_lo", "augmenter.contrast_factor_lo", 0.5, "smallest factor of contrast"),
    _pose("contrast_factor_up", "augmenter.contrast_factor_up", 2.0, "largest factor of contrast"),
    _pose(
        "brightness",
        "augmenter.brightness_dif",
        None,
        "largest change of brightness, as a share of the range",
        "number",
    ),
    _pose("brightnessratio", "augmenter.brightnessratio", 0.0, "share with changed brightness"),
    _pose("brightness_dif", "augmenter.brightness_dif", 0.3, "largest change of brightness, as a share of the range"),
    _pose("saturation", "augmenter.saturation_max_dif", None, "largest change of saturation (tensorpack)", "number"),
    _pose("saturationratio", "augmenter.saturationratio", 0.0, "share with changed saturation (tensorpack)"),
    _pose("saturation_max_dif", "augmenter.saturation_max_dif", 0.5, "largest change of saturation (tensorpack)"),
    _pose("scaleratio", "augmenter.scaleratio", 0.6, "share of the images that are scaled (tensorpack)"),
    _pose("blurratio", "augmenter.blurratio", 0.2, "share with Gaussian blur (tensorpack)"),
    _pose("blur_max_window_size", "augmenter.blur_max_window_size", 10, "largest window of it, in pixels (tensorpack)"),
    _none("motion_blur_params.angle", [-90, 90], "direction of the blur; here any", quiet=True),
    _none("elastic_transform", False, "elastic deformation; its labels would not be exact"),
    _none("sharpen", False, "sharpening"),
    _none("sharpenratio", 0.3, "share with sharpening", quiet=True),
    _none("edge", False, "edge detection"),
    _none("edgeratio", 0.1, "share with edge detection", quiet=True),
    _none("emboss", {"alpha": [0.0, 1.0], "strength": [0.5, 1.5]}, "embossing", quiet=True),
    _none("embossratio", 0.1, "share with embossing", quiet=True),
    _none("grayscale", False, "grey images"),
    _none("apply_prob", 0.5, "probability of each augmentation; here each has its own share"),
    _none("pre_resize", [], "fixed size before augmentation; use global_scale"),
    _none("max_shift", 0.4, "shift of the window", quiet=True),
    _none("crop_sampling", "hybrid", "how windows are placed", quiet=True),
    _none("deterministic", False, "the same images in every run; here always, by `seed`", quiet=True),
)
_TRAINING = (
    _pose("batch_size", "training.batch_size", 1, "images per step"),
    _pose("display_iters", "training.display_iters", 1000, "steps between two lines of log.csv"),
    _pose("save_iters", "training.save_iters", 50000, "steps between two snapshots"),
    _pose("max_snapshots_to_keep", "training.max_snapshots_to_keep", 5, "older snapshots are deleted"),
    _pose(
        "multi_step",
        "schedule.multi_step",
        [[0.005, 10000], [0.02, 430000], [0.002, 730000], [0.001, 1030000]],
        "learning rate and the step until which it holds (for sgd); compressed when training is shorter",
        implies=(("schedule.name", "multi_step"), ("optimizer.name", "sgd")),
    ),
    _pose("optimizer", "optimizer.name", "sgd", "optimiser: sgd, adam or adamw"),
    _pose("weight_decay", "optimizer.weight_decay", 0.0001, "decay of the weights"),
    _none("lr_init", 0.0005, "first learning rate of the cosine schedule; use optimizer.lr"),
    _none("decay_steps", 30000, "length of the cosine schedule; here always the whole training"),
    _none("alpha_r", 0.02, "floor of the cosine schedule; use schedule.floor"),
)
_BOOKKEEPING = tuple(
    _none(key, None, "DeepLabCut's bookkeeping", quiet=True)
    for key in (
        *("all_joints", "all_joints_names", "num_joints", "dataset", "metadataset", "project_path", "snapshot_prefix"),
        *(
            "engine",
            "log_dir",
            "mean_pixel",
            "shuffle",
            "crop_pad",
            "crop",
            "regularize",
            "use_gt_segm",
            "video",
            "method",
        ),
        *("sparse_graph", "gpu_config", "weigh_only_present_joints", "weigh_negatives", "weigh_part_predictions"),
        *(
            "partaffinityfield_graph",
            "num_limbs",
            "pairwise_stats_collect",
            "fg_fraction",
            "bg_fraction",
            "alpha",
            "strength",
        ),
        *(
            "pairwise_loss_weight",
            "partaffinityfield_loss_weight",
            "pafwidth",
            "num_idchannel",
            "nmsradius",
            "minconfidence",
        ),
        *("symmetric_pairs", "snapshot_index", "locref_smooth"),
    )
)
_MULTI_ANIMAL = tuple(
    _none(key, False, "of networks for several animals")
    for key in ("pairwise_huber_loss", "partaffinityfield_predict", "pairwise_predict", "multi_stage", "identity")
)

BOX2: tuple[Key, ...] = (*_NETWORK, *_IMAGES, *_AUGMENTATION, *_TRAINING, *_MULTI_ANIMAL, *_BOOKKEEPING)
"""Keys of a shuffle's pose_cfg.yaml."""

"""The architectures of torchvision and timm that benchmarks/bench_models.py tries, on small images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from models_own_dense import normal
from models_zoo import CLASSES, Architecture, Inputs


def images(size: int) -> Callable[[int], Inputs]:
    return normal(3, size, size)


# torchvision: name and size of the images, or of the videos

_TORCHVISION = {
    "alexnet": 64, "vgg11": 32, "resnet18": 32, "resnet34": 32, "resnet50": 32, "resnext50_32x4d": 32,
    "wide_resnet50_2": 32, "densenet121": 32, "googlenet": 64, "inception_v3": 80, "mobilenet_v2": 32,
    "mobilenet_v3_small": 32, "mobilenet_v3_large": 32, "mnasnet0_5": 32, "mnasnet1_0": 32, "shufflenet_v2_x0_5": 32,
    "shufflenet_v2_x1_0": 32, "squeezenet1_0": 64, "squeezenet1_1": 64, "efficientnet_b0": 32, "efficientnet_b1": 32,
    "efficientnet_v2_s": 32, "regnet_y_400mf": 32, "regnet_x_400mf": 32, "convnext_tiny": 32, "swin_t": 32,
    "swin_v2_t": 32,
}  # fmt: skip
_VIDEOS = ("r3d_18", "mc3_18", "r2plus1d_18")
_MAPS = ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
_TRAINED_TORCHVISION = {"mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5"}


def torchvision() -> Iterator[Architecture]:
    models = import_module("torchvision.models")
    alone = {"aux_logits": False, "init_weights": True}
    more = {"googlenet": alone, "inception_v3": alone}
    make = partial(models.get_model, weights=None, num_classes=CLASSES)
    one = partial(Architecture, "torchvision")
    for name, size in _TORCHVISION.items():
        yield one(name, partial(make, name, **more.get(name, {})), images(size), trains=name in _TRAINED_TORCHVISION)
    for name in _VIDEOS:
        yield one(name, partial(make, name), normal(3, 8, 16, 16), batch=4)
    for name in _MAPS:
        yield one(name, partial(make, name, weights_backbone=None), images(32))
    vit = {"image_size": 32, "patch_size": 8, "num_layers": 6, "num_heads": 3, "hidden_dim": 192, "mlp_dim": 768}
    yield one("vit, 6 of 192", partial(models.VisionTransformer, **vit, num_classes=CLASSES), images(32), trains=True)
    maxvit = {"input_size": (64, 64), "stem_channels": 32, "partition_size": 2, "block_channels": [32, 64]}
    rest = {"block_layers": [1, 1], "head_dim": 16, "stochastic_depth_prob": 0.0, "num_classes": CLASSES}
    yield one("maxvit, 32 and 64", partial(models.MaxVit, **maxvit, **rest), images(64), trains=True)


# timm: name, size of the images, and options where a model has to be made for that size

_VIT: Mapping[str, Any] = {"img_size": 64}
_TIMM: dict[str, tuple[int, Mapping[str, Any]]] = {
    "test_byobnet": (64, {}), "test_convnext": (64, {}), "test_convnext2": (64, {}), "test_efficientnet": (64, {}),
    "test_efficientnet_evos": (64, {}), "test_efficientnet_gn": (64, {}), "test_mambaout": (64, {}),
    "test_maxvit": (160, {}), "test_coatnet": (160, {}), "test_nfnet": (64, {}), "test_resnet": (64, {}),
    "test_vit": (160, {}), "test_vit2": (64, _VIT), "test_vit3": (64, _VIT), "test_vit4": (64, _VIT),
    "test_vit_relpos": (64, _VIT), "resnet10t": (32, {}), "resnet26d": (32, {}), "seresnet18": (32, {}),
    "skresnet18": (32, {}), "resnetv2_50": (32, {}), "nf_regnet_b0": (64, {}), "eca_nfnet_l0": (32, {}),
    "ecaresnet26t": (32, {}), "res2net50_26w_4s": (32, {}), "resnest14d": (32, {}), "gernet_s": (32, {}),
    "repvgg_a0": (32, {}), "dla46_c": (32, {}), "dpn48b": (32, {}), "selecsls42": (64, {}), "darknet17": (32, {}),
    "cspresnet50": (32, {}), "ese_vovnet19b_dw": (32, {}), "hrnet_w18_small": (64, {}), "regnetz_005": (32, {}),
    "mobilenetv3_small_050": (32, {}), "mobilenetv4_conv_small": (32, {}), "tinynet_e": (32, {}), "lcnet_035": (32, {}),
    "ghostnet_050": (32, {}), "hardcorenas_a": (32, {}), "mixnet_s": (32, {}), "rexnet_100": (32, {}),
    "efficientnet_lite0": (32, {}), "fbnetc_100": (32, {}), "mobileone_s0": (32, {}), "starnet_s1": (32, {}),
    "hgnetv2_b0": (32, {}), "inception_next_atto": (64, {}), "convnext_atto": (32, {}), "convnextv2_atto": (32, {}),
    "convmixer_768_32": (32, {}), "mambaout_femto": (64, {}), "poolformer_s12": (64, {}),
    "poolformerv2_s12": (64, {}), "caformer_s18": (64, {}), "convformer_s18": (64, {}), "edgenext_xx_small": (64, {}),
    "mobilevit_xxs": (64, {}), "mobilevitv2_050": (64, {}), "fastvit_t8": (64, {}), "efficientformer_l1": (224, {}),
    "repvit_m0_9": (64, {}), "efficientvit_b0": (64, {}), "efficientvit_m0": (224, {}), "rdnet_tiny": (32, {}),
    "vit_tiny_patch16_224": (64, _VIT), "deit_tiny_distilled_patch16_224": (64, _VIT),
    "deit3_small_patch16_224": (64, {**_VIT, "depth": 6}), "eva02_tiny_patch14_224": (56, {"img_size": 56}),
    "beit_base_patch16_224": (64, {**_VIT, "depth": 4, "embed_dim": 192, "num_heads": 3}), "cait_xxs24_224": (64, _VIT),
    "xcit_nano_12_p16_224": (64, _VIT), "pvt_v2_b0": (64, {}), "twins_svt_small": (64, {}),
    "coat_lite_tiny": (64, _VIT), "convit_tiny": (64, _VIT), "crossvit_tiny_240": (240, {}),
    "levit_128s": (224, {}), "pit_ti_224": (64, _VIT),
    "mixer_s32_224": (64, _VIT), "gmixer_12_224": (64, _VIT), "resmlp_12_224": (64, _VIT), "gmlp_ti16_224": (64, _VIT),
    "tiny_vit_5m_224": (64, {}), "visformer_tiny": (64, _VIT), "volo_d1_224": (64, _VIT), "sequencer2d_s": (64, _VIT),
    "focalnet_tiny_srf": (64, {}), "swin_tiny_patch4_window7_224": (64, {**_VIT, "window_size": 4}),
    "davit_tiny": (64, {}),
    "hiera_tiny_224": (64, _VIT), "gcvit_xxtiny": (224, {}), "nextvit_small": (64, {}), "tnt_s_patch16_224": (64, _VIT),
    "lambda_resnet26t": (64, _VIT), "halonet26t": (256, {}), "botnet26t_256": (64, _VIT), "xception41": (64, {}),
}  # fmt: skip
_HEAVY = {224, 240, 256}  # sizes that cannot be changed: small batches of them
_TRAINED_TIMM = {
    "test_resnet", "test_vit2", "test_vit4", "test_convnext", "test_nfnet", "test_mambaout", "test_byobnet",
    "test_efficientnet",
}  # fmt: skip


def timm() -> Iterator[Architecture]:
    create = import_module("timm").create_model
    for name, (size, options) in _TIMM.items():
        build = partial(create, name, pretrained=False, num_classes=CLASSES, **options)
        batch = 2 if size in _HEAVY else 8
        yield Architecture("timm", name, build, images(size), batch=batch, trains=name in _TRAINED_TIMM)

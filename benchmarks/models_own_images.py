"""Own networks of images and of sequences by convolutions, for benchmarks/bench_models.py."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
from models_own_dense import OUTPUTS, Own, Residual, normal
from torch import nn
from torch.nn import functional

CHANNELS = 16


class ResidualBlock(nn.Module):
    """relu(x + conv(relu(conv(x)))), with batch normalisations behind the convolutions or without."""

    def __init__(self, channels: int, normalised: bool, squeeze: bool = False):
        super().__init__()
        norm = partial(nn.BatchNorm2d, channels) if normalised else nn.Identity
        conv = partial(nn.Conv2d, channels, channels, 3, padding=1, bias=not normalised)
        self.branch = nn.Sequential(conv(), norm(), nn.ReLU(), conv(), norm(), *[SqueezeExcite(channels)] * squeeze)

    def forward(self, x):
        return torch.relu(x + self.branch(x))


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.up(functional.relu(self.down(functional.adaptive_avg_pool2d(x, 1)))))


def resnet(normalised: bool, blocks: int = 6, squeeze: bool = False, inputs: int = 3) -> nn.Module:
    width = 2 * CHANNELS
    body = [ResidualBlock(width, normalised, squeeze) for _ in range(blocks)]
    return classified(nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()), body, width)


class Dense(nn.Module):
    """Each layer takes in all before it."""

    def __init__(self, growth: int = 12, depth: int = 8):
        super().__init__()
        self.stem = nn.Conv2d(3, CHANNELS, 3, padding=1)
        sizes = [CHANNELS + place * growth for place in range(depth + 1)]
        self.layers = nn.ModuleList(nn.Conv2d(size, growth, 3, padding=1) for size in sizes[:-1])
        self.head = nn.Linear(sizes[-1], OUTPUTS)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = torch.cat([x, layer(torch.relu(x))], 1)
        return self.head(x.mean((2, 3)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        pair = lambda i, o: nn.Sequential(  # noqa: E731
            nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU()
        )
        c = CHANNELS
        self.down, self.middle, self.bottom = pair(3, c), pair(c, 2 * c), pair(2 * c, 4 * c)
        self.raise1, self.raise2 = nn.ConvTranspose2d(4 * c, 2 * c, 2, 2), nn.ConvTranspose2d(2 * c, c, 2, 2)
        self.up1, self.up2, self.head = pair(4 * c, 2 * c), pair(2 * c, c), nn.Conv2d(c, 1, 1)

    def forward(self, x):
        one = self.down(x)
        two = self.middle(functional.max_pool2d(one, 2))
        y = self.bottom(functional.max_pool2d(two, 2))
        y = self.up1(torch.cat([self.raise1(y), two], 1))
        return self.head(self.up2(torch.cat([self.raise2(y), one], 1)))


def autoencoder() -> nn.Module:
    sizes = [3, CHANNELS, 2 * CHANNELS, 4 * CHANNELS]
    down = [part for i, o in pairwise(sizes) for part in (nn.Conv2d(i, o, 3, 2, 1), nn.ReLU())]
    up = [part for i, o in pairwise(sizes[::-1]) for part in (nn.ConvTranspose2d(i, o, 4, 2, 1), nn.ReLU())]
    return nn.Sequential(*down, *up[:-1])


def generator() -> nn.Module:
    """As DCGAN's: from a code to an image in [-1, 1]."""
    c = CHANNELS
    parts: list[nn.Module] = [nn.Unflatten(1, (32, 1, 1)), nn.ConvTranspose2d(32, 4 * c, 4)]
    for size in (4 * c, 2 * c):
        parts += [nn.BatchNorm2d(size), nn.ReLU(), nn.ConvTranspose2d(size, size // 2, 4, 2, 1)]
    return nn.Sequential(*parts, nn.InstanceNorm2d(c), nn.LeakyReLU(0.2), nn.Conv2d(c, 3, 3, padding=1), nn.Tanh())


class WaveNet(nn.Module):
    """Dilated causal convolutions, tanh gated by a sigmoid, residual and skip outputs."""

    def __init__(self, depth: int = 6):
        super().__init__()
        c = 2 * CHANNELS
        self.first = nn.Conv1d(1, c, 1)
        self.gated = nn.ModuleList(nn.Conv1d(c, 2 * c, 2, dilation=2**place) for place in range(depth))
        self.kept = nn.ModuleList(nn.Conv1d(c, c, 1) for _ in range(depth))
        self.skips = nn.ModuleList(nn.Conv1d(c, c, 1) for _ in range(depth))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv1d(c, c, 1), nn.ReLU(), nn.Conv1d(c, OUTPUTS, 1))

    def forward(self, x):
        x, out = self.first(x), 0.0
        for gated, kept, skip in zip(self.gated, self.kept, self.skips, strict=True):
            a, b = gated(functional.pad(x, (gated.dilation[0], 0))).chunk(2, 1)
            y = torch.tanh(a) * torch.sigmoid(b)
            x, out = x + kept(y), out + skip(y)
        return self.head(out)


class GatedConvolutions(nn.Module):
    def __init__(self, depth: int = 5):
        super().__init__()
        c = 2 * CHANNELS
        sizes = [3, *[c] * (depth - 1)]
        self.values = nn.ModuleList(nn.Conv2d(size, c, 3, padding=1) for size in sizes)
        self.gates = nn.ModuleList(nn.Conv2d(size, c, 3, padding=1) for size in sizes)
        self.head = nn.Conv2d(c, 3, 1)

    def forward(self, x):
        for value, gate in zip(self.values, self.gates, strict=True):
            x = functional.elu(value(x)) * torch.sigmoid(gate(x))
        return self.head(x)


class Branches(nn.Module):
    """Inception: convolutions of several sizes and a pooling beside each other."""

    def __init__(self, inputs: int, each: int = 8):
        super().__init__()
        self.one, self.three = nn.Conv2d(inputs, each, 1), nn.Conv2d(inputs, each, 3, padding=1)
        self.five, self.pool = nn.Conv2d(inputs, each, 5, padding=2), nn.Conv2d(inputs, each, 1)

    def forward(self, x):
        pooled = functional.avg_pool2d(x, 3, 1, 1)
        return torch.relu(torch.cat([self.one(x), self.three(x), self.five(x), self.pool(pooled)], 1))


class Concatenated(nn.Module):
    """CReLU: both signs of what a convolution computes."""

    def __init__(self, depth: int = 5):
        super().__init__()
        sizes = [3, *[2 * CHANNELS] * (depth - 1)]
        self.layers = nn.ModuleList(nn.Conv2d(size, CHANNELS, 3, padding=1) for size in sizes)
        self.head = nn.Linear(2 * CHANNELS, OUTPUTS)

    def forward(self, x):
        for layer in self.layers:
            y = layer(x)
            x = torch.relu(torch.cat([y, -y], 1))
        return self.head(x.mean((2, 3)))


def branches() -> nn.Module:
    return nn.Sequential(Branches(3), Branches(32), Branches(32), nn.Flatten(), nn.Linear(32 * 64, OUTPUTS))


def pooled() -> nn.Module:
    parts: list[nn.Module] = []
    for place in range(4):
        parts += [nn.Conv2d(3 if place == 0 else 32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(128, OUTPUTS))


def classified(stem: nn.Module, body: list[nn.Module], channels: int) -> nn.Module:
    """A mean over positions and a head at the end."""
    return nn.Sequential(stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, OUTPUTS))


def inverted() -> nn.Module:
    """Depthwise blocks with SiLU behind group normalisations."""
    c = 2 * CHANNELS

    def block() -> nn.Module:
        parts = [nn.Conv2d(c, 4 * c, 1), nn.GroupNorm(8, 4 * c), nn.SiLU()]
        parts += [nn.Conv2d(4 * c, 4 * c, 3, padding=1, groups=4 * c), nn.GroupNorm(8, 4 * c), nn.SiLU()]
        return Residual(nn.Sequential(*parts, nn.Conv2d(4 * c, c, 1), nn.GroupNorm(8, c)))

    return classified(nn.Conv2d(3, c, 3, 2, 1), [block() for _ in range(4)], c)


def convmixer(depth: int = 6) -> nn.Module:
    c = 2 * CHANNELS

    def block() -> nn.Module:
        spatial = nn.Sequential(nn.Conv2d(c, c, 5, padding=2, groups=c), nn.GELU(), nn.BatchNorm2d(c))
        return nn.Sequential(Residual(spatial), nn.Conv2d(c, c, 1), nn.GELU(), nn.BatchNorm2d(c))

    patches = nn.Sequential(nn.Conv2d(3, c, 4, 4), nn.GELU(), nn.BatchNorm2d(c))
    return classified(patches, [block() for _ in range(depth)], c)


_IMAGE, _SMALL = normal(3, 32, 32), normal(3, 16, 16)
IMAGES: Own = {
    "resnet, batch norm": (partial(resnet, True), _SMALL, True),
    "resnet, no norm": (partial(resnet, False), _SMALL, True),
    "resnet 20, no norm": (partial(resnet, False, 20), _SMALL, False),
    "squeeze-excite": (partial(resnet, True, 4, True), _SMALL, False),
    "densely connected": (Dense, _SMALL, True),
    "u-net": (UNet, _SMALL, False),
    "autoencoder": (autoencoder, _IMAGE, False),
    "generator": (generator, normal(32), False),
    "wavenet": (WaveNet, normal(1, 64), True),
    "gated convolutions": (GatedConvolutions, _SMALL, False),
    "inception": (branches, normal(3, 8, 8), False),
    "crelu": (Concatenated, _SMALL, True),
    "max pooling": (pooled, _IMAGE, True),
    "depthwise, group norm": (inverted, _SMALL, False),
    "convmixer": (convmixer, _IMAGE, False),
}

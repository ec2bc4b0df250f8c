"""Own transformers and mixers, for benchmarks/bench_models.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from models_own_dense import OUTPUTS, Own, Residual, mlp, normal
from torch import nn
from torch.nn import functional

WIDTH, HEADS, LENGTH = 64, 4, 16


class Attention(nn.Module):
    """Self-attention, or attention to a memory."""

    def __init__(self, width: int = WIDTH, heads: int = HEADS, causal: bool = False):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.heads, self.causal = heads, causal

    def apart(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, memory=None):
        memory = x if memory is None else memory
        q, k, v = map(self.apart, (self.q(x), self.k(memory), self.v(memory)))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.o(y.transpose(1, 2).flatten(2))


class LinearAttention(nn.Module):
    """As in Performers: positive features of queries and keys instead of the softmax."""

    def __init__(self, width: int = WIDTH, heads: int = HEADS):
        super().__init__()
        self.qkv, self.o, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = functional.elu(q) + 1.0, functional.elu(k) + 1.0
        y = q @ (k.transpose(-1, -2) @ v) / (q @ k.sum(-2)[..., None])
        return self.o(y.transpose(1, 2).flatten(2))


def feed_forward(width: int = WIDTH, activation: Callable[[], nn.Module] = nn.GELU) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 4 * width), activation(), nn.Linear(4 * width, width))


class SquaredReLU(nn.Module):
    def forward(self, x):
        return torch.relu(x).square()


def prenorm(attention: Callable[[], nn.Module] = Attention, activation: Callable[[], nn.Module] = nn.GELU) -> nn.Module:
    branches = (attention(), feed_forward(activation=activation))
    return nn.Sequential(*[Residual(branch, nn.LayerNorm(WIDTH)) for branch in branches])


class PostNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.mlp = Attention(), feed_forward(activation=nn.ReLU)
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x):
        x = self.first(x + self.attention(x))
        return self.second(x + self.mlp(x))


class ViT(nn.Module):
    """Of 16 patches: position embeddings of a given size, a class token or the mean over positions."""

    def __init__(
        self,
        block: Callable[[], nn.Module] = prenorm,
        token: bool = True,
        size: float = 0.02,
        depth: int = 6,
        channels: int = 3,
        patch: int = 4,
    ):
        super().__init__()
        self.patches = nn.Conv2d(channels, WIDTH, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, WIDTH)) if token else None
        self.positions = nn.Parameter(size * torch.randn(1, LENGTH + token, WIDTH))
        self.blocks = nn.Sequential(*[block() for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = self.norm(self.blocks(x + self.positions))
        return self.head(x.mean(1) if self.token is None else x[:, 0])


class Encoder(nn.Module):
    """torch's own encoder layers over tokens of 8 features."""

    def __init__(self, first: bool, depth: int = 6):
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 128, dropout=0.0, batch_first=True, norm_first=first)
        self.read = nn.Linear(8, WIDTH)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        return self.head(self.encoder(self.read(x)).mean(1))


class Decoder(nn.Module):
    """A small GPT: learned positions, causal attention, the head tied to the embedding."""

    def __init__(self, depth: int = 6, vocabulary: int = 100):
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.Sequential(*[prenorm(partial(Attention, causal=True)) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, vocabulary, bias=False)
        for embedding in (self.words, self.places):
            nn.init.normal_(embedding.weight, std=0.02)
        self.head.weight = self.words.weight

    def forward(self, tokens):
        places = torch.arange(tokens.shape[1], device=tokens.device)
        return self.head(self.norm(self.blocks(self.words(tokens) + self.places(places))))


class Mixer(nn.Module):
    """Dense layers over positions, then over channels."""

    def __init__(self, depth: int = 6):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, 4)
        self.over_positions = nn.ModuleList(feed_forward(LENGTH) for _ in range(depth))
        self.over_channels = nn.ModuleList(feed_forward(WIDTH) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2 * depth))
        self.head = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        parts = (self.over_positions, self.over_channels, self.norms[::2], self.norms[1::2])
        for positions, channels, one, two in zip(*parts, strict=True):
            x = x + positions(one(x).transpose(1, 2)).transpose(1, 2)
            x = x + channels(two(x))
        return self.head(x.mean(1))


class Perceiver(nn.Module):
    """Learned latents read the input, and each other."""

    def __init__(self, depth: int = 3, latents: int = 8):
        super().__init__()
        self.latents, self.read = nn.Parameter(0.02 * torch.randn(latents, WIDTH)), nn.Linear(8, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(depth))
        self.crosses = nn.ModuleList(Attention() for _ in range(depth))
        self.blocks, self.head = nn.ModuleList(prenorm() for _ in range(depth)), nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        x = self.read(x)
        y = self.latents.expand(x.shape[0], -1, -1)
        for norm, cross, block in zip(self.norms, self.crosses, self.blocks, strict=True):
            y = block(y + cross(norm(y), x))
        return self.head(y.mean(1))


class GatedPositions(nn.Module):
    """gMLP: one half of the channels gates the other by a layer over positions."""

    def __init__(self, depth: int = 6):
        super().__init__()
        self.read, self.head = nn.Linear(8, WIDTH), nn.Linear(WIDTH, OUTPUTS)
        self.ins = nn.ModuleList(nn.Linear(WIDTH, 4 * WIDTH) for _ in range(depth))
        self.outs = nn.ModuleList(nn.Linear(2 * WIDTH, WIDTH) for _ in range(depth))
        self.spatial = nn.ModuleList(nn.Conv1d(LENGTH, LENGTH, 1) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(depth))

    def forward(self, x):
        x = self.read(x)
        for norm, first, spatial, last in zip(self.norms, self.ins, self.spatial, self.outs, strict=True):
            a, b = functional.gelu(first(norm(x))).chunk(2, -1)
            x = x + last(a * spatial(b))
        return self.head(x.mean(1))


def between(block: Callable[[], nn.Module], head: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(8, WIDTH), *[block() for _ in range(4)], head)


_IMAGE, _TOKENS = normal(3, 16, 16), normal(LENGTH, 8)
ATTENTION: Own = {
    "vit": (ViT, _IMAGE, True),
    "vit, mean": (partial(ViT, token=False), _IMAGE, True),
    "vit, positions 0.5": (partial(ViT, size=0.5), _IMAGE, False),
    "vit, post-norm": (partial(ViT, PostNorm), _IMAGE, True),
    "vit, squared relu": (partial(ViT, partial(prenorm, activation=SquaredReLU)), _IMAGE, False),
    "encoder, pre-norm": (partial(Encoder, True), _TOKENS, False),
    "encoder, post-norm": (partial(Encoder, False), _TOKENS, False),
    "decoder, tied": (Decoder, lambda batch: torch.randint(0, 100, (batch, LENGTH)), True),
    "mixer": (Mixer, _IMAGE, True),
    "perceiver": (Perceiver, _TOKENS, False),
    "linear attention": (lambda: between(partial(prenorm, LinearAttention), nn.Linear(WIDTH, OUTPUTS)), _TOKENS, False),
    "gated positions": (GatedPositions, _TOKENS, False),
    "attention, no norm": (lambda: between(lambda: Residual(Attention()), mlp(nn.ReLU, 3, WIDTH)), _TOKENS, False),
}

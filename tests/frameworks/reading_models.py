"""Small models that several tests read."""

from __future__ import annotations

import math
import threading

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["BasicBlock", "Functional", "Gated", "InPlace", "Transformer", "Writes"]


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x, mask=None, *, scale=1.0):
        x = F.dropout(F.elu(self.fc1(torch.flatten(x, 1)), alpha=0.5), 0.1, self.training)
        if mask is not None:
            x = x * mask
        x = torch.tanh(self.fc2(x))
        return self.fc3(x) * scale


class BasicBlock(nn.Module):
    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(after), nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(3, 3), nn.Linear(3, 3), nn.ReLU(inplace=True)

    def forward(self, x):
        h = self.first(x)
        return h + self.second(self.relu(h))


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 4)
        self.fused, self.glu = nn.Linear(4, 8), nn.GLU(-1)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x)) + self.glu(self.fused(x))


class RMSNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class Attention(nn.Module):
    """With masks, positions and shapes as they are written by hand."""

    def __init__(self, width: int, heads: int, how: str) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.how = heads, how
        self.register_buffer("mask", torch.tril(torch.ones(32, 32)))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (each.view(b, t, self.heads, c // self.heads).transpose(1, 2) for each in (q, k, v))
        if self.how == "fused":
            y = F.scaled_dot_product_attention(q, key=k, value=v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
            if self.how == "buffer":
                scores = scores.masked_fill(self.mask[:t, :t] == 0, float("-inf"))
            else:
                scores = scores + torch.triu(torch.full((t, t), float("-inf")), 1)
            y = F.dropout(F.softmax(scores, dim=-1), 0.1, self.training) @ v
        return self.out(y.transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(8), nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True) if how == "module" else Attention(8, 2, how)
        self.fc1, self.fc2 = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x):
        h = self.norm1(x)
        if isinstance(self.attention, Attention):
            x = x + self.attention(h)
        else:
            x = x + self.attention(query=h, value=h, key=h, need_weights=False)[0]
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, 8), nn.Embedding(32, 8)
        self.blocks = nn.ModuleList(Block(how) for _ in range(2))
        self.norm = RMSNorm(8)
        self.head = nn.Linear(8, 50, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids, targets=None):
        x = self.tokens(ids) + self.places(torch.arange(0, ids.size(1), device=ids.device))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return logits if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Writes(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.calls, self.lock = nn.Linear(3, 3), 0, threading.Lock()
        self.register_buffer("steps", torch.zeros(()))
        self.seen: list[object] = []

    def forward(self, x):
        self.calls += 1
        self.last = x
        self.seen.append(x)
        self.steps = self.steps + 1
        return torch.tanh(self.layer(x)) + torch.rand(1)

"""The answer of ``eoc phase`` and ``eoc rates`` for networks with attention: where their tokens end, and how fast."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from eoc.cli.common import print_json
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError

if TYPE_CHECKING:
    from eoc.layers import Network

__all__ = ["answer_tokens", "check_unused"]


def answer_tokens(source: str, network: Network, sigma_w: float | None, sigma_b: float, as_json: bool) -> None:
    """Print where the tokens of a network end."""
    from eoc.maps.tokens import settled_tokens
    from eoc.reports.tokens import write_tokens

    found = settled_tokens(network, sigma_w, sigma_b)
    if as_json:
        place = {"sigma_w": sigma_w, "sigma_b": sigma_b, "phase": found.phase}
        print_json({**network.to_dict(), **place, **asdict(found)})
        return
    out = console()
    write_tokens(out, found, network)
    given = {"sigma_w": sigma_w, "sigma_b": sigma_b} if network.is_free else {}
    print_next(out, command_line("propagate", source, **given, q=1.0), "follows tokens block by block")


def check_unused(network: Network, **given: object) -> None:
    """Refuse options that mean nothing where a network mixes tokens or a batch, rather than pass over them."""
    for name, value in given.items():
        if value is not None:
            raise EocError(
                f"--{name} is not for networks that mix {network.group}: leave it out; eoc propagate {network.name!r} "
                "--q 1 follows them from where they begin, and draws them with --plot"
            )

"""Models whose parameters are sharded over processes (FSDP2): the weights of one that is not."""

import os

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

pytestmark = [pytest.mark.frameworks, pytest.mark.slow]


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 3))


def _process(rank: int, processes: int, rendezvous: str) -> None:
    from torch import distributed
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    from eoc.errors import EocError
    from eoc.initializers.torch import initialize_

    distributed.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=processes)
    try:
        mesh = init_device_mesh("cpu", (processes,))

        def sharded(one: nn.Module) -> nn.Module:
            fully_shard(one, mesh=mesh)
            return one

        whole, parts = model(), sharded(model())
        for seed in (3, None):
            for each in (whole, parts):
                generator = torch.Generator().manual_seed(0) if seed is None else None
                initialize_(each, seed=seed, generator=generator)
            for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
                assert torch.equal(one, other.full_tensor())
        with torch.device("meta"):
            deferred = model()
        sharded(deferred)
        deferred.to_empty(device="cpu")
        initialize_(whole, seed=3)
        initialize_(deferred, seed=3)
        assert torch.equal(whole[2].weight, deferred[2].weight.full_tensor())
        before = parts[0].weight.full_tensor().clone()
        with pytest.raises(EocError, match="before fully_shard"):
            initialize_(parts, batch=torch.randn(8, 10))
        assert torch.equal(before, parts[0].weight.full_tensor())
        with pytest.raises(EocError, match="before fully_shard"):  # rows of a packed projection
            initialize_(sharded(nn.TransformerEncoderLayer(16, 2, 32)))
    finally:
        distributed.destroy_process_group()


@pytest.mark.skipif(os.name == "nt", reason="gloo with files")
def test_sharded_models_get_the_weights_of_whole_ones_or_are_refused(tmp_path):
    torch.multiprocessing.spawn(_process, (2, str(tmp_path / "rendezvous")), nprocs=2)

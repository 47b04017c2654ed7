"""Shards by TorchRec: its planner places them, its collectives exchange rows, FBGEMM's kernels update them.

The one place that imports TorchRec, which is an extra.

FBGEMM wants rows of a multiple of four entries. The unused ones would count in the mean square of a row's
gradient, the accumulator of row-wise Adagrad; the learning rate makes up for that, so that steps are those of
:meth:`sqlrec.models.deep.embedding.EmbeddingTable.update`.
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from sqlrec.errors import JobError, SetupError
from sqlrec.models.deep.dealing import Span
from sqlrec.models.deep.embedding import EPSILON, EmbeddingTable
from sqlrec.models.deep.training_options import Sharding

ALIGNED = 4
INSTALLING = "pip install 'sqlrec[sharding]' && pip install --no-deps torchrec==1.8.0"
"""By itself TorchRec would bring the FBGEMM that needs CUDA, over the one that does not."""


def require_torchrec() -> ModuleType:
    """TorchRec; ``SetupError`` SR576 when it cannot be imported."""
    logging.getLogger("torchrec").setLevel(logging.ERROR)  # advice for machines with GPUs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own deprecated parts
            import torchrec
            import torchrec.distributed.planner
    except (ImportError, OSError) as error:
        raise SetupError(
            "SR576", f"embedding_sharding needs TorchRec, which cannot be imported: {error}", hint=INSTALLING
        ) from error
    module: ModuleType = torchrec
    return module


@dataclass(frozen=True, slots=True)
class _Shard:
    """Rows of this process from ``start`` on, in TorchRec's memory."""

    start: int
    weight: Tensor
    accumulator: Tensor


class TorchRecShards:
    """:class:`~sqlrec.models.deep.sharded.Shards` of the tables that begin at ``starts`` and end at ``rows``.

    All processes make it at once. Raises ``JobError`` SR577 when TorchRec finds no way to divide them.
    """

    def __init__(
        self, sharding: Sharding, starts: Sequence[int], rows: int, width: int, decay: float
    ) -> None:
        require_torchrec()
        self.width, self.padded = width, -(-width // ALIGNED) * ALIGNED
        self.scale = math.sqrt(width / self.padded)
        self.starts = torch.tensor(starts)
        self.names = [f"table{number}" for number in range(len(starts))]
        sizes = [stop - start for start, stop in zip(starts, [*starts[1:], rows], strict=True)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.module = self._sharded(sharding, sizes, decay)
        self.spans, self.shards = self._placed()

    def _sharded(self, sharding: Sharding, sizes: Sequence[int], decay: float) -> Any:
        from fbgemm_gpu.split_embedding_configs import EmbOptimType
        from fbgemm_gpu.split_table_batched_embeddings_ops_training import WeightDecayMode
        from torchrec import EmbeddingCollection, EmbeddingConfig
        from torchrec.distributed.comm_ops import set_gradient_division
        from torchrec.distributed.embedding import EmbeddingCollectionSharder
        from torchrec.distributed.planner import EmbeddingShardingPlanner, ParameterConstraints, Topology
        from torchrec.distributed.planner.types import PlannerError
        from torchrec.distributed.types import ShardingEnv

        set_gradient_division(False)  # gradients are of the global batch's mean already
        tables = [
            EmbeddingConfig(name=name, num_embeddings=size, embedding_dim=self.padded, feature_names=[name])
            for name, size in zip(self.names, sizes, strict=True)
        ]
        collection = EmbeddingCollection(tables=tables, device=torch.device("meta"))
        sharder = EmbeddingCollectionSharder(
            fused_params={
                "optimizer": EmbOptimType.EXACT_ROWWISE_ADAGRAD,
                "eps": EPSILON * self.scale,
                "weight_decay": decay / self.scale,
                "weight_decay_mode": WeightDecayMode.DECOUPLE if decay else WeightDecayMode.NONE,
            }
        )
        world, size = dist.group.WORLD, dist.get_world_size()
        topology = Topology(
            world_size=size,
            local_world_size=int(os.environ.get("LOCAL_WORLD_SIZE", size)),
            compute_device="cpu",
            ddr_cap=1 << 60,  # the job's limit ends what does not fit; the planner only guesses
        )
        asked = ParameterConstraints(sharding_types=[sharding.value], compute_kernels=["fused"])
        planner = EmbeddingShardingPlanner(topology=topology, constraints=dict.fromkeys(self.names, asked))
        try:
            plan = planner.collective_plan(collection, [sharder], world)
        except PlannerError as error:
            raise JobError(
                "SR577",
                f"TorchRec cannot divide {sum(sizes):,} rows {sharding} among {size} processes: {error}",
                hint="use another embedding_sharding, or another number of processes",
            ) from error
        return sharder.shard(
            collection, plan.plan[""], ShardingEnv.from_process_group(world), device=torch.device("cpu")
        )

    def _placed(self) -> tuple[tuple[Span, ...], tuple[_Shard, ...]]:
        """Where all rows are, and the memory of those that are here."""
        weights = self.module.state_dict()
        moments = self.module.fused_optimizer.state_dict()["state"]
        spans, mine = [], []
        for name, first in zip(self.names, self.starts.tolist(), strict=True):
            key = f"embeddings.{name}.weight"
            for place in weights[key].metadata().shards_metadata:
                start = first + place.shard_offsets[0]
                spans.append(Span(start, start + place.shard_sizes[0], place.placement.rank()))
            here = weights[key].local_shards()
            past = moments[key][f"{name}.momentum1"].local_shards() if here else []
            for weight, moment in zip(here, past, strict=True):
                start = first + weight.metadata.shard_offsets[0]
                mine.append(_Shard(start, weight.tensor.detach(), moment.tensor.detach().view(-1)))
        return tuple(sorted(span for span in spans if span.start < span.stop)), tuple(mine)

    def begin(self, learning_rate: float) -> None:
        """See :meth:`sqlrec.models.deep.sharded.Shards.begin`."""
        optimizer = self.module.fused_optimizer
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * self.scale
        optimizer.step()  # hands the rate to the kernels, which take the real steps on the way backward

    def fetch(self, rows: Tensor) -> Tensor:
        """See :meth:`sqlrec.models.deep.sharded.Shards.fetch`."""
        from torchrec import KeyedJaggedTensor

        table = torch.bucketize(rows, self.starts, right=True) - 1
        asked = KeyedJaggedTensor(
            keys=self.names,
            values=rows - self.starts[table],
            lengths=torch.bincount(table, minlength=len(self.names)),
        )
        found = self.module(asked)
        return torch.cat([found[name].values() for name in self.names])

    def take(self, start: int, stop: int) -> EmbeddingTable:
        """See :meth:`sqlrec.models.deep.sharded.Shards.take`."""
        shard = self._holding(start)
        part = slice(start - shard.start, stop - shard.start)
        return EmbeddingTable(
            shard.weight[part, : self.width].clone(), shard.accumulator[part] / self.scale**2
        )

    def keep(self, start: int, rows: EmbeddingTable) -> None:
        """See :meth:`sqlrec.models.deep.sharded.Shards.keep`."""
        shard = self._holding(start)
        part = slice(start - shard.start, start - shard.start + len(rows.weight))
        shard.weight[part, : self.width] = rows.weight
        shard.weight[part, self.width :] = 0
        shard.accumulator[part] = rows.accumulator * self.scale**2

    def _holding(self, start: int) -> _Shard:
        return max((s for s in self.shards if s.start <= start), key=lambda shard: shard.start)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """See :meth:`sqlrec.models.deep.sharded.Shards.tensors`."""
        named = {
            "weight": [s.weight for s in self.shards],
            "accumulator": [s.accumulator for s in self.shards],
        }
        return {f"{name}.{i}": tensor for name, parts in named.items() for i, tensor in enumerate(parts)}

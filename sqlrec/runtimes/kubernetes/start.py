"""``start.sh``: from what Kubernetes tells a container to the command line of the job's program.

The program replaces the shell, so that SIGTERM reaches it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlrec.spec.job import Topology

DATA = "/data"
SPEC = f"{DATA}/spec.json"
SCRIPT = f"{DATA}/start.sh"
COMMAND = ("bash", SCRIPT)
PIPELINE = "pipeline.config"
"""Hyperparameters in TorchEasyRec's form, which the program follows."""
PROGRAM = f"-m sqlrec.jobs --spec {SPEC}"


def program(files: Collection[str]) -> str:
    """The program of a job with these files beside its spec."""
    return f"{PROGRAM} --{PIPELINE.replace('.', '-')} {DATA}/{PIPELINE}" if PIPELINE in files else PROGRAM


def start_script(topology: Topology, first_rank: str, program: str = PROGRAM) -> str:
    """Text of start.sh; ``first_rank`` is the address of the first of several machines.

    Machines are known beforehand, so the rendezvous is static: a rank that is replaced does not join again.
    """
    if topology.nodes == 1 and topology.processes_per_node == 1:
        return f"#!/bin/bash\nset -eu\nexec python {program}\n"
    torchrun = f"exec python -m torch.distributed.run --nproc-per-node={topology.processes_per_node}"
    if topology.nodes == 1:
        return f"#!/bin/bash\nset -eu\n{torchrun} --standalone {program}\n"
    return f"""#!/bin/bash
set -eu
NODE_RANK="$JOB_COMPLETION_INDEX"
MASTER_ADDR="{first_rank}"
{torchrun} \\
  --nnodes={topology.nodes} --node-rank="$NODE_RANK" \\
  --master-addr="$MASTER_ADDR" --master-port={topology.master_port} \\
  {program}
"""

"""Options of CREATE API: those of a service that say how a server is run, and nothing of models.

They are declared once, with the services' own; here they get the statement that they may stand in. A pod of
an API has no use for GPUs, which only models compute on.
"""

from __future__ import annotations

from dataclasses import replace

from sqlrec.models.pods import pod_options
from sqlrec.spec.canary import CANARY
from sqlrec.spec.following import FOLLOW
from sqlrec.spec.options import OptionSet, Scope

COMPUTING = frozenset({"pod_gpus", "pod_gpu_resource", "pod_shared_memory"})
OF_MODELS = frozenset({FOLLOW, CANARY, "missing_features", *COMPUTING})
"""Options of services that are about the model served, its checkpoints or what it computes on."""

API_OPTIONS = OptionSet(
    tuple(
        replace(option, scopes=frozenset({Scope.API}))
        for option in pod_options("sqlrec/api")
        if Scope.SERVICE in option.scopes and option.key not in OF_MODELS
    )
)
"""What the options of CREATE API may say."""

"""The registry in memory."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sqlrec import __version__
from sqlrec.artifacts.folder import combined, digests
from sqlrec.artifacts.store import Place, local_path
from sqlrec.errors import DataError, NameNotFoundError, OptionError, StateError
from sqlrec.registry.registry import DeployAction, Deployment, DeployState, Pinned
from sqlrec.registry.tags import running_canary
from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus, ModelSpec
from sqlrec.spec.names import ModelName, alias_problem


def shape(model: ModelSpec) -> object:
    columns = [(f.name.casefold(), f.type) for f in model.columns]
    return model.type, columns, model.labels, [(f.name.casefold(), f.type) for f in model.outputs]


Defined = TypeVar("Defined", FunctionSpec, ApiSpec)


def define(known: dict[str, Defined], spec: Defined, *, replace: bool) -> bool:
    stored = known.get(spec.name.casefold())
    if stored == spec:
        return False
    if stored and not replace:
        raise StateError("SR201", f"{spec.name} exists with another definition")
    known[spec.name.casefold()] = spec
    return True


def undefine(known: dict[str, Defined], name: str, code: str, *, if_exists: bool) -> bool:
    if name.casefold() not in known and not if_exists:
        raise NameNotFoundError(code, f"{name} does not exist")
    return known.pop(name.casefold(), None) is not None


class FakeRegistry:
    """``ModelRegistry`` in dictionaries. The files of a checkpoint stay in the folder they came from."""

    def __init__(self) -> None:
        self._models: dict[ModelName, ModelSpec] = {}
        self._versions: dict[ModelName, list[tuple[Checkpoint, ModelSpec]]] = {}
        self._numbers: dict[ModelName, int] = {}
        self._deployments: list[Deployment] = []
        self._served: dict[str, Checkpoint] = {}
        self._aliases: dict[tuple[ModelName, str], int] = {}
        self._renamed: dict[ModelName, ModelName] = {}
        self._keys: dict[tuple[ModelName, int], set[str]] = {}
        self._functions: dict[str, FunctionSpec] = {}
        self._apis: dict[str, ApiSpec] = {}
        self.shown: dict[str, Path] = {}

    def model(self, name: ModelName) -> ModelSpec | None:
        return self._models.get(name)

    def models(self) -> tuple[ModelSpec, ...]:
        return tuple(self._models[name] for name in sorted(self._models))

    def put_model(self, model: ModelSpec, *, replace: bool = False, if_not_exists: bool = False) -> bool:
        stored = self._models.get(model.name)
        if stored is not None:
            same = stored == model or (not replace and stored.digest == model.digest)
            if same or if_not_exists:
                return False
            if not replace:
                raise StateError("SR201", f"model {model.name} exists with another definition")
            if self.checkpoints(model.name) and shape(stored) != shape(model):
                raise StateError("SR202", f"model {model.name} has checkpoints")
        self._models[model.name] = model
        return True

    def drop_model(self, name: ModelName, *, if_exists: bool = False) -> bool:
        if name not in self._models:
            if if_exists:
                return False
            raise NameNotFoundError("SR205", f"model {name} does not exist")
        users = [s for s, pins in self._pins() if any(pin.model == name for pin in pins)]
        if users:
            raise StateError("SR203", f"model {name} is used by {', '.join(users)}")
        del self._models[name]
        self._versions.pop(name, None)
        self._numbers.pop(name, None)
        self._aliases = {key: version for key, version in self._aliases.items() if key[0] != name}
        return True

    def rename_model(self, name: ModelName, new: ModelName) -> None:
        if name not in self._models:
            if self._renamed.get(new) == name and new in self._models:
                return
            raise NameNotFoundError("SR205", f"model {name} does not exist")
        if new != name and new in self._models:
            raise StateError("SR201", f"model {new} exists already")

        def moved(of: ModelName) -> ModelName:
            return new if of == name else of

        self._renamed[new] = name
        self._models = {moved(k): replace(v, name=moved(v.name)) for k, v in self._models.items()}
        self._versions = {
            moved(of): [
                (replace(c, model=moved(c.model)), replace(spec, name=moved(spec.name)))
                for c, spec in versions
            ]
            for of, versions in self._versions.items()
        }
        self._numbers = {moved(of): number for of, number in self._numbers.items()}
        self._aliases = {(moved(of), alias): v for (of, alias), v in self._aliases.items()}
        self._served = {s: replace(c, model=moved(c.model)) for s, c in self._served.items()}
        self._deployments = [
            replace(
                d,
                model=moved(d.model),
                others=tuple(replace(pin, model=moved(pin.model)) for pin in d.others),
            )
            for d in self._deployments
        ]

    def drop_checkpoint(self, model: ModelName, name: str, *, if_exists: bool = False) -> bool:
        dropped = {c.version for c in self.checkpoints(model) if c.name.casefold() == name.casefold()}
        if not dropped and not if_exists:
            raise NameNotFoundError("SR207", f"checkpoint not exists: {name} for model {model}")
        users = [
            s for s, pins in self._pins() if any(p.model == model and p.version in dropped for p in pins)
        ]
        if users:
            raise StateError("SR203", f"checkpoint {name} is being used by {', '.join(users)}")
        self._versions[model] = [v for v in self._versions.get(model, []) if v[0].version not in dropped]
        self._aliases = {k: v for k, v in self._aliases.items() if k[0] != model or v not in dropped}
        return bool(dropped)

    def aliases(self, model: ModelName) -> dict[str, Checkpoint]:
        found = {
            alias: self.version(model, v) for (of, alias), v in sorted(self._aliases.items()) if of == model
        }
        return {alias: checkpoint for alias, checkpoint in found.items() if checkpoint}

    def set_alias(self, alias: str, checkpoint: Checkpoint) -> None:
        if problem := alias_problem(alias):
            raise OptionError("SR211", f"{alias!r} cannot name an alias", hint=problem)
        self.definition(checkpoint)
        self._aliases[checkpoint.model, alias.casefold()] = checkpoint.version

    def drop_alias(self, model: ModelName, alias: str, *, if_exists: bool = False) -> bool:
        if self._aliases.pop((model, alias.casefold()), None) is not None:
            return True
        if if_exists:
            return False
        raise NameNotFoundError("SR207", f"alias not exists: {alias} for model {model}")

    def record_metrics(
        self, checkpoint: Checkpoint, metrics: Mapping[str, float], *, key: str, folder: Path | None = None
    ) -> None:
        self.definition(checkpoint)
        keys = self._keys.setdefault((checkpoint.model, checkpoint.version), set())
        if key in keys:
            return
        keys.add(key)
        if folder is not None:
            self.shown[key] = folder

        def measured(known: Checkpoint) -> Checkpoint:
            if known.version != checkpoint.version:
                return known
            return replace(known, metrics={**known.metrics, **metrics})

        versions = self._versions[checkpoint.model]
        self._versions[checkpoint.model] = [(measured(known), spec) for known, spec in versions]

    def functions(self) -> tuple[FunctionSpec, ...]:
        return tuple(self._functions[name] for name in sorted(self._functions))

    def put_function(self, function: FunctionSpec, *, replace: bool = False) -> bool:
        return define(self._functions, function, replace=replace)

    def drop_function(self, name: str, *, if_exists: bool = False) -> bool:
        users = [api.name for api in self.apis() if api.function.casefold() == name.casefold()]
        if name.casefold() in self._functions and users:
            raise StateError("SR203", f"sql function {name} is used by api: {', '.join(users)}")
        return undefine(self._functions, name, "SR240", if_exists=if_exists)

    def apis(self) -> tuple[ApiSpec, ...]:
        return tuple(self._apis[name] for name in sorted(self._apis))

    def put_api(self, api: ApiSpec, *, replace: bool = False) -> bool:
        return define(self._apis, api, replace=replace)

    def drop_api(self, name: str, *, if_exists: bool = False) -> bool:
        return undefine(self._apis, name, "SR241", if_exists=if_exists)

    def checkpoint(self, model: ModelName, name: str) -> Checkpoint | None:
        found = [c for c in self.checkpoints(model) if c.name.casefold() == name.casefold()]
        return found[-1] if found else None

    def checkpoints(self, model: ModelName) -> tuple[Checkpoint, ...]:
        return tuple(checkpoint for checkpoint, _ in self._versions.get(model, []))

    def version(self, model: ModelName, version: int) -> Checkpoint | None:
        return next((c for c in self.checkpoints(model) if c.version == version), None)

    def definition(self, checkpoint: Checkpoint) -> ModelSpec:
        for known, spec in self._versions.get(checkpoint.model, []):
            if known.version == checkpoint.version:
                return spec
        raise NameNotFoundError("SR205", f"no checkpoint {checkpoint.name}")

    def register(
        self,
        *,
        model: ModelName,
        name: str,
        kind: CheckpointKind,
        folder: Place,
        result: JobResult,
        key: str,
        parent: Checkpoint | None = None,
        statement: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> Checkpoint:
        if model not in self._models:
            raise NameNotFoundError("SR205", f"model {model} does not exist")
        if (found := self.find(model, key)) is not None:
            return found
        if digests(local_path(folder)) != result.files:
            raise DataError("SR510", f"{folder} is not as the job left it")
        versions = self._versions.setdefault(model, [])
        self._numbers[model] = self._numbers.get(model, 0) + 1
        checkpoint = Checkpoint(
            model=model,
            name=name,
            kind=kind,
            status=CheckpointStatus.SUCCEEDED,
            version=self._numbers[model],
            uri=str(folder),
            digest=combined(dict(result.files)),
            parent=parent.name if parent else "",
            parent_version=parent.version if parent else None,
            key=key,
            created_at=time.time(),
            metrics=result.metrics,
            rows=result.rows,
            seconds=result.seconds,
            statement=statement,
            facts={"sqlrec": __version__, **(facts or {})},
        )
        versions.append((checkpoint, self._models[model]))
        return checkpoint

    def find(self, model: ModelName, key: str) -> Checkpoint | None:
        return next((c for c in self.checkpoints(model) if c.key == key), None)

    def service(self, name: str) -> Checkpoint | None:
        return self._served.get(name.casefold())

    def services(self) -> tuple[str, ...]:
        names = {d.service.casefold(): d.service for d in self._deployments}
        return tuple(sorted(names[folded] for folded in self._served))

    def history(self, service: str) -> tuple[Deployment, ...]:
        return tuple(d for d in self._deployments if d.service.casefold() == service.casefold())

    def begin(
        self,
        *,
        service: str,
        action: DeployAction,
        checkpoint: Checkpoint,
        key: str,
        options: Mapping[str, str],
        reason: str = "",
        others: Sequence[Checkpoint] = (),
    ) -> Deployment:
        pins = tuple(Pinned(model=o.model, version=o.version, checkpoint=o.name) for o in others)
        history = self.history(service)
        closed = sorted((d for d in history if d.finished_at), key=lambda d: d.finished_at)
        done = [d for d in closed if d.state is DeployState.FINISHED and not d.action.is_beside]
        current = done[-1] if done and done[-1].action is not DeployAction.DROP else None
        work = (key, action, checkpoint.model, checkpoint.version, pins)
        for entry in history:
            same = (entry.key, entry.action, entry.model, entry.version, entry.others) == work
            if same and (entry.state is not DeployState.FINISHED or entry == closed[-1]):
                if entry.state is not DeployState.FAILED:
                    return entry
                return self._put(replace(entry, state=DeployState.INTENT, error="", finished_at=0.0))
        entry = Deployment(
            service=service,
            revision=len(history) + 1,
            action=action,
            state=DeployState.INTENT,
            model=checkpoint.model,
            version=checkpoint.version,
            checkpoint=checkpoint.name,
            key=key,
            options=dict(options),
            previous=current.revision if current else None,
            reason=reason,
            others=pins,
            created_at=time.time(),
            id=f"{service}-{len(history) + 1}",
        )
        self._deployments.append(entry)
        return entry

    def finish(self, deployment: Deployment, *, url: str) -> Deployment:
        served = self.version(deployment.model, deployment.version)
        if served is None:
            raise NameNotFoundError("SR205", f"no checkpoint {deployment.checkpoint} any more")
        if deployment.action is DeployAction.DROP:
            self._served.pop(deployment.service.casefold(), None)
        elif not deployment.action.is_beside:
            self._served[deployment.service.casefold()] = served
        done = replace(deployment, state=DeployState.FINISHED, url=url, finished_at=time.time())
        return self._put(done)

    def fail(self, deployment: Deployment, *, error: str) -> Deployment:
        if deployment.state is DeployState.FINISHED:
            return deployment
        failed = replace(deployment, state=DeployState.FAILED, error=error, finished_at=time.time())
        return self._put(failed)

    def _pins(self) -> list[tuple[str, list[Pinned]]]:
        """Services with the versions that they use."""
        found = []
        for service in self.services():
            done = [d for d in self.history(service) if d.state is DeployState.FINISHED]
            last = max((d for d in done if not d.action.is_beside), key=lambda d: d.finished_at)
            used = [last, *filter(None, [running_canary(done)])]
            pins = [Pinned(model=d.model, version=d.version, checkpoint=d.checkpoint) for d in used]
            found.append((service, [*pins, *(pin for d in used for pin in d.others)]))
        return found

    def _put(self, entry: Deployment) -> Deployment:
        self._deployments = [entry if d.id == entry.id else d for d in self._deployments]
        return entry

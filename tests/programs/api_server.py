"""A server of an API in a thread of this process."""

from __future__ import annotations

import json
from typing import Any

from sqlrec.programs.app import ApiApp
from sqlrec.programs.callees import Callees, FixedCallees
from sqlrec.serving.config import Limits, ServeConfig
from sqlrec.serving.server import Server
from sqlrec.spec.function import ApiServiceSpec, ApiSpec, Callee, Program
from tests.running_server import Reply, RunningServer


class RunningApi(RunningServer):
    """``with RunningApi(program) as api``."""

    def __init__(
        self,
        program: Program,
        *callees: Callee,
        finder: Callees | None = None,
        limits: Limits | None = None,
        interval: float = 60.0,
    ) -> None:
        spec = ApiServiceSpec(name="api.rec", api=ApiSpec(name="rec", function=program.name, program=program))
        config = ServeConfig(spec=spec, drain_seconds=0.0, limits=limits or Limits())
        found = finder or FixedCallees({callee.service: callee for callee in callees})
        super().__init__(lambda: Server(config, ApiApp(config, found, refresh=interval)))

    def ask(self, params: dict[str, Any] | None = None, /, **data: Any) -> Reply:
        """A request with input tables as rows or columns."""
        body = {"data": data} if params is None else {"data": data, "params": params}
        return self.call("POST", "/api/v1/rec", json.dumps(body))

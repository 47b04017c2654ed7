"""``python -m tests.emulator``: a cluster on this machine until it is told to stop.

Prints one line of JSON once it answers: the port of the API and that of the side door. Needs root.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import tempfile
from pathlib import Path

from tests.emulator.access import Access, kubeconfig
from tests.emulator.api import Api
from tests.emulator.controllers import Controllers
from tests.emulator.deletion import Deletion
from tests.emulator.kinds import NAMESPACES
from tests.emulator.kubelet import Kubelet
from tests.emulator.names_in_pods import Names
from tests.emulator.network import Network
from tests.emulator.node import Node
from tests.emulator.orders import Orders
from tests.emulator.pod_worker import Place
from tests.emulator.proxy import Proxy
from tests.emulator.server import HOST, Port, Rules
from tests.emulator.store import Store
from tests.emulator.writes import Writes


async def serve(folder: Path, images: frozenset[str], written: Path | None, port: int) -> None:
    """Run the cluster until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    network = Network()
    try:
        store = Store()
        writes, deletion = Writes(store, network.service_address), Deletion(store)
        node = Node(store, network.gateway, images)
        place = Place(store=store, node=node, network=network, names=Names(store), folder=folder)
        kubelet = Kubelet(place)
        Proxy(store)
        for name in ("default", "kube-system"):
            writes.create(NAMESPACES, "", {"metadata": {"name": name}}, "emulator")
        node.register()
        controllers = asyncio.create_task(Controllers(store, writes, deletion).run())
        api = Api(store, writes, deletion, kubelet, Access(store))
        rules = Rules(api.handle)
        front = Port(rules.handle, port)
        side = Port(Orders(api, rules, front).handle)
        await front.open()
        await side.open()
        if written is not None:
            written.write_text(kubeconfig(f"http://{HOST}:{front.number}"))
        print(json.dumps({"port": front.number, "door": side.number}), flush=True)
        await stop.wait()
        controllers.cancel()
        await kubelet.close()
        await front.close()
        await side.close()
    finally:
        network.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the API (default: any free one)")
    parser.add_argument("--kubeconfig", type=Path, help="file to write the kubeconfig to")
    parser.add_argument("--workdir", type=Path, help="folder for files of pods (default: a temporary one)")
    parser.add_argument(
        "--image", action="append", default=[], help="an image there is; all are this machine"
    )
    options = parser.parse_args()
    folder = options.workdir or Path(tempfile.mkdtemp(prefix="emulator-"))
    asyncio.run(serve(folder, frozenset(options.image), options.kubeconfig, options.port))


if __name__ == "__main__":
    main()

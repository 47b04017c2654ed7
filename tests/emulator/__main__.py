import argparse, asyncio, json, os, pathlib, signal, sys, tempfile
from aiohttp import web
from tests.emulator.api import Cluster, Server
from tests.emulator.kubelet import Kubelet, Proxy
from tests.emulator.controllers import Controllers

KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:%d"}}]
contexts: [{name: c, context: {cluster: c, user: u, namespace: default}}]
users: [{name: u, user: {token: t}}]
current-context: c
"""


async def serve(
    port=0,
    kubeconfig=None,
    workdir=None,
    images=None,
    isolate=None,
    capacity=None,
    validate=None,
    ready=None,
    stop=None,
):
    c = Cluster(validate)
    rs_owned = lambda p: any(r["kind"] == "ReplicaSet" for r in p["metadata"].get("ownerReferences") or [])
    k = Kubelet(c, workdir or tempfile.mkdtemp(prefix="fakekube-"), images, isolate, rs_owned, capacity)
    Proxy(c, k)
    ctl = asyncio.ensure_future(Controllers(c).run())
    c.create(
        "nodes",
        None,
        {"metadata": {"name": "fakenode"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}},
    )
    runner = web.AppRunner(Server(c, k).app, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    port = runner.addresses[0][1]
    if kubeconfig:
        pathlib.Path(kubeconfig).write_text(KUBECONFIG % port)
    (ready or (lambda c, k, p: print(json.dumps({"port": p}), flush=True)))(c, k, port)
    try:
        await (stop or asyncio.Event()).wait()
    finally:
        ctl.cancel()
        for r in k.runs.values():
            if r.proc and r.proc.returncode is None:
                k.kill(r, signal.SIGKILL)
        for h in k.holders.values():
            h.kill()
        await asyncio.sleep(0.05)
        await runner.cleanup()


if __name__ == "__main__":
    a = argparse.ArgumentParser()
    a.add_argument("--port", type=int, default=0)
    a.add_argument("--kubeconfig")
    a.add_argument("--workdir")
    a.add_argument("--no-isolate", action="store_true")
    a.add_argument("--gpus", type=int)
    a.add_argument("--strict", action="store_true")
    a.add_argument(
        "--image", action="append", help="NAME or NAME=ROOTFS; without any, every image is the host"
    )
    a = a.parse_args()
    validate = None
    if a.strict:
        from tests.emulator.schema import validate

    async def main():
        stop = asyncio.Event()
        for s in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(s, stop.set)
        await serve(
            a.port,
            a.kubeconfig,
            a.workdir,
            images={n: ({"root": r} if r else {}) for n, _, r in (i.partition("=") for i in a.image)}
            if a.image
            else None,
            isolate=False if a.no_isolate else None,
            capacity={"nvidia.com/gpu": a.gpus} if a.gpus is not None else None,
            validate=validate,
            stop=stop,
        )

    asyncio.run(main())

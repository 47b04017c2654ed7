"""A kubelet that runs the containers of pods as local processes, and a service proxy on loopback addresses.

With isolate=True (root on Linux) each container gets its own pid + mount + uts namespaces and a throw-away overlay of its
image's root file system (default: the host's /), volumes bind-mounted at their real paths; a pod may get its own network namespace.
"""

from __future__ import annotations
import asyncio, base64, copy, ctypes, datetime, os, pathlib, re, shutil, random, signal, socket, sys, threading
from tests.emulator.api import ApiError, now, match_labels

PATH = f"{sys.prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ISO = pathlib.Path(__file__).with_name("container.sh")
utc = lambda: datetime.datetime.now(datetime.timezone.utc)


class Run:
    def __init__(self):
        self.lines, self.started, self.done, self.more, self.proc, self.restarts, self.state, self.ready = (
            [],
            False,
            asyncio.Event(),
            asyncio.Event(),
            None,
            0,
            {"waiting": {"reason": "ContainerCreating"}},
            False,
        )


class Kubelet:
    def __init__(
        self, cluster, workdir, images=None, isolate=None, netns=lambda pod: False, capacity=None, backoff=0.5
    ):
        self.c, self.dir, self.images, self.netns, self.backoff = (
            cluster,
            pathlib.Path(workdir),
            images,
            netns,
            backoff,
        )
        self.isolate = os.geteuid() == 0 if isolate is None else isolate
        self.capacity, self.used, self.runs, self.pods, self.holders, self.ip = (
            capacity or {},
            {},
            {},
            {},
            {},
            1,
        )
        self.dir.mkdir(parents=True, exist_ok=True)
        self.hosts = self.dir / "hosts"
        self.hosts.write_text("127.0.0.1 localhost\n")
        cluster.hooks.append(self.on_event)

    def on_event(self, typ, plural, o):
        if plural == "pods" and typ == "ADDED":
            self.pods[o["metadata"]["uid"]] = asyncio.ensure_future(
                self.run_pod(o["metadata"]["namespace"], o["metadata"]["name"], o["metadata"]["uid"])
            )
        elif plural == "pods" and typ == "MODIFIED" and o["metadata"].get("deletionTimestamp"):
            t = self.pods.get(o["metadata"]["uid"])
            if t and not getattr(t, "ending", False):
                t.ending = True
                asyncio.ensure_future(self.terminate(o, t))

    def live(self, ns, name, uid):
        o = self.c.objs["pods"].get((ns, name))
        return o if o and o["metadata"]["uid"] == uid else None

    async def terminate(self, pod, task):
        uid, grace = pod["metadata"]["uid"], pod["metadata"].get("deletionGracePeriodSeconds", 30)
        runs = [r for (u, _), r in self.runs.items() if u == uid and r.proc and r.proc.returncode is None]
        for r in runs:
            self.kill(r, signal.SIGTERM)
        if runs:
            await asyncio.wait([asyncio.ensure_future(r.done.wait()) for r in runs], timeout=grace)
        for r in runs:
            self.kill(r, signal.SIGKILL)
        if not task.done():
            try:
                await asyncio.wait_for(asyncio.shield(task), 2)
            except (asyncio.TimeoutError, asyncio.CancelledError):
                task.cancel()
        if h := self.holders.pop(uid, None):
            h.kill()
            await h.wait()
        if o := self.live(pod["metadata"]["namespace"], pod["metadata"]["name"], uid):
            self.c.remove("pods", o)
        for r in [r for (u, _), r in self.runs.items() if u == uid]:
            r.done.set()
        shutil.rmtree(self.dir / uid, ignore_errors=True)

    def main_pid(self, run):  # with isolation our child is unshare; the container's pid 1 is its child
        pid = run.proc.pid
        if self.isolate:
            kids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return int(kids[0]) if kids else None
        return pid

    def kill(self, run, sig):
        try:
            if self.isolate:
                os.kill(self.main_pid(run) or run.proc.pid, sig)
            else:
                os.killpg(run.proc.pid, sig)
        except (ProcessLookupError, FileNotFoundError):
            pass

    # -- volumes and environment ------------------------------------------------------------------------------------
    def volume(self, pod, v, base):
        ns, d = pod["metadata"]["namespace"], base / "vol" / v["name"]

        def write(items, data, opt):
            d.mkdir(parents=True, exist_ok=True)
            for k, p, mode in (
                [(i["key"], i["path"], i.get("mode")) for i in items]
                if items
                else [(k, k, None) for k in data]
            ):
                (d / p).parent.mkdir(parents=True, exist_ok=True)
                (d / p).write_bytes(data[k])
                os.chmod(d / p, mode or opt or 0o644)

        if "configMap" in v:
            cm = self.c.get("configmaps", ns, v["configMap"]["name"])
            write(
                v["configMap"].get("items"),
                {
                    **{k: x.encode() for k, x in (cm.get("data") or {}).items()},
                    **{k: base64.b64decode(x) for k, x in (cm.get("binaryData") or {}).items()},
                },
                v["configMap"].get("defaultMode"),
            )
        elif "secret" in v:
            write(
                v["secret"].get("items"),
                {
                    k: base64.b64decode(x)
                    for k, x in (
                        self.c.get("secrets", ns, v["secret"]["secretName"]).get("data") or {}
                    ).items()
                },
                v["secret"].get("defaultMode"),
            )
        elif "hostPath" in v:
            return pathlib.Path(v["hostPath"]["path"])
        elif "persistentVolumeClaim" in v:
            self.c.get("persistentvolumeclaims", ns, v["persistentVolumeClaim"]["claimName"])
            d = self.dir / "pvc" / ns / v["persistentVolumeClaim"]["claimName"]
            d.mkdir(parents=True, exist_ok=True)
        else:
            d.mkdir(parents=True, exist_ok=True)  # emptyDir and whatever else
        return d

    def environ(self, pod, c):
        ns, m, env = (
            pod["metadata"]["namespace"],
            pod["metadata"],
            {
                "PATH": PATH,
                "HOME": "/root",
                "HOSTNAME": pod["spec"].get("hostname") or m["name"] if (m := pod["metadata"]) else "",
            },
        )
        secret = lambda n: {
            k: base64.b64decode(x).decode()
            for k, x in (self.c.get("secrets", ns, n).get("data") or {}).items()
        }
        for f in c.get("envFrom") or []:
            src = (
                (self.c.get("configmaps", ns, f["configMapRef"]["name"]).get("data") or {})
                if "configMapRef" in f
                else secret(f["secretRef"]["name"])
            )
            env.update(
                {
                    f.get("prefix", "") + k: v
                    for k, v in src.items()
                    if re.fullmatch(r"[-._a-zA-Z][-._a-zA-Z0-9]*", k)
                }
            )
        for e in c.get("env") or []:
            vf = e.get("valueFrom")
            if not vf:
                val = expand(str(e.get("value") or ""), env)
            elif "configMapKeyRef" in vf:
                val = (self.c.get("configmaps", ns, vf["configMapKeyRef"]["name"]).get("data") or {}).get(
                    vf["configMapKeyRef"]["key"]
                )
            elif "secretKeyRef" in vf:
                val = secret(vf["secretKeyRef"]["name"]).get(vf["secretKeyRef"]["key"])
            elif "fieldRef" in vf:
                fp = vf["fieldRef"]["fieldPath"]
                if k := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", fp):
                    val = (m.get(k[1]) or {}).get(k[2], "")
                else:
                    val = pod
                    for p in fp.split("."):
                        val = (val or {}).get(p)
            else:
                val = ""
            if val is None:
                raise ApiError(404, "NotFound", f"couldn't find key for env {e['name']} in {vf}")
            env[e["name"]] = str(val)
        return env

    # -- pod life ----------------------------------------------------------------------------------------------------
    async def run_pod(self, ns, name, uid):
        pod = self.live(ns, name, uid)
        if pod is None:
            return
        spec, need = pod["spec"], {}
        for c in spec["containers"]:
            for k, v in ((c.get("resources") or {}).get("limits") or {}).items():
                if k in self.capacity:
                    need[k] = need.get(k, 0) + int(v)
        told = False
        while any(self.used.get(k, 0) + v > self.capacity[k] for k, v in need.items()):
            if not told:
                told = True
                msg = f"0/1 nodes are available: 1 Insufficient {', '.join(need)}."
                self.c.set_status(
                    "pods",
                    pod,
                    conditions=[
                        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": msg}
                    ],
                )
                self.c.event(pod, "FailedScheduling", msg, "Warning")
            await asyncio.sleep(0.05)
            pod = self.live(ns, name, uid)
            if pod is None or pod["metadata"].get("deletionTimestamp"):
                return
        for k, v in need.items():
            self.used[k] = self.used.get(k, 0) + v
        try:
            await self.run_bound(ns, name, uid)
        finally:
            for k, v in need.items():
                self.used[k] -= v

    async def run_bound(self, ns, name, uid):
        pod = self.live(ns, name, uid)
        spec = pod["spec"]
        spec["nodeName"] = "fakenode"
        base = self.dir / uid
        base.mkdir(parents=True)
        self.ip += 1
        ip = f"127.77.{self.ip // 250}.{self.ip % 250 + 1}"
        self.status(pod, startTime=now(), podIP=ip, podIPs=[{"ip": ip}], hostIP="127.0.0.1")
        self.c.event(pod, "Scheduled", f"Successfully assigned {ns}/{name} to fakenode")
        if self.isolate and self.netns(pod):
            self.holders[uid] = await asyncio.create_subprocess_exec(
                "unshare",
                "-n",
                "sh",
                "-c",
                "ip link set lo up && exec sleep infinity",
                stdin=asyncio.subprocess.DEVNULL,
            )
        if pod["spec"].get("subdomain") and pod["spec"].get("hostname"):
            self.write_hosts()
        for c in spec.get("initContainers") or []:
            while True:
                rc = await self.run_container(ns, name, uid, c, base)
                if rc == 0:
                    break
                if spec["restartPolicy"] == "Never" or self.live(ns, name, uid) is None:
                    return self.finish(ns, name, uid, "Failed")
                await asyncio.sleep(self.backoff)

        async def keep(c):
            run = self.runs.setdefault((uid, c["name"]), Run())
            while True:
                rc = await self.run_container(ns, name, uid, c, base)
                o = self.live(ns, name, uid)
                if (
                    o is None
                    or o["metadata"].get("deletionTimestamp")
                    or rc is None
                    or spec["restartPolicy"] == "Never"
                    or (spec["restartPolicy"] == "OnFailure" and rc == 0)
                ):
                    return rc
                last = run.state
                run.state = {
                    "waiting": {
                        "reason": "CrashLoopBackOff",
                        "message": f"back-off restarting failed container {c['name']}",
                    }
                }
                run.last = last
                run.restarts += 1
                self.status(o)
                self.c.event(
                    o, "BackOff", f"Back-off restarting failed container {c['name']} in pod {name}", "Warning"
                )
                await asyncio.sleep(min(self.backoff * 2 ** (run.restarts - 1), 10))
                run.done.clear()

        deadline = spec.get("activeDeadlineSeconds")
        tasks = [asyncio.ensure_future(keep(c)) for c in spec["containers"]]
        done, pending = await asyncio.wait(tasks, timeout=deadline)
        if pending:
            for c in spec["containers"]:
                self.kill(self.runs[(uid, c["name"])], signal.SIGKILL)
            await asyncio.wait(tasks)
            return self.finish(
                ns,
                name,
                uid,
                "Failed",
                reason="DeadlineExceeded",
                message="Pod was active on the node longer than the specified deadline",
            )
        self.finish(ns, name, uid, "Succeeded" if all(t.result() == 0 for t in tasks) else "Failed")

    def finish(self, ns, name, uid, phase, **kw):
        if o := self.live(ns, name, uid):
            self.status(o, phase=phase, **kw)

    def status(self, pod, phase=None, **kw):
        uid, spec = pod["metadata"]["uid"], pod["spec"]

        def statuses(cs):
            out = []
            for c in cs or []:
                r = self.runs.setdefault((uid, c["name"]), Run())
                out.append(
                    {
                        "name": c["name"],
                        "image": c.get("image", ""),
                        "imageID": c.get("image", ""),
                        "ready": r.ready,
                        "started": "running" in r.state,
                        "restartCount": r.restarts,
                        "state": copy.deepcopy(r.state),
                        "lastState": copy.deepcopy(getattr(r, "last", {})),
                        "containerID": f"proc://{r.proc.pid if r.proc else 0}",
                    }
                )
            return out

        cs = statuses(spec["containers"])
        if phase is None:
            phase = (
                "Running"
                if any("running" in s["state"] or "terminated" in s["state"] or s["restartCount"] for s in cs)
                else "Pending"
            )
        ready = phase == "Running" and all(s["ready"] for s in cs)
        tf = lambda b: "True" if b else "False"
        st = {
            "phase": phase,
            "containerStatuses": cs,
            "conditions": [
                {"type": t, "status": tf(b), "lastTransitionTime": now()}
                for t, b in (
                    ("PodScheduled", True),
                    ("Initialized", phase != "Pending"),
                    ("ContainersReady", ready),
                    ("Ready", ready),
                )
            ],
            **kw,
        }
        if spec.get("initContainers"):
            st["initContainerStatuses"] = statuses(spec["initContainers"])
        old = {c["type"]: c for c in pod["status"].get("conditions", [])}
        for c in st["conditions"]:
            if c["type"] in old and old[c["type"]]["status"] == c["status"]:
                c["lastTransitionTime"] = old[c["type"]].get("lastTransitionTime", now())
        self.c.set_status("pods", pod, **st)

    async def run_container(self, ns, name, uid, c, base):
        run = self.runs.setdefault((uid, c["name"]), Run())
        told = None
        image = c.get("image", "")
        while True:  # image, volumes and environment, retried as the real kubelet does
            pod = self.live(ns, name, uid)
            if pod is None or pod["metadata"].get("deletionTimestamp"):
                run.done.set()
                return None
            try:
                if self.images is not None and image not in self.images:
                    raise ApiError(404, "ErrImagePull", f'Failed to pull image "{image}": not found')
                img = (self.images or {}).get(image) or {}
                mounts = [
                    (
                        self.volume(
                            pod, next(v for v in pod["spec"]["volumes"] if v["name"] == vm["name"]), base
                        )
                        / (vm.get("subPath") or ""),
                        vm["mountPath"],
                        bool(vm.get("readOnly")),
                    )
                    for vm in c.get("volumeMounts") or []
                ]
                env = {**(img.get("env") or {}), **self.environ(pod, c)}
                break
            except (ApiError, StopIteration) as e:
                reason = getattr(e, "reason", "FailedMount")
                why = reason if reason == "ErrImagePull" else "CreateContainerConfigError"
                if why == "ErrImagePull" and told:
                    why = "ImagePullBackOff"
                if why != told:
                    told = why
                    run.state = {"waiting": {"reason": why, "message": getattr(e, "message", str(e))}}
                    self.status(pod)
                    self.c.event(pod, "Failed", getattr(e, "message", str(e)), "Warning")
                await asyncio.sleep(0.2)
        argv = [
            expand(str(a), env)
            for a in (c.get("command") or img.get("entrypoint") or [])
            + (c.get("args") or ([] if c.get("command") else img.get("cmd") or []))
        ]
        cdir = base / "c" / f"{c['name']}-{run.restarts}"
        (cdir / "ov").mkdir(parents=True, exist_ok=True)
        if self.isolate:
            (cdir / "mounts").write_text(
                "".join(f"{s}\t{d}\t{'ro' if ro else 'rw'}\n" for s, d, ro in mounts)
            )
            argv = [
                "unshare",
                "-m",
                "-p",
                "-u",
                "-f",
                "--kill-child",
                "sh",
                str(ISO),
                str(cdir),
                img.get("root", "/"),
                str(self.hosts),
                env["HOSTNAME"],
                c.get("workingDir") or img.get("workdir") or "/",
                *argv,
            ]
            if h := self.holders.get(uid):
                argv = ["nsenter", "-t", str(h.pid), "-n", *argv]
        try:
            run.proc = await asyncio.create_subprocess_exec(
                *argv,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=1 << 20,
                start_new_session=True,
                cwd=None if self.isolate else c.get("workingDir"),
            )
        except OSError as e:
            run.started = True
            run.state = {
                "terminated": {
                    "exitCode": 127 if isinstance(e, FileNotFoundError) else 126,
                    "reason": "StartError",
                    "message": str(e),
                    "startedAt": now(),
                    "finishedAt": now(),
                }
            }
            run.done.set()
            self.status(pod)
            return 127
        started = now()
        run.started, run.state = True, {"running": {"startedAt": started}}
        run.ready = not c.get("readinessProbe")
        self.status(pod)
        self.c.event(pod, "Started", f"Started container {c['name']}")
        probes = [asyncio.ensure_future(self.probe(ns, name, uid, c, run))] if c.get("readinessProbe") else []
        async for line in run.proc.stdout:
            run.lines.append((utc(), line if line.endswith(b"\n") else line + b"\n"))
            run.more.set()
        rc = await run.proc.wait()
        rc = 128 - rc if rc < 0 else rc
        for p in probes:
            p.cancel()
        run.ready = False
        run.state = {
            "terminated": {
                "exitCode": rc,
                "reason": "Completed" if rc == 0 else "Error",
                "startedAt": started,
                "finishedAt": now(),
                "containerID": f"proc://{run.proc.pid}",
            }
        }
        run.done.set()
        run.more.set()
        if o := self.live(ns, name, uid):
            self.status(o, phase=None)
        return rc

    async def probe(self, ns, name, uid, c, run):
        p = c["readinessProbe"]
        await asyncio.sleep(p.get("initialDelaySeconds", 0))
        while True:
            ok = False
            try:
                if "exec" in p:
                    pr = await self.exec(self.live(ns, name, uid), c["name"], p["exec"]["command"])
                    await pr.communicate()
                    ok = pr.returncode == 0
                else:
                    port = (p.get("httpGet") or p.get("tcpSocket"))["port"]
                    if isinstance(port, str):
                        port = next(x["containerPort"] for x in c["ports"] if x.get("name") == port)
                    rd, wr = await self.dial(self.live(ns, name, uid), port)
                    ok = True
                    if "httpGet" in p:
                        wr.write(f"GET {p['httpGet'].get('path', '/')} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
                        ok = (
                            200
                            <= int(
                                (await asyncio.wait_for(rd.readline(), p.get("timeoutSeconds", 1))).split()[1]
                            )
                            < 400
                        )
                    wr.close()
            except (OSError, asyncio.TimeoutError, IndexError, TypeError, KeyError):
                ok = False
            if ok != run.ready and (o := self.live(ns, name, uid)):
                run.ready = ok
                self.status(o)
            await asyncio.sleep(
                min(p.get("periodSeconds", 10), 0.25) if not ok else p.get("periodSeconds", 10)
            )

    async def exec(self, pod, cname, command):
        run = self.runs.get((pod["metadata"]["uid"], cname))
        if not run or not run.proc or run.proc.returncode is not None:
            raise ApiError(500, "InternalError", f"container {cname} is not running")
        argv = (
            ["nsenter", "-t", str(self.main_pid(run)), "-m", "-p", "-n", "-u", "-r", "-w", *command]
            if self.isolate
            else command
        )
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": PATH},
        )

    # -- network -----------------------------------------------------------------------------------------------------
    async def dial(self, pod, port):
        h = self.holders.get(pod["metadata"]["uid"])
        if not h:
            return await asyncio.open_connection("127.0.0.1", port)
        sock = await asyncio.to_thread(connect_in_netns, h.pid, port)
        sock.setblocking(False)
        return await asyncio.open_connection(sock=sock)

    def write_hosts(self):
        lines = ["127.0.0.1 localhost"]
        for s in self.c.find("services"):
            n, ns, ip = s["metadata"]["name"], s["metadata"]["namespace"], s["spec"].get("clusterIP")
            if ip and ip != "None":
                lines.append(f"{ip} {n} {n}.{ns} {n}.{ns}.svc {n}.{ns}.svc.cluster.local")
        for p in self.c.find(
            "pods",
            None,
            lambda p: p["status"].get("podIP") and p["status"]["phase"] in ("Pending", "Running"),
        ):
            h, sd, ns = (
                p["spec"].get("hostname") or p["metadata"]["name"],
                p["spec"].get("subdomain"),
                p["metadata"]["namespace"],
            )
            lines.append(
                f"{p['status']['podIP']} {h}"
                + (f" {h}.{sd} {h}.{sd}.{ns} {h}.{sd}.{ns}.svc {h}.{sd}.{ns}.svc.cluster.local" if sd else "")
            )
        with open(self.hosts, "r+") as f:
            f.write("\n".join(lines) + "\n")
            f.truncate()


def expand(s, env):
    return re.sub(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)", lambda m: "$" if m[0] == "$$" else env.get(m[1], m[0]), s)


def connect_in_netns(pid, port):
    libc, box = ctypes.CDLL(None, use_errno=True), []

    def go():  # setns() is per thread; a socket stays in the namespace where it was made
        try:
            with open(f"/proc/{pid}/ns/net") as f:
                if libc.setns(f.fileno(), 0x40000000):
                    raise OSError(ctypes.get_errno(), "setns")
            box.append(socket.create_connection(("127.0.0.1", port), 2))
        except OSError as e:
            box.append(e)

    t = threading.Thread(target=go)
    t.start()
    t.join()
    if isinstance(box[0], OSError):
        raise box[0]
    return box[0]


class Proxy:
    """One loopback address a Service, its ports forwarded to ready pods."""

    def __init__(self, cluster, kubelet):
        self.c, self.k, self.n, self.servers, self.turn = cluster, kubelet, os.getpid() % 600 * 100, {}, 0
        cluster.hooks.append(self.on_event)

    def on_event(self, typ, plural, o):
        if plural == "services" and typ == "ADDED" and o["spec"].get("clusterIP") != "None":
            asyncio.ensure_future(self.open(o["metadata"]["namespace"], o["metadata"]["name"]))
        if plural == "services" and typ == "DELETED":
            for s in self.servers.pop(o["metadata"]["uid"], []):
                s.close()
        if plural == "pods" and typ == "MODIFIED" or plural == "services":
            self.k.write_hosts()

    async def open(self, ns, name):
        s = self.c.get("services", ns, name)
        uid = s["metadata"]["uid"]
        while True:  # the next address with these ports free: other emulators run beside this one
            self.n = (self.n + 1) % 60000
            ip, servers = f"127.78.{self.n // 250}.{self.n % 250 + 1}", []
            try:
                for p in s["spec"]["ports"]:
                    servers.append(
                        await asyncio.start_server(
                            lambda r, w, p=p: self.serve(ns, name, p["port"], r, w), ip, p["port"]
                        )
                    )
                break
            except OSError:
                for server in servers:
                    server.close()
        s["spec"]["clusterIP"], s["spec"]["clusterIPs"] = ip, [ip]
        self.servers[uid] = servers
        self.c.emit("MODIFIED", "services", s)

    async def serve(self, ns, name, port, rd, wr):
        try:
            s = self.c.get("services", ns, name)
            sel = match_labels({"matchLabels": s["spec"].get("selector")})
            pods = self.c.find(
                "pods",
                ns,
                lambda o: (
                    sel(o)
                    and not o["metadata"].get("deletionTimestamp")
                    and any(
                        c["type"] == "Ready" and c["status"] == "True"
                        for c in o["status"].get("conditions", [])
                    )
                ),
            )
            self.turn += 1
            pod = pods[self.turn % len(pods)]
            tp = next(p for p in s["spec"]["ports"] if p["port"] == port).get("targetPort", port)
            if isinstance(tp, str):
                tp = next(
                    x["containerPort"]
                    for c in pod["spec"]["containers"]
                    for x in c.get("ports", [])
                    if x.get("name") == tp
                )
            r2, w2 = await self.k.dial(pod, tp)

            async def pipe(a, b):
                while data := await a.read(65536):
                    b.write(data)
                    await b.drain()
                b.close()

            await asyncio.gather(pipe(rd, w2), pipe(r2, wr), return_exceptions=True)
        except (ApiError, OSError, ZeroDivisionError):
            pass
        finally:
            wr.close()

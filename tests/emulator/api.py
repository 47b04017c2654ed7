"""A small Kubernetes API server (aiohttp): CRUD, list/watch with selectors, patches, subresources, discovery."""

from __future__ import annotations
import asyncio, collections, copy, datetime, json, random, re, string, uuid
from aiohttp import web, WSMsgType
import yaml

# plural: (groupVersion, Kind, short names, subresources)
RES = {
    "namespaces": ("v1", "Namespace", ["ns"], []),
    "nodes": ("v1", "Node", ["no"], []),
    "pods": ("v1", "Pod", ["po"], ["log", "exec", "status", "eviction"]),
    "services": ("v1", "Service", ["svc"], ["status"]),
    "configmaps": ("v1", "ConfigMap", ["cm"], []),
    "secrets": ("v1", "Secret", [], []),
    "events": ("v1", "Event", ["ev"], []),
    "serviceaccounts": ("v1", "ServiceAccount", ["sa"], []),
    "persistentvolumeclaims": ("v1", "PersistentVolumeClaim", ["pvc"], []),
    "endpoints": ("v1", "Endpoints", ["ep"], []),
    "deployments": ("apps/v1", "Deployment", ["deploy"], ["status", "scale"]),
    "replicasets": ("apps/v1", "ReplicaSet", ["rs"], ["status", "scale"]),
    "jobs": ("batch/v1", "Job", [], ["status"]),
}
CLUSTER = {"namespaces", "nodes"}
HAS_STATUS = {p for p, r in RES.items() if "status" in r[3]}
NAME_RE = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "ownerReferences": "uid",
    "conditions": "type",
    "hostAliases": "ip",
}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def rand(n):
    return "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=n))


def meta(o):
    return o.setdefault("metadata", {})


class ApiError(Exception):
    def __init__(self, code, reason, message, details=None):
        self.code, self.reason, self.message, self.details = code, reason, message, details

    def status(self):
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
            "details": self.details or {},
        }


def not_found(plural, name):
    return ApiError(404, "NotFound", f'{plural} "{name}" not found', {"name": name, "kind": plural})


def label_selector(text):
    tests = []
    for part in re.findall(r"(?:[^,(]|\([^)]*\))+", text or ""):
        part = part.strip()
        if m := re.fullmatch(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)", part):
            k, op, vs = m[1], m[2], {v.strip() for v in m[3].split(",")}
            tests.append(
                (lambda l, k=k, vs=vs: l.get(k) in vs)
                if op == "in"
                else (lambda l, k=k, vs=vs: l.get(k) not in vs)
            )
        elif m := re.fullmatch(r"([^=!\s]+)\s*(==|=|!=)\s*(.*)", part):
            k, op, v = m[1], m[2], m[3]
            tests.append(
                (lambda l, k=k, v=v: l.get(k) != v)
                if op == "!="
                else (lambda l, k=k, v=v: k in l and l[k] == v)
            )
        elif part.startswith("!"):
            tests.append(lambda l, k=part[1:].strip(): k not in l)
        elif part:
            tests.append(lambda l, k=part: k in l)
    return lambda o: all(t(o["metadata"].get("labels") or {}) for t in tests)


def match_labels(selector):  # {"matchLabels":…, "matchExpressions":…}
    ml = (selector or {}).get("matchLabels") or {}
    return lambda o: all((o["metadata"].get("labels") or {}).get(k) == v for k, v in ml.items())


def field_selector(text):
    tests = []
    for part in filter(None, (text or "").split(",")):
        k, op, v = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", part).groups()
        tests.append((k.strip().split("."), op == "!=", v))

    def ok(o):
        for path, neg, v in tests:
            cur = o
            for p in path:
                cur = (cur or {}).get(p) if isinstance(cur, dict) else None
            if (("" if cur is None else str(cur)) == v) == neg:
                return False
        return True

    return ok


def merge_patch(t, p):
    if not isinstance(p, dict):
        return p
    t = dict(t) if isinstance(t, dict) else {}
    for k, v in p.items():
        if v is None:
            t.pop(k, None)
        else:
            t[k] = merge_patch(t.get(k), v)
    return t


def strategic(t, p, field=None):
    if isinstance(p, dict):
        if p.get("$patch") == "replace":
            return {k: v for k, v in p.items() if k != "$patch"}
        t = dict(t) if isinstance(t, dict) else {}
        for k, v in p.items():
            if k.startswith("$setElementOrder/") or k.startswith("$retainKeys"):
                continue
            if k.startswith("$deleteFromPrimitiveList/"):
                f = k.split("/", 1)[1]
                t[f] = [x for x in t.get(f, []) if x not in v]
            elif v is None:
                t.pop(k, None)
            else:
                t[k] = strategic(t.get(k), v, k)
        return t
    if isinstance(p, list) and isinstance(t, list):
        key = MERGE_KEYS.get(field) or (
            "containerPort"
            if field == "ports" and any("containerPort" in x for x in t + p)
            else "port"
            if field == "ports"
            else None
        )
        if key is None or not all(isinstance(x, dict) for x in p):
            return p
        out = [dict(x) for x in t]
        for item in p:
            i = next((i for i, x in enumerate(out) if x.get(key) == item.get(key)), None)
            if item.get("$patch") == "delete":
                if i is not None:
                    out.pop(i)
            elif i is None:
                out.append(item)
            else:
                out[i] = strategic(out[i], item)
        return out
    return p


def json_patch(doc, ops):
    def walk(path):
        cur, ks = doc, [k.replace("~1", "/").replace("~0", "~") for k in path.split("/")[1:]]
        for k in ks[:-1]:
            cur = cur[int(k)] if isinstance(cur, list) else cur[k]
        last = ks[-1]
        return cur, (len(cur) if last == "-" else int(last)) if isinstance(cur, list) else last

    try:
        for op in ops:
            cur, k = walk(op["path"])
            what = op["op"]
            if what in ("move", "copy"):
                src, sk = walk(op["from"])
                val = copy.deepcopy(src[sk])
            else:
                val = op.get("value")
            if what == "move":
                del src[sk]
            if what == "test":
                if cur[k] != val:
                    raise ApiError(422, "Invalid", f"testing value {op['path']} failed")
            elif what == "remove":
                del cur[k]
            elif what == "replace":
                cur[k]
                cur[k] = val
            elif isinstance(cur, list):
                cur.insert(k, val)
            else:
                cur[k] = val
    except (KeyError, IndexError, ValueError, TypeError) as e:
        raise ApiError(422, "Invalid", f"json patch: {e!r}")
    return doc


class Cluster:
    """Objects, resource versions, watch history."""

    def __init__(self, validate=None):
        self.objs = {p: {} for p in RES}
        self.rv = 100
        self.history = collections.deque(maxlen=20000)
        self.queues: set[asyncio.Queue] = set()
        self.hooks = []
        self.validate = validate
        self.requests = []
        for n in ("default", "kube-system"):
            self.create("namespaces", None, {"metadata": {"name": n}, "status": {"phase": "Active"}})

    def emit(self, typ, plural, o):
        self.rv += 1
        o["metadata"]["resourceVersion"] = str(self.rv)
        ev = (self.rv, plural, typ, copy.deepcopy(o))
        self.history.append(ev)
        for q in self.queues:
            q.put_nowait(ev)
        for h in self.hooks:
            h(typ, plural, ev[3])

    def find(self, plural, ns=None, sel=lambda o: True):
        return [
            o
            for (n, _), o in sorted(self.objs[plural].items(), key=lambda kv: (kv[0][0] or "", kv[0][1]))
            if (ns is None or n == ns) and sel(o)
        ]

    def get(self, plural, ns, name):
        o = self.objs[plural].get((None if plural in CLUSTER else ns, name))
        if o is None:
            raise not_found(plural, name)
        return o

    def create(self, plural, ns, body):
        o = copy.deepcopy(body)
        m = meta(o)
        gv, kind = RES[plural][:2]
        if o.get("kind", kind) != kind or o.get("apiVersion", gv) != gv:
            raise ApiError(
                400,
                "BadRequest",
                f'{o.get("apiVersion")}/{o.get("kind")} in version "{gv}" cannot be handled as a {kind}',
            )
        o["kind"], o["apiVersion"] = kind, gv
        if not m.get("name"):
            if not m.get("generateName"):
                raise ApiError(
                    422,
                    "Invalid",
                    f'{kind} "" is invalid: metadata.name: Required value: name or generateName is required',
                )
            m["name"] = m["generateName"] + rand(5)
        if not NAME_RE.match(m["name"]):
            raise ApiError(
                422,
                "Invalid",
                f'{kind} "{m["name"]}" is invalid: metadata.name: Invalid value: a lowercase RFC 1123 subdomain is required',
            )
        if plural not in CLUSTER:
            if m.get("namespace") not in (None, ns):
                raise ApiError(
                    400,
                    "BadRequest",
                    "the namespace of the provided object does not match the namespace sent on the request",
                )
            if (None, ns) not in self.objs["namespaces"]:
                raise not_found("namespaces", ns)
            m["namespace"] = ns
        key = (m.get("namespace"), m["name"])
        if key in self.objs[plural]:
            raise ApiError(
                409,
                "AlreadyExists",
                f'{plural} "{m["name"]}" already exists',
                {"name": m["name"], "kind": plural},
            )
        if self.validate:
            self.validate(o)
        m.update(uid=str(uuid.uuid4()), creationTimestamp=now(), generation=1)
        m.pop("resourceVersion", None)
        self.default(plural, o)
        self.objs[plural][key] = o
        self.emit("ADDED", plural, o)
        return o

    def default(self, plural, o):
        s = (
            o.setdefault("spec", {})
            if plural in ("pods", "deployments", "replicasets", "jobs", "services")
            else {}
        )
        if plural == "pods":
            s.setdefault("restartPolicy", "Always")
            s.setdefault("terminationGracePeriodSeconds", 30)
            s.setdefault("nodeName", None)
            o["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
        elif plural == "deployments":
            for k, v in (("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)):
                s.setdefault(k, v)
            s.setdefault("strategy", {"type": "RollingUpdate"})
            o["status"] = {}
        elif plural == "replicasets":
            s.setdefault("replicas", 1)
            o["status"] = {"replicas": 0}
        elif plural == "jobs":
            for k, v in (
                ("parallelism", 1),
                ("backoffLimit", 6),
                ("completionMode", "NonIndexed"),
                ("suspend", False),
            ):
                s.setdefault(k, v)
            s.setdefault("completions", s["parallelism"])
            o["status"] = {}
        elif plural == "services":
            s.setdefault("type", "ClusterIP")
            o["status"] = {"loadBalancer": {}}
        elif plural == "secrets" and "stringData" in o:
            import base64

            o.setdefault("data", {}).update(
                {k: base64.b64encode(v.encode()).decode() for k, v in o.pop("stringData").items()}
            )

    def replace(self, plural, old, new, sub=None):
        new = copy.deepcopy(new)
        m, om = meta(new), old["metadata"]
        if m.get("resourceVersion") not in (None, "", om["resourceVersion"]):
            raise ApiError(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {plural} "{om["name"]}": the object has been modified; please apply your changes to the latest version and try again',
            )
        if m.get("uid") not in (None, om["uid"]):
            raise ApiError(409, "Conflict", "Precondition failed: UID")
        if sub == "status":
            new = {**copy.deepcopy(old), "status": new.get("status", {})}
            m = meta(new)
        elif plural in HAS_STATUS:
            new["status"] = copy.deepcopy(old.get("status", {}))
        for k in (
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "generation",
            "deletionTimestamp",
            "resourceVersion",
        ):
            if k in om:
                m[k] = om[k]
            else:
                m.pop(k, None)
        new["kind"], new["apiVersion"] = old["kind"], old["apiVersion"]
        if new == old:
            return old
        if sub is None:
            if plural == "jobs" and new["spec"].get("template") != old["spec"].get("template"):
                raise ApiError(
                    422, "Invalid", f'Job "{om["name"]}" is invalid: spec.template: field is immutable'
                )
            if plural == "deployments" and new["spec"].get("selector") != old["spec"].get("selector"):
                raise ApiError(422, "Invalid", "spec.selector: field is immutable")
            if self.validate:
                self.validate({k: v for k, v in new.items() if k != "status"})
            if new.get("spec") != old.get("spec"):
                m["generation"] = om.get("generation", 1) + 1
        old.clear()
        old.update(new)
        self.emit("MODIFIED", plural, old)
        if om.get("deletionTimestamp") and not m.get("finalizers") and plural != "pods":
            self.remove(plural, old)
        return old

    def set_status(self, plural, o, **st):
        new = {**o.get("status", {}), **st}
        if new != o.get("status"):
            o["status"] = copy.deepcopy(new)
            self.emit("MODIFIED", plural, o)

    def delete(self, plural, o, opts=None):
        opts = opts or {}
        pre = opts.get("preconditions") or {}
        if pre.get("uid") not in (None, o["metadata"]["uid"]):
            raise ApiError(409, "Conflict", "Precondition failed: UID")
        grace = opts.get("gracePeriodSeconds")
        if plural == "pods":  # the kubelet removes it once its processes have gone
            if not o["metadata"].get("deletionTimestamp"):
                o["metadata"]["deletionTimestamp"] = now()
                o["metadata"]["deletionGracePeriodSeconds"] = (
                    o["spec"].get("terminationGracePeriodSeconds", 30) if grace is None else grace
                )
                self.emit("MODIFIED", plural, o)
        elif o["metadata"].get("finalizers"):
            o["metadata"]["deletionTimestamp"] = now()
            self.emit("MODIFIED", plural, o)
        else:
            self.remove(plural, o, orphan=opts.get("propagationPolicy") == "Orphan")
        return o

    def remove(self, plural, o, orphan=False):
        self.objs[plural].pop((o["metadata"].get("namespace"), o["metadata"]["name"]), None)
        self.emit("DELETED", plural, o)
        for p in RES:  # garbage collection of dependants
            for d in list(self.objs[p].values()):
                refs = d["metadata"].get("ownerReferences") or []
                if any(r["uid"] == o["metadata"]["uid"] for r in refs):
                    if orphan:
                        d["metadata"]["ownerReferences"] = [
                            r for r in refs if r["uid"] != o["metadata"]["uid"]
                        ]
                    elif (p, d) and (d["metadata"].get("namespace"), d["metadata"]["name"]) in self.objs[p]:
                        self.delete(p, d)
        if plural == "namespaces":
            for p in RES:
                for d in [d for (n, _), d in list(self.objs[p].items()) if n == o["metadata"]["name"]]:
                    self.delete(p, d)

    def event(self, obj, reason, message, typ="Normal"):
        m = obj["metadata"]
        self.create(
            "events",
            m.get("namespace", "default"),
            {
                "metadata": {"name": f"{m['name']}.{uuid.uuid4().hex[:12]}"},
                "type": typ,
                "reason": reason,
                "message": message,
                "count": 1,
                "firstTimestamp": now(),
                "lastTimestamp": now(),
                "source": {"component": "fakekube"},
                "reportingComponent": "fakekube",
                "reportingInstance": "fakekube",
                "involvedObject": {
                    "kind": obj["kind"],
                    "apiVersion": obj["apiVersion"],
                    "name": m["name"],
                    "namespace": m.get("namespace"),
                    "uid": m["uid"],
                },
            },
        )


class Server:
    def __init__(self, cluster, kubelet=None, token=None):
        self.c, self.kubelet, self.token = cluster, kubelet, token
        self.rules, self.watchers = [], set()
        self.app = web.Application(client_max_size=8 << 20, middlewares=[self.middleware])
        self.app.router.add_route("*", "/{tail:.*}", self.handle)

    @web.middleware
    async def middleware(self, request, handler):
        if request.path.startswith("/-/"):
            return await self.side_door(request)
        self.c.requests.append((request.method, request.path_qs))
        try:
            if rule := self.rule(request):
                if rule.get("delay"):
                    await asyncio.sleep(rule["delay"])
                if rule.get("lose"):
                    await handler(request)
                if rule.get("reset") or rule.get("lose"):
                    request.transport.abort()
                    return web.Response()
                if status := rule.get("status"):
                    reason = {409: "Conflict", 429: "TooManyRequests", 500: "InternalError"}.get(status, "")
                    answer = ApiError(status, reason, rule["message"]).status()
                    headers = {"Retry-After": str(rule["retry_after"])} if rule.get("retry_after") else {}
                    return web.json_response(answer, status=status, headers=headers)
            return await handler(request)
        except ApiError as e:
            return web.json_response(e.status(), status=e.code)

    def rule(self, r):
        for rule in self.rules:
            if (
                rule["times"]
                and re.fullmatch(rule["method"], r.method)
                and re.search(rule["path"], r.path_qs)
            ):
                rule["times"] -= 1
                return rule
        return None

    async def side_door(self, r):
        name, order = r.path.removeprefix("/-/"), await r.json()
        if name == "clear":
            self.rules.clear()
            self.c.requests.clear()
        elif name == "rule":
            self.rules.append(order)
        elif name == "requests":
            found = [
                q
                for q in self.c.requests
                if re.fullmatch(order["method"], q[0]) and re.search(order["path"], q[1])
            ]
            return web.json_response({"requests": found})
        elif name == "drop-watches":
            n = len(self.watchers)
            for t in list(self.watchers):
                t.abort()
            return web.json_response({"dropped": n})
        elif name == "kill":
            pod = self.c.get("pods", order["namespace"], order["pod"])
            c = order["container"] or pod["spec"]["containers"][0]["name"]
            self.kubelet.kill(self.kubelet.runs[(pod["metadata"]["uid"], c)], order["signal"])
        else:
            return web.json_response({"message": f"not yet: {name}"}, status=501)
        return web.json_response({})

    async def handle(self, r):
        path = r.path.rstrip("/")
        if path in ("/healthz", "/readyz", "/livez"):
            return web.Response(text="ok")
        if path == "/version":
            return web.json_response(
                {
                    "major": "1",
                    "minor": "34",
                    "gitVersion": "v1.34.0-fakekube",
                    "gitCommit": "0",
                    "gitTreeState": "clean",
                    "buildDate": now(),
                    "goVersion": "none",
                    "compiler": "none",
                    "platform": "linux/amd64",
                }
            )
        if path == "/api":
            return web.json_response(
                {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
            )
        gvs = sorted({v[0] for v in RES.values()})
        if path == "/apis":
            return web.json_response(
                {
                    "kind": "APIGroupList",
                    "apiVersion": "v1",
                    "groups": [
                        {
                            "name": g.split("/")[0],
                            "versions": [{"groupVersion": g, "version": "v1"}],
                            "preferredVersion": {"groupVersion": g, "version": "v1"},
                        }
                        for g in gvs
                        if "/" in g
                    ],
                }
            )
        m = re.fullmatch(r"/(?:api|apis)/((?:[^/]+/)?v1)(?:/(.*))?", path)
        if not m or m[1] not in gvs:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        if not m[2]:
            return web.json_response(self.discovery(m[1]))
        parts = m[2].split("/")
        ns = None
        if parts[0] == "namespaces" and len(parts) >= 3:
            ns, parts = parts[1], parts[2:]
        plural, name, sub = (parts + [None, None])[:3]
        if plural not in RES or RES[plural][0] != m[1] or (sub and sub not in RES[plural][3]):
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        if sub in ("log", "exec"):
            return await getattr(self, sub)(r, self.c.get(plural, ns, name))
        if r.method == "GET" and (name is None or r.query.get("watch", "").lower() in ("true", "1")):
            return await self.list_watch(r, plural, ns, name)
        return await getattr(self, r.method.lower())(r, plural, ns, name, sub)

    def discovery(self, gv):
        verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        out = []
        for p, (g, kind, short, subs) in RES.items():
            if g == gv:
                out.append(
                    {
                        "name": p,
                        "singularName": kind.lower(),
                        "namespaced": p not in CLUSTER,
                        "kind": kind,
                        "verbs": verbs,
                        "shortNames": short,
                        "categories": ["all"]
                        if p in ("pods", "services", "deployments", "replicasets", "jobs")
                        else [],
                    }
                )
                out += [
                    {
                        "name": f"{p}/{s}",
                        "singularName": "",
                        "namespaced": True,
                        "kind": "Scale" if s == "scale" else kind,
                        "verbs": ["get", "patch", "update"]
                        if s in ("status", "scale")
                        else ["create", "get"],
                    }
                    for s in subs
                ]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": gv, "resources": out}

    async def body(self, r):
        raw = await r.text()
        try:
            return (yaml.safe_load(raw) if "yaml" in r.content_type else json.loads(raw)) if raw else {}
        except ValueError as e:
            raise ApiError(
                400, "BadRequest", f"the object provided is unrecognized (must be of type JSON): {e}"
            )

    def dry(self, r):
        return r.query.get("dryRun") == "All"

    async def get(self, r, plural, ns, name, sub):
        o = self.c.get(plural, ns, name)
        return web.json_response(self.scale(o) if sub == "scale" else o)

    def scale(self, o):
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {
                k: v for k, v in o["metadata"].items() if k in ("name", "namespace", "uid", "resourceVersion")
            },
            "spec": {"replicas": o["spec"]["replicas"]},
            "status": {"replicas": o["status"].get("replicas", 0)},
        }

    async def post(self, r, plural, ns, name, sub):
        body = await self.body(r)
        if sub == "eviction":
            self.c.delete("pods", self.c.get("pods", ns, name))
            return web.json_response({"kind": "Status", "apiVersion": "v1", "status": "Success"}, status=201)
        if self.dry(r):
            shadow = Cluster(self.c.validate)
            shadow.objs = copy.deepcopy(self.c.objs)
            return web.json_response(shadow.create(plural, ns, body), status=201)
        return web.json_response(self.c.create(plural, ns, body), status=201)

    async def put(self, r, plural, ns, name, sub):
        body, o = await self.body(r), self.c.get(plural, ns, name)
        if sub == "scale":
            body = {**o, "spec": {**o["spec"], "replicas": body["spec"]["replicas"]}}
            sub = None
        return web.json_response(self.c.replace(plural, o, body, sub))

    async def patch(self, r, plural, ns, name, sub):
        body, ct = await self.body(r), r.content_type
        if (
            ct == "application/apply-patch+yaml"
            and (None if plural in CLUSTER else ns, name) not in self.c.objs[plural]
        ):
            return web.json_response(self.c.create(plural, ns, body), status=201)
        o = self.c.get(plural, ns, name)
        src = self.scale(o) if sub == "scale" else o
        if ct == "application/json-patch+json":
            new = json_patch(copy.deepcopy(src), body)
        else:
            new = (merge_patch if ct == "application/merge-patch+json" else strategic)(
                copy.deepcopy(src), body
            )
        if sub == "scale":
            self.c.replace(plural, o, {**o, "spec": {**o["spec"], "replicas": new["spec"]["replicas"]}})
            return web.json_response(self.scale(o))
        if self.dry(r):
            return web.json_response(new)
        return web.json_response(self.c.replace(plural, o, new, sub))

    async def delete(self, r, plural, ns, name, sub):
        opts = await self.body(r) or {}
        for k in ("gracePeriodSeconds", "propagationPolicy"):
            if k in r.query:
                opts.setdefault(k, int(r.query[k]) if k[0] == "g" else r.query[k])
        if name is None:
            sel, fld = (
                label_selector(r.query.get("labelSelector")),
                field_selector(r.query.get("fieldSelector")),
            )
            items = self.c.find(plural, ns, lambda o: sel(o) and fld(o))
            out = copy.deepcopy(items)
            for o in items:
                self.c.delete(plural, o, opts)
            return web.json_response(
                {
                    "kind": RES[plural][1] + "List",
                    "apiVersion": RES[plural][0],
                    "metadata": {"resourceVersion": str(self.c.rv)},
                    "items": out,
                }
            )
        o = self.c.get(plural, ns, name)
        self.c.delete(plural, o, opts)
        return web.json_response(
            o
            if plural == "pods"
            else {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": {"name": name, "kind": plural, "uid": o["metadata"]["uid"]},
            }
        )

    async def list_watch(self, r, plural, ns, name):
        q = r.query
        sel, fld = label_selector(q.get("labelSelector")), field_selector(q.get("fieldSelector"))
        ok = lambda o: (
            (ns is None or o["metadata"].get("namespace") == ns)
            and (name is None or o["metadata"]["name"] == name)
            and sel(o)
            and fld(o)
        )
        if q.get("watch", "").lower() not in ("true", "1"):
            return web.json_response(
                {
                    "kind": RES[plural][1] + "List",
                    "apiVersion": RES[plural][0],
                    "metadata": {"resourceVersion": str(self.c.rv)},
                    "items": self.c.find(plural, None, ok),
                }
            )
        queue = asyncio.Queue()
        rv = q.get("resourceVersion")
        seen = set()
        backlog = []
        if rv in (None, "", "0"):
            backlog = [(0, plural, "ADDED", o) for o in self.c.find(plural, None, ok)]
        else:
            if self.c.history and int(rv) < self.c.history[0][0] - 1:
                return web.json_response(
                    {
                        "type": "ERROR",
                        "object": ApiError(410, "Expired", f"too old resource version: {rv}").status(),
                    }
                )
            backlog = [e for e in self.c.history if e[0] > int(rv)]
            seen = {
                o["metadata"]["uid"]
                for o in self.c.find(plural, None, ok)
                if int(o["metadata"]["resourceVersion"]) <= int(rv)
            }
        self.c.queues.add(queue)
        resp = web.StreamResponse(headers={"Content-Type": "application/json"})
        deadline = asyncio.get_running_loop().time() + float(q.get("timeoutSeconds") or 1800)
        try:
            await resp.prepare(r)
            self.watchers.add(r.transport)
            while True:
                if backlog:
                    ev = backlog.pop(0)
                else:
                    ev = await asyncio.wait_for(
                        queue.get(), max(0.0, deadline - asyncio.get_running_loop().time())
                    )
                _, p, typ, o = ev
                if p != plural:
                    continue
                uid = o["metadata"]["uid"]
                hit = ok(o)
                if hit and typ != "DELETED":
                    typ = "MODIFIED" if uid in seen else "ADDED"
                    seen.add(uid)
                elif uid in seen:
                    typ = "DELETED"
                    seen.discard(uid)
                else:
                    continue
                await resp.write(json.dumps({"type": typ, "object": o}).encode() + b"\n")
        except (asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            self.c.queues.discard(queue)
            self.watchers.discard(r.transport)
        return resp

    def container(self, r, pod):
        cs = [c["name"] for k in ("initContainers", "containers") for c in pod["spec"].get(k) or []]
        name = r.query.get("container") or (
            pod["spec"]["containers"][0]["name"] if len(pod["spec"]["containers"]) == 1 else None
        )
        if name is None:
            raise ApiError(
                400,
                "BadRequest",
                f"a container name must be specified for pod {pod['metadata']['name']}, choose one of: {cs}",
            )
        if name not in cs:
            raise ApiError(
                400, "BadRequest", f"container {name} is not valid for pod {pod['metadata']['name']}"
            )
        return name

    async def log(self, r, pod):
        name = self.container(r, pod)
        run = self.kubelet.runs.get((pod["metadata"]["uid"], name))
        if run is None or not run.started:
            raise ApiError(
                400,
                "BadRequest",
                f'container "{name}" in pod "{pod["metadata"]["name"]}" is waiting to start: ContainerCreating',
            )
        ts = r.query.get("timestamps", "").lower() == "true"
        follow = r.query.get("follow", "").lower() == "true"
        i = 0
        if s := r.query.get("sinceSeconds"):
            cut = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=int(s))
            while i < len(run.lines) and run.lines[i][0] < cut:
                i += 1
        if t := r.query.get("tailLines"):
            i = max(i, len(run.lines) - int(t))
        resp = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await resp.prepare(r)
        try:
            while True:
                while i < len(run.lines):
                    t, line = run.lines[i]
                    i += 1
                    await resp.write((t.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode() if ts else b"") + line)
                if not follow or run.done.is_set():
                    break
                run.more.clear()
                await asyncio.wait(
                    [
                        t1 := asyncio.ensure_future(run.more.wait()),
                        t2 := asyncio.ensure_future(run.done.wait()),
                    ],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                t1.cancel()
                t2.cancel()
        except ConnectionError:
            pass
        return resp

    async def exec(self, r, pod):
        name = self.container(r, pod)
        ws = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"))
        await ws.prepare(r)
        proc = await self.kubelet.exec(pod, name, r.query.getall("command"))

        async def pump(ch, stream):
            while data := await stream.read(65536):
                await ws.send_bytes(bytes([ch]) + data)

        async def stdin():
            async for msg in ws:
                if msg.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                    data = msg.data if isinstance(msg.data, bytes) else msg.data.encode()
                    if data[:1] == b"\0" and proc.stdin and r.query.get("stdin", "").lower() == "true":
                        proc.stdin.write(data[1:])
                        await proc.stdin.drain()
                    elif data[:2] == b"\xff\0" and proc.stdin:
                        proc.stdin.close()

        t = asyncio.ensure_future(stdin())
        if r.query.get("stdin", "").lower() != "true":
            proc.stdin.close()
        await asyncio.gather(pump(1, proc.stdout), pump(2, proc.stderr))
        rc = await proc.wait()
        st = (
            {"metadata": {}, "status": "Success"}
            if rc == 0
            else {
                "metadata": {},
                "status": "Failure",
                "reason": "NonZeroExitCode",
                "message": f"command terminated with exit code {rc}",
                "details": {"causes": [{"reason": "ExitCode", "message": str(rc)}]},
            }
        )
        if not ws.closed:
            await ws.send_bytes(b"\x03" + json.dumps(st).encode())
            await ws.close()
        t.cancel()
        return ws

"""Job, ReplicaSet and Deployment controllers: level-based, one resync after each change."""

from __future__ import annotations
import asyncio, copy, hashlib, json
from tests.emulator.api import ApiError, now, rand, match_labels


def owned(o, owner):
    return any(r["uid"] == owner["metadata"]["uid"] for r in o["metadata"].get("ownerReferences") or [])


def ref(o):
    return [
        {
            "apiVersion": o["apiVersion"],
            "kind": o["kind"],
            "name": o["metadata"]["name"],
            "uid": o["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def ready(p):
    return p["status"].get("phase") == "Running" and any(
        c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", [])
    )


def dying(o):
    return bool(o["metadata"].get("deletionTimestamp"))


def cond(typ, status, reason, message=""):
    return {
        "type": typ,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now(),
        "lastUpdateTime": now(),
        "lastProbeTime": now(),
    }


def bare(v):  # what the real server would have dropped: nulls, and empty maps that only a typed client writes
    if isinstance(v, dict):
        return {k: bare(x) for k, x in v.items() if x not in (None, {}, [])}
    return [bare(x) for x in v] if isinstance(v, list) else v


class Controllers:
    def __init__(self, cluster):
        self.c, self.dirty = cluster, asyncio.Event()
        self.clock = asyncio.get_event_loop().time
        self.progress = {}
        cluster.hooks.append(
            lambda t, p, o: p in ("pods", "jobs", "deployments", "replicasets") and self.dirty.set()
        )

    async def run(self):
        while True:
            try:
                await asyncio.wait_for(self.dirty.wait(), 0.25)
            except asyncio.TimeoutError:
                pass
            self.dirty.clear()
            for plural, fn in (
                ("deployments", self.deployment),
                ("replicasets", self.replicaset),
                ("jobs", self.job),
            ):
                for o in self.c.find(plural):
                    if not dying(o):
                        try:
                            fn(o)
                        except ApiError as e:
                            self.c.event(o, "FailedCreate", e.message, "Warning")
            await asyncio.sleep(0.01)

    def make_pod(self, owner, name, template, labels=None, annotations=None):
        t = copy.deepcopy(template)
        m = t.setdefault("metadata", {})
        pod = {
            "metadata": {
                "name": name,
                "labels": {**(m.get("labels") or {}), **(labels or {})},
                "annotations": {**(m.get("annotations") or {}), **(annotations or {})},
                "ownerReferences": ref(owner),
            },
            "spec": t["spec"],
        }
        return pod, owner["metadata"]["namespace"]

    def job(self, j):
        s, st, ns, name = j["spec"], j["status"], j["metadata"]["namespace"], j["metadata"]["name"]
        pods = self.c.find("pods", ns, lambda p: owned(p, j))
        live = [p for p in pods if not dying(p)]
        if any(
            c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in st.get("conditions", [])
        ):
            ttl = s.get("ttlSecondsAfterFinished")
            if (
                ttl is not None
                and self.clock() - self.progress.setdefault(j["metadata"]["uid"], self.clock()) >= ttl
            ):
                self.c.delete("jobs", j)
            return
        indexed = s["completionMode"] == "Indexed"
        idx = lambda p: int(p["metadata"]["annotations"].get("batch.kubernetes.io/job-completion-index", -1))
        ok = [p for p in live if p["status"]["phase"] == "Succeeded"]
        bad = [p for p in pods if p["status"]["phase"] == "Failed"]
        active = [p for p in live if p["status"]["phase"] in ("Pending", "Running")]
        done = {idx(p) for p in ok}
        nok = len(done) if indexed else len(ok)
        new = dict(
            active=len(active),
            ready=sum(map(ready, active)),
            succeeded=nok,
            failed=len(bad),
            startTime=st.get("startTime") or now(),
            terminating=0,
            uncountedTerminatedPods={},
        )
        if indexed and done:
            new["completedIndexes"] = ",".join(map(str, sorted(done)))

        def end(*conds):
            for p in active:
                self.c.delete("pods", p)
            new.update(
                active=0,
                ready=0,
                conditions=list(conds),
                **({"completionTime": now()} if conds[-1]["type"] == "Complete" else {}),
            )
            self.c.set_status("jobs", j, **new)
            self.c.event(
                j,
                "Completed" if conds[-1]["type"] == "Complete" else conds[-1]["reason"],
                conds[-1]["message"] or "Job completed",
            )

        t0 = self.progress.setdefault("start" + j["metadata"]["uid"], self.clock())
        if nok >= s["completions"]:
            return end(
                cond("SuccessCriteriaMet", "True", "CompletionsReached"),
                cond("Complete", "True", "CompletionsReached"),
            )
        if len(bad) > s["backoffLimit"]:
            return end(
                cond("FailureTarget", "True", "BackoffLimitExceeded"),
                cond("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit"),
            )
        if s.get("activeDeadlineSeconds") and self.clock() - t0 > s["activeDeadlineSeconds"]:
            return end(
                cond("FailureTarget", "True", "DeadlineExceeded"),
                cond("Failed", "True", "DeadlineExceeded", "Job was active longer than specified deadline"),
            )
        self.c.set_status("jobs", j, **{k: v for k, v in new.items()})
        if s.get("suspend"):
            for p in active:
                self.c.delete("pods", p)
            return
        labels = {
            "job-name": name,
            "batch.kubernetes.io/job-name": name,
            "controller-uid": j["metadata"]["uid"],
            "batch.kubernetes.io/controller-uid": j["metadata"]["uid"],
        }
        want = min(s["parallelism"], s["completions"] - nok) - len(active)
        free = [i for i in range(s["completions"]) if i not in done | {idx(p) for p in active}]
        for n in range(max(0, want)):
            if indexed:
                i = free[n]
                pod, ns = self.make_pod(
                    j,
                    f"{name}-{i}-{rand(5)}",
                    s["template"],
                    {**labels, "batch.kubernetes.io/job-completion-index": str(i)},
                    {"batch.kubernetes.io/job-completion-index": str(i)},
                )
                pod["spec"]["hostname"] = f"{name}-{i}"
                for c in pod["spec"]["containers"] + (pod["spec"].get("initContainers") or []):
                    c.setdefault("env", []).append({"name": "JOB_COMPLETION_INDEX", "value": str(i)})
            else:
                pod, ns = self.make_pod(j, f"{name}-{rand(5)}", s["template"], labels)
            self.c.create("pods", ns, pod)
            self.c.event(j, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    def replicaset(self, rs):
        ns, want = rs["metadata"]["namespace"], rs["spec"]["replicas"]
        pods = [
            p
            for p in self.c.find("pods", ns, lambda p: owned(p, rs))
            if not dying(p) and p["status"]["phase"] in ("Pending", "Running")
        ]
        for _ in range(want - len(pods)):
            pod, _ns = self.make_pod(rs, f"{rs['metadata']['name']}-{rand(5)}", rs["spec"]["template"])
            self.c.create("pods", ns, pod)
        for p in sorted(pods, key=ready)[: max(0, len(pods) - want)]:
            self.c.delete("pods", p)
        n = sum(map(ready, pods))
        self.c.set_status(
            "replicasets",
            rs,
            replicas=len(pods),
            readyReplicas=n,
            availableReplicas=n,
            fullyLabeledReplicas=len(pods),
            observedGeneration=rs["metadata"]["generation"],
        )

    def deployment(self, d):
        m, s, ns = d["metadata"], d["spec"], d["metadata"]["namespace"]
        REV = "deployment.kubernetes.io/revision"
        rss = self.c.find("replicasets", ns, lambda r: owned(r, d))
        strip = lambda t: bare(
            {
                **t,
                "metadata": {
                    **(t.get("metadata") or {}),
                    "labels": {
                        k: v
                        for k, v in ((t.get("metadata") or {}).get("labels") or {}).items()
                        if k != "pod-template-hash"
                    },
                },
            }
        )
        top = max([int(r["metadata"]["annotations"][REV]) for r in rss], default=0)
        cur = next((r for r in rss if strip(r["spec"]["template"]) == strip(s["template"])), None)
        if cur is None:
            h = hashlib.sha1(json.dumps(strip(s["template"]), sort_keys=True).encode()).hexdigest()[:10]
            t = copy.deepcopy(s["template"])
            t.setdefault("metadata", {}).setdefault("labels", {})["pod-template-hash"] = h
            cur = self.c.create(
                "replicasets",
                ns,
                {
                    "metadata": {
                        "name": f"{m['name']}-{h}",
                        "labels": t["metadata"]["labels"],
                        "annotations": {REV: str(top + 1)},
                        "ownerReferences": ref(d),
                    },
                    "spec": {
                        "replicas": 0,
                        "selector": {
                            "matchLabels": {**s["selector"].get("matchLabels", {}), "pod-template-hash": h}
                        },
                        "template": t,
                    },
                },
            )
            self.progress[m["uid"]] = self.clock()
            rss.append(cur)
        elif int(cur["metadata"]["annotations"][REV]) < top:
            self.c.replace(
                "replicasets",
                cur,
                {
                    **cur,
                    "metadata": {
                        **cur["metadata"],
                        "annotations": {**cur["metadata"]["annotations"], REV: str(top + 1)},
                    },
                },
            )
            self.progress[m["uid"]] = self.clock()
        rev = cur["metadata"]["annotations"][REV]
        if (m.get("annotations") or {}).get(REV) != rev:
            m.setdefault("annotations", {})[REV] = rev
            self.c.emit("MODIFIED", "deployments", d)
        old = [r for r in rss if r is not cur]
        scale = lambda r, n: (
            r["spec"]["replicas"] != n
            and self.c.replace("replicasets", r, {**r, "spec": {**r["spec"], "replicas": n}})
        )
        avail, nold = (
            cur["status"].get("availableReplicas", 0),
            sum(r["status"].get("replicas", 0) for r in old),
        )
        if s["strategy"]["type"] == "Recreate":
            for r in old:
                scale(r, 0)
            if not nold:
                scale(cur, s["replicas"])
        else:  # surge to the full new set, then let the old go as the new become available
            scale(cur, s["replicas"])
            keep = max(0, s["replicas"] - avail)
            for r in old:
                n = min(r["spec"]["replicas"], keep)
                scale(r, n)
                keep -= n
        done = [r for r in old if not r["spec"]["replicas"] and not r["status"].get("replicas")]
        for r in sorted(done, key=lambda r: int(r["metadata"]["annotations"][REV]))[
            : max(0, len(done) - s["revisionHistoryLimit"])
        ]:
            self.c.delete("replicasets", r)
        tot = lambda k: sum(r["status"].get(k, 0) for r in rss)
        complete = avail >= s["replicas"] and not nold and cur["status"].get("replicas", 0) == s["replicas"]
        late = (
            not complete
            and self.clock() - self.progress.setdefault(m["uid"], self.clock()) > s["progressDeadlineSeconds"]
        )
        av = tot("availableReplicas") >= s["replicas"]
        cs = [
            (
                "Available",
                "True" if av else "False",
                "MinimumReplicasAvailable" if av else "MinimumReplicasUnavailable",
            ),
            (
                "Progressing",
                "False" if late else "True",
                "NewReplicaSetAvailable"
                if complete
                else "ProgressDeadlineExceeded"
                if late
                else "ReplicaSetUpdated",
            ),
        ]
        prev = {c["type"]: c for c in d["status"].get("conditions", [])}
        self.c.set_status(
            "deployments",
            d,
            observedGeneration=m["generation"],
            replicas=tot("replicas"),
            updatedReplicas=cur["status"].get("replicas", 0),
            readyReplicas=tot("readyReplicas"),
            availableReplicas=tot("availableReplicas"),
            unavailableReplicas=max(0, s["replicas"] - tot("availableReplicas")),
            conditions=[
                prev[t] if t in prev and (prev[t]["status"], prev[t]["reason"]) == (v, r) else cond(t, v, r)
                for t, v, r in cs
            ],
        )

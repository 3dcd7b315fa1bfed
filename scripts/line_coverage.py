#!/usr/bin/env python3
"""Line coverage of folders out of a build with --coverage: line_coverage.py BUILD FOLDER... (gcov's own figures, lines of every
object file put together). Prints a line for each folder and fails below 90 %."""
import collections
import json
import os
import pathlib
import subprocess
import sys

build, folders = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
root = pathlib.Path(__file__).resolve().parent.parent
seen = collections.defaultdict(lambda: collections.defaultdict(int))
data = sorted(str(path) for part in ("protocol", "platform", "tests") for path in (build / part).rglob("*.gcda"))
for start in range(0, len(data), 20):
    out = subprocess.run(["gcov", "--json-format", "--stdout", *data[start:start + 20]], cwd=build, capture_output=True, text=True)
    for line in out.stdout.splitlines():
        if not line.startswith("{"):
            continue
        for file in json.loads(line)["files"]:
            path = os.path.relpath(os.path.realpath(build / file["file"]), root)
            if path.startswith(tuple(folder + "/" for folder in folders)) and not path.endswith("_test.cc"):
                for entry in file["lines"]:
                    seen[path][entry["line_number"]] += entry["count"]
failed = False
for folder in folders:
    files = {path: lines for path, lines in seen.items() if path.startswith(folder + "/")}
    total = sum(len(lines) for lines in files.values())
    covered = sum(1 for lines in files.values() for count in lines.values() if count > 0)
    percent = 100 * covered / total if total else 0
    print(f"{folder:20} {percent:5.1f} % of {total} lines")
    failed |= percent < 90
sys.exit("coverage: below 90 %" if failed else 0)

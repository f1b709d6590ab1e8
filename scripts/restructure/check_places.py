"""Print Python files of a checkout that layout.json gives no place (fast; changes nothing)."""
import json, subprocess, sys
L = json.load(open(__file__.rsplit("/", 1)[0] + "/layout.json"))
for p in subprocess.run(["git", "-C", sys.argv[1], "ls-files", "liqcli/**.py", "liqcli/*.py", "tests/**.py", "tests/*.py"], capture_output=True, text=True).stdout.splitlines():
    if p.endswith(".py") and not any(p in L[k] for k in ("move", "merge", "tests", "keep")) and not any(p.startswith(f + "/") or p == f for f in L["keep_folders"]):
        print(p)

"""Records what wasmtime answers to every case, as the golden reports: needs its package of Python (`pip install wasmtime`).

    python3 tests/conformance/bless.py MODULE     # after: node tests/conformance/build.mjs
"""

import json
import pathlib
import sys
import tempfile

import wasmtime

HERE = pathlib.Path(__file__).parent
WORLD = json.loads((HERE / "world.json").read_text())


def lay_out(base):
    """Makes the directories, files and links that every case finds."""
    for path in WORLD["directories"]:
        (base / path).mkdir(parents=True)
    for path, text in WORLD["files"].items():
        (base / path).write_text(text)
    for path, target in WORLD["links"].items():
        (base / path).symlink_to(target)


def report(engine, module, case):
    """Runs one case in a world of its own; what it printed, and how it ended."""
    with tempfile.TemporaryDirectory() as scratch:
        base = pathlib.Path(scratch) / "world"
        base.mkdir()
        lay_out(base)
        (base.parent / "stdin").write_text(WORLD["stdin"])
        config = wasmtime.WasiConfig()
        config.argv = [*WORLD["args"], *case]
        config.env = list(WORLD["env"].items())
        config.stdin_file = str(base.parent / "stdin")
        config.stdout_file = str(base.parent / "stdout")
        for guest, path in WORLD["preopens"].items():
            config.preopen_dir(str(base / path), guest, guest not in WORLD["readOnly"])
        store = wasmtime.Store(engine)
        store.set_wasi(config)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        code = 0
        try:
            linker.instantiate(store, module).exports(store)["_start"](store)
        except wasmtime.ExitTrap as end:
            code = end.code
        text = (base.parent / "stdout").read_text()
        return f"{text}exit {code}\n"


def main():
    engine = wasmtime.Engine()
    module = wasmtime.Module.from_file(engine, sys.argv[1])
    golden = HERE / "golden"
    golden.mkdir(exist_ok=True)
    for case in report(engine, module, []).splitlines()[:-1]:
        if case in WORLD["own"]:
            continue
        (golden / f"{case}.txt").write_text(report(engine, module, [case]))


main()

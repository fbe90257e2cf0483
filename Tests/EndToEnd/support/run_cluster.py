"""The cluster of scripts/cluster: starts it, says where it is, and ends it on Ctrl-C.

Usage: python3 -m support.run_cluster DIRECTORY NOTIFICATION_PODS CERTIFICATE KEY DATABASE BROKER
STATE [HTTPS_PORT]; standard library only. Its process id is in DIRECTORY/cluster.pid while it runs.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from .certificate import Certificate
from .cluster import Backing, Cluster
from .engine import EngineFailed

# Seconds of quiet after which pods that died are started again.
RESTART_AFTER = 1.0


def main(arguments: list[str]) -> int:
    directory, pods = Path(arguments[0]), int(arguments[1])
    certificate = Certificate(Path(arguments[2]), Path(arguments[3]))
    https_port = int(arguments[7]) if len(arguments) > 7 else None
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}
    signal.signal(signal.SIGCHLD, lambda *_: None)
    cluster = Cluster(directory, certificate, Backing(*arguments[4:7]), notification=pods,
                      https_port=https_port)
    try:
        cluster.start()
    except (EngineFailed, AssertionError) as reason:
        print(f"cluster: {reason}", file=sys.stderr)
        return 1
    (directory / "cluster.pid").write_text(f"{os.getpid()}\n")
    for pod in cluster.pods:
        print(f"  {pod.directory.name:16} http://{pod.http[0]}:{pod.http[1]}"
              f"  process {pod.process.pid}")
    print(f"Open https://localhost:{cluster.https[1]} and let the browser continue past the "
          f"self-signed certificate.\nLogs: {directory}. Ctrl-C stops it.", flush=True)
    return until_asked(cluster, signals)


def until_asked(cluster: Cluster, signals: set) -> int:
    """Waits for a signal to end; a pod that dies is started again, as an orchestrator would."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    while cluster.ingress.is_running:
        came = signal.sigtimedwait(signals, RESTART_AFTER)
        if came is not None and came.si_signo != signal.SIGCHLD:
            break
        for pod in cluster.pods if came is None else []:
            if not pod.is_running:
                code = pod.wait()
                pod.spawn()
                print(f"{pod.directory.name} ended with {code}; started again as process "
                      f"{pod.process.pid}", flush=True)
    else:
        print("cluster: nginx ended; its log says why", file=sys.stderr)
    print("stopping", flush=True)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    try:
        cluster.end()
    except AssertionError as reason:
        cluster.kill()
        print(f"cluster: {reason}", file=sys.stderr)
        return 1
    finally:
        (cluster.directory / "cluster.pid").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

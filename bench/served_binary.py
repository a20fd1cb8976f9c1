"""A resight binary that serves a data folder, for benches that compare two of them."""

import os
import pathlib
import socket
import subprocess
import time
import urllib.request

TICK = 1 / os.sysconf("SC_CLK_TCK")


class ServedBinary:
    """Ready when it is made; `start` says in how many milliseconds. `log`: a file for what it says."""

    def __init__(self, binary, data, *options, log=None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [binary, "serve", "--data", data, "--listen", f"127.0.0.1:{self.port}", "--quiet", *options]
        begun = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
        while True:
            try:
                if urllib.request.urlopen(self.url("/readyz")).status == 200:
                    break
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit(f"{binary} ended with {self.process.returncode}") from None
            time.sleep(0.002)
        self.start = 1000 * (time.perf_counter() - begun)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def cpu(self):
        """Seconds of processor time so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK

    def stop(self):
        """Its exit status."""
        self.process.terminate()
        return self.process.wait(120)

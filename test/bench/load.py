# Licensed under the Apache License, Version 2.0; see LICENSE.
"""wrk, and what a server's processes used meanwhile."""

import collections
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenarios"))

LUA = """
local tokens = {%s}
local at = 0
function request()
    at = at + 1
    local headers = {}
    if #tokens > 0 then headers["Authorization"] = "Bearer " .. tokens[(at %% #tokens) + 1] end
    return wrk.format("GET", nil, headers)
end
"""

# Costs wrk some of its speed.
LUA_STATUSES = """
local threads = {}
counts = {}
function setup(thread) table.insert(threads, thread) end
function response(status) counts[status] = (counts[status] or 0) + 1 end
function done()
    for _, thread in ipairs(threads) do
        for status, count in pairs(thread:get("counts")) do print("Status " .. status .. ": " .. count) end
    end
end
"""


def cpu_seconds(pids):
    """User and system time of these processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[unit]


class Load:
    """wrk started against a path; finish() gives its numbers."""

    def __init__(self, server, path, tokens=(), seconds=5, connections=32, threads=2, statuses=False):
        script = server.folder / "wrk.lua"
        script.write_text(LUA % ",".join(f'"{token}"' for token in tokens) + (LUA_STATUSES if statuses else ""))
        self.server, self.before = server, cpu_seconds(server.children())
        self.process = subprocess.Popen(
            ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--latency", "--timeout", "10s", "-s",
             str(script), f"http://127.0.0.1:{server.port}{path}"], stdout=subprocess.PIPE, text=True)

    def finish(self):
        text, _ = self.process.communicate()
        used = cpu_seconds(self.server.children()) - self.before
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        errors = re.search(r"Socket errors: (.*)", text)
        statuses = collections.Counter()
        for status, count in re.findall(r"Status (\d+): (\d+)", text):
            statuses[int(status)] += int(count)
        return {
            "requests": requests,
            "statuses": statuses,
            "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
            "p50_ms": 1000 * _seconds(re.search(r"\n\s+50%\s+(\S+)", text).group(1)),
            "p99_ms": 1000 * _seconds(re.search(r"\n\s+99%\s+(\S+)", text).group(1)),
            "max_ms": 1000 * _seconds(re.search(r"Latency\s+\S+\s+\S+\s+(\S+)", text).group(1)),
            "cpu_us": 1e6 * used / max(requests, 1),
            "bad": int(bad.group(1)) if bad else 0,
            "errors": errors.group(1) if errors else "",
        }

# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The error log as a part of the contract: a line at warn or above that no scenario announced is a failure."""

import re

LEVELS = ("emerg", "alert", "crit", "error", "warn")
LINE = re.compile(r"^\[[^\]]*\] \[(?P<module>[^:\]]*):(?P<level>[a-z]+)\d?\] (?P<rest>.*)")
ID = re.compile(r"\b(RS\d{4}|AH\d{5})\b")
# httpd's own words, of which no scenario is the cause. The event MPM says the first of a connection that is being closed at the moment
# when its child ends; mod_ssl the second where the system's OpenSSL is older than the one it was built with; the event MPM the third
# while processes of an earlier generation still end, which takes long under a sanitizer; the prefork MPM the fourth when it looks, each
# second, at a moment when all its processes are taken: as few as a scenario wants, and one lingers with each connection that closed.
NOT_OURS = {"AH03092", "AH01882", "AH03490", "AH00161"}
# Likewise, but only while the server is being stopped: the event MPM then closes the sockets of its workers, who may be closing them.
AT_THE_END = {"AH00468"}


class ErrorLog:
    def __init__(self, path):
        self.path = path
        self._checked = 0  # bytes that an earlier check has seen
        self._end = None  # bytes before the server was told to stop; None: it runs
        self._last_words = []  # lines of earlier ends
        self._expected, self._allowed, self._secrets = set(), set(), []

    def expects(self, *ids):
        """Lines with these ids (or, with a space in it, this text) come in this scenario; that one does not come is a
        failure too."""
        self._expected.update(ids)

    def allows(self, *ids):
        """Lines with these ids may come; a word with a space in it is a part of a line without id."""
        self._allowed.update(ids)

    def secret(self, *texts):
        """These texts must never stand in the log."""
        self._secrets.extend(text for text in texts if len(text) >= 8)

    def begins(self):
        """The server is started now."""
        self._last_words, self._end = self._all_last_words(), None

    def ends(self):
        """The server is told to stop now."""
        self._end = self.mark()

    def _all_last_words(self):
        return self._last_words + (self.since(self._end) if self._end is not None else [])

    def _bytes(self):
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def text(self):
        return self._bytes().decode("utf-8", "replace")

    def mark(self):
        return len(self._bytes())

    def since(self, mark):
        """The lines written after mark()."""
        return self._bytes()[mark:].decode("utf-8", "replace").splitlines()

    def count(self, log_id, mark=0):
        return sum(1 for line in self.since(mark) if log_id in ID.findall(line))

    def check(self):
        """Complaints about what was written since the last check; forgets what was announced."""
        data = self._bytes()
        new = data[self._checked:].decode("utf-8", "replace")
        at_the_end = self._all_last_words()
        self._checked = len(data)
        seen, complaints = set(), []
        for line in new.splitlines():
            match = LINE.match(line)
            ids = set(ID.findall(line))
            seen |= ids
            if not match or match["level"] not in LEVELS:
                continue
            if ids & NOT_OURS or (ids & AT_THE_END and line in at_the_end):
                continue
            texts = {text for text in self._allowed | self._expected if " " in text and text in line}
            seen |= texts
            if not texts and not ids & (self._expected | self._allowed):
                complaints.append("unannounced line: " + line)
        for missing in sorted(self._expected - seen):
            complaints.append(f"announced line did not come: {missing}")
        for secret in self._secrets:
            if secret in new:
                complaints.append(f"a secret stands in the log: {secret[:6]}... ({len(secret)} bytes)")
        self._expected, self._allowed = set(), set()
        return complaints

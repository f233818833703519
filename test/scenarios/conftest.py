# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Fixtures of the scenarios. A scenario makes its servers through factories; what it leaves in error logs and what the
sanitizers report is judged when it ends."""

import os

import pytest

import places
from httpd import Httpd
from pki import Authority
from scripted import Issuer


class Yard:
    """The servers of one scope, stopped and judged at its end."""

    def __init__(self):
        self.servers, self.issuers = [], []

    def httpd(self, name, config="", start=True, **more):
        server = Httpd(name, config, **more)
        self.servers.append(server)
        if start:
            server.start()
        return server

    def issuer(self, *words, **more):
        made = Issuer(*words, **more)
        self.issuers.append(made)
        return made

    def complaints(self):
        for server in self.servers:
            for issuer in self.issuers:
                server.log.secret(*issuer.secrets())
        return [f"{server.conf}: {text}" for server in self.servers for text in server.complaints()]

    def close(self):
        found = []
        for server in self.servers:
            try:
                server.stop()
            except AssertionError as error:
                found.append(str(error))
        found += self.complaints()
        for issuer in self.issuers:
            issuer.stop()
        assert not found, "\n".join(found)


_yards = []  # those alive, for the report of a failure


def _yard(request):
    yard = Yard()
    _yards.append(yard)
    yield yard
    try:
        yard.close()
    finally:
        _yards.remove(yard)


@pytest.fixture
def yard(request):
    yield from _yard(request)


@pytest.fixture(scope="module")
def module_yard(request):
    yield from _yard(request)


@pytest.fixture
def httpd(yard, request):
    """httpd(config, **options of Httpd): a started server of this scenario."""
    def make(config="", name=None, **more):
        return yard.httpd(name or request.node.name, config, **more)
    return make


@pytest.fixture
def issuer(yard):
    """A scripted authorization server with an ES256 key."""
    return yard.issuer()


@pytest.fixture(autouse=True)
def shared_logs_are_clean(request):
    """Servers that several scenarios share are judged after each of them."""
    yield
    if "module_yard" in request.fixturenames:
        found = request.getfixturevalue("module_yard").complaints()
        assert not found, "\n".join(found)


@pytest.fixture(scope="session")
def authority():
    return Authority(places.folder("pki"))


@pytest.fixture
def folder(request):
    """An empty work folder that httpd's children can read."""
    return places.folder(request.node.name)


@pytest.fixture
def redis(request):
    """A real Redis of this scenario, see redis_server.py."""
    from redis_server import RedisServer
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for yard in _yards:
            for server in yard.servers:
                report.sections.append((f"error log of {server.conf}", server.log.text()[-6000:]))


def pytest_collection_modifyitems(config, items):
    """Slow files first, so that parallel workers end together."""
    first = ["test_mpm", "test_keys", "test_real_servers", "test_cache"]
    items.sort(key=lambda item: next((n for n, name in enumerate(first) if name in item.nodeid), len(first)))


def pytest_sessionstart(session):
    if not places.module() and not os.environ.get("RS_NO_MODULE"):
        raise pytest.UsageError("no module to test: build it, or name it in RS_MODULE")


def pytest_report_header(config):
    return f"module: {places.module()} {places.TOOL}; httpd: {places.httpd()}"


def pytest_sessionfinish(session, exitstatus):
    places.forget_work(keep=bool(exitstatus and os.environ.get("RS_WORK")))

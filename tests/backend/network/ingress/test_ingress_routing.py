"""Which backend a request is for. The first table is the one of the Ingress documentation (Path types, Examples)."""

from __future__ import annotations

import pytest

from backend.network.ingress.routing import Table, plain_host, plain_path


def ingress(name="web", *, rules=(), default=None, tls=(), annotations=None, namespace="default", age=0):
    meta = {"name": name, "namespace": namespace, "annotations": annotations or {}}
    spec = {"rules": [{"host": host, "http": {"paths": paths}} for host, paths in rules], "tls": list(tls)}
    if default:
        spec["defaultBackend"] = service(default)
    return {"metadata": {**meta, "creationTimestamp": f"2026-01-01T00:00:{age:02}Z"}, "spec": spec}


def service(name, port=None):
    return {"service": {"name": name, "port": port or {"number": 80}}}


def path(kind, text, name=None, port=None):
    return {"pathType": kind, "path": text, "backend": service(text if name is None else name, port)}


def chosen(table, host, given):
    route = table.find(plain_host(host), plain_path(given))
    return route.backend.service if route else None


@pytest.mark.parametrize(
    ("paths", "request_path", "expected"),
    [
        (["Prefix /"], "/anything/at/all", "Prefix /"),
        (["Exact /foo"], "/foo", "Exact /foo"),
        (["Exact /foo"], "/bar", None),
        (["Exact /foo"], "/foo/", None),
        (["Exact /foo/"], "/foo", None),
        (["Prefix /foo"], "/foo", "Prefix /foo"),
        (["Prefix /foo"], "/foo/", "Prefix /foo"),
        (["Prefix /foo/"], "/foo", "Prefix /foo/"),
        (["Prefix /foo/"], "/foo/", "Prefix /foo/"),
        (["Prefix /aaa/bb"], "/aaa/bbb", None),
        (["Prefix /aaa/bbb"], "/aaa/bbb", "Prefix /aaa/bbb"),
        (["Prefix /aaa/bbb/"], "/aaa/bbb", "Prefix /aaa/bbb/"),
        (["Prefix /aaa/bbb"], "/aaa/bbb/", "Prefix /aaa/bbb"),
        (["Prefix /aaa/bbb"], "/aaa/bbb/ccc", "Prefix /aaa/bbb"),
        (["Prefix /aaa/bbb"], "/aaa/bbbxyz", None),
        (["Prefix /", "Prefix /aaa"], "/aaa/ccc", "Prefix /aaa"),
        (["Prefix /", "Prefix /aaa", "Prefix /aaa/bbb"], "/aaa/bbb", "Prefix /aaa/bbb"),
        (["Prefix /", "Prefix /aaa", "Prefix /aaa/bbb"], "/ccc", "Prefix /"),
        (["Prefix /aaa"], "/ccc", None),
        (["Prefix /foo", "Exact /foo"], "/foo", "Exact /foo"),
        # Beyond the documentation's table.
        (["Exact /foo", "Prefix /foo"], "/foo/", "Prefix /foo"),
        (["Prefix /", "Exact /"], "/", "Exact /"),
        (["ImplementationSpecific /foo"], "/foo/bar", "ImplementationSpecific /foo"),
        (["ImplementationSpecific /foo"], "/foobar", None),
        (["ImplementationSpecific "], "/any", "ImplementationSpecific "),
        (["ImplementationSpecific /img/*"], "/img/a.png", "ImplementationSpecific /img/*"),
        (["Prefix /a"], "/a/../b", None),
        (["Prefix /b"], "/a/../b", "Prefix /b"),
        (["Prefix /b"], "//b", "Prefix /b"),
        (["Prefix /b"], "/../b/.", "Prefix /b"),
        (["Exact /b"], "/b/.", None),
        (["Prefix /"], "*", "Prefix /"),
    ],
)
def test_paths(paths, request_path, expected):
    given = [path(*text.split(" ", 1), name=text) for text in paths]
    assert chosen(Table([ingress(rules=[("", given)])]), "any.example", request_path) == expected


@pytest.mark.parametrize(
    ("hosts", "request_host", "expected"),
    [
        (["foo.bar.com"], "foo.bar.com", "foo.bar.com"),
        (["foo.bar.com"], "FOO.bar.com:8080", "foo.bar.com"),
        (["foo.bar.com"], "foo.bar.com.", "foo.bar.com"),
        (["foo.bar.com"], "bar.com", None),
        (["*.foo.com"], "bar.foo.com", "*.foo.com"),
        (["*.foo.com"], "baz.bar.foo.com", None),
        (["*.foo.com"], "foo.com", None),
        (["*.foo.com", "a.foo.com"], "a.foo.com", "a.foo.com"),
        (["*.foo.com", "a.foo.com", ""], "b.foo.com", "*.foo.com"),
        (["*.foo.com", ""], "other.org", ""),
        ([""], "[::1]:80", ""),
        (["foo.com"], "", None),
    ],
)
def test_hosts(hosts, request_host, expected):
    rules = [(host, [path("Prefix", "/", host)]) for host in hosts]
    assert chosen(Table([ingress(rules=rules)]), request_host, "/x") == expected


def test_the_most_specific_host_alone_decides():
    rules = [("a.com", [path("Prefix", "/a", "a")]), ("", [path("Prefix", "/", "all")])]
    table = Table([ingress(rules=rules)])
    assert chosen(table, "a.com", "/b") is None
    assert chosen(table, "b.com", "/b") == "all"


def test_a_default_backend_has_what_no_rule_has():
    table = Table([
        ingress("young", rules=[("a.com", [path("Exact", "/", "a")])], default="own", age=2),
        ingress("old", default="all", age=1),
    ])  # fmt: skip
    assert chosen(table, "a.com", "/") == "a"
    assert chosen(table, "a.com", "/b") == "own"
    assert chosen(table, "b.com", "/") == "all"


def test_a_host_without_paths_is_for_the_default_backend():
    bare = ingress(default="all")
    bare["spec"]["rules"] = [{"host": "a.com"}]
    assert chosen(Table([bare]), "a.com", "/x") == "all"


def test_of_two_ingresses_the_older_has_a_path_and_the_younger_hears_of_it():
    rules = [("a.com", [path("Prefix", "/x", "young"), path("Prefix", "/y", "young")])]
    young = ingress("young", rules=rules, age=5)
    old = ingress("old", rules=[("a.com", [path("Prefix", "/x/", "old")])], namespace="other", age=1)
    table = Table([young, old])
    assert chosen(table, "a.com", "/x") == "old"
    assert chosen(table, "a.com", "/y") == "young"
    assert table.faults == {
        "other/old": [],
        "default/young": [("Conflict", 'path "a.com/x" is served by the older Ingress other/old')],
    }


def test_ports_are_named_or_numbered_and_services_of_the_own_namespace():
    paths = [path("Exact", "/a", port={"name": "web"}), path("Exact", "/b")]
    table = Table([ingress(namespace="n", rules=[("", paths)])])
    named, numbered = table.find("", "/a"), table.find("", "/b")
    assert (named.backend.namespace, named.backend.port, numbered.backend.port) == ("n", "web", 80)


def test_a_resource_backend_is_no_service():
    rule = {"pathType": "Prefix", "path": "/", "backend": {"resource": {"kind": "Bucket", "name": "b"}}}
    table = Table([ingress(rules=[("", [rule])])])
    assert table.find("", "/").backend is None
    assert table.faults["default/web"] == [
        ("UnsupportedBackend", "backend Bucket b is no service, and is not served")
    ]


def rewriting(target, *paths, **more):
    prefix = "nginx.ingress.kubernetes.io/"
    annotations = {f"{prefix}rewrite-target": target, **{f"{prefix}{name}": text for name, text in more.items()}}
    return Table([ingress(rules=[("", list(paths))], annotations=annotations)])


@pytest.mark.parametrize(
    ("target", "rule", "request_path", "expected"),
    [
        ("/", "/app", "/app/x", b"/"),
        ("/$2", "/app(/|$)(.*)", "/app", b"/"),
        ("/$2", "/app(/|$)(.*)", "/app/x/y", b"/x/y"),
        ("/$1", "/app/?(.*)", "/APP/a b", b"/a%20b"),
        ("/v1/$1$9", "/(.*)", "/x", b"/v1/x"),
    ],
)
def test_rewriting(target, rule, request_path, expected):
    table = rewriting(target, path("ImplementationSpecific", rule, "s"))
    assert table.find("", request_path).rewritten(request_path) == expected


def test_expressions_are_tried_by_length_and_an_exact_path_stays_exact():
    table = rewriting(
        "/$1",
        path("Prefix", "/a(.*)", "short"),
        path("Prefix", "/ab/c(.*)", "long"),
        path("Exact", "/ab/cd", "exact"),
    )
    assert chosen(table, "", "/ab/x") == "short"
    assert chosen(table, "", "/ab/ce") == "long"
    assert chosen(table, "", "/ab/cd") == "exact"
    assert chosen(table, "", "/b") is None


def test_a_path_that_is_no_expression_is_a_fault_and_others_go_on():
    table = rewriting("/", path("Prefix", "/a(", "bad"), path("Prefix", "/b", "good"))
    assert chosen(table, "", "/b") == "good"
    [(reason, message)] = table.faults["default/web"]
    assert reason == "InvalidPath"
    assert message.startswith('path "/a(" is no regular expression:')


def test_annotations_that_nothing_follows_are_faults():
    annotations = {
        "nginx.ingress.kubernetes.io/canary": "true", "traefik.ingress.kubernetes.io/router.tls": "x",
        "nginx.ingress.kubernetes.io/ssl-redirect": "maybe", "kubernetes.io/ingress.class": "minikctl",
        "nginx.ingress.kubernetes.io/proxy-body-size": "8m", "cert-manager.io/issuer": "le",
    }  # fmt: skip
    table = Table([ingress(default="s", annotations=annotations)])
    assert [message for _, message in table.faults["default/web"]] == [
        "annotation nginx.ingress.kubernetes.io/canary is not supported, and has no effect",
        'annotation nginx.ingress.kubernetes.io/ssl-redirect has no effect: "maybe" is no value of it',
        "annotation traefik.ingress.kubernetes.io/router.tls is not supported, and has no effect",
    ]
    assert table.find("", "/").settings.body_limit == 8 << 20


@pytest.mark.parametrize(
    ("tls", "host", "expected"),
    [
        ([{"hosts": ["a.com"], "secretName": "s"}], "a.com", True),
        ([{"hosts": ["a.com"], "secretName": "s"}], "b.com", False),
        ([{"hosts": ["*.a.com"], "secretName": "s"}], "x.a.com", True),
        ([{"hosts": ["*.a.com"], "secretName": "s"}], "a.com", False),
        ([{"secretName": "s"}], "a.com", True),
        ([{"secretName": "s"}], "c.com", False),
        ([{"hosts": ["c.com"]}], "c.com", True),
    ],
)
def test_hosts_with_tls(tls, host, expected):
    table = Table([ingress(rules=[("a.com", [path("Prefix", "/", "s")])], tls=tls)])
    assert table.has_tls(host) is expected


def test_the_certificate_of_a_host_is_the_oldest_ingresss():
    young = ingress("young", default="s", tls=[{"hosts": ["a.com", "b.com"], "secretName": "young"}], age=2)
    old = ingress(
        "old", default="s", tls=[{"hosts": ["a.com"], "secretName": "old"}, {"secretName": "all"}], age=1
    )
    assert Table([young, old]).certificates == {
        "a.com": ("default", "old"), "b.com": ("default", "young"), "": ("default", "all"),
    }  # fmt: skip

"""Rules as the definitions of well-known projects have them: all compile, and say what they are meant to say."""

import copy

from backend.resources.apiextensions.rule_compilation import validate_rules
from backend.resources.apiextensions.rules import Rules

# ruff: noqa: E501 - the rules are as they were found

S = {"type": "string"}
INT = {"type": "integer"}


def obj(props, *rules):
    return {"type": "object", "properties": props, "x-kubernetes-validations": [{"rule": rule} for rule in rules]}


LISTENER = obj(
    {
        "name": S,
        "protocol": S,
        "port": INT,
        "hostname": S,
        "tls": obj({"mode": S, "certificateRefs": {"type": "array", "items": obj({"name": S})}}),
    },
    "self.protocol == 'HTTPS' ? (has(self.tls) && self.tls.mode != '' ? true : false) : true",
)
ROOT = {
    "type": "object",
    "properties": {
        "spec": obj(
            {
                "listeners": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": LISTENER,
                    "x-kubernetes-validations": [
                        {"rule": r}
                        for r in (
                            "self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)",
                            "self.all(l, (l.protocol == 'HTTPS' && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)",
                            "self.all(l1, self.exists_one(l2, l1.name == l2.name))",
                            "self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))",
                        )
                    ],
                },
                "addresses": {
                    "type": "array",
                    "items": obj(
                        {"type": S, "value": S},
                        'self.type == \'Hostname\' ? self.value.matches(r"""^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$""") : true',
                    ),
                },
                "requirements": {
                    "type": "array",
                    "items": obj(
                        {"key": S, "operator": S, "values": {"type": "array", "items": S}, "minValues": INT}
                    ),
                    "x-kubernetes-validations": [
                        {"rule": r}
                        for r in (
                            "self.all(x, x.operator == 'In' ? x.values.size() != 0 : true)",
                            "self.all(x, (x.operator == 'Gt' || x.operator == 'Lt') ? (x.values.size() == 1 && int(x.values[0]) >= 0) : true)",
                            "self.all(x, (x.operator == 'In' && has(x.minValues)) ? x.values.size() >= x.minValues : true)",
                        )
                    ],
                },
                "labels": {
                    "type": "object",
                    "additionalProperties": S,
                    "x-kubernetes-validations": [
                        {"rule": r}
                        for r in (
                            'self.all(x, x in ["karpenter.sh/capacity-type", "a"] || !x.find("^([^/]+)").endsWith("kubernetes.io"))',
                            "self.all(k, self[k].size() < 64)",
                            "size(self) < 100",
                            "!('x' in self) || self['x'] == 'y'",
                        )
                    ],
                },
                "schedule": S,
                "duration": {"type": "string", "format": "duration"},
                "expire": S,
                "storage": {"x-kubernetes-int-or-string": True},
                "when": {"type": "string", "format": "date-time"},
                "share": {"type": "number"},
                "url": S,
                "kind": S,
                "namespace": S,
                "in": S,
                "a.b/c-d": S,
                "tags": {"type": "array", "items": S, "x-kubernetes-list-type": "set"},
            },
            "has(self.schedule) == has(self.duration)",
            "!has(self.duration) || self.duration > duration('1m')",
            "!has(self.expire) || self.expire == 'Never' || duration(self.expire) >= duration('1h')",
            "!has(self.storage) || type(self.storage) == int ? true : quantity(self.storage).isGreaterThan(quantity('1Mi'))",
            "!has(self.when) || self.when > timestamp('2020-01-01T00:00:00Z')",
            "!has(self.share) || (self.share >= 0.0 && self.share <= 1)",
            "!has(self.url) || url(self.url).getScheme() == 'https'",
            "self.__namespace__ != 'x' && self.__in__ != 'y' && self.a__dot__b__slash__c__dash__d != ''",
            "(has(self.url) ? 1 : 0) + (has(self.kind) ? 1 : 0) <= 2",
            "self.?labels['x'].orValue('none') != 'bad'",
            "self.?tags.orValue([]).size() <= 10",
            "self.tags.all(t, self.tags.filter(u, u == t).size() == 1)",
            "!has(oldSelf.kind) || has(self.kind)",
            "self.?kind.hasValue() || true",
            "cel.bind(n, self.tags.size(), n < 20)",
            "self.listeners.map(l, l.name).join(',') != ''",
            "'%s-%d'.format([self.kind, self.listeners.size()]).size() < 63",
            "self.listeners.filter(l, has(l.hostname)).all(l, !format.dns1123Subdomain().validate(l.hostname).hasValue())",
            "self.requirements.map(r, r.key).isSorted() || self.requirements.size() >= 0",
            "dyn(self.kind) in ['A', 'B', 'C']",
        )
    },
    "x-kubernetes-validations": [
        {"rule": "self.metadata.name.size() <= 63"},
        {"rule": "self.metadata.name == 'default' || has(self.spec)"},
        {"rule": "has(self.apiVersion) && self.kind == 'X'"},
    ],
}

VALID = {
    "apiVersion": "a/v1",
    "kind": "X",
    "metadata": {"name": "n"},
    "spec": {
        "listeners": [
            {"name": "a", "protocol": "HTTP", "port": 80},
            {"name": "b", "protocol": "HTTPS", "port": 443, "hostname": "a.b", "tls": {"mode": "Terminate"}},
        ],
        "addresses": [{"type": "Hostname", "value": "*.x.y"}],
        "requirements": [
            {"key": "k", "operator": "Gt", "values": ["5"]},
            {"key": "m", "operator": "In", "values": ["a", "b"], "minValues": 2},
        ],
        "labels": {"a": "b", "x": "y"},
        "schedule": "s",
        "duration": "1h",
        "expire": "720h",
        "storage": "10Gi",
        "when": "2024-01-01T00:00:00Z",
        "share": 1,
        "url": "https://x",
        "kind": "A",
        "namespace": "n",
        "in": "i",
        "a.b/c-d": "v",
        "tags": ["t", "u"],
    },
}


def test_they_compile():
    assert validate_rules(ROOT, "s") == []


def test_they_hold_for_what_is_meant():
    assert Rules(ROOT).evaluate(VALID, None) == []
    old = copy.deepcopy(VALID)
    old["spec"]["url"] = "x"
    assert Rules(ROOT).evaluate(VALID, old) == []


def test_they_refuse_what_is_not():
    wrong = copy.deepcopy(VALID)
    wrong["spec"].update(tags=["t", "t"], share=2)
    wrong["spec"]["requirements"][1]["minValues"] = 3
    wrong["spec"]["listeners"][1]["name"] = "a"
    found = [str(cause) for cause in Rules(ROOT).evaluate(wrong, None)]
    assert [text.partition(": ")[0] for text in found] == ["spec", "spec", "spec.listeners", "spec.requirements"]
    assert "self.share <= 1" in found[0]

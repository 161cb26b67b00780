"""CEL as kube-apiserver has it: values, faults when an expression is compiled, faults when it is evaluated."""

import pytest

from backend.meta.cel import DYN, CompileError, EvaluationError, compile
from backend.meta.cel.interpreter import Budget
from backend.meta.cel.types import STRING, Type, list_of, map_of, object_of

INNER = object_of("object", {"a": ("a", STRING)})
SELF = object_of(
    "object",
    {
        "replicas": ("replicas", Type("int")), "name": ("name", STRING), "items": ("items", list_of(Type("int"))),
        "labels": ("labels", map_of(STRING, STRING)), "share": ("share", Type("double")), "absent": ("absent", STRING),
        "a__dash__b": ("a-b", STRING), "inner": ("inner", INNER),
    },
)  # fmt: skip
VALUE = {
    "replicas": 3, "name": "héllo", "items": [3, 1, 2], "labels": {"app": "web"}, "share": 1.5, "a-b": "dashed",
    "inner": {"a": "b"},
}  # fmt: skip


def run(expression, **variables):
    names = {"self": SELF, **dict.fromkeys(variables, DYN)}
    return compile(expression, names).evaluate({"self": VALUE, **variables})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("self.replicas >= 1 && self.replicas < 5", True),
        ("self.items.all(x, x > 0)", True),
        ("self.items.exists(x, x > 3)", False),
        ("self.items.exists_one(x, x == 3)", True),
        ("self.items.map(x, x > 1, x * 2)", [6, 4]),
        ("self.items.filter(x, x != 3)", [1, 2]),
        ("self.items.all(i, x, i + x > 0)", True),
        ("self.labels.transformMap(k, v, v + k)", {"app": "webapp"}),
        ("self.labels.all(k, k == 'app')", True),
        ("has(self.absent)", False),
        ("has(self.inner.a)", True),
        ("self.?absent.orValue('none')", "none"),
        ("self.?inner.?a.orValue('none')", "b"),
        ("self.labels[?'nope'].hasValue()", False),
        ("[1, ?optional.none(), ?optional.of(2)]", [1, 2]),
        ("optional.of(1).optMap(x, x + 1).value()", 2),
        ("cel.bind(n, self.name.size(), n * n)", 25),
        ("self.a__dash__b", "dashed"),
        ("self.name.charAt(1) + self.name.upperAscii()", "éHéLLO"),
        ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
        ("['a', 'b'].join('-')", "a-b"),
        ("'abcabc'.replace('b', 'x', 1)", "axcabc"),
        ("'hello'.substring(1, 3)", "el"),
        ("'%s has %d of %.1f'.format([self.name, self.replicas, self.share])", "héllo has 3 of 1.5"),
        ("'abc 12 34'.findAll('[0-9]+')", ["12", "34"]),
        ("self.name.matches('^h.llo$')", True),
        ("[1, 2, 2].isSorted() && !self.items.isSorted()", True),
        ("self.items.sum() + self.items.max() - self.items.min()", 8),
        ("self.items.indexOf(1)", 1),
        ("sets.equivalent([1, 2], [2, 1])", True),
        ("quantity('1Gi').isGreaterThan(quantity('500Mi'))", True),
        ("quantity('50k').add(quantity('1')).asInteger()", 50001),
        ("quantity('1') == quantity('1000m')", True),
        ("isQuantity('1Kx') || isURL('nope')", False),
        ("url('https://u@example.com:80/p?a=b').getHostname()", "example.com"),
        ("url('https://example.com/?a=b&a=c').getQuery()['a']", ["b", "c"]),
        ("ip('127.0.0.1').isLoopback() && isIP('::1') && !isIP('1.2.3')", True),
        ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.0.0.0/8').containsIP('11.0.0.1')", True),
        ("!format.dns1123Label().validate('ok').hasValue()", True),
        ("format.named('dns1123Label').value().validate('No').hasValue()", True),
        ("semver('1.2.3').isLessThan(semver('1.10.0'))", True),
        ("semver('v1.2', true).patch()", 0),
        ("duration('90m').getHours()", 1),
        ("timestamp('2024-02-29T12:00:00Z') - timestamp('2024-02-28T12:00:00Z') == duration('24h')", True),
        ("timestamp('2024-02-29T23:30:00Z').getDate('+01:00')", 1),
        ("string(timestamp('2024-02-29T12:00:00.5Z'))", "2024-02-29T12:00:00.5Z"),
        ("-7 / 2 == -3 && -7 % 2 == -1", True),
        ("1 < 2.5 && 3u > 2", True),
        ("dyn(1) == dyn(1.0) && dyn(1) != dyn('1') && dyn(true) != dyn(1)", True),
        ("int('5') + int(2.9) + int(true ? 1 : 0)", 8),
        ("string(1.5) + string(b'x') + string(3u)", "1.5x3"),
        ("false && 1 / 0 == 1 || true", True),
        ("1 / 0 == 1 || true", True),
        ("[0, 1].exists(x, 1 / x == 1)", True),
        ("'a' in self.labels || 3 in self.items", True),
        ("type(self.replicas) == int && type('') != int", True),
        (r"'\u00e9\x41\n' == r'\u00e9' ? 1 : 2", 2),
        ("{'a': 1, 'b': 2}.size() // a comment", 2),
    ],
)  # fmt: skip
def test_expressions_have_values(expression, value):
    assert run(expression) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("self.nope > 1", "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope > 1\n | ....^"),
        ("foo", "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^"),
        ("self.replicas > 'a'", "<input>:1:15: found no matching overload for '_>_' applied to '(int, string)'"),
        ("self.replicas.startsWith('a')", "found no matching overload for 'startsWith' applied to 'int.(string)'"),
        ("self.share == 1", "found no matching overload for '_==_' applied to '(double, int)'"),
        ("[1, 'a']", "expected type 'int' but found 'string'"),
        ("self.replicas.all(x, true)", "expression of type 'int' cannot be range of a comprehension"),
        ("1 +", "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '('"),
        ("self.", "Syntax error: no viable alternative at input '.<EOF>'"),
        ("has(self)", "invalid argument to has() macro"),
        ("'a'.matches('(')", "invalid matches argument"),
        ("duration('tomorrow')", "invalid duration argument"),
        ("self.items.map(1, 2)", "argument must be a simple name"),
        ("(" * 500 + "1" + ")" * 500, "expression recursion limit exceeded"),
        ("1 2", "Syntax error: extraneous input '2' expecting <EOF>"),
    ],
)
def test_faults_are_told_when_an_expression_is_compiled(expression, message):
    with pytest.raises(CompileError) as caught:
        compile(expression, {"self": SELF})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("self.absent == ''", "no such key: absent"),
        ("self.items[5]", "index out of bounds: 5"),
        ("1 / (self.replicas - 3)", "division by zero"),
        ("9223372036854775807 + self.replicas", "integer overflow"),
        ("d.a.b", "no such overload"),
        ("d.a + 1", "no such overload"),
        ("quantity(self.name)", "quantities must match the regular expression"),
        ("optional.none().value()", "optional.none() dereference"),
        ("{[1]: 2}.size()", "no such overload"),
    ],
)
def test_faults_of_evaluation_name_what_is_wrong(expression, message):
    with pytest.raises(EvaluationError) as caught:
        run(expression, d={"a": "x"})
    assert message in str(caught.value)


def test_an_evaluation_ends_when_it_took_too_many_steps():
    many = list(range(2000))
    program = compile("d.all(a, d.all(b, a + b >= 0))", {"d": DYN})
    with pytest.raises(EvaluationError, match="actual cost limit exceeded"):
        program.evaluate({"d": many})
    budget = Budget(10)
    with pytest.raises(EvaluationError, match="actual cost limit exceeded"):
        program.evaluate({"d": many}, budget)
    assert budget.left < 0


def test_variables_of_macros_do_not_leak():
    variables = {"x": 7}
    assert compile("[1, 2].map(x, x)[1] + x", {"x": DYN}).evaluate(variables) == 9
    assert variables == {"x": 7}


def test_the_names_of_an_expression_are_known():
    assert compile("self.a > 1 && oldSelf.b.all(x, x == y)", dict.fromkeys(("self", "oldSelf", "y"), DYN)).names >= {
        "self", "oldSelf", "y",
    }  # fmt: skip

"""From the text of an expression to its tree, macros expanded. Sources: cel-spec's grammar, and cel-go's parser."""

from __future__ import annotations

from collections.abc import Callable

from backend.meta.cel.errors import Issues
from backend.meta.cel.lexer import Token, tokens
from backend.meta.cel.tree import Bind, Call, Comprehension, ListOf, Literal, MapOf, Name, Node, Select

_RELATIONS = frozenset({"<", "<=", ">=", ">", "==", "!=", "in"})
_RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
     "namespace", "return", "var", "void", "while"}
)  # fmt: skip
_FIRST = "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES"
_EXPECTED = f"{{{_FIRST}, IDENTIFIER}}"
_MACROS = {"all": (2,), "exists": (2,), "exists_one": (2,), "map": (2, 3), "filter": (2,)}
_MACROS_OF_TWO = {"all": (3,), "exists": (3,), "existsOne": (3,), "transformList": (3, 4), "transformMap": (3, 4)}
_DEPTH = 40
"""Levels of parentheses: more than anybody writes, and few enough for Python's stack."""
TOO_DEEP = f"expression recursion limit exceeded: {_DEPTH}"


class _Stop(Exception):
    """The first fault of the syntax ends the parse."""


def parse(source: str) -> Node:
    """Raises CompileError."""
    issues = Issues(source)
    stream = tokens(source, issues)
    if not issues.found:
        try:
            parser = _Parser(stream, issues)
            tree = parser.expression()
            parser.expect_end()
            if not issues.found:
                return tree
        except _Stop:
            pass
    raise issues.error()


def _balanced(function: str, operands: list[Node], operators: list[int]) -> Node:
    """A chain of hundreds is not hundreds of levels deep, and means the same."""
    if not operators:
        return operands[0]
    half = len(operators) // 2
    left = _balanced(function, operands[: half + 1], operators[:half])
    right = _balanced(function, operands[half + 1 :], operators[half + 1 :])
    return Call(operators[half], function, None, [left, right])


class _Parser:
    def __init__(self, stream: list[Token], issues: Issues) -> None:
        self._stream = stream
        self._position = 0
        self._issues = issues
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._stream[self._position]

    def _take(self) -> Token:
        token = self._next
        self._position += 1
        return token

    def _at(self, *texts: str) -> bool:
        return self._next.kind != "literal" and self._next.text in texts

    def _skip(self, text: str) -> bool:
        if self._at(text):
            self._position += 1
            return True
        return False

    def _fail(self, token: Token, expecting: str) -> _Stop:
        self._issues.add(token.at, f"Syntax error: mismatched input '{token.text}' expecting {expecting}")
        return _Stop()

    def _expect(self, text: str) -> Token:
        if not self._at(text):
            raise self._fail(self._next, f"'{text}'")
        return self._take()

    def expect_end(self) -> None:
        if self._next.kind != "end":
            text = f"Syntax error: extraneous input '{self._next.text}' expecting <EOF>"
            self._issues.add(self._next.at, text)
            raise _Stop

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            self._issues.add(self._next.at, TOO_DEEP)
            raise _Stop
        condition = self._either()
        if self._at("?"):
            operator = self._take()
            yes = self._either()
            self._expect(":")
            condition = Call(operator.at, "_?_:_", None, [condition, yes, self.expression()])
        self._depth -= 1
        return condition

    def _either(self) -> Node:
        return self._chain(self._both, "||")

    def _both(self) -> Node:
        return self._chain(self._relation, "&&")

    def _chain(self, operand: Callable[[], Node], text: str) -> Node:
        operands, operators = [operand()], []
        while self._at(text):
            operators.append(self._take().at)
            operands.append(operand())
        return _balanced(f"_{text}_", operands, operators)

    def _relation(self) -> Node:
        left = self._addition()
        while self._at(*_RELATIONS):
            operator = self._take()
            name = "@in" if operator.text == "in" else f"_{operator.text}_"
            left = Call(operator.at, name, None, [left, self._addition()])
        return left

    def _addition(self) -> Node:
        left = self._product()
        while self._at("+", "-"):
            operator = self._take()
            left = Call(operator.at, f"_{operator.text}_", None, [left, self._product()])
        return left

    def _product(self) -> Node:
        left = self._unary()
        while self._at("*", "/", "%"):
            operator = self._take()
            left = Call(operator.at, f"_{operator.text}_", None, [left, self._unary()])
        return left

    def _unary(self) -> Node:
        if not self._at("!", "-"):
            return self._member()
        operator = self._take()
        repeated = 1
        while self._at(operator.text):
            self._take()
            repeated += 1
        operand = self._member()
        if operator.text == "-" and isinstance(operand, Literal) and type(operand.value) in (int, float):
            return Literal(operator.at, -operand.value if repeated % 2 else operand.value)
        if repeated % 2 == 0:
            return operand
        return Call(operator.at, "!_" if operator.text == "!" else "-_", None, [operand])

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._at("."):
                node = self._selected(node, self._take())
            elif self._at("["):
                bracket = self._take()
                optional = self._skip("?")
                index = self.expression()
                self._expect("]")
                node = Call(bracket.at, "_[?_]" if optional else "_[_]", None, [node, index])
            else:
                return node

    def _selected(self, operand: Node, dot: Token) -> Node:
        optional = self._skip("?")
        name = self._take()
        if name.kind != "ident" or name.text == "in":
            self._issues.add(name.at, f"Syntax error: no viable alternative at input '.{name.text}'")
            raise _Stop
        if self._at("(") and not optional:
            opening = self._take()
            return self._call(opening.at, name.text, operand, self._arguments(")"))
        return Select(dot.at, operand, name.text, optional=optional)

    def _arguments(self, closing: str) -> list[Node]:
        found: list[Node] = []
        while not self._at(closing):
            found.append(self.expression())
            if not self._skip(","):
                break
        self._expect(closing)
        return found

    def _primary(self) -> Node:
        token = self._take()
        if token.kind == "literal":
            return Literal(token.at, token.value)
        if token.text == "." and self._next.kind == "ident":
            token = self._take()
        if token.kind == "ident" and token.text != "in":
            if token.text in _RESERVED:
                self._issues.add(token.at, f"reserved identifier: {token.text}")
                raise _Stop
            if self._at("("):
                opening = self._take()
                return self._call(opening.at, token.text, None, self._arguments(")"))
            return Name(token.at, token.text)
        if token.text == "(":
            node = self.expression()
            self._expect(")")
            return node
        if token.text == "[":
            return self._list(token)
        if token.text == "{":
            return self._map(token)
        raise self._fail(token, _EXPECTED)

    def _list(self, opening: Token) -> Node:
        items: list[Node] = []
        optional: set[int] = set()
        while not self._at("]"):
            if self._skip("?"):
                optional.add(len(items))
            items.append(self.expression())
            if not self._skip(","):
                break
        self._expect("]")
        return ListOf(opening.at, items, optional)

    def _map(self, opening: Token) -> Node:
        entries: list[tuple[Node, Node]] = []
        optional: set[int] = set()
        while not self._at("}"):
            if self._skip("?"):
                optional.add(len(entries))
            key = self.expression()
            self._expect(":")
            entries.append((key, self.expression()))
            if not self._skip(","):
                break
        self._expect("}")
        return MapOf(opening.at, entries, optional)

    def _call(self, at: int, function: str, target: Node | None, arguments: list[Node]) -> Node:
        """A call, or what a macro of that name stands for."""
        if target is None:
            if function == "has" and len(arguments) == 1:
                return self._has(at, arguments[0])
            return Call(at, function, None, arguments)
        if isinstance(target, Name) and target.name == "cel" and function == "bind" and len(arguments) == 3:
            return Bind(at, self._variable(arguments[0]), arguments[1], arguments[2])
        if function in ("optMap", "optFlatMap") and len(arguments) == 2:
            name = self._variable(arguments[0])
            return Comprehension(at, function, target, [name], None, arguments[1])
        count = len(arguments)
        if count in _MACROS.get(function, ()):
            condition = arguments[1] if count == 3 else None
            return Comprehension(at, function, target, [self._variable(arguments[0])], condition, arguments[-1])
        if count in _MACROS_OF_TWO.get(function, ()):
            variables = [self._variable(arguments[0]), self._variable(arguments[1])]
            condition = arguments[2] if count == 4 else None
            macro = "exists_one" if function == "existsOne" else function
            return Comprehension(at, macro, target, variables, condition, arguments[-1])
        return Call(at, function, target, arguments)

    def _has(self, at: int, argument: Node) -> Node:
        if not isinstance(argument, Select) or argument.optional:
            self._issues.add(at, "invalid argument to has() macro")
            raise _Stop
        return Select(at, argument.operand, argument.name, test=True)

    def _variable(self, argument: Node) -> str:
        if not isinstance(argument, Name):
            self._issues.add(argument.at, "argument must be a simple name")
            raise _Stop
        return argument.name

"""CEL as kube-apiserver has it: parsed, checked against the types of its variables, and evaluated.

    program = compile("object.spec.replicas <= 5", {"object": DYN})
    program.evaluate({"object": pod})

Values are Python's; see values.py for those that Python has not. Our own, because the kept libraries do not read
what definitions in the wild say: `common-expression-language` 0.10 has no `?.`, no cel.bind, no comprehensions with
two variables and no values of its user's (quantities, addresses), `cel-python` 0.4 has no optionals either, and neither
checks types, so that a typo in a rule would only be found when an object meets it.

Importing this package imports nothing else: the compiler comes with the first expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from backend.meta.cel.errors import CompileError, EvaluationError
from backend.meta.cel.types import DYN, Type

if TYPE_CHECKING:
    from backend.meta.cel.program import Program

__all__ = ["DYN", "CompileError", "EvaluationError", "Type", "compile"]


def compile(expression: str, variables: Mapping[str, Type]) -> Program:
    """A program over variables of these types. Raises CompileError with all faults, in cel-go's words."""
    from backend.meta.cel.program import Program

    return Program(expression, variables)

"""What can be changed in a module: each of mutmut's operators, wherever it applies.

mutmut itself leaves out decorated functions, and all that is not in a function: tables, patterns, defaults, fields. Its
operators apply there as well. Types are left out, because they do nothing when the code runs; but for those of fields,
from which msgspec takes what is valid.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from libcst import matchers as m
from mutmut.mutation.mutators import mutation_operators

#: What is there for type checkers only.
_FOR_CHECKERS = m.AnnAssign(annotation=m.Annotation(m.Name("TypeAlias"))) | m.Assign(value=m.Call(m.Name("TypeVar")))
_CAST = m.Call(m.Name("cast"))
#: Calls that fail with any other arguments, so that a change shows nothing. mutmut leaves them out, too.
_FIXED = m.Call(m.Name("len") | m.Name("isinstance"))


@dataclass(frozen=True)
class Mutant:
    """A change of one node.

    Attributes:
        scope: Where it is, as in `Class.method`; empty outside of all functions and classes.
    """

    scope: str
    _module: cst.Module
    _before: cst.CSTNode
    _after: cst.CSTNode

    def source(self) -> str:
        """Return the source of the module with the change."""
        changed = self._module.deep_replace(self._before, self._after)
        assert isinstance(changed, cst.Module)
        return changed.code

    def __str__(self) -> str:
        """Return where it is, and the lines that differ, without their indentation."""
        before, after = self._module.code.splitlines(), self.source().splitlines()
        lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
        changed = (f"{line[0]} {line[1:].strip()}" for line in lines if not line.startswith("@@"))
        return "\n".join([self.scope or "the module", *changed])


def mutants(source: str) -> list[Mutant]:
    """Return all changes of a module, in the order of its text."""
    # The wrapper's copy has no node twice, so that one is replaced, not all that are equal.
    module = cst.MetadataWrapper(cst.parse_module(source)).module
    visitor = _Visitor(module)
    module.visit(visitor)
    return visitor.found


class _Visitor(cst.CSTVisitor):
    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        self.found: list[Mutant] = []
        self._module = module
        self._scopes: list[cst.FunctionDef | cst.ClassDef] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation):
            self._visit_annotation(node)
            return False
        if m.matches(node, _FOR_CHECKERS):
            return False
        if isinstance(node, cst.Call) and m.matches(node, _CAST):
            node.args[1].visit(self)
            return False
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self._scopes.append(node)
        if not m.matches(node, _FIXED):
            scope = ".".join(scope.name.value for scope in self._scopes)
            self.found += (Mutant(scope, self._module, node, other) for other in _others(node))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, (cst.FunctionDef, cst.ClassDef)):
            self._scopes.pop()

    def _visit_annotation(self, annotation: cst.Annotation) -> None:
        """Visit what an annotation has of values, if it is a field's: literals and calls."""
        if self._scopes and isinstance(self._scopes[-1], cst.ClassDef):
            for value in m.findall(annotation, m.Index(m.SimpleString()) | m.Call()):
                value.visit(self)


def _others(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from operator(node)

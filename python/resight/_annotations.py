"""Annotations as Python evaluates them, also those that are text."""

from __future__ import annotations

import ast
import inspect
import sys
import typing
from typing import Any, Callable, Dict

def signature(call: Callable[..., Any]) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(call, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(call)


def space(call: Callable[..., Any]) -> Dict[str, Any]:
    """The names that the annotations of a function may use."""
    own = inspect.unwrap(call)
    own = getattr(own, "func", own)  # functools.partial
    if not hasattr(own, "__globals__"):
        own = getattr(type(own), "__call__", own)
    module = sys.modules.get(str(getattr(own, "__module__", "")), typing)
    space = {**getattr(own, "__globals__", vars(module)), "__resight_union": typing.Union}
    space.update((p.__name__, p) for p in getattr(own, "__type_params__", ()))
    return space


class _Unions(ast.NodeTransformer):
    """`X | Y` as `Union[X, Y]`, which Python 3.9 can evaluate."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.BitOr):
            return node
        both = ast.Tuple([node.left, node.right], ast.Load())
        return ast.Subscript(ast.Name("__resight_union", ast.Load()), both, ast.Load())


def evaluated(annotation: Any, space: Dict[str, Any]) -> Any:
    """The annotation itself of one that is text; `Any` where a name in it is not known."""
    for _ in range(3):
        text = getattr(annotation, "__forward_arg__", annotation)
        if not isinstance(text, str):
            break
        try:
            tree = _Unions().visit(ast.parse(text.strip(), mode="eval"))
            code = compile(ast.fix_missing_locations(tree), "<annotation>", "eval")
            annotation = eval(code, space)
        except Exception:  # such as a name that only type checkers import
            return Any
    if isinstance(annotation, str):
        return Any
    inner = typing.get_args(annotation)
    if any(isinstance(each, (str, typing.ForwardRef)) for each in inner):
        if typing.get_origin(annotation) is typing.Literal or hasattr(annotation, "__metadata__"):
            return annotation
        known = tuple(
            evaluated(each, space) if isinstance(each, (str, typing.ForwardRef)) else each
            for each in inner
        )
        try:
            if hasattr(annotation, "copy_with"):
                return annotation.copy_with(known)
            return typing.get_origin(annotation)[known]
        except Exception:
            return Any
    return annotation


def shown(annotation: Any) -> str:
    forward = getattr(annotation, "__forward_arg__", annotation)
    if isinstance(forward, str):
        return forward
    return inspect.formatannotation(annotation).replace("typing.", "")

"""FastAPI's `Depends`: a parameter gets what another function returns for the same request."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _annotations

_STARS = inspect.Parameter.VAR_KEYWORD


class Node:
    """A function, and the functions that its parameters depend on."""

    def __init__(self, call: Callable[..., Any], above: Tuple[Any, ...] = ()) -> None:
        if call in above:
            raise TypeError(f"{_name(call)} depends on itself")
        self.call = call
        self.signature = _annotations.signature(call)
        self.needs: Dict[str, Tuple[Node, bool]] = {}
        #: Parameters that a request gives, with their annotations as Python evaluates them.
        self.own: List[inspect.Parameter] = []
        space = _annotations.space(call)
        for parameter in self.signature.parameters.values():
            annotation = parameter.annotation
            if annotation is not parameter.empty:
                annotation = _annotations.evaluated(annotation, space)
            marker = _marker(parameter, annotation)
            if marker is None:
                self.own.append(parameter.replace(annotation=annotation))
                continue
            wanted = marker.dependency
            if wanted is None:
                wanted = getattr(annotation, "__origin__", annotation)
            if not callable(wanted):
                raise TypeError(f"{parameter.name} of {_name(call)} depends on nothing that is called")
            below = Node(wanted, (*above, call))
            self.needs[parameter.name] = (below, bool(getattr(marker, "use_cache", True)))
        inner = call if inspect.isroutine(call) or inspect.isclass(call) else call.__call__
        #: Only a dependency yields what it provides; what the function itself yields is its result.
        self.is_generator = bool(above) and inspect.isgeneratorfunction(inner)
        self.is_async_generator = bool(above) and inspect.isasyncgenfunction(inner)
        self.is_async = self.is_async_generator or inspect.iscoroutinefunction(inner)

    def all(self) -> List[Node]:
        return [self] + [node for below, _ in self.needs.values() for node in below.all()]

    def arguments(self, given: Dict[str, Any], values: Dict[str, Any]) -> inspect.BoundArguments:
        """Those of a call, in the order of the parameters."""
        both = {**{p.name: given[p.name] for p in self.own if p.name in given}, **values}
        ordered = {name: both[name] for name in self.signature.parameters if name in both}
        return inspect.BoundArguments(self.signature, ordered)  # type: ignore[arg-type]


def needed(call: Callable[..., Any]) -> List[Any]:
    """The functions that a function that `resolved` returned depends on."""
    return list(getattr(call, _NEEDED, ()))


def refuse_guards(module: Any) -> None:
    """Raises `ValueError` where an application or a route of FastAPI has dependencies beside the parameters of
    functions: nothing here would call them, and they may be what keeps strangers out."""
    for value in vars(module).values():
        if type(value).__module__.split(".")[0] != "fastapi" or not hasattr(value, "routes"):
            continue
        router = getattr(value, "router", value)
        guarded = [r for r in value.routes if getattr(r, "dependencies", None)]
        if getattr(router, "dependencies", None) or guarded:
            where = f"the route {guarded[0].path}" if guarded else "the application"
            raise ValueError(
                f"{where} has dependencies=[...], which are not called here; give each as a parameter "
                "of the function, as in user = Depends(...)"
            )


def resolved(call: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes what `call` and its dependencies take, and gives each its share; `call`
    itself where it has no dependency. Raises `TypeError` or `ValueError` for a dependency that cannot be
    called."""
    try:
        parameters = _annotations.signature(call).parameters.values()
    except (TypeError, ValueError):  # a function in C that does not say what it takes
        return call
    space = _annotations.space(call)
    if not any(_marker(p, _annotations.evaluated(p.annotation, space)) for p in parameters):
        return call
    top = Node(call)
    below = [p for node in top.all()[1:] for p in node.own]
    taken = {p.name for p in top.own}
    added: List[inspect.Parameter] = []
    for parameter in below:
        if parameter.name not in taken and parameter.kind.name in _NAMED:
            taken.add(parameter.name)
            added.append(parameter.replace(kind=parameter.KEYWORD_ONLY))
    # Those that are removed may have stood between parameters with a default and without.
    own = [p for p in top.own if p.kind is not _STARS]
    stars = [p for p in top.own if p.kind is _STARS]
    signature = top.signature.replace(parameters=_ordered(own) + added + stars)

    @functools.wraps(call)
    def sync(*args: Any, **keywords: Any) -> Any:
        given = signature.bind(*args, **keywords).arguments
        with contextlib.ExitStack() as stack:
            return _whole(_called(top, given, stack, {}))
        raise RuntimeError(_SWALLOWED)

    @functools.wraps(call)
    async def awaiting(*args: Any, **keywords: Any) -> Any:
        given = signature.bind(*args, **keywords).arguments
        async with contextlib.AsyncExitStack() as stack:
            return _whole(await _awaited(top, given, stack, {}))
        raise RuntimeError(_SWALLOWED)

    chosen: Any = awaiting if any(node.is_async for node in top.all()) else sync
    chosen.__signature__ = signature
    setattr(chosen, _NEEDED, [node.call for node in top.all()[1:]])
    return chosen  # type: ignore[no-any-return]


_NEEDED = "__resight_needed__"
_NAMED = ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")
_SWALLOWED = "a dependency caught what the function raised, and raised nothing itself"


def _whole(value: Any) -> Any:
    """What a generator yields, while its dependencies are there."""
    return list(value) if inspect.isgenerator(value) else value


def _ordered(own: List[inspect.Parameter]) -> List[inspect.Parameter]:
    """Parameters without a default after one with a default can only be given by name."""
    has_default = False
    ordered = []
    for parameter in own:
        positional = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        if positional and has_default and parameter.default is parameter.empty:
            parameter = parameter.replace(kind=parameter.KEYWORD_ONLY)
        has_default |= parameter.default is not parameter.empty
        ordered.append(parameter)
    return sorted(ordered, key=lambda p: p.kind)


def _marker(parameter: inspect.Parameter, annotation: Any) -> Optional[Any]:
    for said in [parameter.default, *getattr(annotation, "__metadata__", ())]:
        if type(said).__module__.split(".")[0] == "fastapi" and hasattr(said, "dependency"):
            return said
    return None


def _called(
    node: Node, given: Dict[str, Any], stack: contextlib.ExitStack, done: Dict[int, Any]
) -> Any:
    values = {}
    for name, (below, is_cached) in node.needs.items():
        key = id(below.call)
        if not (is_cached and key in done):
            done[key] = _called(below, given, stack, done)
        values[name] = done[key]
    bound = node.arguments(given, values)
    if node.is_generator:
        return stack.enter_context(contextlib.contextmanager(node.call)(*bound.args, **bound.kwargs))
    return node.call(*bound.args, **bound.kwargs)


async def _awaited(
    node: Node, given: Dict[str, Any], stack: contextlib.AsyncExitStack, done: Dict[int, Any]
) -> Any:
    values = {}
    for name, (below, is_cached) in node.needs.items():
        key = id(below.call)
        if not (is_cached and key in done):
            done[key] = await _awaited(below, given, stack, done)
        values[name] = done[key]
    bound = node.arguments(given, values)
    if node.is_async_generator:
        entered = contextlib.asynccontextmanager(node.call)(*bound.args, **bound.kwargs)
        return await stack.enter_async_context(entered)
    if node.is_generator:
        return stack.enter_context(contextlib.contextmanager(node.call)(*bound.args, **bound.kwargs))
    value = node.call(*bound.args, **bound.kwargs)
    return await value if inspect.isawaitable(value) else value


def _name(call: Any) -> str:
    return str(getattr(call, "__qualname__", type(call).__qualname__))

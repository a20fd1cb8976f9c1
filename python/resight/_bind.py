"""The arguments of a call, from what a request carries and from the function's own signature."""

from __future__ import annotations

import inspect
import json
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _annotations, _types
from ._sent import Sent, Unfit, anything, limited
from ._values import picture

_NONE = inspect.Parameter.empty
_STAR, _STARS = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD


class BadArgument(Exception):
    """Arguments that the function does not take. The message names the argument."""


class Parameter:
    """One parameter: its annotation, and what that takes."""

    def __init__(self, parameter: inspect.Parameter, space: Dict[str, Any]) -> None:
        self.own_name = self.name = parameter.name
        self.kind = parameter.kind
        #: A default that the function itself does not have in this form.
        self.default: Optional[Callable[[], Any]] = None
        self.shown = ""
        self.wanted = anything()
        annotation = None
        if parameter.annotation is not _NONE:
            self.shown = _annotations.shown(parameter.annotation)
            annotation = _annotations.evaluated(parameter.annotation, space)
            self.wanted = _types.of(annotation)
        self.variadic = self.kind in (_STAR, _STARS)
        self.positional = self.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        )
        self.required = parameter.default is _NONE and not self.variadic
        for said in [parameter.default, *getattr(annotation, "__metadata__", ())]:
            self._described(said, said is parameter.default)

    def _described(self, said: Any, is_default: bool) -> None:
        """Reads FastAPI's or pydantic's description of a parameter: `Query(None)`, `File()`."""
        package = type(said).__module__.split(".")[0]
        if package not in ("fastapi", "pydantic") or not hasattr(said, "default"):
            return
        alias = getattr(said, "alias", None)
        if isinstance(alias, str):
            self.name = alias
        default, factory = said.default, getattr(said, "default_factory", None)
        is_none = default is ... or "Undefined" in type(default).__name__
        if callable(factory):
            self.default, self.required = factory, False
        elif not is_none:
            self.default, self.required = (lambda: default), False
        elif is_default:
            self.required = True
        if is_default:
            self.wanted = limited(self.wanted, [said])

    def __str__(self) -> str:
        shown = {_STAR: "*", _STARS: "**"}.get(self.kind, "") + self.name
        return f"{shown} ({self.shown})" if self.shown else shown

    def value(self, function: str, given: List[Sent]) -> Any:
        """The argument. Raises `BadArgument`."""
        wanted = self.wanted
        if len(given) > 1 and wanted.item is None:
            raise BadArgument(
                f"{function} was given the argument {self} {len(given)} times and takes one; the "
                f"second is {given[1].start()}. Annotate it as a list to take several"
            )
        sent = given[0] if len(given) == 1 else Sent("many", given)
        try:
            return wanted.convert(sent)
        except Unfit as unfit:
            more = f": {unfit}" if str(unfit) else ""
            annotated = f"is {self.shown}" if self.shown else "has no annotation"
            shown = "several values" if sent.kind == "many" else sent.start()
            raise BadArgument(
                f"{function}'s argument {self.name} {annotated}; {shown} does not fit{more}"
            ) from None


class Signature:
    """The parameters of one function."""

    def __init__(self, name: str, call: Callable[..., Any], batched: bool) -> None:
        self.name = name
        space = _annotations.space(call)
        found = _annotations.signature(call)
        self.shown = str(found)
        self.parameters = [Parameter(p, space) for p in found.parameters.values()]
        for parameter in self.parameters if batched else ():
            # It gets a list of what the calls give, each of which is one item.
            if parameter.wanted.item is not None:
                parameter.wanted = parameter.wanted.item
        # A request has no order, so that what is positional for Python has a name here.
        self.named = {p.name for p in self.parameters if not p.variadic}
        self.rest = next((p for p in self.parameters if p.kind is _STAR), None)
        self.others = next((p for p in self.parameters if p.kind is _STARS), None)

    def __str__(self) -> str:
        return self.shown

    def describe(self) -> List[Dict[str, Any]]:
        """The parameters, for the handshake."""
        return [
            {
                "name": p.name,
                "kind": p.kind.name.lower(),
                "required": p.required,
                "annotation": p.shown[:500],
                "takes": p.wanted.takes or ("" if p.wanted.files else "none"),
                "schema": p.wanted.schema,
            }
            for p in self.parameters[:64]
        ]

    def whole(self, given: Dict[str, Any]) -> Optional[str]:
        """The one parameter that takes objects, where the object names no parameter: as in FastAPI
        it then stands for the argument itself."""
        if not given or self.others is not None or any(name in self.named for name in given):
            return None
        names = [p.name for p in self.parameters if p.wanted.whole and not p.variadic]
        return names[0] if len(names) == 1 else None

    def bind(
        self, positional: List[Sent], named: List[Tuple[str, Sent]], loose: List[Tuple[str, Sent]]
    ) -> Tuple[List[Any], Dict[str, Any]]:
        """Positional and keyword arguments. `loose` are files, whose names need not be a
        parameter's. Raises `BadArgument`."""
        given: Dict[str, List[Sent]] = {}
        extra: Dict[str, List[Sent]] = {}
        rest: List[Sent] = []
        for name, sent in named:
            into = given if name in self.named else extra
            into.setdefault(name, []).append(sent)
        homeless: Dict[str, List[Sent]] = {}
        for index, (name, sent) in enumerate(loose):
            if name in self.named:
                given.setdefault(name, []).append(sent)
            elif name and self.others is not None:
                extra.setdefault(name, []).append(sent)
            else:
                homeless.setdefault(name or f"\0{index}", []).append(sent)
        self._place(positional, homeless, given, rest)
        if extra and self.others is None:
            raise self._unknown(next(iter(extra)))
        return self._arguments(given, rest, extra)

    def _place(
        self,
        positional: List[Sent],
        homeless: Dict[str, List[Sent]],
        given: Dict[str, List[Sent]],
        rest: List[Sent],
    ) -> None:
        """Gives positional values, and files of other names, to the parameters without a value."""
        free = [p for p in self.parameters if p.positional]
        for sent in positional:
            if free:
                given.setdefault(free.pop(0).name, []).append(sent)
            elif self.rest is not None:
                rest.append(sent)
            else:
                raise BadArgument(
                    f"{self.name} takes fewer arguments; there is none for {sent.start()}"
                )
        for name, files in homeless.items():
            place = next((p for p in free if p.name not in given and p.wanted.files), None)
            if place is not None:
                given[place.name] = files
            elif self.rest is not None:
                rest.extend(files)
            elif name.startswith("\0"):
                raise BadArgument(f"{self.name} takes no file, and {files[0].start()} was sent")
            else:
                raise self._unknown(name)

    def _unknown(self, name: str) -> BadArgument:
        known = ", ".join(map(str, self.parameters)) or "none"
        return BadArgument(f"{self.name} has no argument {name[:60]!r}; it has: {known}")

    def _arguments(
        self, given: Dict[str, List[Sent]], rest: List[Sent], extra: Dict[str, List[Sent]]
    ) -> Tuple[List[Any], Dict[str, Any]]:
        args: List[Any] = []
        keywords: Dict[str, Any] = {}
        by_name = False  # whether a positional one was left to its default
        for p in self.parameters:
            if p.variadic:
                continue
            sent = given.get(p.name)
            if sent and _is_blank(p, sent):
                sent = None
            if sent:
                value = p.value(self.name, sent)
            elif p.default is not None:
                value = p.default()
            elif not p.required:
                by_name = True
                continue
            elif p.wanted.nullable and p.name in given:
                value = None
            else:
                raise BadArgument(f"{self.name} needs the argument {p}, which was not given")
            if p.kind is inspect.Parameter.POSITIONAL_ONLY and by_name:
                raise BadArgument(f"{self.name} takes {p} only together with those before it")
            if p.positional and not by_name:
                args.append(value)
            else:
                keywords[p.own_name] = value
        if rest and by_name:
            raise BadArgument(f"{self.name} takes {rest[0].start()} only with all before it")
        if self.rest is not None:
            args.extend(self.rest.value(self.name, [sent]) for sent in rest)
        for name, sent in extra.items():
            if self.others is not None:
                other = self.others
                if len(sent) > 1 and other.wanted.item is None:
                    raise BadArgument(
                        f"{self.name} was given the argument {name!r} {len(sent)} times"
                    )
                keywords[name] = other.value(self.name, sent)
        return args, keywords


def _is_blank(parameter: Parameter, sent: List[Sent]) -> bool:
    """Whether a form's field was left empty: then it counts as not given where it can."""
    if len(sent) != 1 or sent[0].kind != "text" or sent[0].value != "":
        return False
    wanted = parameter.wanted
    if wanted.item is not None:
        return not wanted.item.any_text
    return not wanted.any_text and (not parameter.required or wanted.nullable)


def _object(text: str) -> Dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadArgument(f"the JSON cannot be read: {error}") from None


def arguments(
    signature: Optional[Signature], item: Dict[str, Any], part: Callable[[int], Any]
) -> Tuple[List[Any], Dict[str, Any]]:
    """Positional and keyword arguments of one call. `part(i)` returns the bytes of part `i`."""
    files: List[Tuple[str, Sent]] = []
    for attachment in item.get("x", ()):
        data, name = part(attachment["p"]), attachment.get("n") or ""
        if attachment["t"] == "picture":
            files.append((name, Sent("picture", picture(data, attachment["w"], attachment["h"]))))
        else:
            file_name, kind = attachment.get("f"), attachment.get("c", "")
            if file_name == "" and not len(data):
                continue  # a form's field for files in which none was chosen
            files.append((name, Sent("file", bytes(data), file_name, kind)))
    positional = [Sent("json", value) for value in item.get("a", ())]
    named = [(name, Sent("json", value)) for name, value in item.get("k", {}).items()]
    if "j" in item:
        given = _object(item["j"])
        whole = signature and signature.whole(given)
        if whole:
            given = {whole: given}
        named.extend((name, Sent("json", value)) for name, value in given.items())
    named.extend((name, Sent("text", text)) for name, text in item.get("t", ()))
    if signature is not None:
        return signature.bind(positional, named, files)
    # A function in C that does not say what it takes.
    loose = [sent.value for name, sent in files if not name]
    keywords = {name: sent.value for name, sent in named}
    keywords.update((name, sent.value) for name, sent in files if name)
    return [sent.value for sent in positional] + loose, keywords

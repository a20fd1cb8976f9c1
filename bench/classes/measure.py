"""How often `verified` errs on each class: `resight calibrate` beside truth.json."""

import itertools
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

WORST = 10
# Of log10 of the number of false alarms; the first is the program's.
THRESHOLDS = (-5, -5.5, -6, -7, -8, -10)
HEADINGS = ("class", "pictures", "unrelated pairs", "verified", "of these marks", "share of others", "95 % bound", "pairs with a mark", "verified", "of these marks", "related pairs", "recall", "of these marks", "seconds")


def upper_bound(count):
    """The largest mean of a Poisson count that gives `count` or fewer in 5 % of the cases.

    The pairs of one picture are not independent, so that the bound is rather too low.
    """
    low, high = float(count), count + 10 * math.sqrt(count + 1) + 10
    for _ in range(80):
        middle = (low + high) / 2
        at_most = sum(math.exp(i * math.log(middle) - middle - math.lgamma(i + 1)) for i in range(count + 1))
        low, high = (middle, high) if at_most > 0.05 else (low, middle)
    return high


def calibrate(resight, folder, threads):
    """(verified pairs, summary) as the program prints them."""
    with tempfile.TemporaryDirectory() as data:
        command = [resight, "--data", data, "--json", "--quiet"] + (["--threads", str(threads)] if threads else [])
        done = subprocess.run([*command, "calibrate", folder, "--list", "-1000"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"calibrate failed on {folder}:\n{done.stderr[-2000:]}")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    summary = [e for e in events if e["event"] == "done"]
    if len(summary) != 1:
        sys.exit(f"calibrate printed no summary for {folder}")
    return [e for e in events if e["event"] == "pair" and e["verified"]], summary[0]


def kinds(truth, groups):
    """(group of a file, whether two groups share a mark) for the groups measured."""
    of = {file: int(group) for group in groups for file in truth["groups"][group]}
    marked = {pair for mark in truth["marks"] for pair in itertools.combinations(sorted(mark), 2)}
    return of, lambda a, b: (min(a, b), max(a, b)) in marked


def measure(resight, folder, count, skip, threads):
    """What one class gives: `count` groups after the first `skip`."""
    truth = json.loads((folder / "truth.json").read_text())
    groups = list(truth["groups"])[skip:][:count]
    of, share_mark = kinds(truth, groups)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        for file in of:
            link_or_copy(folder / file, pathlib.Path(beside) / file)
        verified, summary = calibrate(resight, pathlib.Path(beside), threads)
    totals = dict.fromkeys(("related", "mark", "unrelated"), 0)
    for a, b in itertools.combinations(of, 2):
        totals[kind(of, share_mark, a, b)] += 1
    found = {name: {} for name in totals}
    for pair in verified:
        a, b = sorted((pair["a"], pair["b"]))
        found[kind(of, share_mark, a, b)][a, b] = pair
    false = sorted(found["unrelated"].values(), key=lambda pair: pair["nfa_log10"])
    missed = [pair for pair in itertools.combinations(sorted(of), 2) if of[pair[0]] == of[pair[1]] and pair not in found["related"]]
    share = lambda count, of_all: count / of_all if of_all else None
    marks = {name: sum(pair["evidence"] == "mark" for pair in pairs.values()) for name, pairs in found.items()}
    objects = len(false) - marks["unrelated"]
    return {
        "pictures": len(of), "unusable": summary["unusable"],
        "unrelated_pairs": totals["unrelated"], "unrelated_verified": len(false), "unrelated_marks": marks["unrelated"],
        "share": share(len(false), totals["unrelated"]), "object_share": share(objects, totals["unrelated"]),
        "bound_95": share(upper_bound(objects), totals["unrelated"]), "mark_marks": marks["mark"], "related_marks": marks["related"],
        "mark_pairs": totals["mark"], "mark_verified": len(found["mark"]), "mark_share": share(len(found["mark"]), totals["mark"]),
        "related_pairs": totals["related"], "related_verified": len(found["related"]), "recall": share(len(found["related"]), totals["related"]),
        "seconds": summary["seconds"],
        "by_threshold": {str(at): at_most(found, at) for at in THRESHOLDS},
        "worst": [{key: pair[key] for key in ("a", "b", "nfa_log10", "inliers", "places")} for pair in false[:WORST]],
        "missed": missed[:WORST],
    }


def at_most(found, threshold):
    """Verified pairs at a stricter threshold: unrelated objects and marks, and related ones."""
    pairs = {name: [p for p in of.values() if p["nfa_log10"] is None or p["nfa_log10"] <= threshold] for name, of in found.items()}
    marks = sum(pair["evidence"] == "mark" for pair in pairs["unrelated"])
    return {"objects": len(pairs["unrelated"]) - marks, "marks": marks, "related": len(pairs["related"])}


def link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def kind(of, share_mark, a, b):
    """Whether two files are related, share a mark alone, or are unrelated."""
    if of[a] == of[b]:
        return "related"
    return "mark" if share_mark(of[a], of[b]) else "unrelated"


def row(name, found):
    number = lambda value, form: "-" if value is None else format(value, form)
    return (name, str(found["pictures"]), f"{found['unrelated_pairs']:,}", f"{found['unrelated_verified']:,}", f"{found['unrelated_marks']:,}", number(found["object_share"], ".1e"),
            number(found["bound_95"], ".1e"), f"{found['mark_pairs']:,}", number(found["mark_share"], ".3f"), f"{found['mark_marks']:,}", f"{found['related_pairs']:,}",
            number(found["recall"], ".3f"), f"{found['related_marks']:,}", f"{found['seconds']:.0f}")


def markdown(results):
    """The table and, for each class that errs, its worst pairs."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---|" + "---:|" * (len(HEADINGS) - 1)]
    lines += ["| " + " | ".join(row(name, found)) + " |" for name, found in results.items()]
    for name, found in results.items():
        if found["worst"]:
            pairs = "; ".join(f"{p['a']} {p['b']} ({p['nfa_log10']:.1f}, {p['inliers']} inliers)" for p in found["worst"])
            lines += ["", f"{name}: {pairs}"]
    return "\n".join(lines) + "\n"


def run(args, chosen):
    known = sorted(path.parent.name for path in args.folder.glob("*/truth.json"))
    results = {}
    widths = [max(len(h), 16 if at == 0 else 0) for at, h in enumerate(HEADINGS)]
    print("  ".join(h.rjust(w) if at else h.ljust(w) for at, (h, w) in enumerate(zip(HEADINGS, widths))))
    for name in chosen(args.names, known):
        results[name] = found = measure(args.resight, args.folder / name, args.groups, args.skip, args.threads)
        cells = row(name, found)
        print("  ".join(c.rjust(w) if at else c.ljust(w) for at, (c, w) in enumerate(zip(cells, widths))), flush=True)
        if args.out:
            args.out.write_text(markdown(results))
    for name, found in results.items():
        for pair in found["worst"]:
            print(f"{name}: {pair['nfa_log10']:9.2f}  {pair['inliers']:4} inliers  {pair['places']:3} places  {pair['a']} {pair['b']}")
    print(json.dumps({"groups": args.groups, "classes": results}))

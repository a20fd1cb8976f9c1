"""The dense index beside faiss, hnswlib and usearch, on the same vectors.

    cargo build --release -p resight-index --example dense_scale
    bench/run dense_beside_peers.py --resight target/release/examples/dense_scale [--count 100000 ...]

Vectors of 512 numbers: centres of 1,000 clusters in random directions, and vectors around them with
normal noise of length 0.7 in all directions (a cosine of about 0.82 to the centre, 0.67 to each
other). Easy queries are further vectors of the clusters; hard ones lie half way between vectors of
two clusters. Truth: the ten with the highest inner product, by faiss in single precision.

The systems, each with one thread for a search:

- `resight`: DenseIndex with its defaults, and exactly, asked through a pipe; times are its own, without
  the pipe's.
- `faiss-flat`: IndexFlatIP, exact in single precision. `faiss-sq8`: IndexScalarQuantizer, 8 bits.
  `faiss-hnsw`: IndexHNSWFlat. `hnswlib`, `usearch-f16`, `usearch-i8`: graphs.

Graphs of the peers have 16 links (32 in the lowest layer) and are built with a breadth of 128;
they are searched with 64, 128 and 256. Builds use the machine's cores, one after another; searches
take turns at every query. Given: seconds until all is ready, bytes a vector as saved, milliseconds
of a query (p50, p95) and recall@10 on easy and hard queries. The last line is JSON.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

import faiss
import hnswlib
import numpy as np
from usearch.index import Index

DIMENSION, CLUSTERS, SPREAD, LIMIT = 512, 1000, 0.7, 10
LINKS, BUILD_BREADTH = 16, 128


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Model:
    def __init__(self):
        self.random = np.random.default_rng(1)
        self.centres = unit(self.random.standard_normal((CLUSTERS, DIMENSION), dtype=np.float32))

    def members(self, count):
        """In parts, so that a million do not need the memory twice."""
        vectors = np.empty((count, DIMENSION), np.float32)
        for start in range(0, count, 10000):
            part = vectors[start : start + 10000]
            which = self.random.integers(CLUSTERS, size=len(part))
            noise = self.random.standard_normal(part.shape, dtype=np.float32)
            part[:] = unit(self.centres[which] + SPREAD / np.sqrt(DIMENSION) * noise)
        return vectors

    def between(self, count):
        return unit(self.members(count) + self.members(count))


class Resight:
    """The example of the crate, which holds the index and answers lines."""

    def __init__(self, program, vectors):
        with tempfile.NamedTemporaryFile(suffix=".f32") as file:
            vectors.tofile(file)
            file.flush()
            command = [program, "--ask", file.name, str(DIMENSION)]
            # One thread for searches, as the others have; the graph's own are apart from it.
            environment = dict(os.environ, RAYON_NUM_THREADS="1")
            pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.process = subprocess.Popen(command, env=environment, **pipes)
            self.report = json.loads(self.process.stdout.readline())
        self.seconds, self.bytes = self.report["ready_seconds"], self.report["bytes"]

    def ask(self, query, breadth):
        line = f"{breadth} {LIMIT} {query.astype('<f4').tobytes().hex()}\n"
        self.process.stdin.write(line)
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["keys"], answer["ms"]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def timed(search):
    def ask(query, breadth):
        start = time.perf_counter()
        keys = search(query, breadth)
        return list(map(int, keys)), (time.perf_counter() - start) * 1e3

    return ask


def saved_size(save):
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "index")
        save(path)
        return os.path.getsize(path)


def with_faiss(index, vectors, breadth_of=None):
    start = time.perf_counter()
    if not index.is_trained:
        index.train(vectors[:100000])
    index.add(vectors)
    seconds = time.perf_counter() - start

    def search(query, breadth):
        if breadth_of is not None:
            breadth_of.efSearch = breadth
        return index.search(query[None], LIMIT)[1][0]

    return timed(search), seconds, saved_size(lambda path: faiss.write_index(index, path))


def with_hnswlib(vectors):
    index = hnswlib.Index("ip", DIMENSION)
    index.init_index(len(vectors), ef_construction=BUILD_BREADTH, M=LINKS)
    start = time.perf_counter()
    index.add_items(vectors)
    seconds = time.perf_counter() - start

    def search(query, breadth):
        index.set_ef(breadth)
        return index.knn_query(query, LIMIT, num_threads=1)[0][0]

    return timed(search), seconds, saved_size(index.save_index)


def with_usearch(vectors, kind):
    index = Index(
        ndim=DIMENSION, metric="ip" if kind == "f16" else "cos", dtype=kind,
        connectivity=LINKS, expansion_add=BUILD_BREADTH,
    )
    start = time.perf_counter()
    index.add(np.arange(len(vectors)), vectors)
    seconds = time.perf_counter() - start

    def search(query, breadth):
        index.expansion_search = breadth
        return index.search(query, LIMIT, threads=1).keys

    return timed(search), seconds, saved_size(index.save)


def measure(count, queries, program, slow):
    model = Model()
    vectors = model.members(count)
    kinds = {"easy": model.members(queries), "hard": model.between(queries)}
    resight = Resight(program, vectors)
    systems = {"resight": (resight.ask, resight.seconds, resight.bytes)}
    faiss.omp_set_num_threads(os.cpu_count())
    flat = faiss.IndexFlatIP(DIMENSION)
    systems["faiss-flat"] = with_faiss(flat, vectors)
    kind = faiss.ScalarQuantizer.QT_8bit
    coded = faiss.IndexScalarQuantizer(DIMENSION, kind, faiss.METRIC_INNER_PRODUCT)
    systems["faiss-sq8"] = with_faiss(coded, vectors)
    if slow:
        graph = faiss.IndexHNSWFlat(DIMENSION, LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = BUILD_BREADTH
        systems["faiss-hnsw"] = with_faiss(graph, vectors, graph.hnsw)
        systems["hnswlib"] = with_hnswlib(vectors)
        systems["usearch-i8"] = with_usearch(vectors, "i8")
    systems["usearch-f16"] = with_usearch(vectors, "f16")
    truth = {kind: flat.search(asked, LIMIT)[1] for kind, asked in kinds.items()}
    faiss.omp_set_num_threads(1)
    exact = {"faiss-flat", "faiss-sq8"}
    ways = [("resight exact", "resight", 0)]
    for name in systems:
        breadths = [0] if name in exact else [64, 128, 256]
        ways += [(name if b == 0 else f"{name} {b}", name, b) for b in breadths]
    rows = {way: {} for way, _, _ in ways}
    for kind, asked in kinds.items():
        times = {way: [] for way, _, _ in ways}
        right = dict.fromkeys(times, 0)
        for query, best in zip(asked, truth[kind]):
            for way, name, breadth in ways:
                keys, milliseconds = systems[name][0](query, breadth)
                times[way].append(milliseconds)
                right[way] += len(set(keys) & set(best.tolist()))
        for way in times:
            p50, p95 = np.percentile(times[way], [50, 95])
            rows[way][kind] = {
                "recall": right[way] / (LIMIT * queries), "p50_ms": round(p50, 3), "p95_ms": round(p95, 3),
            }
    for way, name, _ in ways:
        _, seconds, size = systems[name]
        rows[way] |= {"ready_seconds": round(seconds, 1), "bytes_a_vector": round(size / count)}
        easy, hard = rows[way]["easy"], rows[way]["hard"]
        print(
            f"{count:8} {way:18} ready {seconds:7.1f} s, {size / count:6.0f} bytes, "
            f"easy {easy['recall']:.3f} {easy['p50_ms']:.3f}/{easy['p95_ms']:.3f} ms, "
            f"hard {hard['recall']:.3f} {hard['p50_ms']:.3f}/{hard['p95_ms']:.3f} ms",
            flush=True,
        )
    resight.end()
    return {"count": count, "memory": resight.report, "systems": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--resight", required=True, help="target/release/examples/dense_scale")
    parser.add_argument("--count", type=int, nargs="+", default=[10000, 100000])
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--fewer", action="store_true", help="of the graphs only ours and usearch-f16")
    options = parser.parse_args()
    program = str(pathlib.Path(options.resight).resolve())
    results = [measure(count, options.queries, program, not options.fewer) for count in options.count]
    print(json.dumps(results))


if __name__ == "__main__":
    main()

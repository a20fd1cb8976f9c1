"""Retrieval on the same pictures, beside what one would take instead.

    bench/run retrieval_beside_peers.py --resight target/release/resight \\
        --set ../shared/data/eval/smvs_dvd ... --photos ../shared/data/photos

One database of the sets' pictures and some photos as distractors; the sets' queries, a part of them
evenly taken. Beside `resight serve` (asked over HTTP with the picture's bytes):

- `bow`: OpenCV SIFT, RootSIFT, 16,384 words by faiss k-means on the photos, TF-IDF and cosine: the
  usual recipe in Python.
- `bow+ransac`: the same, its first 50 matched by FLANN with the ratio test and ranked by the inliers
  of OpenCV's findHomography.
- `colmap`: COLMAP's retrieval (pycolmap): its vocabulary tree built on the photos, Hamming embedding,
  without and with its spatial verification of the first 50. Its binding gives rankings through
  VocabTreePairGenerator only, which indexes queries as well: they are taken out of the rankings, and
  its time for a query (words and search) stands beside a separately timed extraction.

Each takes at most 1,500 features of a picture of at most 1,024 pixels. The systems take turns at every
query (COLMAP has its own pass). Given per set: recall@1 and mean average precision; and build
seconds (with extraction, without learning words), milliseconds of a query (p50, p95), bytes a
picture on disk. The last line is JSON.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

import cv2
import faiss
import numpy as np
import pycolmap
from scipy import sparse

FEATURES, SIDE, WORDS, RERANKED = 1500, 1024, 16384, 50


def read(path):
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    scale = SIDE / max(image.shape)
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return image


def root(descriptors):
    sums = np.maximum(np.abs(descriptors).sum(axis=1, keepdims=True), 1e-9)
    return np.sqrt(descriptors / sums).astype(np.float32)


def average_precision(ranking, relevant):
    found, total = 0, 0.0
    for rank, name in enumerate(ranking, 1):
        if name in relevant:
            found += 1
            total += found / rank
    return total / len(relevant)


def size_of(path):
    path = pathlib.Path(path)
    if path.is_file():
        return path.stat().st_size
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


class Resight:
    def __init__(self, binary, folder, work):
        self.data = work / "resight"
        began = time.perf_counter()
        subprocess.run([binary, "index", folder, "--data", self.data, "--quiet"], check=True)
        self.build = time.perf_counter() - began
        self.bytes = {
            "index": size_of(self.data / "index"),
            "catalogue": size_of(self.data / "catalogue.sqlite3"),
        }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.server = subprocess.Popen(
            [binary, "serve", "--data", self.data, "--listen", f"127.0.0.1:{port}", "--quiet"],
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(self.url + "/readyz").read()
                break
            except OSError:
                time.sleep(0.1)

    def query(self, path, _features):
        request = urllib.request.Request(
            self.url + "/v1/search?limit=1000", path.read_bytes(), {"Content-Type": "image/jpeg"}
        )
        answer = json.loads(urllib.request.urlopen(request).read())
        return [hit["image"]["name"] for hit in answer["hits"]]

    def close(self):
        self.server.terminate()
        self.server.wait()


class Bow:
    """The recipe; `rerank` pictures are matched and verified."""

    def __init__(self, paths, learnt_from, work):
        self.sift = cv2.SIFT_create(nfeatures=FEATURES)
        sample = [self.describe(p)[1][:300] for p in learnt_from]
        began = time.perf_counter()
        kmeans = faiss.Kmeans(128, WORDS, niter=12, seed=1, max_points_per_centroid=64)
        kmeans.train(np.concatenate(sample))
        self.learn = time.perf_counter() - began
        self.words = faiss.IndexHNSWFlat(128, 32)
        self.words.hnsw.efSearch = 64
        self.words.add(kmeans.centroids)
        began = time.perf_counter()
        self.names = [p.name for p in paths]
        self.features = []
        rows = []
        for path in paths:
            points, descriptors = self.describe(path)
            self.features.append((points, descriptors))
            rows.append(self.count(descriptors))
        counts = sparse.vstack(rows).tocsr()
        documents = np.asarray((counts > 0).sum(axis=0)).ravel()
        self.idf = np.log((1 + len(paths)) / (1 + documents)).astype(np.float32)
        self.matrix = self.weigh(counts).tocsc()
        self.build = time.perf_counter() - began
        sparse.save_npz(work / "bow.npz", self.matrix, compressed=False)
        np.savez(
            work / "features.npz",
            points=np.concatenate([p for p, _ in self.features]),
            descriptors=np.concatenate([(d * 255).astype(np.uint8) for _, d in self.features]),
        )
        self.bytes = {"index": size_of(work / "bow.npz"), "features": size_of(work / "features.npz")}

    def describe(self, path):
        keypoints, descriptors = self.sift.detectAndCompute(read(path), None)
        if descriptors is None:
            return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
        points = np.array([k.pt for k in keypoints], np.float32)
        return points[:FEATURES], root(descriptors[:FEATURES])

    def count(self, descriptors):
        if len(descriptors) == 0:
            return sparse.csr_matrix((1, WORDS), dtype=np.float32)
        words = self.words.search(descriptors, 1)[1].ravel()
        values = np.ones(len(words), np.float32)
        return sparse.csr_matrix((values, (np.zeros(len(words), int), words)), shape=(1, WORDS))

    def weigh(self, counts):
        weighted = counts.multiply(self.idf[None, :]).tocsr()
        norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        return sparse.diags(1 / np.maximum(norms, 1e-9)) @ weighted

    def rank(self, descriptors):
        query = self.weigh(self.count(descriptors))
        columns = query.indices
        scores = self.matrix[:, columns] @ query.data
        return np.argsort(-scores, kind="stable")

    def query(self, path, _features):
        _, descriptors = self.describe(path)
        return [self.names[i] for i in self.rank(descriptors)]

    def query_verified(self, path, _features):
        points, descriptors = self.describe(path)
        order = self.rank(descriptors)
        flann = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 32})
        inliers = []
        for i in order[:RERANKED]:
            other_points, other = self.features[i]
            count = 0
            if len(descriptors) >= 2 and len(other) >= 2:
                pairs = flann.knnMatch(descriptors, other, k=2)
                good = [a for a, b in (p for p in pairs if len(p) == 2) if a.distance < 0.8 * b.distance]
                if len(good) >= 4:
                    source = points[[m.queryIdx for m in good]]
                    target = other_points[[m.trainIdx for m in good]]
                    _, mask = cv2.findHomography(source, target, cv2.RANSAC, 5.0)
                    count = 0 if mask is None else int(mask.sum())
            inliers.append(count)
        first = np.argsort(-np.array(inliers), kind="stable")
        return [self.names[order[i]] for i in first] + [self.names[i] for i in order[RERANKED:]]


class Colmap:
    """COLMAP's own SIFT and vocabulary tree."""

    def __init__(self, paths, queries, learnt_from, work):
        options = pycolmap.FeatureExtractionOptions()
        options.max_image_size = SIDE
        options.sift.max_num_features = FEATURES
        options.use_gpu = False
        options.num_threads = 2
        folder = work / "colmap-pictures"
        folder.mkdir()
        for prefix, group in (("d", paths), ("q", queries), ("t", learnt_from)):
            for path in group:
                (folder / f"{prefix}__{path.name}").symlink_to(path.resolve())
        names = lambda prefix: sorted(p.name for p in folder.iterdir() if p.name.startswith(prefix))

        def extract(database, prefix):
            began = time.perf_counter()
            reader = pycolmap.ImageReaderOptions()
            pycolmap.extract_features(
                database, folder, names(prefix), pycolmap.CameraMode.AUTO, reader, options
            )
            return time.perf_counter() - began

        pycolmap.logging.minloglevel = 2
        learning = work / "learning.db"
        extract(learning, "t__")
        with pycolmap.Database.open(learning) as database:
            images = database.read_all_images()
            rows = [database.read_descriptors(i.image_id) for i in images]
        rows = [np.asarray(r.data if hasattr(r, "data") else r) for r in rows]
        began = time.perf_counter()
        tree = pycolmap.VisualIndex.create(128, 64)
        build = pycolmap.VisualIndex.BuildOptions()
        build.num_visual_words = WORDS
        build.num_iterations = 12
        build.num_rounds = 1
        build.num_threads = 2
        sample = np.concatenate([r[:300] for r in rows]).astype(np.float32)
        kind = pycolmap.FeatureExtractorType.SIFT
        tree.build(build, pycolmap.FeatureDescriptorsFloat(type=kind, data=sample))
        tree.write(work / "tree.bin")
        self.learn = time.perf_counter() - began
        self.database = work / "colmap.db"
        self.build = extract(self.database, "d__")
        self.extract_queries = extract(self.database, "q__") / max(1, len(queries))
        self.tree = work / "tree.bin"
        self.bytes = {"database": size_of(self.database)}

    def rankings(self, verified):
        options = pycolmap.VocabTreePairingOptions()
        options.vocab_tree_path = self.tree
        options.num_images_after_verification = RERANKED if verified else 0
        options.num_threads = 2
        with pycolmap.Database.open(self.database) as database:
            names = {i.image_id: i.name for i in database.read_all_images()}
            options.num_images = len(names)
            queries = [i for i, name in names.items() if name.startswith("q__")]
            began = time.perf_counter()
            generator = pycolmap.VocabTreePairGenerator(options, database, queries)
            prepared = time.perf_counter() - began
            began = time.perf_counter()
            pairs = generator.all_pairs()
            took = (time.perf_counter() - began) / max(1, len(queries))
        rankings = {}
        for first, second in pairs:
            if names[first].startswith("q__") and names[second].startswith("d__"):
                rankings.setdefault(names[first][3:], []).append(names[second][3:])
        return rankings, prepared, took * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--resight", required=True)
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--set", type=pathlib.Path, action="append", required=True)
    parser.add_argument("--distractors", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--learn", type=int, default=1000, help="photos to learn words from")
    parser.add_argument("--skip-colmap", action="store_true")
    arguments = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="retrieval-"))
    try:
        run(arguments, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run(arguments, work):
    folder = work / "database"
    folder.mkdir()
    asked = []
    for path in arguments.set:
        truth = json.loads((path / "groundtruth.json").read_text())
        for name in truth["database"]:
            os.symlink((path / "images" / name).resolve(), folder / f"{path.name}__{name}")
        step = -(-len(truth["queries"]) // arguments.queries)
        for number, query in enumerate(truth["queries"][::step]):
            without = {query["query"], *query.get("ignore", [])}
            relevant = {f"{path.name}__{n}" for n in query["relevant"]} - {
                f"{path.name}__{n}" for n in without
            }
            if not relevant:
                continue
            source = path / "images" / query["query"]
            link = work / f"{path.name}_query_{number:04}{source.suffix}"
            link.symlink_to(source.resolve())
            asked.append((path.name, link, relevant, {f"{path.name}__{n}" for n in without}))
    photos = sorted(arguments.photos.iterdir())
    photos = [p for p in photos if cv2.imread(str(p), cv2.IMREAD_GRAYSCALE) is not None]
    for path in photos[: arguments.distractors]:
        os.symlink(path.resolve(), folder / path.name)
    # Words are learnt from photos that are not in the database where there are enough.
    learnt_from = photos[arguments.distractors :][: arguments.learn] or photos
    paths = sorted(folder.iterdir())
    print(f"{len(paths)} pictures, {len(asked)} queries", flush=True)

    resight = Resight(arguments.resight, folder, work)
    bow = Bow(paths, learnt_from, work)
    systems = {"resight": resight.query, "bow": bow.query, "bow+ransac": bow.query_verified}
    rankings = {name: {} for name in systems}
    times = {name: [] for name in systems}
    for _, path, _, _ in asked:
        for name, query in systems.items():
            began = time.perf_counter()
            rankings[name][path.name] = query(path, None)
            times[name].append((time.perf_counter() - began) * 1e3)
    resight.close()
    figures = {"pictures": len(paths), "queries": len(asked)}
    for name, owner in (("resight", resight), ("bow", bow)):
        figures[f"{name}_build_s"] = round(owner.build, 1)
        for part, count in owner.bytes.items():
            figures[f"{name}_{part}_bytes_a_picture"] = round(count / len(paths))
    figures["bow_learn_s"] = round(bow.learn, 1)
    for name, found in times.items():
        figures[f"{name}_p50_ms"] = round(statistics.median(found), 1)
        figures[f"{name}_p95_ms"] = round(sorted(found)[int(len(found) * 0.95)], 1)
    # Before COLMAP's pass, which takes a while.
    table(asked, rankings, figures)
    if not arguments.skip_colmap:
        colmap = Colmap(paths, [q[1] for q in asked], learnt_from, work)
        figures["colmap_learn_s"] = round(colmap.learn, 1)
        figures["colmap_bytes_a_picture"] = round(colmap.bytes["database"] / (len(paths) + len(asked)))
        for name, verified in (("colmap", False), ("colmap+verified", True)):
            rankings[name], prepared, took = colmap.rankings(verified)
            figures[f"{name}_build_s"] = round(colmap.build + prepared, 1)
            figures[f"{name}_extract_ms"] = round(colmap.extract_queries * 1e3, 1)
            figures[f"{name}_search_ms"] = round(took, 1)
    table(asked, rankings, figures)
    for key, value in figures.items():
        if not key.endswith(("_at_1", "_map")):
            print(f"{key}: {value}")
    print(json.dumps(figures))


def table(asked, rankings, figures):
    sets = sorted({q[0] for q in asked})
    print(f"{'':18}" + "".join(f"{s:>26}" for s in sets))
    for name, own in rankings.items():
        line = f"{name:18}"
        for of_set in sets:
            first, precision = [], []
            for query_set, path, relevant, ignored in asked:
                if query_set == of_set:
                    ranking = [n for n in own.get(path.name, []) if n not in ignored]
                    first.append(bool(ranking) and ranking[0] in relevant)
                    precision.append(average_precision(ranking, relevant))
            recall, mean = statistics.mean(first), statistics.mean(precision)
            figures[f"{name}_{of_set}_recall_at_1"] = round(recall, 4)
            figures[f"{name}_{of_set}_map"] = round(mean, 4)
            line += f"  r@1 {recall:.3f} mAP {mean:.3f} ".rjust(26)
        print(line, flush=True)


if __name__ == "__main__":
    main()

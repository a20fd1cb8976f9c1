"""Search by FastAPI, OpenCV and faiss: the recipe of `retrieval_beside_peers.Bow` as a service.

    python fastapi_search.py FOLDER LEARNT_FROM WORK PORT PROCESSES WORDS

Builds once, then answers in as many processes as there are cores. `/search` ranks by visual words, `/search_verified`
verifies the first of them by matching and RANSAC as well. Prints a line when it answers.
"""

import os
import pathlib
import socket
import sys
import tempfile

import cv2
import faiss
import numpy as np
import uvicorn
from fastapi import FastAPI, Request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import retrieval_beside_peers as recipe

app = FastAPI()
bow = None


def path_of(body):
    # The recipe reads files.
    handle, name = tempfile.mkstemp(suffix=".jpg")
    with os.fdopen(handle, "wb") as file:
        file.write(body)
    return name


def answered(body, ask):
    path = path_of(body)
    try:
        return {"hits": [{"name": name} for name in ask(path, None)[:5]]}
    finally:
        os.unlink(path)


@app.get("/healthz")
async def health():
    return {"status": "ok"}


@app.post("/search")
async def search(request: Request):
    return answered(await request.body(), bow.query)


@app.post("/search_verified")
async def search_verified(request: Request):
    return answered(await request.body(), bow.query_verified)


def main():
    global bow
    folder, learnt_from, work = (pathlib.Path(word) for word in sys.argv[1:4])
    port, processes = int(sys.argv[4]), int(sys.argv[5])
    recipe.WORDS = int(sys.argv[6])
    # The recipe reads a path with a name; the list is the order of its answers.
    bow = recipe.Bow(sorted(folder.iterdir()), sorted(learnt_from.iterdir()), work)
    listening = socket.create_server(("127.0.0.1", port), backlog=2048)
    # Each process has a core. Libraries that had threads before a fork have none after it.
    faiss.omp_set_num_threads(1)
    cv2.setNumThreads(1)
    np.random.seed(1)
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    else:
        print("answers", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()

"""The functions behind FastAPI. `async def` saves a change of thread; what never ends gets one."""

import work
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/noop")
async def noop():
    return work.run("noop")


@app.get("/ms1")
async def ms1():
    return work.run("ms1")


@app.get("/ms20")
async def ms20():
    return work.run("ms20")


@app.post("/sift")
async def sift(request: Request):
    return work.run("sift", await request.body())


@app.get("/loop")
def loop():
    return work.run("loop")

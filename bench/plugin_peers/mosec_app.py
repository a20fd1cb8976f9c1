"""The functions behind mosec, one route: JSON names the function, anything else is a picture."""

import json
import os

import work
from mosec import Server
from mosec import Worker as Base


class Worker(Base):
    def deserialize(self, data):
        return data

    def forward(self, data):
        if data[:1] == b"{":
            return work.run(json.loads(data)["kind"])
        return work.run("sift", data)


if __name__ == "__main__":
    server = Server()
    server.append_worker(Worker, num=int(os.environ["WORKERS"]))
    server.run()
